//! The minute of one process.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::time::Instant;

const MINUTE: u64 = 60;

/// Calls of this process, in any 60 seconds at most so many.
pub struct SlidingWindow {
    start: Instant,
    window: Mutex<Counts>,
    paused_until: Mutex<Option<Instant>>,
    /// The time since 1970.
    wall_clock: fn() -> Duration,
}

impl Default for SlidingWindow {
    fn default() -> Self {
        Self::with_wall_clock(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

impl SlidingWindow {
    /// An empty window whose minutes begin by this clock.
    pub fn with_wall_clock(wall_clock: fn() -> Duration) -> Self {
        Self { start: Instant::now(), window: Mutex::default(), paused_until: Mutex::default(), wall_clock }
    }

    /// Takes a permit if fewer than `rate` calls were made in the last minute, or says how long to wait. Gives the second that
    /// the permit is counted in.
    pub fn try_acquire(&self, rate: u32) -> Result<u64, Duration> {
        self.window.lock().try_acquire(rate, self.start.elapsed())
    }

    /// Counts a call without a permit. Gives the second that it is counted in.
    pub fn record(&self) -> u64 {
        self.window.lock().record(self.start.elapsed())
    }

    /// A permit of that second was not used.
    pub fn refund(&self, second: u64) {
        self.window.lock().refund(second, self.start.elapsed());
    }

    /// No permits before the wall clock's next minute. Gives the time until then.
    pub fn pause(&self) -> Duration {
        let left = until_next_minute((self.wall_clock)());
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
struct Counts {
    counts: [u32; MINUTE as usize],
    used: u32,
    second: u64,
}

impl Default for Counts {
    fn default() -> Self {
        Self { counts: [0; MINUTE as usize], used: 0, second: 0 }
    }
}

impl Counts {
    /// Takes a call, or says how long there is none.
    fn try_acquire(&mut self, rate: u32, now: Duration) -> Result<u64, Duration> {
        self.slide(now.as_secs());
        if self.used < rate {
            return Ok(self.record(now));
        }
        let oldest = (0..MINUTE).find(|ago| self.counts[((self.second + 1 + ago) % MINUTE) as usize] > 0);
        let until = Duration::from_secs(self.second + 1 + oldest.unwrap_or_default());
        Err(until.saturating_sub(now))
    }

    fn record(&mut self, now: Duration) -> u64 {
        self.slide(now.as_secs());
        self.used += 1;
        self.counts[(self.second % MINUTE) as usize] += 1;
        self.second
    }

    fn refund(&mut self, second: u64, now: Duration) {
        self.slide(now.as_secs());
        let count = &mut self.counts[(second % MINUTE) as usize];
        if second + MINUTE > self.second && *count > 0 {
            *count -= 1;
            self.used -= 1;
        }
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

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_full_minute_waits_until_its_oldest_second_is_gone() {
        let mut window = Counts::default();
        assert_eq!(window.try_acquire(2, at(0.5)), Ok(0));
        assert_eq!(window.try_acquire(2, at(10.0)), Ok(10));
        assert_eq!(window.try_acquire(2, at(10.5)), Err(at(49.5)));
        assert_eq!(window.try_acquire(2, at(60.0)), Ok(60));
        assert_eq!(window.try_acquire(2, at(60.0)), Err(at(10.0)));
        assert_eq!(window.try_acquire(2, at(1000.0)), Ok(1000));
        window.record(at(1000.0));
        assert_eq!(window.try_acquire(2, at(1000.0)), Err(at(60.0)), "no limit, but counted");
    }

    #[test]
    fn a_returned_permit_is_available_once() {
        let mut window = Counts::default();
        let second = window.try_acquire(1, at(5.0)).unwrap();
        window.refund(second, at(20.0));
        assert_eq!(window.try_acquire(1, at(20.0)), Ok(20));
        window.refund(second, at(20.0));
        assert_eq!(window.try_acquire(1, at(20.0)), Err(at(60.0)), "its second has nothing more to give");
        window.refund(20, at(80.0));
        assert_eq!(window.try_acquire(1, at(80.0)), Ok(80), "long over: it counts no more by itself");
        window.refund(20, at(80.0));
        assert!(window.try_acquire(1, at(80.0)).is_err(), "a later second in the same place is none of its business");
    }

    #[test]
    fn a_pause_ends_with_the_minute() {
        let at = Duration::from_millis;
        assert_eq!(until_next_minute(at(120_000)), at(60_000));
        assert_eq!(until_next_minute(at(179_999)), at(1));
        let minute = SlidingWindow::default();
        assert_eq!(minute.paused(), None);
        assert!(minute.paused().is_none() && minute.pause() <= at(60_000) && minute.paused().is_some());
    }

    proptest! {
        #[test]
        fn no_minute_exceeds_the_rate_and_a_permit_is_there_after_every_wait(
            rate in 1u32..5,
            pauses in prop::collection::vec(0u64..40_000, 1..200),
        ) {
            let mut window = Counts::default();
            let mut taken = Vec::new();
            let mut now = Duration::ZERO;
            for pause in pauses {
                now += Duration::from_millis(pause);
                if let Err(wait) = window.try_acquire(rate, now) {
                    prop_assert!(!wait.is_zero() && wait <= Duration::from_secs(60));
                    now += wait;
                    prop_assert!(window.try_acquire(rate, now).is_ok());
                }
                taken.push(now);
            }
            for pair in taken.windows(rate as usize + 1) {
                prop_assert!(pair[rate as usize] - pair[0] > Duration::from_secs(59));
            }
        }
    }
}
