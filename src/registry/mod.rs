//! What the clients of one process share: token caches, QR code caches, HTTP clients, sliding windows, Redis clients. The
//! registry is emptied when the last environment is unregistered, because its tasks run on a runtime that shuts down then.
//! `keys` says who shares what.

mod weak_cache;

use std::convert::Infallible;
use std::sync::{Arc, LazyLock};

use parking_lot::{Mutex, MutexGuard};

use crate::cache::{
    Disk, DiskLimits, DiskQrCodes, KeySpace, Limits, QrCodeCache, RedisQrCodes, SharedStore, StoredQrCodes, Tiers,
};
use crate::clock::Clock;
use crate::error::invalid::InvalidParam;
use crate::event::{EventBus, EventSource};
use crate::keys::{Account, App, ConnectionRole, Mode, RedisConfig, RedisServer};
use crate::lifetime_quota::SharedUsage;
use crate::platform::core::{Core, PlatformKey, Shared};
use crate::platform::store::StoreFunctions;
use crate::rate_limit::window::SlidingWindow;
use crate::redis::{RedisClient, ScriptRunner};
use crate::token::TokenCache;
use crate::token::fingerprint::Fingerprinter;
use crate::token::redis_store::RedisTokenStore;
use crate::token::state::RefreshPolicy;
use crate::token::store::LocalStore;
use crate::transport::http_clients::{HttpClients, HttpSettings};
use weak_cache::{Keyed, WeakCache};

/// The token is kept for the account's next client. A token in Redis need not be, and its connection ends with its clients.
impl Keyed for TokenCache {
    type Key = Account;
    const MAX_IDLE: usize = 1024;

    fn keep_when_idle(&self) -> bool {
        !self.is_in_redis()
    }
}

impl Keyed for QrCodeCache {
    type Key = (Account, Limits);
    const MAX_IDLE: usize = 0;
}

/// Nothing is open while no client uses it.
impl Keyed for Disk {
    type Key = DiskLimits;
    const MAX_IDLE: usize = 0;
}

/// A new client finds open connections; idle ones close by themselves.
impl Keyed for HttpClients {
    type Key = HttpSettings;
    const MAX_IDLE: usize = 4;
}

impl Keyed for RedisClient {
    type Key = RedisServer;
    const MAX_IDLE: usize = 0;
}

/// Its file is free when the last platform is closed.
impl Keyed for Core {
    type Key = PlatformKey;
    const MAX_IDLE: usize = 0;
}

/// A new client does not get back the permits that earlier clients have used.
impl Keyed for SlidingWindow {
    type Key = App;
    const MAX_IDLE: usize = 4096;
}

/// A new client knows what earlier ones were told.
impl Keyed for SharedUsage {
    type Key = App;
    const MAX_IDLE: usize = 4096;
}

/// The shared values, and the number of environments that use them.
#[derive(Default)]
pub(crate) struct Registry {
    /// The clock of all shared values.
    clock: Clock,
    environments: usize,
    token_caches: WeakCache<TokenCache>,
    http_clients: WeakCache<HttpClients>,
    qr_code_caches: WeakCache<QrCodeCache>,
    disks: WeakCache<Disk>,
    redis_clients: WeakCache<RedisClient>,
    windows: WeakCache<SlidingWindow>,
    usages: WeakCache<SharedUsage>,
    platforms: WeakCache<Core>,
    event_bus: Arc<EventBus>,
}

/// What is behind the memory of a QR code cache, besides Redis.
pub(crate) struct Behind<'a> {
    /// Of events.
    pub(crate) appid: &'a str,
    /// Of events.
    pub(crate) mode: Option<&'static str>,
    pub(crate) disk: Option<Arc<Disk>>,
    /// With what its keys begin with.
    pub(crate) store: Option<(SharedStore, String)>,
}

static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(|| Mutex::new(Registry::new(Clock::default())));

/// The registry of this process.
pub(crate) fn global() -> MutexGuard<'static, Registry> {
    REGISTRY.lock()
}

impl Registry {
    /// An empty registry. Its values read the time from `clock`.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { event_bus: Arc::new(EventBus::new(clock.clone())), clock, ..Self::default() }
    }

    /// The clock of all shared values.
    pub(crate) fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// An environment begins.
    pub(crate) fn register_environment(&mut self) {
        self.environments += 1;
    }

    /// An environment ends. The last environment drops all shared values.
    pub(crate) fn unregister_environment(&mut self) {
        self.environments = self.environments.saturating_sub(1);
        if self.environments == 0 {
            *self = Self::new(self.clock.clone());
        }
    }

    /// The token cache of an account.
    pub(crate) fn token_cache(&mut self, account: &Account) -> Result<Arc<TokenCache>, InvalidParam> {
        let (redis_clients, event_bus) = (&mut self.redis_clients, &self.event_bus);
        self.token_caches.get(account, || {
            let policy = match account.mode {
                Mode::Stable => RefreshPolicy::STABLE,
                Mode::Classic => RefreshPolicy::CLASSIC,
            };
            let clock = self.clock.clone();
            let events = EventSource::new(event_bus.clone(), account.appid.as_str(), Some(account.mode.name()));
            let fingerprinter = Fingerprinter::new(&account.secret);
            Ok(match account.redis.as_ref().zip(account.key_prefix()) {
                None => TokenCache::new(policy, clock, Arc::new(LocalStore::default()), events, fingerprinter),
                Some((redis, key_prefix)) => {
                    let redis_client = redis_client(redis_clients, event_bus, redis, ConnectionRole::Tokens)?;
                    let store = RedisTokenStore::new(redis_client, &account.secret, key_prefix, events.clone());
                    TokenCache::new(policy.for_fleet(), clock, Arc::new(store), events, fingerprinter)
                }
            })
        })
    }

    /// A token cache for a client with a token provider, which is not shared.
    pub(crate) fn provider_token_cache(&self, appid: &str) -> Arc<TokenCache> {
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

    /// The QR code cache of clients with the same account and limits. A client whose token is not shared has a separate cache.
    pub(crate) fn qr_code_cache(
        &mut self,
        account: Option<&Account>,
        limits: &Limits,
        behind: Behind<'_>,
    ) -> Result<Arc<QrCodeCache>, InvalidParam> {
        let Behind { appid, mode, disk, store } = behind;
        let (redis_clients, event_bus) = (&mut self.redis_clients, &self.event_bus);
        let events = || EventSource::new(event_bus.clone(), appid, mode);
        let store = || store.map(|(store, namespace)| StoredQrCodes::new(store, &namespace, events()));
        let Some(account) = account else {
            return Ok(Arc::new(QrCodeCache::new(limits, Tiers { store: store(), ..Tiers::default() })));
        };
        self.qr_code_caches.get(&(account.clone(), limits.clone()), || {
            let id = format!("{}:{}", account.appid, account.key_id());
            let redis = match limits.redis_max_entry_bytes.zip(account.redis.as_ref()) {
                Some((max_entry_bytes, redis)) => Some(RedisQrCodes::new(
                    redis_client(redis_clients, event_bus, redis, ConnectionRole::QrCodes)?,
                    &account.secret,
                    KeySpace { prefix: redis.key_prefix.clone(), account: id.clone() },
                    events(),
                    limits.ttl,
                    max_entry_bytes,
                )),
                None => None,
            };
            let disk = disk.map(|disk| DiskQrCodes::new(disk, &account.secret, id, events(), limits.ttl));
            Ok(Arc::new(QrCodeCache::new(limits, Tiers { disk, redis, store: store() })))
        })
    }

    /// The disk with these limits, if a client uses it.
    pub(crate) fn known_disk(&mut self, limits: &DiskLimits) -> Option<Arc<Disk>> {
        self.disks.get(limits, || Err(())).ok()
    }

    /// The same, or else this one.
    pub(crate) fn disk(&mut self, limits: &DiskLimits, opened: Disk) -> Arc<Disk> {
        match self.disks.get(limits, || Ok::<_, Infallible>(Arc::new(opened))) {
            Ok(disk) => disk,
            Err(never) => match never {},
        }
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

    /// What the platforms with this key share. `functions` are those of the caller's own store.
    pub(crate) fn platform(
        &mut self,
        key: &PlatformKey,
        functions: Option<Arc<dyn StoreFunctions>>,
    ) -> Result<Arc<Core>, InvalidParam> {
        let (redis_clients, event_bus) = (&mut self.redis_clients, &self.event_bus);
        self.platforms.get(key, || {
            let scripts: Option<Arc<dyn ScriptRunner>> = match &key.redis {
                Some(redis) => Some(redis_client(redis_clients, event_bus, redis, ConnectionRole::Tokens)?),
                None => None,
            };
            let shared = Shared { clock: self.clock.clone(), event_bus: event_bus.clone(), scripts, functions };
            Ok(Core::new(key, shared))
        })
    }

    /// The HTTP clients of a proxy and its trusted roots.
    pub(crate) fn http_clients(&mut self, settings: &HttpSettings) -> Result<Arc<HttpClients>, InvalidParam> {
        self.http_clients.get(settings, || HttpClients::new(settings).map(Arc::new))
    }

    /// The calls of an app in the last minute: WeChat counts them for all its tokens.
    pub(crate) fn sliding_window(&mut self, app: &App) -> Arc<SlidingWindow> {
        get_or_make(&mut self.windows, app, || SlidingWindow::new(self.clock.clone()))
    }

    /// How many codes an app has used, as far as WeChat has told it.
    pub(crate) fn shared_usage(&mut self, app: &App) -> Arc<SharedUsage> {
        get_or_make(&mut self.usages, app, || SharedUsage::new(self.clock.clone()))
    }
}

/// What an app shares; `make` cannot fail.
fn get_or_make<T: Keyed<Key = App>>(cache: &mut WeakCache<T>, app: &App, make: impl FnOnce() -> T) -> Arc<T> {
    match cache.get(app, || Ok::<_, Infallible>(Arc::new(make()))) {
        Ok(shared) => shared,
        Err(never) => match never {},
    }
}

fn events(event_bus: &Arc<EventBus>, appid: &str, mode: &'static str) -> EventSource {
    EventSource::new(event_bus.clone(), appid, Some(mode))
}

fn redis_client(
    redis_clients: &mut WeakCache<RedisClient>,
    event_bus: &Arc<EventBus>,
    redis: &RedisConfig,
    role: ConnectionRole,
) -> Result<Arc<RedisClient>, InvalidParam> {
    redis_clients.get(&RedisServer::new(redis, role), || {
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
            let shared = Arc::ptr_eq(&registry.token_cache(&a).unwrap(), &registry.token_cache(&b).unwrap());
            prop_assert_eq!(shared, agree);
        }

        #[test]
        fn clients_share_a_rate_limit_exactly_if_they_have_the_same_appid_and_hosts(a in account(), b in account()) {
            let mut registry = Registry::default();
            let mut window = |account: &Account| registry.sliding_window(&App::new(&account.appid, &account.bases));
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
            registry.token_cache(&account).unwrap()
        };
        assert!(Arc::ptr_eq(&cache(["http://a", "http://b"]), &cache(["http://b", "http://a"])));
    }

    #[test]
    fn closing_the_last_environment_drops_everything() {
        let mut registry = Registry::default();
        registry.register_environment();
        registry.register_environment();
        registry.sliding_window(&App::new("wx", &[]));
        registry.unregister_environment();
        assert_eq!(registry.windows.len(), 1);
        registry.unregister_environment();
        assert_eq!(registry.windows.len(), 0);
    }

    #[test]
    fn unused_accounts_are_forgotten() {
        let mut registry = Registry::default();
        for n in 0..10_000 {
            let appid = format!("wx{n:016}");
            registry.sliding_window(&App::new(&appid, &[]));
            let account = Account { appid, mode: Mode::Stable, secret: "s".into(), bases: vec![], redis: None };
            registry.token_cache(&account).unwrap();
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
        let clients = ["a:", "b:"].map(|prefix| registry.token_cache(&account(prefix)).unwrap());
        assert_eq!((registry.token_caches.len(), registry.redis_clients.len()), (2, 1));
        drop(clients);
        assert_eq!((registry.token_caches.len(), registry.redis_clients.len()), (0, 0));
    }

    #[test]
    fn clients_share_connections_with_the_same_settings_and_codes_with_the_same_account_and_limits() {
        let mut registry = Registry::default();
        let proxied = || HttpSettings { proxy: Some(Proxy::parse("http://proxy.example").unwrap()), ca: None };
        let clients = registry.http_clients(&proxied()).unwrap();
        assert!(Arc::ptr_eq(&clients, &registry.http_clients(&proxied()).unwrap()));
        assert!(!Arc::ptr_eq(&clients, &registry.http_clients(&HttpSettings::default()).unwrap()));
        let account = |appid: &str| Account {
            appid: appid.into(),
            mode: Mode::Stable,
            secret: "s".into(),
            bases: vec![],
            redis: None,
        };
        let limits = |max_bytes| Limits { max_bytes, ttl: None, redis_max_entry_bytes: None, disk: None, store: None };
        let mut qr_codes = |account: Option<Account>, max_bytes| {
            let behind = Behind { appid: "wx", mode: None, disk: None, store: None };
            registry.qr_code_cache(account.as_ref(), &limits(max_bytes), behind).unwrap()
        };
        let first = qr_codes(Some(account("wx1")), 1);
        assert!(Arc::ptr_eq(&first, &qr_codes(Some(account("wx1")), 1)));
        assert!(!Arc::ptr_eq(&first, &qr_codes(Some(account("wx1")), 2)));
        assert!(!Arc::ptr_eq(&first, &qr_codes(Some(account("wx2")), 1)));
        assert!(!Arc::ptr_eq(&qr_codes(None, 1), &qr_codes(None, 1)), "without an account");
    }

    #[test]
    fn the_token_of_a_provider_is_not_shared() {
        let registry = Registry::default();
        assert!(!Arc::ptr_eq(&registry.provider_token_cache("wx"), &registry.provider_token_cache("wx")));
    }

    #[test]
    fn subscribers_hear_the_events_of_every_token_cache() {
        let mut registry = Registry::default();
        let recorder = Arc::<RecordingListener>::default();
        registry.event_bus().add(recorder.clone());
        let account =
            Account { appid: "wx".into(), mode: Mode::Classic, secret: "s".into(), bases: vec![], redis: None };
        registry.token_cache(&account).unwrap().invalidate("unknown", 40001);
        registry.provider_token_cache("wx").invalidate("unknown", 40001);
        let modes: Vec<_> = recorder.0.lock().iter().map(|event| event.account.as_ref().unwrap().mode).collect();
        assert_eq!(modes, [Some("classic"), Some("provider")]);
    }
}
