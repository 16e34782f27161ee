//! What the clients of one process share: token caches, code caches, HTTP clients, sliding windows, Redis clients. The registry
//! is emptied when the last environment leaves, because its tasks run on a runtime that shuts down then. `keys` says who
//! shares what.

mod shared;

use std::sync::{Arc, LazyLock};

use parking_lot::{Mutex, MutexGuard};

use crate::cache::{KeySpace, Limits, QrCodeCache, SharedQrCodes};
use crate::clock::Clock;
use crate::error::invalid::InvalidParam;
use crate::event::{EventBus, EventSource};
use crate::keys::{Account, App, ConnectionRole, Mode, RedisConfig, RedisServer};
use crate::rate_limit::window::SlidingWindow;
use crate::redis::RedisClient;
use crate::token::TokenCache;
use crate::token::fingerprint::Fingerprinter;
use crate::token::redis_store::RedisTokenStore;
use crate::token::state::RefreshPolicy;
use crate::token::store::LocalStore;
use crate::transport::body::BufferPool;
use crate::transport::pool::{HttpClients, Settings};
use shared::{Keyed, Shared};

/// The token stays for the account's next client. One that lies in Redis need not, and its connection ends with its
/// clients.
impl Keyed for TokenCache {
    type Key = Account;
    const OUTLIVE: usize = 1024;

    fn may_outlive(&self) -> bool {
        !self.is_shared()
    }
}

impl Keyed for QrCodeCache {
    type Key = (Account, Limits);
    const OUTLIVE: usize = 0;
}

/// A new client finds open connections; idle ones close by themselves.
impl Keyed for HttpClients {
    type Key = Settings;
    const OUTLIVE: usize = 4;
}

impl Keyed for RedisClient {
    type Key = RedisServer;
    const OUTLIVE: usize = 0;
}

/// What was used of a minute does not come back with a new client.
impl Keyed for SlidingWindow {
    type Key = App;
    const OUTLIVE: usize = 4096;
}

/// All that is shared, and the number of environments that use it.
#[derive(Default)]
pub(crate) struct Registry {
    /// By which all of them go.
    clock: Clock,
    environments: usize,
    token_caches: Shared<TokenCache>,
    pools: Shared<HttpClients>,
    qr_caches: Shared<QrCodeCache>,
    redis_clients: Shared<RedisClient>,
    windows: Shared<SlidingWindow>,
    /// Memory for pictures, reused.
    buffers: Arc<BufferPool>,
    event_bus: Arc<EventBus>,
}

static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(|| Mutex::new(Registry::new(Clock::default())));

/// The process's own.
pub(crate) fn shared() -> MutexGuard<'static, Registry> {
    REGISTRY.lock()
}

impl Registry {
    /// An empty registry. What it makes reads the time from `clock`.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { event_bus: Arc::new(EventBus::new(clock.clone())), clock, ..Self::default() }
    }

    /// The clock of all that it makes.
    pub(crate) fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// An environment begins.
    pub(crate) fn enter(&mut self) {
        self.environments += 1;
    }

    /// An environment ends. With the last one all that is shared goes.
    pub(crate) fn leave(&mut self) {
        self.environments = self.environments.saturating_sub(1);
        if self.environments == 0 {
            *self = Self::new(self.clock.clone());
        }
    }

    /// The token cache of an account.
    pub(crate) fn cache(&mut self, account: &Account) -> Result<Arc<TokenCache>, InvalidParam> {
        let (redis_clients, event_bus) = (&mut self.redis_clients, &self.event_bus);
        self.token_caches.get(account, || {
            let rules = match account.mode {
                Mode::Stable => RefreshPolicy::STABLE,
                Mode::Classic => RefreshPolicy::CLASSIC,
            };
            let clock = self.clock.clone();
            let events = EventSource::new(event_bus.clone(), account.appid.as_str(), Some(account.mode.name()));
            let fingerprinter = Fingerprinter::new(&account.secret);
            Ok(match account.redis.as_ref().zip(account.key_prefix()) {
                None => TokenCache::new(rules, clock, Arc::new(LocalStore::default()), events, fingerprinter),
                Some((redis, key_prefix)) => {
                    let redis_client = redis_client(redis_clients, event_bus, redis, ConnectionRole::Tokens)?;
                    let store = RedisTokenStore::new(redis_client, &account.secret, key_prefix, events.clone());
                    TokenCache::new(rules.shared(), clock, Arc::new(store), events, fingerprinter)
                }
            })
        })
    }

    /// A cache for a client with a token provider, which is not shared.
    pub(crate) fn provided(&self, appid: &str) -> Arc<TokenCache> {
        let clock = self.clock.clone();
        let events = events(&self.event_bus, appid, "provider");
        TokenCache::new(
            RefreshPolicy::PROVIDER,
            clock,
            Arc::new(LocalStore::default()),
            events,
            Fingerprinter::with_random_key(),
        )
    }

    /// The code cache of clients with the same account and limits. A client whose token is not shared has a separate one.
    pub(crate) fn codes(
        &mut self,
        account: Option<&Account>,
        limits: &Limits,
    ) -> Result<Arc<QrCodeCache>, InvalidParam> {
        let Some(account) = account else { return Ok(Arc::new(QrCodeCache::new(limits, None))) };
        let (redis_clients, event_bus) = (&mut self.redis_clients, &self.event_bus);
        self.qr_caches.get(&(account.clone(), limits.clone()), || {
            let fleet = match limits.fleet.zip(account.redis.as_ref()) {
                Some((max_entry, redis)) => Some(SharedQrCodes::new(
                    redis_client(redis_clients, event_bus, redis, ConnectionRole::Codes)?,
                    &account.secret,
                    KeySpace {
                        prefix: redis.key_prefix.clone(),
                        account: format!("{}:{}", account.appid, account.fingerprint()),
                    },
                    events(event_bus, &account.appid, account.mode.name()),
                    limits.ttl,
                    max_entry,
                )),
                None => None,
            };
            Ok(Arc::new(QrCodeCache::new(limits, fleet)))
        })
    }

    /// The event bus of token caches and Redis clients.
    pub(crate) fn event_bus(&self) -> Arc<EventBus> {
        self.event_bus.clone()
    }

    /// One connection for all accounts that use the same Redis.
    pub(crate) fn redis_client(
        &mut self,
        redis: &RedisConfig,
        role: ConnectionRole,
    ) -> Result<Arc<RedisClient>, InvalidParam> {
        redis_client(&mut self.redis_clients, &self.event_bus, redis, role)
    }

    /// The HTTP clients of a proxy and its trusted roots.
    pub(crate) fn pool(&mut self, settings: &Settings) -> Result<Arc<HttpClients>, InvalidParam> {
        self.pools.get(settings, || HttpClients::new(settings).map(Arc::new))
    }

    /// The memory that answers are read into.
    pub(crate) fn buffers(&self) -> Arc<BufferPool> {
        self.buffers.clone()
    }

    /// The calls of an app in the last minute: WeChat counts them for all its tokens.
    pub(crate) fn window(&mut self, app: &App) -> Arc<SlidingWindow> {
        let made = self
            .windows
            .get(app, || Ok::<_, std::convert::Infallible>(Arc::new(SlidingWindow::new(self.clock.clone()))));
        match made {
            Ok(minute) => minute,
            Err(never) => match never {},
        }
    }
}

fn events(event_bus: &Arc<EventBus>, appid: &str, mode: &'static str) -> EventSource {
    EventSource::new(event_bus.clone(), appid, Some(mode))
}

fn redis_client(
    redis_clients: &mut Shared<RedisClient>,
    event_bus: &Arc<EventBus>,
    redis: &RedisConfig,
    role: ConnectionRole,
) -> Result<Arc<RedisClient>, InvalidParam> {
    redis_clients.get(&RedisServer::of(redis, role), || {
        RedisClient::open(&redis.url, redis.ca.as_deref(), redis.timeout, event_bus.clone())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::event::testing::RecordingListener;
    use crate::transport::proxy::Proxy;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    fn account() -> impl Strategy<Value = Account> {
        let bases = prop::collection::vec(prop::sample::select(vec!["http://a", "http://b", "http://c"]), 1..3);
        (0..2u8, any::<bool>(), 0..2u8, bases).prop_map(|(appid, stable, secret, bases)| Account {
            appid: format!("wx{appid:016}"),
            mode: if stable { Mode::Stable } else { Mode::Classic },
            secret: format!("secret{secret}").into(),
            bases: bases.into_iter().map(str::to_owned).collect(),
            redis: None,
        })
    }

    fn hosts(account: &Account) -> BTreeSet<String> {
        account.bases.iter().cloned().collect()
    }

    proptest! {
        #[test]
        fn clients_share_a_token_exactly_if_their_account_settings_are_equal(a in account(), b in account()) {
            let mut registry = Registry::default();
            let agree = a.appid == b.appid && a.mode == b.mode && hosts(&a) == hosts(&b)
                && a.secret.expose_secret() == b.secret.expose_secret();
            let shared = Arc::ptr_eq(&registry.cache(&a).unwrap(), &registry.cache(&b).unwrap());
            prop_assert_eq!(shared, agree);
        }

        #[test]
        fn clients_share_a_rate_limit_exactly_if_they_have_the_same_appid_and_hosts(a in account(), b in account()) {
            let mut registry = Registry::default();
            let mut window = |account: &Account| registry.window(&App::new(&account.appid, &account.bases));
            let agree = a.appid == b.appid && hosts(&a) == hosts(&b);
            prop_assert_eq!(Arc::ptr_eq(&window(&a), &window(&b)), agree);
        }
    }

    #[test]
    fn the_order_of_hosts_does_not_change_the_account() {
        let mut registry = Registry::default();
        let mut cache = |bases: [&str; 2]| {
            let bases = bases.map(str::to_owned).to_vec();
            let account = Account { appid: "wx".into(), mode: Mode::Stable, secret: "s".into(), bases, redis: None };
            registry.cache(&account).unwrap()
        };
        assert!(Arc::ptr_eq(&cache(["http://a", "http://b"]), &cache(["http://b", "http://a"])));
    }

    #[test]
    fn closing_the_last_environment_drops_everything() {
        let mut registry = Registry::default();
        registry.enter();
        registry.enter();
        registry.window(&App::new("wx", &[]));
        registry.leave();
        assert_eq!(registry.windows.len(), 1);
        registry.leave();
        assert_eq!(registry.windows.len(), 0);
    }

    #[test]
    fn unused_accounts_are_forgotten() {
        let mut registry = Registry::default();
        for n in 0..10_000 {
            let appid = format!("wx{n:016}");
            registry.window(&App::new(&appid, &[]));
            let account = Account { appid, mode: Mode::Stable, secret: "s".into(), bases: vec![], redis: None };
            registry.cache(&account).unwrap();
        }
        assert!(registry.token_caches.len() <= 1024, "{}", registry.token_caches.len());
        assert!(registry.windows.len() <= 4096, "{}", registry.windows.len());
    }

    #[test]
    fn a_redis_connection_closes_with_its_last_client() {
        let mut registry = Registry::default();
        let redis = RedisConfig {
            url: "redis://localhost".into(),
            ca: None,
            timeout: crate::redis::DEFAULT_TIMEOUT,
            key_prefix: "a:".into(),
        };
        let account = |prefix: &str| Account {
            appid: "wx".into(),
            mode: Mode::Stable,
            secret: "s".into(),
            bases: vec![],
            redis: Some(RedisConfig { key_prefix: prefix.into(), ..redis.clone() }),
        };
        let clients = ["a:", "b:"].map(|prefix| registry.cache(&account(prefix)).unwrap());
        assert_eq!((registry.token_caches.len(), registry.redis_clients.len()), (2, 1));
        drop(clients);
        assert_eq!((registry.token_caches.len(), registry.redis_clients.len()), (0, 0));
    }

    #[test]
    fn clients_share_connections_with_the_same_settings_and_codes_with_the_same_account_and_limits() {
        let mut registry = Registry::default();
        let proxied = || Settings { proxy: Some(Proxy::parse("http://proxy.example").unwrap()), ca: None };
        let pool = registry.pool(&proxied()).unwrap();
        assert!(Arc::ptr_eq(&pool, &registry.pool(&proxied()).unwrap()));
        assert!(!Arc::ptr_eq(&pool, &registry.pool(&Settings::default()).unwrap()));
        let account = |appid: &str| Account {
            appid: appid.into(),
            mode: Mode::Stable,
            secret: "s".into(),
            bases: vec![],
            redis: None,
        };
        let limits = |max_bytes| Limits { max_bytes, ttl: None, fleet: None };
        let mut codes =
            |account: Option<Account>, max_bytes| registry.codes(account.as_ref(), &limits(max_bytes)).unwrap();
        let kept = codes(Some(account("wx1")), 1);
        assert!(Arc::ptr_eq(&kept, &codes(Some(account("wx1")), 1)));
        assert!(!Arc::ptr_eq(&kept, &codes(Some(account("wx1")), 2)));
        assert!(!Arc::ptr_eq(&kept, &codes(Some(account("wx2")), 1)));
        assert!(!Arc::ptr_eq(&codes(None, 1), &codes(None, 1)), "without an account");
    }

    #[test]
    fn the_token_of_a_provider_is_not_shared() {
        let registry = Registry::default();
        assert!(!Arc::ptr_eq(&registry.provided("wx"), &registry.provided("wx")));
    }

    #[test]
    fn subscribers_hear_the_events_of_every_token_cache() {
        let mut registry = Registry::default();
        let recorder = Arc::<RecordingListener>::default();
        registry.event_bus().add(recorder.clone());
        let account =
            Account { appid: "wx".into(), mode: Mode::Classic, secret: "s".into(), bases: vec![], redis: None };
        registry.cache(&account).unwrap().invalidate("unknown", 40001);
        registry.provided("wx").invalidate("unknown", 40001);
        let modes: Vec<_> = recorder.0.lock().iter().map(|event| event.account.as_ref().unwrap().mode).collect();
        assert_eq!(modes, [Some("classic"), Some("provider")]);
    }
}
