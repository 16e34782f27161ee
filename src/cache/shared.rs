//! The QR codes of a fleet, in Redis. One process fetches and the others wait for the picture. The lock is advisory: a process
//! that fetches without it costs one request more and does no harm, so none waits for it for long.

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

use super::single_flight::Phase;
use crate::backoff::poll_pause;
use crate::clock;
use crate::deadline::Deadline;
use crate::error::{Error, Result, TimeoutPhase};
use crate::event::{EventSource, RedisEvent};
use crate::redis::{ScriptCall, ScriptRunner, unavailable};
use crate::seal::{Seal, random};
use crate::wechat::answer::Refusal;
use crate::wechat::codes::Identity;
use crate::wechat::endpoint::Endpoint;
use crate::wechat::errcode::Scope;

/// When a process that died while it fetched loses the lock.
const LOCK: Duration = Duration::from_secs(6);
/// How often a process that fetches renews the lock.
const RENEWAL: Duration = Duration::from_secs(2);
/// A call waits for another process for this fraction of its time: enough for WeChat's usual answer, and the rest is enough
/// for a request by itself.
const SHARE: u32 = 5;
/// How long a leader's note stays: those who wait look several times a second.
const NOTE: Duration = Duration::from_secs(2);
/// The longest lifetime in Redis, so that it does not fill up with pictures that no call needs.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);
/// No answer of WeChat's that is read is larger, and sealing adds little.
const LARGEST: usize = (8 << 20) + 64;
/// Pictures are large: more of them on the way at once would keep each other waiting beyond Redis' time.
const AT_ONCE: usize = 16;
/// How many are stored at once, for which others wait: fewer would be slower than WeChat.
const KEPT_AT_ONCE: usize = 16;
/// Slots of a cluster over which an account's codes are spread.
const SPREAD: u8 = 64;
/// The bytes of an owner's name.
const OWNER: usize = 32;

const LOOK: &str = include_str!("get_or_lock.lua");
const KEEP: &str = include_str!("put_and_unlock.lua");
const RENEW: &str = include_str!("renew_lock.lua");

/// The QR codes that the processes of a fleet share in Redis, and the locks by which one of them fetches.
pub struct SharedQrCodes {
    scripts: Arc<dyn ScriptRunner>,
    seal: Seal,
    /// What every key begins with: `<keyPrefix>` and, in braces, the account.
    prefix: String,
    account: String,
    events: EventSource,
    life: Duration,
    max_entry_bytes: usize,
    transfer_permits: Semaphore,
    store_permits: Semaphore,
    /// The last request to WeChat failed: this process does not fetch for others until one succeeds.
    leads_for_others_failed: AtomicBool,
}

/// The key prefix of QR codes, and their account.
pub struct KeySpace {
    /// `redis.keyPrefix`.
    pub prefix: String,
    /// Appid and fingerprint, joined by a colon.
    pub account: String,
}

/// What Redis answers.
enum Lookup {
    /// And how long it will lie there.
    Code(Bytes, Duration),
    Lead,
    /// For the one of this name.
    Wait(Duration, String),
    /// The leader could not fetch the code, or this process does not lead for others.
    Go,
    Refused(Error),
}

impl SharedQrCodes {
    /// Codes are sealed by a key that follows from `secret`. They stay for `ttl`, at most 30 days;
    /// one of more than `max_entry_bytes` stays out of Redis.
    pub fn new(
        scripts: Arc<dyn ScriptRunner>,
        secret: &SecretString,
        place: KeySpace,
        events: EventSource,
        ttl: Option<Duration>,
        max_entry_bytes: usize,
    ) -> Self {
        Self {
            scripts,
            seal: Seal::new(secret, "code"),
            prefix: place.prefix,
            account: place.account,
            events,
            life: ttl.unwrap_or(LONGEST).min(LONGEST),
            max_entry_bytes,
            transfer_permits: Semaphore::new(AT_ONCE),
            store_permits: Semaphore::new(KEPT_AT_ONCE),
            leads_for_others_failed: AtomicBool::new(false),
        }
    }

    /// A QR code from Redis with the time that it has left. Or by `ask`: when this process has the lock, when the process that
    /// has it takes too long, or when Redis is out of reach.
    pub(crate) async fn get(
        self: Arc<Self>,
        identity: &Identity,
        deadline: &Deadline,
        phase: &Phase,
        ask: impl Future<Output = Result<Bytes>> + Send,
    ) -> Result<(Bytes, Option<Duration>)> {
        let mut turn = QrCodeLock::of(self, identity);
        let patience = deadline.left() / SHARE;
        let found = deadline.hold(TimeoutPhase::Answer, || None, turn.wait(patience, phase)).await;
        if let Some((image, left)) = found.map_err(|error| phase.explain(error))?? {
            return Ok((image, Some(left)));
        }
        phase.begin(TimeoutPhase::Answer);
        let answer = turn.hold_while(ask).await;
        turn.end(&answer);
        answer.map(|image| (image, None))
    }

    /// Of a code and its lock, in one slot.
    pub(super) fn keys(&self, identity: &Identity) -> [String; 2] {
        let name = self.seal.name(identity);
        let slot = u8::from_str_radix(&name[..2], 16).unwrap_or_default() % SPREAD;
        let place = format!("{}{{{}:code:{slot:02}}}:{name}", self.prefix, self.account);
        [format!("{place}:code"), format!("{place}:lock")]
    }
}

/// One process's way to one code.
struct QrCodeLock {
    codes: Arc<SharedQrCodes>,
    keys: [String; 2],
    owner: String,
    /// Whether this process has the lock, as far as is known.
    leads: bool,
    /// And whether Redis may think so: then the lock is given back in the end.
    may_lead: bool,
    /// The owner that it has waited for.
    awaited: String,
}

impl QrCodeLock {
    fn of(codes: Arc<SharedQrCodes>, identity: &Identity) -> Self {
        let keys = codes.keys(identity);
        Self { keys, owner: random(), codes, leads: false, may_lead: false, awaited: String::new() }
    }

    /// Waits for the code. Returns `None` when this process is to request it. Does not wait for a Redis that is down.
    async fn wait(&mut self, patience: Duration, phase: &Phase) -> Result<Option<(Bytes, Duration)>> {
        let until = clock::monotonic() + patience;
        for polls in 0.. {
            let left = match self.look().await {
                Ok(Lookup::Code(image, left)) => return Ok(Some((image, left))),
                Ok(Lookup::Refused(error)) => return Err(error),
                Ok(Lookup::Wait(left, owner)) => {
                    self.awaited = owner;
                    left
                }
                Ok(Lookup::Go) => {
                    self.emit_skip("error");
                    break;
                }
                Ok(Lookup::Lead) | Err(_) => break,
            };
            let now = clock::monotonic();
            if polls == 0 {
                phase.begin(TimeoutPhase::Peer);
                self.codes.events.redis(|| RedisEvent::QrCodeLockWait { max_wait: patience });
            }
            if now >= until {
                self.emit_skip("timeout");
                break;
            }
            sleep(poll_pause(polls, fastrand::f64()).min(left).min(until - now)).await;
        }
        Ok(None)
    }

    async fn look(&mut self) -> Result<Lookup> {
        let leads_for_others_failed = self.codes.leads_for_others_failed.load(Ordering::Relaxed) && !self.leads;
        self.may_lead |= !leads_for_others_failed;
        let step = self.step(LOOK).arg(LOCK.as_millis()).arg(self.codes.life.as_millis().max(1));
        let look = self.read(self.run(step.arg(LARGEST).arg(u8::from(!leads_for_others_failed))).await?)?;
        self.leads = matches!(look, Lookup::Lead);
        self.may_lead = self.leads;
        Ok(look)
    }

    /// To wait for a lane is to wait for Redis.
    async fn run(&self, step: ScriptCall) -> Result<Value> {
        let SharedQrCodes { transfer_permits, scripts, .. } = &*self.codes;
        // Its own limit, which finds out when Redis is down.
        if let Ok(_lane) = transfer_permits.try_acquire() {
            return scripts.run(step).await;
        }
        let in_turn = async {
            let _lane = transfer_permits.acquire().await;
            scripts.run(step).await
        };
        timeout(scripts.timeout(), in_turn).await.unwrap_or_else(|_| Err(unavailable("too much at once")))
    }

    fn read(&self, answer: Value) -> Result<Lookup> {
        let Value::Array(row) = answer else { return Err(unexpected_reply()) };
        match &row[..] {
            [word, Value::BulkString(sealed), Value::Int(left)] if is(word, "code") => {
                // What somebody without the AppSecret has put there is no code, and this one asks and replaces it.
                let Some(image) = self.codes.seal.open(sealed, &self.keys[0]) else {
                    self.codes.events.redis(|| RedisEvent::Corrupt { message: CORRUPT });
                    return Ok(Lookup::Go);
                };
                Ok(Lookup::Code(image.into(), millis(*left)))
            }
            [word, Value::Int(left), Value::BulkString(owner)] if is(word, "wait") => {
                Ok(Lookup::Wait(millis(*left), String::from_utf8_lossy(owner).into_owned()))
            }
            [word, Value::BulkString(note)] if is(word, "note") => Ok(self.noted(note)),
            [word] if is(word, "lead") => Ok(Lookup::Lead),
            [word] if is(word, "go") => Ok(Lookup::Go),
            _ => Err(unexpected_reply()),
        }
    }

    /// A refusal is for the processes that waited for the leader that got it.
    fn noted(&self, note: &[u8]) -> Lookup {
        let (owner, sealed) = note.split_at_checked(OWNER).unwrap_or_default();
        let is_ours = !self.awaited.is_empty() && owner == self.awaited.as_bytes();
        let opened = is_ours.then(|| self.codes.seal.open(sealed, &self.noted_at(&self.awaited))).flatten();
        let told = opened.and_then(|text| serde_json::from_slice::<SharedRefusal>(&text).ok());
        told.and_then(SharedRefusal::error).map_or(Lookup::Go, Lookup::Refused)
    }

    /// Other processes wait for as long as this process renews the lock.
    async fn hold_while<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            done = work => done,
            never = self.renew() => match never {},
        }
    }

    async fn renew(&mut self) -> Infallible {
        let mut renewal = interval_at(clock::monotonic() + RENEWAL, RENEWAL);
        loop {
            renewal.tick().await;
            if self.leads {
                let _ = self.look().await;
            }
        }
    }

    /// Beside the caller, who has its answer: the code for all, or why there is none for those who wait.
    fn end(mut self, answer: &Result<Bytes>) {
        let refusal = answer.as_ref().err().and_then(SharedRefusal::of);
        self.codes.leads_for_others_failed.store(answer.is_err() && refusal.is_none(), Ordering::Relaxed);
        let fits = answer.as_ref().ok().filter(|image| image.len() <= self.codes.max_entry_bytes);
        let code = fits.and_then(|image| self.codes.seal.seal(image, &self.keys[0]));
        let may_lead = std::mem::take(&mut self.may_lead);
        match code {
            Some(code) => self.hand_over(code, &LeaderNote::None),
            None if may_lead => self.hand_over(Vec::new(), &refusal.map_or(LeaderNote::Go, LeaderNote::Refused)),
            None => {}
        }
    }

    fn hand_over(&self, code: Vec<u8>, note: &LeaderNote) {
        let step = self.step(KEEP).bytes(code).arg(self.codes.life.as_millis().max(1));
        let step = step.bytes(self.written(note)).arg(NOTE.as_millis()).background();
        let (codes, lock, owner) = (self.codes.clone(), self.keys[1].clone(), self.owner.clone());
        tokio::spawn(async move {
            let mut turn = pin!(codes.store_permits.acquire());
            let _lane = loop {
                tokio::select! {
                    lane = &mut turn => break lane,
                    // The others wait on: the code is there, and only not in Redis yet.
                    () = sleep(RENEWAL) => {
                        let renewal = ScriptCall::new(RENEW, vec![lock.clone()]).arg(&owner).arg(LOCK.as_millis()).background();
                        let _ = codes.scripts.run(renewal).await;
                    }
                }
            };
            let _ = codes.scripts.run(step).await;
        });
    }

    /// What a note adds to its owner's name; nothing is no note, and one that says nothing lets the others go.
    fn written(&self, note: &LeaderNote) -> Vec<u8> {
        match note {
            LeaderNote::None => Vec::new(),
            LeaderNote::Go => GO.to_vec(),
            LeaderNote::Refused(told) => {
                let text = serde_json::to_vec(told).unwrap_or_default();
                self.codes.seal.seal(&text, &self.noted_at(&self.owner)).unwrap_or_else(|| GO.to_vec())
            }
        }
    }

    /// The context of a note of this owner: an old note does not open for processes that wait for another owner.
    fn noted_at(&self, owner: &str) -> String {
        format!("{}:{owner}", self.keys[1])
    }

    fn step(&self, script: &'static str) -> ScriptCall {
        ScriptCall::new(script, self.keys.to_vec()).arg(&self.owner)
    }

    fn emit_skip(&self, reason: &'static str) {
        if !self.awaited.is_empty() {
            self.codes.events.redis(|| RedisEvent::QrCodeLockSkip { reason });
        }
    }
}

/// A cancelled request lets the next process try at once.
impl Drop for QrCodeLock {
    fn drop(&mut self) {
        if self.may_lead && tokio::runtime::Handle::try_current().is_ok() {
            self.hand_over(Vec::new(), &LeaderNote::None);
        }
    }
}

/// What a leader leaves to those who wait for it.
enum LeaderNote {
    None,
    /// It has no code for them: each may ask for itself.
    Go,
    Refused(SharedRefusal),
}

const GO: &[u8] = b"-";

/// WeChat's refusal of a code, as it is handed on.
#[derive(Deserialize, Serialize)]
struct SharedRefusal {
    endpoint: String,
    errcode: i64,
    errmsg: String,
    rid: Option<String>,
    hint: Option<String>,
}

impl SharedRefusal {
    fn of(error: &Error) -> Option<Self> {
        let Error::Api { endpoint, refusal, .. } = error else { return None };
        // All other refusals are about the account or about this process.
        if error.scope() != Some(Scope::Parameter) {
            return None;
        }
        let Refusal { errcode, errmsg, rid, hint } = refusal.clone();
        Some(Self { endpoint: endpoint.name().to_owned(), errcode, errmsg, rid, hint })
    }

    fn error(self) -> Option<Error> {
        let Self { endpoint, errcode, errmsg, rid, hint } = self;
        let refusal = Refusal { errcode, errmsg, rid, hint };
        Some(Error::Api { endpoint: Endpoint::find(&endpoint)?, refusal, subject: None })
    }
}

const CORRUPT: &str = "a code in Redis cannot be decrypted: it is damaged, restored from elsewhere, or written by another \
    program. wxacode fetches the code again and replaces it. | Redis 中的小程序码无法解密（损坏、从别处恢复，或由其他程序写入），将重新获取并替换。";

fn is(word: &Value, text: &str) -> bool {
    matches!(word, Value::BulkString(bytes) if bytes == text.as_bytes())
}

fn millis(left: i64) -> Duration {
    Duration::from_millis(u64::try_from(left).unwrap_or_default())
}

fn unexpected_reply() -> Error {
    unavailable("an answer of no known form")
}

#[cfg(test)]
mod tests;
