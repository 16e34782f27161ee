//! The minute of one process.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::time::Instant;

const MINUTE: u64 = 60;

/// Calls of this process, in any 60 seconds at most so many.
pub struct Minute {
    start: Instant,
    window: Mutex<Window>,
    paused_until: Mutex<Option<Instant>>,
}

impl Default for Minute {
    fn default() -> Self {
        Self { start: Instant::now(), window: Mutex::default(), paused_until: Mutex::default() }
    }
}

impl Minute {
    /// Takes a turn if fewer than `rate` calls lie in the last minute, or says how long they do not.
    pub fn take(&self, rate: u32) -> Option<Duration> {
        self.window.lock().take(Some(rate), self.start.elapsed())
    }

    /// Counts a call that asks for no turn.
    pub fn note(&self) {
        self.window.lock().take(None, self.start.elapsed());
    }

    /// No turns before the wall clock's next minute, which is given.
    pub fn pause(&self) -> Duration {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let left = until_next_minute(since_1970);
        *self.paused_until.lock() = Some(Instant::now() + left);
        left
    }

    /// How long the pause still lasts.
    pub fn paused(&self) -> Option<Duration> {
        let mut until = self.paused_until.lock();
        *until = until.filter(|&until| Instant::now() < until);
        until.map(|until| until.saturating_duration_since(Instant::now()))
    }
}

fn until_next_minute(since_1970: Duration) -> Duration {
    Duration::from_secs((since_1970.as_secs() / MINUTE + 1) * MINUTE) - since_1970
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

    #[test]
    fn a_pause_ends_with_the_minute() {
        let at = Duration::from_millis;
        assert_eq!(until_next_minute(at(120_000)), at(60_000));
        assert_eq!(until_next_minute(at(179_999)), at(1));
        let minute = Minute::default();
        assert_eq!(minute.paused(), None);
        assert!(minute.paused().is_none() && minute.pause() <= at(60_000) && minute.paused().is_some());
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
