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
use crate::task;

const ACQUIRE_PERMITS: &str = include_str!("acquire_permits.lua");
const PAUSE_UNTIL_NEXT_MINUTE: &str = include_str!("pause_until_next_minute.lua");

/// The most permits fetched at once: for all callers that wait, and few enough that a crash does not cost the fleet its minute.
const MAX_BATCH: u32 = 100;
/// How long a reply of Redis is used. Permits that no call took in this time are given back.
const BATCH_TTL: Duration = Duration::from_secs(1);

/// Permits from Redis, fetched in batches: callers that wait during a fetch share its batch, so that a burst costs a few scripts
/// instead of a script for each call.
pub struct RedisRateLimiter(Arc<Inner>);

struct Inner {
    scripts: Arc<dyn ScriptRunner>,
    /// `<keyPrefix>{appid:mode:key id}`, as for the token.
    key_prefix: String,
    waiting: AtomicU32,
    /// What Redis has counted wrongly: retries without a permit, permits that were not used.
    corrections: parking_lot::Mutex<Corrections>,
    /// Whether a task will send the corrections to Redis.
    flush_pending: AtomicBool,
    batch: Arc<Mutex<PermitBatch>>,
}

struct PermitBatch {
    permits: u32,
    fetched: CountedAt,
    /// No permit before this time, and the limit that is exhausted.
    exhausted: Option<(Instant, ExceededLimit)>,
}

impl RedisRateLimiter {
    /// Counts in the keys that begin with `key_prefix`.
    pub fn new(scripts: Arc<dyn ScriptRunner>, key_prefix: String) -> Self {
        let batch = Arc::new(Mutex::new(PermitBatch {
            permits: 0,
            fetched: CountedAt { second: 0, at: clock::monotonic() },
            exhausted: None,
        }));
        Self(Arc::new(Inner {
            scripts,
            key_prefix,
            waiting: AtomicU32::new(0),
            corrections: parking_lot::Mutex::default(),
            flush_pending: AtomicBool::new(false),
            batch,
        }))
    }

    /// Takes a permit and gives where Redis has counted it, or says how long there is none. Takes no longer than the Redis timeout.
    ///
    /// # Errors
    ///
    /// The outer error is [`Error::Redis`]: nothing is known of the minute. The inner error says how long there is no permit.
    pub async fn try_acquire(&self, rate: u32) -> Result<Result<CountedAt, Exhausted>> {
        self.within_timeout(async {
            let (mut batch, outcome) = self.batch_with_permit(rate).await?;
            Ok(outcome.map(|()| {
                batch.permits -= 1;
                batch.fetched
            }))
        })
        .await
    }

    /// Fetches permits, so that `try_acquire` need not wait for Redis.
    pub(crate) async fn prefetch(&self, rate: u32) -> Result<()> {
        self.within_timeout(async { self.batch_with_permit(rate).await.map(drop) }).await
    }

    /// A request was sent without a permit.
    pub(crate) fn record(&self) {
        self.0.correct(|corrections| corrections.record_use(clock::monotonic()));
    }

    /// The permit that Redis has counted there was not used.
    pub(crate) fn refund(&self, counted: CountedAt) {
        self.0.correct(|corrections| corrections.refund(counted, 1));
    }

    /// No permits for the fleet before the next minute of Redis's clock. Gives the time until then.
    ///
    /// # Errors
    ///
    /// [`Error::Redis`]: the other processes do not know of the pause.
    pub async fn pause(&self) -> Result<Duration> {
        let call = ScriptCall::new(PAUSE_UNTIL_NEXT_MINUTE, vec![format!("{}:pause", self.0.key_prefix)]);
        let Value::Int(remaining) = self.0.scripts.run(call).await? else { return Err(unexpected_reply()) };
        Ok(Duration::from_millis(remaining.unsigned_abs()))
    }

    async fn within_timeout<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let _waiting = WaiterGuard::new(&self.0.waiting);
        timeout(self.0.scripts.timeout(), work).await.unwrap_or_else(|_| Err(unavailable("too slow")))
    }

    /// The batch with a permit in it, or how long there is none.
    async fn batch_with_permit(
        &self,
        rate: u32,
    ) -> Result<(tokio::sync::OwnedMutexGuard<PermitBatch>, Result<(), Exhausted>)> {
        let mut batch = self.0.batch.clone().lock_owned().await;
        let outcome = batch.check();
        // A permit that was given back since is available, whatever Redis said before.
        let has_refund = matches!(outcome, Some(Err(_))) && self.0.corrections.lock().has_refunds();
        if let Some(outcome) = outcome.filter(|_| !has_refund) {
            return Ok((batch, outcome));
        }
        // The batch is for all callers that wait, so the fetch goes on even if this caller is cancelled.
        let inner = self.0.clone();
        let fetched = task::spawn(async move {
            let unused = std::mem::take(&mut batch.permits);
            if unused > 0 {
                inner.corrections.lock().refund(batch.fetched, unused.into());
            }
            *batch = inner.fetch(rate).await?;
            inner.schedule_flush();
            let exhausted = Exhausted { limit: ExceededLimit::Redis, wait: Duration::from_millis(1) };
            let outcome = batch.check().unwrap_or(Err(exhausted));
            Ok((batch, outcome))
        });
        fetched.await.unwrap_or_else(|_| Err(unavailable("interrupted")))
    }
}

impl PermitBatch {
    /// Whether there is a permit, or how long there is none; `None` if a new batch has to be fetched.
    fn check(&self) -> Option<Result<(), Exhausted>> {
        let now = clock::monotonic();
        let is_fresh = now <= self.fetched.at + BATCH_TTL;
        if let Some((until, limit)) = self.exhausted.filter(|&(until, _)| is_fresh && now < until) {
            return Some(Err(Exhausted { limit, wait: until - now }));
        }
        (is_fresh && self.permits > 0).then_some(Ok(()))
    }
}

impl Inner {
    async fn fetch(&self, rate: u32) -> Result<PermitBatch> {
        let wanted = self.waiting.load(Ordering::Relaxed).clamp(1, MAX_BATCH);
        let reply = self.run(rate, wanted).await?;
        let Value::Array(row) = reply else { return Err(unexpected_reply()) };
        let [Value::Int(permits), Value::Int(wait), Value::Int(paused), Value::Int(second)] = row[..] else {
            return Err(unexpected_reply());
        };
        let fetched = CountedAt { second, at: clock::monotonic() };
        let permits = u32::try_from(permits).map_err(|_| unexpected_reply())?;
        let limit = if paused > 0 { ExceededLimit::WeChat } else { ExceededLimit::Redis };
        let exhausted = (permits == 0).then(|| (fetched.at + Duration::from_millis(wait.unsigned_abs()), limit));
        Ok(PermitBatch { permits, fetched, exhausted })
    }

    async fn run(&self, rate: u32, wanted: u32) -> Result<Value> {
        let now = clock::monotonic();
        let corrections = self.corrections.lock().take(now);
        let keys = ["minute", "pause"].map(|name| format!("{}:{name}", self.key_prefix)).to_vec();
        let mut call = ScriptCall::new(ACQUIRE_PERMITS, keys).arg(rate).arg(wanted);
        for entry in &corrections {
            let age = || (now - entry.at).as_secs().min(59) as i64;
            call = call.arg(entry.second.unwrap_or_else(age)).arg(entry.permits);
        }
        self.scripts.run(call).await.inspect_err(|_| self.corrections.lock().restore_uses(corrections))
    }

    /// Records what Redis has counted wrongly, and schedules its correction.
    fn correct(self: &Arc<Self>, apply: impl FnOnce(&mut Corrections)) {
        apply(&mut self.corrections.lock());
        self.schedule_flush();
    }

    /// Sends corrections to Redis, permits that no call took among them, also when no call needs a permit.
    fn schedule_flush(self: &Arc<Self>) {
        if self.flush_pending.swap(true, Ordering::Relaxed) {
            return;
        }
        // A call that is dropped while the runtime shuts down reports nothing.
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let inner = Arc::downgrade(self);
        task::spawn(async move {
            loop {
                sleep(BATCH_TTL + Duration::from_millis(1)).await;
                let Some(inner) = inner.upgrade() else { return };
                let has_permits = inner.refund_unused().await;
                if !has_permits {
                    inner.flush_pending.store(false, Ordering::Relaxed);
                }
                if !inner.corrections.lock().is_empty() {
                    let _ = inner.run(0, 0).await;
                }
                if !has_permits {
                    return;
                }
            }
        });
    }

    /// Whether there is still a permit to take.
    async fn refund_unused(&self) -> bool {
        let mut batch = self.batch.lock().await;
        if batch.permits > 0 && clock::monotonic() > batch.fetched.at + BATCH_TTL {
            self.corrections.lock().refund(batch.fetched, std::mem::take(&mut batch.permits).into());
        }
        batch.permits > 0
    }
}

fn unexpected_reply() -> Error {
    unavailable("an answer of no known form")
}

/// Counts a caller as waiting while it exists.
struct WaiterGuard<'a>(&'a AtomicU32);

impl<'a> WaiterGuard<'a> {
    fn new(waiting: &'a AtomicU32) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for WaiterGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
