//! The token of a fleet in Redis. Each call is one script. The lock keeps processes from fetching at the same time, and the
//! generation of the lease rejects a late writer. `docs/en/architecture.md` describes the protocol.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use redis::Value;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, sleep_until};

use super::fingerprint::Fingerprinter;
use super::source::FETCH_TIMEOUT;
use super::state::{ReceivedToken, Token};
use super::store::{Acquired, DAY, FORCED_INTERVAL, FORCED_PER_DAY, Lease, LocalStore, StoredToken, TokenStore};
use crate::clock::{self, Timestamp};
use crate::error::{Error, RedisErrorKind, Result};
use crate::event::{EventSource, RedisEvent};
use crate::redis::{ReconnectListener, ScriptCall, ScriptRunner, unavailable};
use crate::seal::{Seal, hex, random_id};

/// How long the lock lasts: longer than a fetch, so that only a process that died or was suspended loses it, and short enough
/// that a call which waits for a dead process is served within the default `timeoutMs`.
pub const LOCK_TTL: Duration = FETCH_TIMEOUT.saturating_add(Duration::from_secs(2));
/// A token with less time left than this is replaced at once.
const MIN_LIFETIME_TO_REUSE: Duration = Duration::from_secs(30);
/// A token with less time left than this is not served.
const MIN_LIFETIME_TO_SERVE: Duration = Duration::from_secs(16);
/// Time for the next process when the lock of one that died has expired.
const TAKEOVER_GRACE: Duration = Duration::from_secs(1);
const COOLDOWN: Duration = Duration::from_secs(30);
/// A token has 4096 bytes at most, sealed some more. A longer value is not from this client.
const MAX_SEALED_BYTES: usize = 4224;
/// A fence outlives every token, and every process that was suspended with a lease.
const FENCE_TTL: Duration = Duration::from_secs(30 * 24 * 3600);
/// How many values that cannot be opened one `acquire` deletes before it fails.
const MAX_UNREADABLE: usize = 3;
/// The pause before a background update is retried that Redis denied to this account.
const RETRY_DELAY: Duration = Duration::from_secs(2);

const ACQUIRE: &str = include_str!("acquire.lua");
const PUBLISH: &str = include_str!("publish.lua");
const PEEK: &str = include_str!("peek.lua");
const RELEASE: &str = include_str!("release.lua");
const TAKE_FORCED_REFRESH: &str = include_str!("take_forced_refresh.lua");
const FORGET: &str = include_str!("forget.lua");
const REPAIR: &str = include_str!("repair.lua");

/// One account's keys in Redis.
pub struct RedisTokenStore {
    scripts: Arc<dyn ScriptRunner>,
    seal: Arc<Seal>,
    fingerprinter: Arc<Fingerprinter>,
    /// `<keyPrefix>{appid:mode:print}`: the braces keep all keys of an account in one slot of a cluster.
    key_prefix: String,
    events: EventSource,
    /// When a request of this account last failed although Redis is up; `None` after a success.
    last_failure: Mutex<Option<Instant>>,
    /// Counts forced refreshes while there is no Redis.
    local: LocalStore,
    /// What a failure of Redis is called.
    errors: fn(Error) -> Error,
}

impl RedisTokenStore {
    /// Tokens are sealed by a key that follows from `secret`; keys begin with `key_prefix`, whose braces choose the slot.
    pub fn new(scripts: Arc<dyn ScriptRunner>, secret: &SecretString, key_prefix: String, events: EventSource) -> Self {
        let (seal, fingerprinter) = (Arc::new(Seal::new(secret, "token")), Arc::new(Fingerprinter::new(secret)));
        Self::with_keys(scripts, seal, fingerprinter, key_prefix, events)
    }

    /// The same with keys that many accounts share.
    fn with_keys(
        scripts: Arc<dyn ScriptRunner>,
        seal: Arc<Seal>,
        fingerprinter: Arc<Fingerprinter>,
        key_prefix: String,
        events: EventSource,
    ) -> Self {
        Self {
            scripts,
            seal,
            fingerprinter,
            key_prefix,
            events,
            last_failure: Mutex::default(),
            local: LocalStore::default(),
            errors: |error| error,
        }
    }

    /// The same store, whose failures have another name.
    pub(crate) fn with_errors(self, errors: fn(Error) -> Error) -> Self {
        Self { errors, ..self }
    }

    /// The store of another account with the same secret. Both share what follows from the secret.
    pub(crate) fn for_account(&self, key_prefix: String, events: EventSource) -> Self {
        let (seal, fingerprinter) = (self.seal.clone(), self.fingerprinter.clone());
        let store = Self::with_keys(self.scripts.clone(), seal, fingerprinter, key_prefix, events);
        store.with_errors(self.errors)
    }

    fn script(&self, script: &'static str, keys: &[&str]) -> ScriptCall {
        ScriptCall::new(script, keys.iter().map(|name| format!("{}:{name}", self.key_prefix)).collect())
    }

    fn fingerprint(&self, token: Option<&str>) -> String {
        token.map_or_else(String::new, |token| self.fingerprinter.of(token))
    }

    /// Reads a reply `sealed, epoch, generation, ms left, fingerprint`. A value that cannot be opened, or does not match its
    /// fingerprint, is not from this client.
    fn read(&self, row: &[Value], now: Timestamp) -> StoredValue {
        let [Value::BulkString(sealed), _, _, Value::Int(left), print] = row else { return StoredValue::Expiring };
        let opened = self.seal.open(sealed, &self.key_prefix).and_then(|value| String::from_utf8(value).ok());
        let ours = opened.filter(|value| text(print).as_deref() == Some(&*self.fingerprinter.of(value)));
        let Some(value) = ours else {
            return StoredValue::Unreadable(hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, sealed).as_ref()));
        };
        let left = Duration::from_millis(u64::try_from(*left).unwrap_or_default());
        if left <= MIN_LIFETIME_TO_SERVE {
            return StoredValue::Expiring;
        }
        let expires_in = Some(left.as_secs() as i64);
        StoredValue::Token(ReceivedToken { value: value.into(), expires_in, requested_at: now, refresh_early: true })
    }

    fn read_token(&self, row: &[Value], now: Timestamp) -> Option<ReceivedToken> {
        match self.read(row, now) {
            StoredValue::Token(received) => Some(received),
            StoredValue::Expiring | StoredValue::Unreadable(_) => None,
        }
    }

    /// Runs a call, once more where a key of this account's was of another kind.
    async fn run(&self, call: ScriptCall) -> Result<Value> {
        let mut result = self.scripts.run(call.clone()).await;
        if let Err(Error::Redis { kind: RedisErrorKind::WrongType { .. }, .. }) = result {
            let repair = self.script(REPAIR, &["token", "fence", "lock", "cool", "forced", "forced-day"]);
            if let Ok(Value::Int(1..)) = self.scripts.run(repair).await {
                self.emit_corrupt();
                result = self.scripts.run(call).await;
            }
        }
        *self.last_failure.lock() = match &result {
            Err(Error::Redis { kind, .. }) if *kind != RedisErrorKind::Down => Some(clock::monotonic()),
            _ => None,
        };
        result.map_err(self.errors)
    }

    fn emit_corrupt(&self) {
        self.events.redis(|| RedisEvent::Corrupt { message: CORRUPT });
    }

    /// What a script answers: a word, and what goes with it.
    async fn run_for_reply(&self, call: ScriptCall) -> Result<(String, Vec<Value>)> {
        let Value::Array(mut row) = self.run(call).await? else { return Err(unexpected_reply()) };
        if row.is_empty() {
            return Err(unexpected_reply());
        }
        let rest = row.split_off(1);
        Ok((text(&row[0]).unwrap_or_default(), rest))
    }
}

/// The value of the token key.
enum StoredValue {
    Token(ReceivedToken),
    /// A token that is about to expire.
    Expiring,
    /// A value that is not from this client: its SHA-1, by which `acquire` deletes it.
    Unreadable(String),
}

const CORRUPT: &str = "the access token in Redis cannot be decrypted: it is damaged, restored from elsewhere, or written by \
    another program. wxacode replaces it. | Redis 中的 access_token 无法解密（损坏、从别处恢复，或由其他程序写入），将被替换。";

impl TokenStore for RedisTokenStore {
    fn acquire<'a>(
        &'a self,
        owner: &'a str,
        seen: Option<&'a str>,
        rejected: bool,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Acquired>> {
        let call = self
            .script(ACQUIRE, &["token", "lock", "fence", "cool"])
            .arg(owner)
            .arg(ms(LOCK_TTL))
            .arg(self.fingerprint(seen))
            .arg(ms(MIN_LIFETIME_TO_REUSE))
            .arg(ms(MIN_LIFETIME_TO_SERVE))
            .arg(random_id())
            .arg(u8::from(rejected))
            .arg(ms(COOLDOWN))
            .arg(MAX_SEALED_BYTES);
        Box::pin(async move {
            let mut unreadable = String::new();
            for _ in 0..MAX_UNREADABLE {
                let (word, row) = self.run_for_reply(call.clone().arg(&unreadable).arg(ms(FENCE_TTL))).await?;
                if word != "token" {
                    return acquired(&word, &row);
                }
                match self.read(&row, now) {
                    StoredValue::Token(received) => return Ok(Acquired::Token(received)),
                    StoredValue::Expiring => return Err(unexpected_reply()),
                    StoredValue::Unreadable(name) => unreadable = name,
                }
                self.emit_corrupt();
            }
            // Another program writes such values faster than they are deleted.
            Err(Error::Redis { reason: "a token that cannot be opened".to_owned(), kind: RedisErrorKind::Script })
        })
    }

    fn publish<'a>(
        &'a self,
        owner: &'a str,
        lease: &'a Lease,
        received: &'a ReceivedToken,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<ReceivedToken>>> {
        Box::pin(async move {
            let value = received.value.expose_secret();
            let sealed =
                self.seal.seal(value.as_bytes(), &self.key_prefix).ok_or_else(|| unavailable("no randomness"))?;
            let spent = now.mono.saturating_sub(received.requested_at.mono);
            let life = received.lifetime().saturating_sub(spent);
            let call = self
                .script(PUBLISH, &["token", "lock", "fence"])
                .arg(owner)
                .arg(&lease.epoch)
                .arg(&lease.generation)
                .bytes(sealed)
                .arg(self.fingerprinter.of(value))
                .arg(ms(life).max(1))
                .arg(MAX_SEALED_BYTES)
                .arg(ms(FENCE_TTL))
                .background();
            let (word, row) = self.run_for_reply(call).await?;
            Ok(if word == "token" { self.read_token(&row, now) } else { None })
        })
    }

    fn release<'a>(
        &'a self,
        owner: &'a str,
        seen: Option<&'a str>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<ReceivedToken>>> {
        let call = self
            .script(RELEASE, &["token", "lock"])
            .arg(owner)
            .arg(self.fingerprint(seen))
            .arg(MAX_SEALED_BYTES)
            .background();
        Box::pin(async move {
            let (word, row) = self.run_for_reply(call).await?;
            Ok(if word == "token" { self.read_token(&row, now) } else { None })
        })
    }

    fn peek<'a>(&'a self, current: &'a Token, now: Timestamp) -> BoxFuture<'a, Result<StoredToken>> {
        let call = self
            .script(PEEK, &["token"])
            .arg(self.fingerprint(Some(current.expose())))
            .arg(MAX_SEALED_BYTES)
            .background();
        Box::pin(async move {
            let (word, row) = self.run_for_reply(call).await?;
            Ok(match word.as_str() {
                "empty" => StoredToken::Missing,
                "token" => match self.read(&row, now) {
                    StoredValue::Token(theirs) => StoredToken::Token(theirs),
                    StoredValue::Expiring => StoredToken::Same,
                    StoredValue::Unreadable(_) => StoredToken::Missing,
                },
                _ => StoredToken::Same,
            })
        })
    }

    fn take_forced_refresh<'a>(&'a self, owner: &'a str, _: Timestamp) -> BoxFuture<'a, Result<Option<Duration>>> {
        let call = self
            .script(TAKE_FORCED_REFRESH, &["forced", "forced-day"])
            .arg(ms(FORCED_INTERVAL))
            .arg(FORCED_PER_DAY)
            .arg(ms(DAY))
            .arg(owner);
        Box::pin(async move {
            let Value::Int(wait) = self.run(call).await? else { return Err(unexpected_reply()) };
            Ok((wait > 0).then(|| Duration::from_millis(wait.unsigned_abs())))
        })
    }

    fn forget(&self) -> BoxFuture<'_, Result<()>> {
        let call = self.script(FORGET, &["token", "fence"]).arg(random_id()).arg(ms(FENCE_TTL)).background();
        Box::pin(async move { self.run(call).await.map(drop) })
    }

    fn take_forced_refresh_locally(&self, now: Timestamp) -> Option<Duration> {
        self.local.take_forced_refresh_locally(now)
    }

    fn subscribe(&self, listener: Weak<dyn ReconnectListener>) {
        self.scripts.subscribe(listener);
    }

    fn recovered(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let last_failure = *self.last_failure.lock();
            if let Some(last_failure) = last_failure {
                sleep_until(last_failure + RETRY_DELAY).await;
            }
            self.scripts.recovered().await;
        })
    }

    fn is_up(&self) -> Option<bool> {
        Some(self.scripts.is_up() && self.last_failure.lock().is_none())
    }

    fn max_lock_wait(&self) -> Duration {
        LOCK_TTL + TAKEOVER_GRACE
    }

    fn max_caller_delay(&self) -> Duration {
        self.scripts.timeout()
    }
}

fn acquired(word: &str, row: &[Value]) -> Result<Acquired> {
    match (word, row) {
        ("lock", [epoch, generation]) => {
            let lease = text(epoch).zip(text(generation));
            let lease = lease.map(|(epoch, generation)| Lease { epoch, generation });
            lease.map(Acquired::Lock).ok_or_else(unexpected_reply)
        }
        ("unchanged", _) => Ok(Acquired::Unchanged),
        // A negative time is replaced by the longest one.
        ("wait", [Value::Int(left)]) => {
            Ok(Acquired::Wait(u64::try_from(*left).map_or(LOCK_TTL, Duration::from_millis)))
        }
        _ => Err(unexpected_reply()),
    }
}

fn ms(time: Duration) -> u64 {
    time.as_millis() as u64
}

fn unexpected_reply() -> Error {
    unavailable("an answer of no known form")
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
