//! The minute of a whole fleet, counted in Redis.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use redis::Value;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::Exhausted;
use super::corrections::{Corrections, CountedAt};
use crate::clock;
use crate::error::{Error, ExceededLimit, Result};
use crate::redis::{ScriptCall, ScriptRunner, unavailable};

const ACQUIRE_PERMITS: &str = include_str!("acquire_permits.lua");
const PAUSE: &str = include_str!("pause_until_next_minute.lua");

/// The most permits fetched at once: for all who wait here, and few enough that a crash does not cost the fleet its minute.
const AT_ONCE: u32 = 100;
/// How long an answer of Redis is used. Permits that no call took in this time are given back.
const FRESH: Duration = Duration::from_secs(1);

/// Those who wait while one asks Redis get what it brings, so that a burst costs a few scripts and not one each.
pub struct SharedRateLimiter(Arc<Inner>);

struct Inner {
    scripts: Arc<dyn ScriptRunner>,
    /// `<keyPrefix>{appid:mode:print}`, as for the token.
    key_prefix: String,
    waiting: AtomicU32,
    /// What Redis has counted wrongly: retries without a permit, permits that were not used.
    corrections: parking_lot::Mutex<Corrections>,
    /// Whether somebody will tell Redis of it.
    settling: AtomicBool,
    batch: Arc<Mutex<PermitBatch>>,
}

struct PermitBatch {
    permits: u32,
    fetched: CountedAt,
    /// No permit before this, and why.
    full: Option<(Instant, ExceededLimit)>,
}

impl SharedRateLimiter {
    /// Counts in the keys that begin with `key_prefix`.
    pub fn new(scripts: Arc<dyn ScriptRunner>, key_prefix: String) -> Self {
        let batch = Arc::new(Mutex::new(PermitBatch {
            permits: 0,
            fetched: CountedAt { second: 0, at: clock::monotonic() },
            full: None,
        }));
        Self(Arc::new(Inner {
            scripts,
            key_prefix,
            waiting: AtomicU32::new(0),
            corrections: parking_lot::Mutex::default(),
            settling: AtomicBool::new(false),
            batch,
        }))
    }

    /// Takes a permit, or says how long there is none. Gives where it is counted. Takes no longer than Redis may.
    ///
    /// # Errors
    ///
    /// The outer one is [`Error::Redis`]: nothing is known of the minute. The inner one says how long there is no permit.
    pub async fn try_acquire(&self, rate: u32) -> Result<Result<CountedAt, Exhausted>> {
        self.in_time(async {
            let (mut batch, outcome) = self.usable_batch(rate).await?;
            Ok(outcome.map(|()| {
                batch.permits -= 1;
                batch.fetched
            }))
        })
        .await
    }

    /// Fetches permits, so that `try_acquire` need not ask Redis.
    pub(crate) async fn prefetch(&self, rate: u32) -> Result<()> {
        self.in_time(async { self.usable_batch(rate).await.map(drop) }).await
    }

    /// A request left without a permit.
    pub(crate) fn record(&self) {
        self.0.correct(|corrections| corrections.record_use(clock::monotonic()));
    }

    /// The permit that is counted there was not used.
    pub(crate) fn refund(&self, counted: CountedAt) {
        self.0.correct(|corrections| corrections.refund(counted, 1));
    }

    /// No permits for the fleet before the next minute of Redis's clock. Gives the time until then.
    ///
    /// # Errors
    ///
    /// [`Error::Redis`]: the fleet was not told.
    pub async fn pause(&self) -> Result<Duration> {
        let step = ScriptCall::new(PAUSE, vec![format!("{}:pause", self.0.key_prefix)]);
        let Value::Int(left) = self.0.scripts.run(step).await? else { return Err(unexpected_reply()) };
        Ok(Duration::from_millis(left.unsigned_abs()))
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let _waiting = Waiting::among(&self.0.waiting);
        timeout(self.0.scripts.timeout(), work).await.unwrap_or_else(|_| Err(unavailable("too slow")))
    }

    /// The batch with a permit in it, or how long there is none.
    async fn usable_batch(
        &self,
        rate: u32,
    ) -> Result<(tokio::sync::OwnedMutexGuard<PermitBatch>, Result<(), Exhausted>)> {
        let mut batch = self.0.batch.clone().lock_owned().await;
        let outcome = batch.look();
        // A permit that was given back since is there, whatever Redis said before.
        let is_over = matches!(outcome, Some(Err(_))) && self.0.corrections.lock().has_refunds();
        if let Some(outcome) = outcome.filter(|_| !is_over) {
            return Ok((batch, outcome));
        }
        // What Redis gives is for all who wait, so it is fetched even if the one who asks goes away.
        let shared = self.0.clone();
        let fetched = tokio::spawn(async move {
            let unused = std::mem::take(&mut batch.permits);
            if unused > 0 {
                shared.corrections.lock().refund(batch.fetched, unused.into());
            }
            *batch = shared.fetch(rate).await?;
            shared.settle_soon();
            let over = Exhausted { limit: ExceededLimit::Redis, wait: Duration::from_millis(1) };
            let outcome = batch.look().unwrap_or(Err(over));
            Ok((batch, outcome))
        });
        fetched.await.unwrap_or_else(|_| Err(unavailable("interrupted")))
    }
}

impl PermitBatch {
    /// Whether there is a permit, or how long there is none; nothing if Redis has to be asked.
    fn look(&self) -> Option<Result<(), Exhausted>> {
        let now = clock::monotonic();
        let is_fresh = now <= self.fetched.at + FRESH;
        if let Some((until, limit)) = self.full.filter(|&(until, _)| is_fresh && now < until) {
            return Some(Err(Exhausted { limit, wait: until - now }));
        }
        (is_fresh && self.permits > 0).then_some(Ok(()))
    }
}

impl Inner {
    async fn fetch(&self, rate: u32) -> Result<PermitBatch> {
        let wanted = self.waiting.load(Ordering::Relaxed).clamp(1, AT_ONCE);
        let answer = self.run(rate, wanted).await?;
        let Value::Array(row) = answer else { return Err(unexpected_reply()) };
        let [Value::Int(permits), Value::Int(wait), Value::Int(paused), Value::Int(second)] = row[..] else {
            return Err(unexpected_reply());
        };
        let fetched = CountedAt { second, at: clock::monotonic() };
        let permits = u32::try_from(permits).map_err(|_| unexpected_reply())?;
        let limit = if paused > 0 { ExceededLimit::WeChat } else { ExceededLimit::Redis };
        let full = (permits == 0).then(|| (fetched.at + Duration::from_millis(wait.unsigned_abs()), limit));
        Ok(PermitBatch { permits, fetched, full })
    }

    async fn run(&self, rate: u32, wanted: u32) -> Result<Value> {
        let now = clock::monotonic();
        let corrections = self.corrections.lock().take(now);
        let keys = ["minute", "pause"].map(|name| format!("{}:{name}", self.key_prefix)).to_vec();
        let mut step = ScriptCall::new(ACQUIRE_PERMITS, keys).arg(rate).arg(wanted);
        for entry in &corrections {
            let age = || (now - entry.at).as_secs().min(59) as i64;
            step = step.arg(entry.second.unwrap_or_else(age)).arg(entry.permits);
        }
        self.scripts.run(step).await.inspect_err(|_| self.corrections.lock().restore_uses(corrections))
    }

    /// Puts down what Redis has counted wrongly, and sees to it that Redis is told.
    fn correct(self: &Arc<Self>, put_down: impl FnOnce(&mut Corrections)) {
        put_down(&mut self.corrections.lock());
        self.settle_soon();
    }

    /// Sends corrections to Redis, permits that no call took among them, also when no call needs a permit.
    fn settle_soon(self: &Arc<Self>) {
        if self.settling.swap(true, Ordering::Relaxed) {
            return;
        }
        // A call that is dropped while the runtime shuts down reports nothing.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let shared = Arc::downgrade(self);
        runtime.spawn(async move {
            loop {
                sleep(FRESH + Duration::from_millis(1)).await;
                let Some(shared) = shared.upgrade() else { return };
                let in_stock = shared.refund_unused().await;
                if !in_stock {
                    shared.settling.store(false, Ordering::Relaxed);
                }
                if !shared.corrections.lock().is_empty() {
                    let _ = shared.run(0, 0).await;
                }
                if !in_stock {
                    return;
                }
            }
        });
    }

    /// Whether there is still a permit to take.
    async fn refund_unused(&self) -> bool {
        let mut batch = self.batch.lock().await;
        if batch.permits > 0 && clock::monotonic() > batch.fetched.at + FRESH {
            self.corrections.lock().refund(batch.fetched, std::mem::take(&mut batch.permits).into());
        }
        batch.permits > 0
    }
}

fn unexpected_reply() -> Error {
    unavailable("an answer of no known form")
}

/// Counts one who waits, until it does no longer.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn among(waiting: &'a AtomicU32) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
