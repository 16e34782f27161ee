//! What all `WxaPlatform`s of a process share that agree on platform, secret, hosts, Redis and store.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use tokio_util::sync::CancellationToken;

use super::changes::Changes;
use super::codes::ExchangedCodes;
use super::fleet_codes::FleetCodes;
use super::list::ListReader;
use super::merchant::Merchant;
use super::records::Records;
use super::store::{FileStore, KeyNames, MemoryStore, OwnStore, RedisRecordStore, StoreFunctions, as_store_error};
use super::tickets::Tickets;
use crate::clock::Clock;
use crate::event::{EventBus, EventSource, PlatformNotice};
use crate::keys::{AUTHORIZER, COMPONENT, RedisConfig};
use crate::redis::ScriptRunner;
use crate::seal::account_key_id;
use crate::token::fingerprint::Fingerprinter;
use crate::token::redis_store::RedisTokenStore;
use crate::token::state::RefreshPolicy;
use crate::token::store::{LocalStore, TokenStore};
use crate::token::{CacheHandle, TokenCache};

/// Where a platform keeps its records.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum StoreChoice {
    /// In memory, for tests and trials.
    Memory,
    /// In one file.
    File(PathBuf),
    /// In the Redis of the platform.
    Redis,
    /// In the caller's own store. Two of them are never the same.
    Own(u64),
}

/// What platforms share a [`Core`] by.
#[derive(Clone)]
pub(crate) struct PlatformKey {
    /// Of the platform.
    pub(crate) appid: String,
    pub(crate) secret: SecretString,
    /// Base URLs, in any order.
    pub(crate) bases: Vec<String>,
    pub(crate) redis: Option<RedisConfig>,
    pub(crate) store: StoreChoice,
}

impl PlatformKey {
    fn parts(&self) -> (&str, &str, String, &Option<RedisConfig>, &StoreChoice) {
        (&self.appid, self.secret.expose_secret(), self.key_id(), &self.redis, &self.store)
    }

    fn key_id(&self) -> String {
        account_key_id(&self.secret, &self.bases)
    }
}

impl PartialEq for PlatformKey {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for PlatformKey {}

impl std::hash::Hash for PlatformKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

/// What the process gives a platform.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) event_bus: Arc<EventBus>,
    /// The platform's Redis.
    pub(crate) scripts: Option<Arc<dyn ScriptRunner>>,
    /// The caller's own store.
    pub(crate) functions: Option<Arc<dyn StoreFunctions>>,
}

/// The number of merchants at which those that nobody uses are forgotten.
const MIN_SWEEP: usize = 1024;

/// The three credentials of a platform, its records and its merchants.
pub(crate) struct Core {
    pub(crate) appid: Arc<str>,
    pub(crate) secret: SecretString,
    pub(crate) clock: Clock,
    /// The component access token.
    pub(crate) component: Arc<TokenCache>,
    pub(crate) records: Arc<Records>,
    pub(crate) tickets: Tickets,
    pub(crate) list: ListReader,
    pub(crate) codes: ExchangedCodes,
    /// The same of the fleet; `None` without Redis.
    pub(crate) fleet_codes: Option<FleetCodes>,
    /// What other processes have changed; `None` without Redis.
    pub(crate) changes: Option<Changes>,
    pub(crate) events: EventSource,
    names: KeyNames,
    event_bus: Arc<EventBus>,
    caches: TokenCaches,
    merchants: Mutex<Merchants>,
    /// Cancelled when the last platform is closed.
    open: Mutex<Open>,
}

#[derive(Default)]
struct Merchants {
    by_appid: BTreeMap<Arc<str>, Arc<Merchant>>,
    sweep_at: usize,
}

#[derive(Default)]
struct Open {
    platforms: usize,
    stop: CancellationToken,
}

impl Core {
    /// A platform whose records are in the store of `key`. Touches neither file nor network.
    pub(crate) fn new(key: &PlatformKey, shared: Shared) -> Arc<Self> {
        let names = KeyNames {
            prefix: key.redis.as_ref().map(|redis| redis.key_prefix.clone()).unwrap_or_default(),
            appid: key.appid.clone(),
            key_id: key.key_id(),
        };
        let appid: Arc<str> = key.appid.as_str().into();
        let events = EventSource::new(shared.event_bus.clone(), appid.clone(), Some(COMPONENT));
        let records = Records::new(record_store(key, &shared, &names, &events));
        let caches = TokenCaches::new(&shared, &key.secret, &names, &events);
        let component = caches.make(shared.clock.clone(), names.token(&appid, COMPONENT), &events);
        component.secrets().add_permanent(&key.secret);
        Arc::new(Self {
            tickets: Tickets::default(),
            list: ListReader::default(),
            codes: ExchangedCodes::default(),
            fleet_codes: shared.scripts.clone().map(|scripts| {
                FleetCodes::new(scripts, &key.secret, shared.clock.clone(), names.token(&key.appid, COMPONENT))
            }),
            changes: shared.scripts.clone().map(|scripts| Changes::new(scripts, names.changes())),
            clock: shared.clock.clone(),
            secret: key.secret.clone(),
            merchants: Mutex::default(),
            open: Mutex::default(),
            appid,
            component,
            records,
            events,
            names,
            event_bus: shared.event_bus,
            caches,
        })
    }

    /// The merchant with this appid, whether or not it has authorised the platform.
    pub(crate) fn merchant(&self, appid: &str) -> Arc<Merchant> {
        let mut merchants = self.merchants.lock();
        if let Some(merchant) = merchants.by_appid.get(appid) {
            return merchant.clone();
        }
        if merchants.by_appid.len() >= merchants.sweep_at {
            merchants.by_appid.retain(|_, merchant| Arc::strong_count(merchant) > 1 || merchant.is_worth_keeping());
            merchants.sweep_at = MIN_SWEEP.max(2 * merchants.by_appid.len());
        }
        let appid: Arc<str> = appid.into();
        let events = EventSource::new(self.event_bus.clone(), appid.clone(), Some(AUTHORIZER));
        let cache = self.caches.make(self.clock.clone(), self.authorizer_prefix(&appid), &events);
        cache.secrets().include(self.component.secrets());
        let merchant = Arc::new(Merchant::new(appid.clone(), cache, events));
        merchants.by_appid.insert(appid, merchant.clone());
        merchant
    }

    /// The merchant, if this process knows it.
    pub(crate) fn known_merchant(&self, appid: &str) -> Option<Arc<Merchant>> {
        self.merchants.lock().by_appid.get(appid).cloned()
    }

    /// All merchants that this process knows.
    pub(crate) fn merchants(&self) -> Vec<Arc<Merchant>> {
        self.merchants.lock().by_appid.values().cloned().collect()
    }

    /// The prefix of the platform's own keys in Redis.
    #[cfg(test)]
    pub(crate) fn component_prefix(&self) -> String {
        self.names.token(&self.appid, COMPONENT)
    }

    /// The prefix of the keys of a merchant's token in Redis.
    pub(crate) fn authorizer_prefix(&self, appid: &str) -> String {
        self.names.token(appid, AUTHORIZER)
    }

    /// Emits what happens to the platform.
    pub(crate) fn notice(&self, build: impl FnOnce() -> PlatformNotice) {
        self.events.platform(build);
    }

    /// Seconds since 1970.
    pub(crate) fn seconds(&self) -> u64 {
        self.clock.wall().as_secs()
    }

    /// Cancelled when the last platform is closed.
    pub(crate) fn stopped(&self) -> CancellationToken {
        self.open.lock().stop.clone()
    }

    /// Registers a platform that uses the core. Returns whether it is the first one, which has to listen to other processes.
    pub(crate) fn attach(self: &Arc<Self>) -> (CoreHandle, bool) {
        let mut open = self.open.lock();
        open.platforms += 1;
        (CoreHandle { core: self.clone(), _component: self.component.attach() }, open.platforms == 1)
    }
}

/// A platform that uses a core. When the last handle is dropped, what runs in the background stops.
pub(crate) struct CoreHandle {
    core: Arc<Core>,
    _component: CacheHandle,
}

impl CoreHandle {
    /// Ends the use. After the last one the file is free, and what was unsaved is saved or cannot be.
    pub(crate) async fn release(self) {
        let core = self.core.clone();
        drop(self);
        if core.open.lock().platforms == 0 {
            core.records.release().await;
        }
    }
}

impl Drop for CoreHandle {
    fn drop(&mut self) {
        let mut open = self.core.open.lock();
        open.platforms -= 1;
        if open.platforms == 0 {
            let stop = std::mem::take(&mut open.stop);
            drop(open);
            stop.cancel();
        }
    }
}

fn record_store(
    key: &PlatformKey,
    shared: &Shared,
    names: &KeyNames,
    events: &EventSource,
) -> Arc<dyn super::store::RecordStore> {
    let PlatformKey { appid, secret, store, .. } = key;
    match (store, &shared.scripts, &shared.functions) {
        (StoreChoice::File(path), ..) => FileStore::new(path, appid, secret),
        (StoreChoice::Own(_), scripts, Some(functions)) => {
            Arc::new(OwnStore::new(functions.clone(), appid, secret, scripts.is_some()))
        }
        (StoreChoice::Redis, Some(scripts), _) => {
            Arc::new(RedisRecordStore::new(scripts.clone(), secret, names.clone(), events.clone()))
        }
        (StoreChoice::Memory | StoreChoice::Own(_) | StoreChoice::Redis, ..) => Arc::new(MemoryStore::default()),
    }
}

/// Makes the token caches of a platform and of its merchants, which share what follows from the secret.
struct TokenCaches {
    fingerprinter: Arc<Fingerprinter>,
    /// The store of the platform's own token; `None` without Redis.
    redis: Option<RedisTokenStore>,
}

impl TokenCaches {
    fn new(shared: &Shared, secret: &SecretString, names: &KeyNames, events: &EventSource) -> Self {
        let redis = shared.scripts.clone().map(|scripts| {
            let prefix = names.token(&names.appid, COMPONENT);
            RedisTokenStore::new(scripts, secret, prefix, events.clone()).with_errors(as_store_error)
        });
        Self { fingerprinter: Arc::new(Fingerprinter::new(secret)), redis }
    }

    fn make(&self, clock: Clock, key_prefix: String, events: &EventSource) -> Arc<TokenCache> {
        let (policy, store): (_, Arc<dyn TokenStore>) = match &self.redis {
            None => (RefreshPolicy::CLASSIC, Arc::new(LocalStore::default())),
            Some(redis) => {
                (RefreshPolicy::CLASSIC.for_fleet(), Arc::new(redis.for_account(key_prefix, events.clone())))
            }
        };
        TokenCache::new(policy, clock, store, events.clone(), self.fingerprinter.clone())
    }
}
