//! The minute budget of `getUnlimitedQRCode`: WeChat counts 5000 calls a minute.
//! <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getunlimitedqrcode.html>

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::deadline::Deadline;
use crate::error::{Budget, Error, Result};
use crate::wechat::endpoint::Endpoint;

const MINUTE: u64 = 60;

/// Calls of this process, in any 60 seconds at most so many.
pub struct MinuteBudget {
    start: Instant,
    window: Mutex<Window>,
}

impl Default for MinuteBudget {
    fn default() -> Self {
        Self { start: Instant::now(), window: Mutex::default() }
    }
}

impl MinuteBudget {
    /// Waits until fewer than `rate` calls (`None` is no limit) lie in the last minute; without such a moment inside the
    /// deadline, fails at once and says when there is one.
    pub async fn turn(&self, rate: Option<u32>, endpoint: Endpoint, deadline: &Deadline) -> Result<()> {
        while let Some(wait) = self.take(rate) {
            if wait >= deadline.left() {
                return Err(Error::Budget { endpoint, budget: Budget::PerMinute, wait });
            }
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    /// Counts a call that does not wait: a retry of one that had its turn.
    pub fn note(&self) {
        self.take(None);
    }

    fn take(&self, rate: Option<u32>) -> Option<Duration> {
        self.window.lock().take(rate, self.start.elapsed())
    }
}

/// A sliding window of a minute, counted by the second.
struct Window {
    counts: [u32; MINUTE as usize],
    used: u32,
    second: u64,
}

impl Default for Window {
    fn default() -> Self {
        Self { counts: [0; MINUTE as usize], used: 0, second: 0 }
    }
}

impl Window {
    /// Takes a call, or says how long there is none.
    fn take(&mut self, rate: Option<u32>, now: Duration) -> Option<Duration> {
        self.slide(now.as_secs());
        if rate.is_none_or(|rate| self.used < rate) {
            self.used += 1;
            self.counts[(self.second % MINUTE) as usize] += 1;
            return None;
        }
        let oldest = (0..MINUTE).find(|ago| self.counts[((self.second + 1 + ago) % MINUTE) as usize] > 0)?;
        Some(Duration::from_secs(self.second + 1 + oldest).saturating_sub(now))
    }

    fn slide(&mut self, second: u64) {
        for gone in (self.second + 1..=second).take(MINUTE as usize) {
            let count = &mut self.counts[(gone % MINUTE) as usize];
            self.used -= std::mem::take(count);
        }
        self.second = self.second.max(second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_full_minute_waits_until_its_oldest_second_is_gone() {
        let mut window = Window::default();
        let rate = Some(2);
        let at = Duration::from_secs_f64;
        assert_eq!(window.take(rate, at(0.5)), None);
        assert_eq!(window.take(rate, at(10.0)), None);
        assert_eq!(window.take(rate, at(10.5)), Some(at(49.5)));
        assert_eq!(window.take(rate, at(60.0)), None);
        assert_eq!(window.take(rate, at(60.0)), Some(at(10.0)));
        assert_eq!(window.take(rate, at(1000.0)), None);
        assert_eq!(window.take(None, at(1000.0)), None, "no limit, but counted");
        assert_eq!(window.take(rate, at(1000.0)), Some(at(60.0)));
    }

    proptest! {
        #[test]
        fn no_minute_holds_more_than_the_rate_and_every_wait_is_kept(
            rate in 1u32..5,
            pauses in prop::collection::vec(0u64..40_000, 1..200),
        ) {
            let mut window = Window::default();
            let mut taken = Vec::new();
            let mut now = Duration::ZERO;
            for pause in pauses {
                now += Duration::from_millis(pause);
                if let Some(wait) = window.take(Some(rate), now) {
                    prop_assert!(!wait.is_zero() && wait <= Duration::from_secs(60));
                    now += wait;
                    prop_assert_eq!(window.take(Some(rate), now), None);
                }
                taken.push(now);
            }
            for pair in taken.windows(rate as usize + 1) {
                prop_assert!(pair[rate as usize] - pair[0] > Duration::from_secs(59));
            }
        }
    }
}
