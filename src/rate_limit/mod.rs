//! The rate limit of `getUnlimitedQRCode`: WeChat counts 5000 calls a minute, whichever process makes them.
//! <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getunlimitedqrcode.html>

pub(crate) mod corrections;
pub mod shared;
pub(crate) mod window;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::sleep;

use crate::deadline::Deadline;
use crate::error::{Error, ExceededLimit, Result};
use crate::event::{EventSource, RequestEvent};
use crate::transport::SentCounter;
use crate::wechat::endpoint::Endpoint;
use corrections::CountedAt;
use shared::SharedRateLimiter;
use window::SlidingWindow;

/// Gives permits. In a fleet its count decides, and while that is out of reach this process's own.
///
/// A request that leaves spends a permit. Only clients that WeChat has accepted share the app's window: a client with the
/// appid and no good token counts for itself.
pub(crate) struct RateLimiter {
    /// `None` is no limit.
    rate: Option<u32>,
    /// Of all clients of this process that make codes for the app.
    app: Arc<SlidingWindow>,
    /// Of this client, until WeChat has accepted it.
    own: SlidingWindow,
    accepted: AtomicBool,
    fleet: Option<SharedRateLimiter>,
    events: EventSource,
}

/// Why there is no permit now, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Exhausted {
    limit: ExceededLimit,
    wait: Duration,
}

/// Whether to ask Redis: a call waits for a slow Redis once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SharedLimit {
    Reachable,
    Unreachable,
}

impl RateLimiter {
    /// `accepted`: its token comes from WeChat itself, so that without one nothing is sent.
    pub(crate) fn new(
        rate: Option<u32>,
        app: Arc<SlidingWindow>,
        accepted: bool,
        fleet: Option<SharedRateLimiter>,
        events: EventSource,
    ) -> Self {
        let own = app.fresh();
        Self { rate, app, own, accepted: accepted.into(), fleet, events }
    }

    /// Fetches permits from Redis ahead of `turn`, so that a call can wait for its token at the same time. Takes none.
    pub(crate) async fn prefetch(&self) -> SharedLimit {
        let (Some(rate), Some(fleet)) = (self.rate, &self.fleet) else { return SharedLimit::Reachable };
        match fleet.prefetch(rate).await {
            Ok(()) => SharedLimit::Reachable,
            Err(_) => SharedLimit::Unreachable,
        }
    }

    /// Waits for a permit. If there is none before the deadline, fails at once and says when there will be.
    pub(crate) async fn acquire(
        &self,
        endpoint: &Endpoint,
        deadline: &Deadline,
        fleet: SharedLimit,
    ) -> Result<Permit<'_>> {
        let mut waited = false;
        loop {
            let Exhausted { limit, wait } = match self.try_acquire(fleet).await {
                Ok(Taken { second, fleet }) => return Ok(Permit::new(self, second, fleet, waited)),
                Err(full) => full,
            };
            if !deadline.outlasts(wait) {
                self.events.request(|| RequestEvent::RateLimitExceeded { limit, retry_after: wait });
                return Err(Error::RateLimit { endpoint: endpoint.clone(), limit, wait });
            }
            waited = true;
            sleep(wait).await;
        }
    }

    /// WeChat took this client's token.
    pub(crate) fn accept(&self) {
        if !self.accepted.load(Ordering::Relaxed) {
            self.accepted.store(true, Ordering::Relaxed);
        }
    }

    /// WeChat says that the minute is full, whatever was counted here. Gives the time until the next one.
    pub(crate) async fn pause(&self) -> Duration {
        let here = self.app.pause();
        match &self.fleet {
            Some(fleet) => fleet.pause().await.unwrap_or(here),
            None => here,
        }
    }

    async fn try_acquire(&self, reach: SharedLimit) -> Result<Taken, Exhausted> {
        if let Some(wait) = self.app.paused() {
            return Err(Exhausted { limit: ExceededLimit::WeChat, wait });
        }
        let Some(rate) = self.rate else { return Ok(Taken { second: self.window().record(), fleet: None }) };
        let asked = match &self.fleet {
            Some(fleet) if reach == SharedLimit::Reachable => fleet.try_acquire(rate).await.ok(),
            _ => None,
        };
        match asked {
            Some(answer) => answer.map(|counted| Taken { second: self.window().record(), fleet: Some(counted) }),
            None => {
                let here = |wait| Exhausted { limit: ExceededLimit::Process, wait };
                self.window().try_acquire(rate).map(|second| Taken { second, fleet: None }).map_err(here)
            }
        }
    }

    fn window(&self) -> &SlidingWindow {
        if self.accepted.load(Ordering::Relaxed) { &self.app } else { &self.own }
    }

    /// Counts a request that had no permit: a retry or a replay.
    fn record(&self) {
        self.window().record();
        if let Some(fleet) = &self.fleet {
            fleet.record();
        }
    }
}

/// Where a permit is counted.
struct Taken {
    second: u64,
    fleet: Option<CountedAt>,
}

/// The right to one request. The first request that leaves spends it, further ones are counted without one, and if none
/// leaves it is given back.
pub(crate) struct Permit<'a> {
    limiter: &'a RateLimiter,
    second: u64,
    /// Whether it was taken from the app's window.
    accepted: bool,
    fleet: Option<CountedAt>,
    pub(crate) waited: bool,
    sent: SentCounter,
    counted: AtomicU32,
}

impl<'a> Permit<'a> {
    fn new(limiter: &'a RateLimiter, second: u64, fleet: Option<CountedAt>, waited: bool) -> Self {
        let accepted = limiter.accepted.load(Ordering::Relaxed);
        Self { limiter, second, accepted, fleet, waited, sent: SentCounter::default(), counted: AtomicU32::new(1) }
    }

    /// Counts the requests that leave.
    pub(crate) fn sent(&self) -> &SentCounter {
        &self.sent
    }

    /// Counts what has left without a permit so far.
    pub(crate) fn settle(&self) {
        let left = self.sent.count();
        for _ in self.counted.fetch_max(left, Ordering::Relaxed)..left {
            self.limiter.record();
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.settle();
        let RateLimiter { app, own, accepted, fleet, .. } = self.limiter;
        if self.sent.count() > 0 {
            // WeChat has accepted the client meanwhile: this call counts for the app too.
            if !self.accepted && accepted.load(Ordering::Relaxed) {
                app.record();
            }
            return;
        }
        let window = if self.accepted { app } else { own };
        window.refund(self.second);
        if let Some((fleet, counted)) = fleet.as_ref().zip(self.fleet) {
            fleet.refund(counted);
        }
    }
}

#[cfg(test)]
mod tests;
