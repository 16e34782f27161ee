//! The keys of what clients share. Each shared type names its key (`registry::weak_cache::Keyed`), so that no call site can use
//! another one. HTTP clients are keyed by their settings (`transport::http_clients::HttpSettings`), QR code caches by the account and
//! the limits of the cache.
//!
//! | shared | by |
//! |---|---|
//! | access token, its refresh, cached QR codes | `Account`: appid, mode, AppSecret, base URLs, Redis |
//! | minute of `getUnlimitedQRCode` | `App`: appid and base URLs, once WeChat has accepted the client's token |
//! | HTTP connections; failures of the network | `HttpSettings`: proxy and extra roots |
//! | connection to Redis, whether it is up | `RedisServer`: URL, roots, time-out, and what it carries |
//! | name look-ups | the name |

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::seal::account_key_id;

/// What WeChat counts calls by: an appid, at the servers behind these base URLs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct App {
    appid: String,
    bases: Vec<String>,
}

impl App {
    /// `bases` in any order: the order is a preference.
    pub(crate) fn new(appid: &str, bases: &[String]) -> Self {
        Self { appid: appid.to_owned(), bases: sorted(bases).into_iter().map(str::to_owned).collect() }
    }
}

/// Which of WeChat's endpoints hands out the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// `/cgi-bin/stable_token`: the same token for all who ask, until shortly before its end.
    Stable,
    /// `/cgi-bin/token`: each request makes a new token, and the one before ends soon.
    Classic,
}

impl Mode {
    /// The name in options and events: `stable` or `classic`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Classic => "classic",
        }
    }
}

/// The mode, in events and in the names of keys, of a third-party platform's own token.
pub(crate) const COMPONENT: &str = "component";
/// The same of a merchant's token.
pub(crate) const AUTHORIZER: &str = "authorizer";

/// The account that a token belongs to. Only clients that agree on all fields share a token.
#[derive(Clone, Debug)]
pub struct Account {
    /// The appid of the token.
    pub appid: String,
    /// Which of WeChat's two endpoints hands out the token.
    pub mode: Mode,
    /// The AppSecret.
    pub secret: SecretString,
    /// The base URLs, in any order.
    pub bases: Vec<String>,
    /// The Redis in which a fleet shares the token.
    pub redis: Option<RedisConfig>,
}

impl Account {
    fn parts(&self) -> (&str, Mode, &str, Vec<&str>, &Option<RedisConfig>) {
        (&self.appid, self.mode, self.secret.expose_secret(), sorted(&self.bases), &self.redis)
    }

    /// The prefix of this account's keys in Redis. A test environment with another secret or other hosts has another prefix.
    pub fn key_prefix(&self) -> Option<String> {
        let redis = self.redis.as_ref()?;
        Some(format!("{}{{{}:{}:{}}}", redis.key_prefix, self.appid, self.mode.name(), self.key_id()))
    }

    /// The part of this account's keys that stands for AppSecret and base URLs.
    pub(crate) fn key_id(&self) -> String {
        account_key_id(&self.secret, &self.bases)
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

fn sorted(bases: &[String]) -> Vec<&str> {
    let mut bases: Vec<_> = bases.iter().map(String::as_str).collect();
    bases.sort_unstable();
    bases.dedup();
    bases
}

/// A Redis, and what the keys there begin with. The URL may hold a password.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RedisConfig {
    /// `redis://` or `rediss://`, with a login if Redis wants one.
    pub url: String,
    /// PEM roots that are trusted instead of the system's.
    pub ca: Option<Vec<u8>>,
    /// The longest time that a caller waits for Redis.
    pub timeout: Duration,
    /// What every key begins with, before the account in braces.
    pub key_prefix: String,
}

impl std::fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RedisConfig({})", self.key_prefix)
    }
}

/// What a connection to Redis carries. Images are large and have a separate connection, so that no token waits behind them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ConnectionRole {
    Tokens,
    QrCodes,
}

/// A connection to Redis: all accounts whose keys lie on one server share it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct RedisServer {
    pub(crate) url: String,
    pub(crate) ca: Option<Vec<u8>>,
    pub(crate) timeout: Duration,
    pub(crate) role: ConnectionRole,
}

impl RedisServer {
    /// The connection of this role to that server.
    pub(crate) fn new(redis: &RedisConfig, role: ConnectionRole) -> Self {
        let RedisConfig { url, ca, timeout, .. } = redis.clone();
        Self { url, ca, timeout, role }
    }
}

/// Identifies a route to WeChat: a proxy, or none, and the roots trusted on it. A failure on one route says nothing about
/// another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouteId(u64);

impl RouteId {
    /// A new id.
    pub(crate) fn new() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }

    #[cfg(test)]
    pub(crate) const fn nth(number: u64) -> Self {
        Self(number)
    }
}
