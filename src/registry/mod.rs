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
mod tests;
