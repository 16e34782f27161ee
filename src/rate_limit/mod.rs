//! The rate limit of `getUnlimitedQRCode`: WeChat counts 5000 calls a minute, whichever process makes them.
//! <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getunlimitedqrcode.html>

pub(crate) mod corrections;
pub mod redis;
pub(crate) mod window;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::sleep;

use self::redis::RedisRateLimiter;
use crate::deadline::Deadline;
use crate::error::{Error, ExceededLimit, Result};
use crate::event::{EventSource, RequestEvent};
use crate::transport::SentCounter;
use crate::wechat::endpoint::Endpoint;
use corrections::CountedAt;
use window::SlidingWindow;

/// Gives permits. In a fleet the count in Redis decides, and while Redis is out of reach the count of this process.
///
/// A request that is sent spends a permit. Only clients whose token WeChat has accepted share the app's window: a client with
/// the appid and no good token counts for itself.
pub(crate) struct RateLimiter {
    /// `None` is no limit.
    rate: Option<u32>,
    /// The window of all clients of this process that request QR codes for the app.
    app: Arc<SlidingWindow>,
    /// The window of this client, until WeChat has accepted its token.
    own: SlidingWindow,
    authenticated: AtomicBool,
    redis: Option<RedisRateLimiter>,
    events: EventSource,
}

/// Why there is no permit now, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Exhausted {
    limit: ExceededLimit,
    wait: Duration,
}

/// Whether to run a script in Redis: a call waits for a slow Redis once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RedisAvailability {
    Reachable,
    Unreachable,
}

impl RateLimiter {
    /// `authenticated`: the token comes from WeChat itself, so that nothing is sent without a good token.
    pub(crate) fn new(
        rate: Option<u32>,
        app: Arc<SlidingWindow>,
        authenticated: bool,
        redis: Option<RedisRateLimiter>,
        events: EventSource,
    ) -> Self {
        let own = app.new_empty();
        Self { rate, app, own, authenticated: authenticated.into(), redis, events }
    }

    /// Fetches permits from Redis before `acquire`, so that a call can wait for its token at the same time. Takes no permit.
    pub(crate) async fn prefetch(&self) -> RedisAvailability {
        let (Some(rate), Some(redis)) = (self.rate, &self.redis) else { return RedisAvailability::Reachable };
        match redis.prefetch(rate).await {
            Ok(()) => RedisAvailability::Reachable,
            Err(_) => RedisAvailability::Unreachable,
        }
    }

    /// Waits for a permit. If there is none before the deadline, fails at once and says when there will be one.
    pub(crate) async fn acquire(
        &self,
        endpoint: &Endpoint,
        deadline: &Deadline,
        redis: RedisAvailability,
    ) -> Result<Permit<'_>> {
        let mut waited = false;
        loop {
            let Exhausted { limit, wait } = match self.try_acquire(redis).await {
                Ok(record) => return Ok(Permit::new(self, record, waited)),
                Err(exhausted) => exhausted,
            };
            if !deadline.outlasts(wait) {
                self.events.request(|| RequestEvent::RateLimitExceeded { limit, retry_after: wait });
                return Err(Error::RateLimit { endpoint: endpoint.clone(), limit, wait });
            }
            waited = true;
            sleep(wait).await;
        }
    }

    /// WeChat accepted this client's token.
    pub(crate) fn mark_authenticated(&self) {
        if !self.authenticated.load(Ordering::Relaxed) {
            self.authenticated.store(true, Ordering::Relaxed);
        }
    }

    /// WeChat says that the minute is used up, whatever was counted here. Gives the time until the next minute.
    pub(crate) async fn pause(&self) -> Duration {
        let local = self.app.pause();
        match &self.redis {
            Some(redis) => redis.pause().await.unwrap_or(local),
            None => local,
        }
    }

    async fn try_acquire(&self, availability: RedisAvailability) -> Result<PermitRecord, Exhausted> {
        if let Some(wait) = self.app.paused_for() {
            return Err(Exhausted { limit: ExceededLimit::WeChat, wait });
        }
        let Some(rate) = self.rate else { return Ok(PermitRecord { second: self.window().record(), redis: None }) };
        let in_redis = match &self.redis {
            Some(redis) if availability == RedisAvailability::Reachable => redis.try_acquire(rate).await.ok(),
            _ => None,
        };
        match in_redis {
            Some(outcome) => {
                outcome.map(|counted| PermitRecord { second: self.window().record(), redis: Some(counted) })
            }
            None => {
                let exhausted = |wait| Exhausted { limit: ExceededLimit::Process, wait };
                self.window().try_acquire(rate).map(|second| PermitRecord { second, redis: None }).map_err(exhausted)
            }
        }
    }

    fn window(&self) -> &SlidingWindow {
        if self.authenticated.load(Ordering::Relaxed) { &self.app } else { &self.own }
    }

    /// Counts a request that had no permit: a retry or a replay.
    fn record(&self) {
        self.window().record();
        if let Some(redis) = &self.redis {
            redis.record();
        }
    }
}

/// Where a permit is counted: in this process, and in Redis if a script gave it.
struct PermitRecord {
    /// The second of the window of this process.
    second: u64,
    redis: Option<CountedAt>,
}

/// The right to one request. The first request that is sent spends the permit, further requests are counted without a permit,
/// and a permit is given back if no request was sent.
pub(crate) struct Permit<'a> {
    limiter: &'a RateLimiter,
    record: PermitRecord,
    /// Whether the permit was taken from the app's window.
    from_app: bool,
    pub(crate) waited: bool,
    sent: SentCounter,
    counted: AtomicU32,
}

impl<'a> Permit<'a> {
    fn new(limiter: &'a RateLimiter, record: PermitRecord, waited: bool) -> Self {
        let from_app = limiter.authenticated.load(Ordering::Relaxed);
        Self { limiter, record, from_app, waited, sent: SentCounter::default(), counted: AtomicU32::new(1) }
    }

    /// The counter of the requests that are sent.
    pub(crate) fn sent(&self) -> &SentCounter {
        &self.sent
    }

    /// Counts the requests that were sent without a permit so far.
    pub(crate) fn record_extra(&self) {
        let sent = self.sent.count();
        for _ in self.counted.fetch_max(sent, Ordering::Relaxed)..sent {
            self.limiter.record();
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.record_extra();
        let RateLimiter { app, own, authenticated, redis, .. } = self.limiter;
        if self.sent.count() > 0 {
            // WeChat has accepted the token meanwhile: this call counts for the app too.
            if !self.from_app && authenticated.load(Ordering::Relaxed) {
                app.record();
            }
            return;
        }
        let window = if self.from_app { app } else { own };
        window.refund(self.record.second);
        if let Some((redis, counted)) = redis.as_ref().zip(self.record.redis) {
            redis.refund(counted);
        }
    }
}

#[cfg(test)]
mod tests;
