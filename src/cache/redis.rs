//! The QR codes of a fleet, in Redis. One process fetches and the others wait for the image. The lock is advisory: a process
//! that fetches without it costs one request more and does no harm, so no process waits long for it.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use redis::Value;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::{interval_at, sleep, timeout};

use super::single_flight::CurrentPhase;
use crate::backoff::poll_pause;
use crate::clock;
use crate::deadline::Deadline;
use crate::error::{Error, Result, TimeoutPhase};
use crate::event::{EventSource, RedisEvent};
use crate::redis::{ScriptCall, ScriptRunner, unavailable};
use crate::seal::{Seal, random_id};
use crate::task;
use crate::wechat::answer::Refusal;
use crate::wechat::endpoint::Endpoint;
use crate::wechat::errcode::Scope;
use crate::wechat::qr_code::Identity;

/// When a process that died while it fetched loses the lock.
const LOCK_TTL: Duration = Duration::from_secs(6);
/// How often a process that fetches renews the lock.
const RENEW_INTERVAL: Duration = Duration::from_secs(2);
/// A call waits for another process for this fraction of its time: enough for WeChat's usual response, and the rest is enough
/// for a request of its own.
const WAIT_DIVISOR: u32 = 5;
/// How long a leader's result stays: the processes that wait look several times a second.
const RESULT_TTL: Duration = Duration::from_secs(2);
/// The longest lifetime in Redis, so that Redis does not fill up with QR codes that no call needs.
const MAX_TTL: Duration = Duration::from_secs(30 * 24 * 3600);
/// No response of WeChat's that is read is larger, and sealing adds little.
const MAX_SEALED_BYTES: usize = (8 << 20) + 64;
/// Images are large: more transfers at once would keep each other waiting beyond the Redis timeout.
const MAX_TRANSFERS: usize = 16;
/// How many QR codes are stored at once. Other processes wait for them: fewer would be slower than WeChat.
const MAX_STORES: usize = 16;
/// The QR codes of an account are spread over this many hash tags, and so over the slots of a cluster.
const HASH_TAGS: u8 = 64;
/// The length of an owner id.
const OWNER_BYTES: usize = 32;

const GET_OR_LOCK: &str = include_str!("get_or_lock.lua");
const PUT_AND_UNLOCK: &str = include_str!("put_and_unlock.lua");
const RENEW_LOCK: &str = include_str!("renew_lock.lua");

/// The QR codes that the processes of a fleet share in Redis, and the locks by which one of them fetches.
pub struct RedisQrCodes {
    scripts: Arc<dyn ScriptRunner>,
    seal: Seal,
    /// What every key begins with: `<keyPrefix>` and, in braces, the account.
    prefix: String,
    account: String,
    events: EventSource,
    ttl: Duration,
    max_entry_bytes: usize,
    transfer_permits: Semaphore,
    store_permits: Semaphore,
    /// The last request to WeChat failed: this process takes no lock until a request succeeds.
    last_fetch_failed: AtomicBool,
}

/// The key prefix of QR codes, and their account.
pub struct KeySpace {
    /// `redis.keyPrefix`.
    pub prefix: String,
    /// Appid and key id, joined by a colon.
    pub account: String,
}

/// The reply of `get_or_lock.lua`.
enum Lookup {
    /// The QR code, and its remaining time in Redis.
    QrCode(Bytes, Duration),
    /// This process has the lock.
    Locked,
    /// Another process has the lock: how long the lock lasts, and the owner id.
    Wait(Duration, String),
    /// The leader could not fetch the QR code, or this process takes no lock.
    FetchWithoutLock,
    Refused(Error),
}

impl RedisQrCodes {
    /// QR codes are sealed by a key that follows from `secret`. They stay for `ttl`, at most 30 days. A QR code of more than
    /// `max_entry_bytes` is not stored in Redis.
    pub fn new(
        scripts: Arc<dyn ScriptRunner>,
        secret: &SecretString,
        key_space: KeySpace,
        events: EventSource,
        ttl: Option<Duration>,
        max_entry_bytes: usize,
    ) -> Self {
        Self {
            scripts,
            seal: Seal::new(secret, "code"),
            prefix: key_space.prefix,
            account: key_space.account,
            events,
            ttl: ttl.unwrap_or(MAX_TTL).min(MAX_TTL),
            max_entry_bytes,
            transfer_permits: Semaphore::new(MAX_TRANSFERS),
            store_permits: Semaphore::new(MAX_STORES),
            last_fetch_failed: AtomicBool::new(false),
        }
    }

    /// A QR code from Redis with its remaining time. Or from `fetch`: when this process has the lock, when the process that
    /// has the lock takes too long, or when Redis is out of reach.
    pub(crate) async fn get(
        self: Arc<Self>,
        identity: &Identity,
        deadline: &Deadline,
        phase: &CurrentPhase,
        fetch: impl Future<Output = Result<Bytes>> + Send,
    ) -> Result<(Bytes, Option<Duration>)> {
        let mut lock = QrCodeLock::new(self, identity);
        let max_wait = deadline.remaining() / WAIT_DIVISOR;
        let found = deadline.timeout(TimeoutPhase::Answer, || None, lock.wait(max_wait, phase)).await;
        if let Some((image, remaining)) = found.map_err(|error| phase.explain(error))?? {
            return Ok((image, Some(remaining)));
        }
        phase.begin(TimeoutPhase::Answer);
        let fetched = lock.renew_while(fetch).await;
        lock.finish(&fetched);
        fetched.map(|image| (image, None))
    }

    /// The keys of a QR code and of its lock, in one slot.
    pub(super) fn keys(&self, identity: &Identity) -> [String; 2] {
        let name = self.seal.opaque_key(identity);
        let tag = u8::from_str_radix(&name[..2], 16).unwrap_or_default() % HASH_TAGS;
        let key = format!("{}{{{}:code:{tag:02}}}:{name}", self.prefix, self.account);
        [format!("{key}:code"), format!("{key}:lock")]
    }
}

/// The lock of one QR code, as one call sees it.
struct QrCodeLock {
    qr_codes: Arc<RedisQrCodes>,
    keys: [String; 2],
    owner: String,
    /// Whether this process has the lock, as far as is known.
    has_lock: bool,
    /// Redis may have given us the lock although its reply was lost, so the lock is released at the end.
    may_have_lock: bool,
    /// The owner that this call has waited for; empty if none.
    awaited_owner: String,
}

impl QrCodeLock {
    fn new(qr_codes: Arc<RedisQrCodes>, identity: &Identity) -> Self {
        let keys = qr_codes.keys(identity);
        Self { keys, owner: random_id(), qr_codes, has_lock: false, may_have_lock: false, awaited_owner: String::new() }
    }

    /// Waits for the QR code. Returns `None` when this process is to request it. Does not wait for a Redis that is down.
    async fn wait(&mut self, max_wait: Duration, phase: &CurrentPhase) -> Result<Option<(Bytes, Duration)>> {
        let until = clock::monotonic() + max_wait;
        for polls in 0.. {
            let remaining = match self.get_or_lock().await {
                Ok(Lookup::QrCode(image, remaining)) => return Ok(Some((image, remaining))),
                Ok(Lookup::Refused(error)) => return Err(error),
                Ok(Lookup::Wait(remaining, owner)) => {
                    self.awaited_owner = owner;
                    remaining
                }
                Ok(Lookup::FetchWithoutLock) => {
                    self.emit_skip("error");
                    break;
                }
                Ok(Lookup::Locked) | Err(_) => break,
            };
            let now = clock::monotonic();
            if polls == 0 {
                phase.begin(TimeoutPhase::Peer);
                self.qr_codes.events.redis(|| RedisEvent::QrCodeLockWait { max_wait });
            }
            if now >= until {
                self.emit_skip("timeout");
                break;
            }
            sleep(poll_pause(polls, fastrand::f64()).min(remaining).min(until - now)).await;
        }
        Ok(None)
    }

    async fn get_or_lock(&mut self) -> Result<Lookup> {
        let may_lock = self.has_lock || !self.qr_codes.last_fetch_failed.load(Ordering::Relaxed);
        self.may_have_lock |= may_lock;
        let call = self.call(GET_OR_LOCK).arg(LOCK_TTL.as_millis()).arg(self.qr_codes.ttl.as_millis().max(1));
        let lookup = self.read(self.run(call.arg(MAX_SEALED_BYTES).arg(u8::from(may_lock))).await?)?;
        self.has_lock = matches!(lookup, Lookup::Locked);
        self.may_have_lock = self.has_lock;
        Ok(lookup)
    }

    /// Waiting for a transfer permit counts against the Redis timeout.
    async fn run(&self, call: ScriptCall) -> Result<Value> {
        let RedisQrCodes { transfer_permits, scripts, .. } = &*self.qr_codes;
        // The runner has its own timeout, which finds out when Redis is down.
        if let Ok(_permit) = transfer_permits.try_acquire() {
            return scripts.run(call).await;
        }
        let after_permit = async {
            let _permit = transfer_permits.acquire().await;
            scripts.run(call).await
        };
        timeout(scripts.timeout(), after_permit).await.unwrap_or_else(|_| Err(unavailable("too much at once")))
    }

    fn read(&self, reply: Value) -> Result<Lookup> {
        let Value::Array(row) = reply else { return Err(unexpected_reply()) };
        match &row[..] {
            [word, Value::BulkString(sealed), Value::Int(remaining)] if is(word, "qr_code") => {
                // A value that was written without the AppSecret is no QR code: this process fetches and replaces the value.
                let Some(image) = self.qr_codes.seal.open(sealed, &self.keys[0]) else {
                    self.qr_codes.events.redis(|| RedisEvent::Corrupt { message: CORRUPT });
                    return Ok(Lookup::FetchWithoutLock);
                };
                Ok(Lookup::QrCode(image.into(), millis(*remaining)))
            }
            [word, Value::Int(remaining), Value::BulkString(owner)] if is(word, "wait") => {
                Ok(Lookup::Wait(millis(*remaining), String::from_utf8_lossy(owner).into_owned()))
            }
            [word, Value::BulkString(result)] if is(word, "result") => Ok(self.read_result(result)),
            [word] if is(word, "locked") => Ok(Lookup::Locked),
            [word] if is(word, "fetch") => Ok(Lookup::FetchWithoutLock),
            _ => Err(unexpected_reply()),
        }
    }

    /// A refusal is for the processes that waited for the leader that got it.
    fn read_result(&self, result: &[u8]) -> Lookup {
        let (owner, sealed) = result.split_at_checked(OWNER_BYTES).unwrap_or_default();
        let is_awaited = !self.awaited_owner.is_empty() && owner == self.awaited_owner.as_bytes();
        let open = || self.qr_codes.seal.open_json(sealed, &self.result_aad(&self.awaited_owner));
        let refusal: Option<StoredRefusal> = is_awaited.then(open).flatten();
        refusal.and_then(StoredRefusal::into_error).map_or(Lookup::FetchWithoutLock, Lookup::Refused)
    }

    /// Other processes wait for as long as this process renews the lock.
    async fn renew_while<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            done = work => done,
            never = self.renew() => match never {},
        }
    }

    async fn renew(&mut self) -> Infallible {
        let mut renewal = interval_at(clock::monotonic() + RENEW_INTERVAL, RENEW_INTERVAL);
        loop {
            renewal.tick().await;
            if self.has_lock {
                let _ = self.get_or_lock().await;
            }
        }
    }

    /// Publishes the QR code for all processes, or the reason why there is none for the processes that wait. The caller does
    /// not wait for it.
    fn finish(mut self, fetched: &Result<Bytes>) {
        let refusal = fetched.as_ref().err().and_then(StoredRefusal::new);
        self.qr_codes.last_fetch_failed.store(fetched.is_err() && refusal.is_none(), Ordering::Relaxed);
        let fits = fetched.as_ref().ok().filter(|image| image.len() <= self.qr_codes.max_entry_bytes);
        let sealed = fits.and_then(|image| self.qr_codes.seal.seal(image, &self.keys[0]));
        let may_have_lock = std::mem::take(&mut self.may_have_lock);
        match sealed {
            Some(sealed) => self.put_and_unlock(sealed, &LeaderResult::None),
            None if may_have_lock => {
                self.put_and_unlock(Vec::new(), &refusal.map_or(LeaderResult::Failed, LeaderResult::Refused));
            }
            None => {}
        }
    }

    fn put_and_unlock(&self, sealed: Vec<u8>, result: &LeaderResult) {
        let put = self.call(PUT_AND_UNLOCK).bytes(sealed).arg(self.qr_codes.ttl.as_millis().max(1));
        let put = put.bytes(self.encode_result(result)).arg(RESULT_TTL.as_millis()).background();
        let (qr_codes, lock, owner) = (self.qr_codes.clone(), self.keys[1].clone(), self.owner.clone());
        task::spawn(async move {
            let mut acquire = pin!(qr_codes.store_permits.acquire());
            let _permit = loop {
                tokio::select! {
                    permit = &mut acquire => break permit,
                    // Other processes go on waiting: the QR code has been fetched and is not in Redis yet.
                    () = sleep(RENEW_INTERVAL) => {
                        let renewal = ScriptCall::new(RENEW_LOCK, vec![lock.clone()]);
                        let renewal = renewal.arg(&owner).arg(LOCK_TTL.as_millis()).background();
                        let _ = qr_codes.scripts.run(renewal).await;
                    }
                }
            };
            let _ = qr_codes.scripts.run(put).await;
        });
    }

    /// The bytes that are stored after the owner id: empty for no result, `-` for `Failed`, otherwise the sealed refusal.
    fn encode_result(&self, result: &LeaderResult) -> Vec<u8> {
        match result {
            LeaderResult::None => Vec::new(),
            LeaderResult::Failed => FAILED.to_vec(),
            LeaderResult::Refused(refusal) => {
                let text = serde_json::to_vec(refusal).unwrap_or_default();
                self.qr_codes.seal.seal(&text, &self.result_aad(&self.owner)).unwrap_or_else(|| FAILED.to_vec())
            }
        }
    }

    /// The associated data of this owner's result: an old result does not open for processes that wait for another owner.
    fn result_aad(&self, owner: &str) -> String {
        format!("{}:{owner}", self.keys[1])
    }

    fn call(&self, script: &'static str) -> ScriptCall {
        ScriptCall::new(script, self.keys.to_vec()).arg(&self.owner)
    }

    fn emit_skip(&self, reason: &'static str) {
        if !self.awaited_owner.is_empty() {
            self.qr_codes.events.redis(|| RedisEvent::QrCodeLockSkip { reason });
        }
    }
}

/// A cancelled request lets the next process try at once.
impl Drop for QrCodeLock {
    fn drop(&mut self) {
        if self.may_have_lock && tokio::runtime::Handle::try_current().is_ok() {
            self.put_and_unlock(Vec::new(), &LeaderResult::None);
        }
    }
}

/// What a leader leaves, in place of its lock, for the processes that wait for it.
enum LeaderResult {
    None,
    /// The leader has no QR code for the other processes: each may fetch without the lock.
    Failed,
    Refused(StoredRefusal),
}

const FAILED: &[u8] = b"-";

/// WeChat's refusal of a QR code, as Redis has it.
#[derive(Deserialize, Serialize)]
struct StoredRefusal {
    endpoint: String,
    errcode: i64,
    errmsg: String,
    rid: Option<String>,
    hint: Option<String>,
}

impl StoredRefusal {
    /// `None` for an error that says nothing about the parameters: such an error is about the account or about this process.
    fn new(error: &Error) -> Option<Self> {
        let Error::Api { endpoint, refusal, .. } = error else { return None };
        if error.scope() != Some(Scope::Parameter) {
            return None;
        }
        let Refusal { errcode, errmsg, rid, hint } = refusal.clone();
        Some(Self { endpoint: endpoint.name().to_owned(), errcode, errmsg, rid, hint })
    }

    fn into_error(self) -> Option<Error> {
        let Self { endpoint, errcode, errmsg, rid, hint } = self;
        let refusal = Refusal { errcode, errmsg, rid, hint };
        Some(Error::Api { endpoint: Endpoint::from_any_name(&endpoint)?, refusal, subject: None })
    }
}

const CORRUPT: &str = "a code in Redis cannot be decrypted: it is damaged, restored from elsewhere, or written by another \
    program. wxacode fetches the code again and replaces it. | Redis 中的小程序码无法解密（损坏、从别处恢复，或由其他程序写入），将重新获取并替换。";

fn is(word: &Value, text: &str) -> bool {
    matches!(word, Value::BulkString(bytes) if bytes == text.as_bytes())
}

fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or_default())
}

fn unexpected_reply() -> Error {
    unavailable("an answer of no known form")
}

#[cfg(test)]
mod tests;
