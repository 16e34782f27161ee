//! How many of an account's codes are used: `getQRCode` and `createQRCode` make 100,000 together, for ever. WeChat tells the number
//! in a header of its answers, `Num-Used`.
//! <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getqrcode.html>

mod redis;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

pub(crate) use self::redis::RedisUsage;
use crate::clock::{Clock, Timestamp};
use crate::event::{EventSource, RequestEvent};
use crate::task;

/// How many codes an account has.
pub(crate) const LIMIT: u32 = 100_000;

/// The percentages that are told, the highest first.
const THRESHOLDS: [u32; 5] = [99, 95, 90, 80, 50];

/// A number that WeChat has told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) used: u32,
    /// When it was told.
    pub(crate) at: Timestamp,
}

/// The usage that the clients of an app share.
pub(crate) struct SharedUsage {
    clock: Clock,
    known: Mutex<Option<Usage>>,
}

impl SharedUsage {
    /// Nothing is known yet.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, known: Mutex::default() }
    }

    /// A number that WeChat told now, of a request that began at `begun`. A smaller one counts only if its request began after the
    /// larger one was told: answers come in any order. Gives the usage before, unless the number is older than what is known.
    fn accept(&self, used: u32, begun: Duration) -> Option<Option<Usage>> {
        let mut known = self.known.lock();
        if known.is_some_and(|known| used < known.used && begun <= known.at.mono) {
            return None;
        }
        Some(known.replace(Usage { used, at: self.clock.now() }))
    }

    /// What the fleet knows, told `age` ago: unless this process knows a larger number, or was told later.
    fn adopt(&self, used: u32, age: Duration) {
        let now = self.clock.now();
        let at = Timestamp { mono: now.mono.saturating_sub(age), wall: now.wall.saturating_sub(age) };
        let mut known = self.known.lock();
        if known.is_none_or(|known| used >= known.used || at.mono > known.at.mono) {
            *known = Some(Usage { used, at });
        }
    }
}

/// The usage of a client's account, in a fleet through Redis.
pub(crate) struct LifetimeQuota {
    shared: Arc<SharedUsage>,
    redis: Option<Arc<RedisUsage>>,
    /// Whether the fleet was asked what it knows.
    asked: AtomicBool,
    events: EventSource,
}

impl LifetimeQuota {
    /// The quota of a client. Its thresholds are told to `events`.
    pub(crate) fn new(shared: Arc<SharedUsage>, redis: Option<RedisUsage>, events: EventSource) -> Arc<Self> {
        let (redis, asked) = (redis.map(Arc::new), AtomicBool::new(false));
        Arc::new(Self { shared, redis, asked, events })
    }

    /// What is known, if anything.
    pub(crate) fn usage(&self) -> Option<Usage> {
        *self.shared.known.lock()
    }

    /// Asks the fleet once, in the background, what it knows.
    pub(crate) fn ask_fleet(self: &Arc<Self>) {
        if self.redis.is_none() || self.asked.load(Ordering::Relaxed) || self.asked.swap(true, Ordering::Relaxed) {
            return;
        }
        let quota = self.clone();
        task::spawn(async move {
            let known = match &quota.redis {
                Some(redis) => redis.read().await.ok().flatten(),
                None => None,
            };
            if let Some((used, age)) = known {
                quota.shared.adopt(used, age);
            }
        });
    }

    /// WeChat has told a number now, in the answer to a request that took `duration`.
    pub(crate) fn record(self: &Arc<Self>, used: u32, duration: Duration) {
        let begun = self.shared.clock.mono().saturating_sub(duration);
        let Some(before) = self.shared.accept(used, begun) else { return };
        let before = before.map(|usage| usage.used);
        let Some(redis) = self.redis.clone() else { return self.tell(before, used) };
        let quota = self.clone();
        task::spawn(async move {
            match redis.record(used, duration).await {
                // Another process has told this threshold, or knows better.
                Ok(fleet) if fleet.changed => quota.tell(fleet.before, used),
                Ok(fleet) => quota.shared.adopt(fleet.used, fleet.age),
                Err(_) => quota.tell(before, used),
            }
        });
    }

    /// Tells the highest threshold that was reached since `before`.
    fn tell(&self, before: Option<u32>, used: u32) {
        let reached = threshold(used);
        if let Some(percent) = reached.filter(|_| reached > before.and_then(threshold)) {
            self.events.request(|| RequestEvent::LifetimeQuotaReached { used, limit: LIMIT, percent });
        }
    }
}

/// The highest threshold that this number has reached.
fn threshold(used: u32) -> Option<u32> {
    THRESHOLDS.into_iter().find(|percent| u64::from(used) * 100 >= u64::from(*percent) * u64::from(LIMIT))
}
