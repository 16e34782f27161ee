//! The minute of one process.

use std::time::Duration;

use parking_lot::Mutex;

use crate::clock::Clock;

const MINUTE: u64 = 60;

/// Counts the calls of this process in the last 60 seconds.
pub(crate) struct SlidingWindow {
    clock: Clock,
    counts: Mutex<Counts>,
    /// On the monotonic clock: a pause does not change its length when the wall clock is set.
    paused_until: Mutex<Option<Duration>>,
}

impl SlidingWindow {
    /// An empty window.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, counts: Mutex::default(), paused_until: Mutex::default() }
    }

    /// Another empty window, by the same clock.
    pub(crate) fn new_empty(&self) -> Self {
        Self::new(self.clock.clone())
    }

    /// Takes a permit if fewer than `rate` calls were made in the last minute, or says how long to wait. Gives the second that
    /// the permit is counted in.
    pub(crate) fn try_acquire(&self, rate: u32) -> Result<u64, Duration> {
        self.counts.lock().try_acquire(rate, self.clock.mono())
    }

    /// Counts a call without a permit. Gives the second that the call is counted in.
    pub(crate) fn record(&self) -> u64 {
        self.counts.lock().record(self.clock.mono())
    }

    /// A permit of that second was not used.
    pub(crate) fn refund(&self, second: u64) {
        self.counts.lock().refund(second, self.clock.mono());
    }

    /// No permits before the wall clock's next minute. Gives the time until then.
    pub(crate) fn pause(&self) -> Duration {
        let now = self.clock.now();
        let remaining = until_next_minute(now.wall);
        *self.paused_until.lock() = Some(now.mono + remaining);
        remaining
    }

    /// The remaining time of the pause.
    pub(crate) fn paused_for(&self) -> Option<Duration> {
        let (mut until, now) = (self.paused_until.lock(), self.clock.mono());
        *until = until.filter(|&until| now < until);
        until.map(|until| until - now)
    }
}

fn until_next_minute(since_1970: Duration) -> Duration {
    Duration::from_secs((since_1970.as_secs() / MINUTE + 1) * MINUTE) - since_1970
}

/// A sliding window of a minute, counted by the second.
struct Counts {
    per_second: [u32; MINUTE as usize],
    used: u32,
    second: u64,
}

impl Default for Counts {
    fn default() -> Self {
        Self { per_second: [0; MINUTE as usize], used: 0, second: 0 }
    }
}

impl Counts {
    /// Takes a call, or says how long there is none.
    fn try_acquire(&mut self, rate: u32, now: Duration) -> Result<u64, Duration> {
        self.slide(now.as_secs());
        if self.used < rate {
            return Ok(self.record(now));
        }
        let oldest = (0..MINUTE).find(|ago| self.per_second[((self.second + 1 + ago) % MINUTE) as usize] > 0);
        let until = Duration::from_secs(self.second + 1 + oldest.unwrap_or_default());
        Err(until.saturating_sub(now))
    }

    fn record(&mut self, now: Duration) -> u64 {
        self.slide(now.as_secs());
        self.used += 1;
        self.per_second[(self.second % MINUTE) as usize] += 1;
        self.second
    }

    fn refund(&mut self, second: u64, now: Duration) {
        self.slide(now.as_secs());
        let count = &mut self.per_second[(second % MINUTE) as usize];
        if second + MINUTE > self.second && *count > 0 {
            *count -= 1;
            self.used -= 1;
        }
    }

    fn slide(&mut self, second: u64) {
        for expired in (self.second + 1..=second).take(MINUTE as usize) {
            let count = &mut self.per_second[(expired % MINUTE) as usize];
            self.used -= std::mem::take(count);
        }
        self.second = self.second.max(second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::time::advance;

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

    #[tokio::test(start_paused = true)]
    async fn a_pause_ends_with_the_minute() {
        let at = Duration::from_millis;
        for (now, left) in [(120_000, 60_000), (150_000, 30_000), (179_999, 1)] {
            let window = SlidingWindow::new(Clock::manual(at(now)));
            assert_eq!(window.paused_for(), None);
            assert_eq!(window.pause(), at(left));
            assert_eq!(window.paused_for(), Some(at(left)));
            advance(at(left - 1)).await;
            assert_eq!(window.paused_for(), Some(at(1)), "in the last moment of the minute");
            advance(at(1)).await;
            assert_eq!(window.paused_for(), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wall_clock_that_is_set_neither_ends_nor_extends_a_pause() {
        let clock = Clock::manual(Duration::from_secs(130));
        let window = SlidingWindow::new(clock.clone());
        assert_eq!(window.pause(), Duration::from_secs(50));
        for hour in [3_600_000, -3_600_000] {
            clock.shift_wall(hour);
            assert_eq!(window.paused_for(), Some(Duration::from_secs(50)));
        }
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
