//! What the clients of one process share: token and code caches, HTTP pools, minutes. Plain values, emptied when the
//! last environment leaves, because their tasks run on a runtime that ends then.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock, Weak};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use secrecy::{ExposeSecret, SecretString};

use crate::budget::window::Minute;
use crate::cache::{CodeCache, FleetCodes, Limits, Place};
use crate::event::{Hub, Voice};
use crate::link::Link;
use crate::seal::account_print;
use crate::token::TokenCache;
use crate::token::clock::SystemClock;
use crate::token::fingerprint::Prints;
use crate::token::redis::Redis;
use crate::token::source::Mode;
use crate::token::state::Rules;
use crate::token::store::Alone;
use crate::transport::body::Bodies;
use crate::transport::pool::{Pool, Settings};
use crate::wechat::invalid::Invalid;

/// Whose token it is. Only clients that agree on all of it share one.
#[derive(Clone, Debug)]
pub struct Account {
    pub appid: String,
    pub mode: Mode,
    pub secret: SecretString,
    /// In any order.
    pub bases: Vec<String>,
    /// Where a fleet shares it.
    pub meeting: Option<Meeting>,
}

/// A Redis, and what the keys there begin with. The URL may hold a password.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Meeting {
    pub url: String,
    /// PEM roots that are trusted instead of the system's.
    pub ca: Option<Vec<u8>>,
    /// The longest that a caller waits for it.
    pub timeout: Duration,
    pub key_prefix: String,
}

impl std::fmt::Debug for Meeting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Meeting({})", self.key_prefix)
    }
}

impl Account {
    fn parts(&self) -> (&str, Mode, &str, Vec<&str>, &Option<Meeting>) {
        let mut bases: Vec<_> = self.bases.iter().map(String::as_str).collect();
        bases.sort_unstable();
        bases.dedup();
        (&self.appid, self.mode, self.secret.expose_secret(), bases, &self.meeting)
    }
}

impl Account {
    /// What this account's keys in the fleet's store begin with. A test environment with another secret or other hosts has others.
    pub fn place(&self) -> Option<String> {
        let meeting = self.meeting.as_ref()?;
        Some(format!("{}{{{}:{}:{}}}", meeting.key_prefix, self.appid, self.mode.name(), self.print()))
    }

    fn print(&self) -> String {
        account_print(&self.secret, &self.bases)
    }
}

impl PartialEq for Account {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Account {}

impl Hash for Account {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

/// What a connection to Redis carries. Pictures are large and have one of their own: nobody's token waits behind them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    Tokens,
    Codes,
}

#[derive(Default)]
pub struct Registry {
    environments: usize,
    caches: HashMap<Account, Arc<TokenCache>>,
    pools: HashMap<Settings, Arc<Pool>>,
    bodies: Arc<Bodies>,
    codes: HashMap<(Account, Limits), Weak<CodeCache>>,
    links: HashMap<(Meeting, Lane), Weak<Link>>,
    minutes: HashMap<String, Arc<Minute>>,
    hub: Arc<Hub>,
}

static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

/// The process's own.
pub fn shared() -> MutexGuard<'static, Registry> {
    REGISTRY.lock()
}

impl Registry {
    pub fn enter(&mut self) {
        self.environments += 1;
    }

    pub fn leave(&mut self) {
        self.environments = self.environments.saturating_sub(1);
        if self.environments == 0 {
            *self = Self::default();
        }
    }

    pub fn cache(&mut self, account: Account) -> Result<Arc<TokenCache>, Invalid> {
        if let Some(cache) = self.caches.get(&account) {
            return Ok(cache.clone());
        }
        if self.caches.len() >= 64 && self.caches.len().is_power_of_two() {
            self.caches.retain(|_, cache| !cache.is_spent());
        }
        let rules = match account.mode {
            Mode::Stable => Rules::STABLE,
            Mode::Classic => Rules::CLASSIC,
        };
        let clock = Arc::new(SystemClock::default());
        let voice = self.voice(&account.appid, account.mode.name());
        let prints = Prints::new(&account.secret);
        let cache = match account.meeting.as_ref().zip(account.place()) {
            None => TokenCache::new(rules, clock, Arc::new(Alone::default()), voice, prints),
            Some((meeting, place)) => {
                let store = Redis::new(self.link(meeting, Lane::Tokens)?, &account.secret, place, voice.clone());
                TokenCache::new(rules.shared(), clock, Arc::new(store), voice, prints)
            }
        };
        self.caches.insert(account, cache.clone());
        Ok(cache)
    }

    /// A cache for a client with a token provider, which nobody shares.
    pub fn provided(&self, appid: &str) -> Arc<TokenCache> {
        let clock = Arc::new(SystemClock::default());
        let voice = self.voice(appid, "provider");
        TokenCache::new(Rules::PROVIDER, clock, Arc::new(Alone::default()), voice, Prints::of_its_own())
    }

    /// What clients of one account keep under the same limits. A client whose token nobody shares keeps its own.
    pub fn codes(&mut self, account: Option<&Account>, limits: Limits) -> Result<Arc<CodeCache>, Invalid> {
        let Some(account) = account else { return Ok(Arc::new(CodeCache::new(&limits, None))) };
        let key = (account.clone(), limits.clone());
        if let Some(codes) = self.codes.get(&key).and_then(Weak::upgrade) {
            return Ok(codes);
        }
        self.codes.retain(|_, codes| codes.strong_count() > 0);
        let fleet = match limits.fleet.zip(account.meeting.as_ref()) {
            Some((max_entry, meeting)) => Some(FleetCodes::new(
                self.link(meeting, Lane::Codes)?,
                &account.secret,
                Place { prefix: meeting.key_prefix.clone(), account: format!("{}:{}", account.appid, account.print()) },
                self.voice(&account.appid, account.mode.name()),
                limits.ttl,
                max_entry,
            )),
            None => None,
        };
        let codes = Arc::new(CodeCache::new(&limits, fleet));
        self.codes.insert(key, Arc::downgrade(&codes));
        Ok(codes)
    }

    /// Where caches and links tell what happens to them.
    pub fn hub(&self) -> Arc<Hub> {
        self.hub.clone()
    }

    fn voice(&self, appid: &str, mode: &'static str) -> Voice {
        Voice { hub: self.hub(), appid: appid.into(), mode: Some(mode) }
    }

    /// One connection for all accounts that meet at the same Redis.
    pub fn link(&mut self, meeting: &Meeting, lane: Lane) -> Result<Arc<Link>, Invalid> {
        let place = (Meeting { key_prefix: String::new(), ..meeting.clone() }, lane);
        if let Some(link) = self.links.get(&place).and_then(Weak::upgrade) {
            return Ok(link);
        }
        self.links.retain(|_, link| link.strong_count() > 0);
        let link = Link::open(&meeting.url, meeting.ca.as_deref(), meeting.timeout, self.hub())?;
        self.links.insert(place, Arc::downgrade(&link));
        Ok(link)
    }

    pub fn pool(&mut self, settings: Settings) -> Result<Arc<Pool>, Invalid> {
        if let Some(pool) = self.pools.get(&settings) {
            return Ok(pool.clone());
        }
        let pool = Arc::new(Pool::new(&settings)?);
        self.pools.insert(settings, pool.clone());
        Ok(pool)
    }

    pub fn bodies(&self) -> Arc<Bodies> {
        self.bodies.clone()
    }

    /// WeChat counts by account, whoever asks with whatever token.
    pub fn minute(&mut self, appid: &str) -> Arc<Minute> {
        self.minutes.entry(appid.to_owned()).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn account() -> impl Strategy<Value = Account> {
        let bases = prop::collection::vec(prop::sample::select(vec!["http://a", "http://b", "http://c"]), 1..3);
        (0..2u8, any::<bool>(), 0..2u8, bases).prop_map(|(appid, stable, secret, bases)| Account {
            appid: format!("wx{appid:016}"),
            mode: if stable { Mode::Stable } else { Mode::Classic },
            secret: format!("secret{secret}").into(),
            bases: bases.into_iter().map(str::to_owned).collect(),
            meeting: None,
        })
    }

    proptest! {
        #[test]
        fn two_accounts_share_a_cache_exactly_if_they_agree_on_everything(a in account(), b in account()) {
            let mut registry = Registry::default();
            let set = |account: &Account| account.bases.iter().cloned().collect::<std::collections::BTreeSet<_>>();
            let agree = a.appid == b.appid && a.mode == b.mode && set(&a) == set(&b)
                && a.secret.expose_secret() == b.secret.expose_secret();
            let shared = Arc::ptr_eq(&registry.cache(a).unwrap(), &registry.cache(b).unwrap());
            prop_assert_eq!(shared, agree);
        }
    }

    #[test]
    fn the_order_of_hosts_is_a_preference_and_no_other_account() {
        let mut registry = Registry::default();
        let mut cache = |bases: [&str; 2]| {
            let bases = bases.map(str::to_owned).to_vec();
            registry
                .cache(Account { appid: "wx".into(), mode: Mode::Stable, secret: "s".into(), bases, meeting: None })
                .unwrap()
        };
        assert!(Arc::ptr_eq(&cache(["http://a", "http://b"]), &cache(["http://b", "http://a"])));
    }

    #[test]
    fn the_last_environment_takes_everything_with_it() {
        let mut registry = Registry::default();
        registry.enter();
        registry.enter();
        registry.minute("wx");
        registry.leave();
        assert_eq!(registry.minutes.len(), 1);
        registry.leave();
        assert_eq!(registry.minutes.len(), 0);
    }

    #[test]
    fn caches_that_nobody_can_use_any_more_do_not_pile_up() {
        let mut registry = Registry::default();
        for n in 0..1000 {
            let appid = format!("wx{n:016}");
            let account = Account { appid, mode: Mode::Stable, secret: "s".into(), bases: vec![], meeting: None };
            registry.cache(account).unwrap();
        }
        assert!(registry.caches.len() <= 64, "{}", registry.caches.len());
    }
}
