//! Where the crate reads the time, and the only place: `clippy.toml` forbids to read it elsewhere.
//!
//! Monotonic time is tokio's, by which sleeps and time-outs wait. A test that pauses a runtime or advances its time moves
//! deadlines, windows and sleeps together; std's clock would run on meanwhile. Outside of tests they are one clock.
//!
//! Wall time is read from a [`Clock`], which a struct gets when it is made: it jumps, and no runtime pauses it. What lasts is
//! measured by the monotonic clock, and the wall clock only says which moment it is.

// Here, and nowhere else.
#![allow(clippy::disallowed_methods, reason = "the one place where time is read")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The monotonic time. It stops while the machine sleeps.
pub(crate) fn monotonic() -> Instant {
    Instant::now()
}

/// A time on both clocks: a reading, or a time in the future.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// The monotonic time, since the clock was made.
    pub mono: Duration,
    /// The wall time, since 1970.
    pub wall: Duration,
}

impl Timestamp {
    /// The timestamp `time` later, on both clocks.
    pub(crate) fn after(self, time: Duration) -> Self {
        Self { mono: self.mono + time, wall: self.wall + time }
    }

    /// The time from `now` until this timestamp, by the clock that gives less: a suspend stops the monotonic clock, and setting
    /// back the wall clock must not make a token live longer.
    pub fn left(self, now: Self) -> Duration {
        self.mono.saturating_sub(now.mono).min(self.wall.saturating_sub(now.wall))
    }

    /// The wall time in milliseconds since 1970.
    pub(crate) fn unix_millis(self) -> u64 {
        u64::try_from(self.wall.as_millis()).unwrap_or(u64::MAX)
    }

    /// This timestamp as a time of the wall clock as it is set `now`.
    pub(crate) fn wall_time(self, now: Self) -> SystemTime {
        UNIX_EPOCH + now.wall + self.left(now)
    }
}

/// The monotonic and the wall clock. Clones are the same clock. The default is the machine's.
#[derive(Clone, Debug)]
pub struct Clock {
    start: Instant,
    wall: Wall,
}

#[derive(Clone, Debug)]
enum Wall {
    Machine,
    /// Runs with the monotonic clock; this is its time at the start, in milliseconds since 1970.
    Manual(Arc<AtomicI64>),
    #[cfg(test)]
    Stopped(Duration),
}

impl Default for Clock {
    fn default() -> Self {
        Self { start: monotonic(), wall: Wall::Machine }
    }
}

impl Clock {
    /// A clock for tests: its wall time is `since_1970` now, runs with the monotonic clock, and jumps when told.
    pub fn manual(since_1970: Duration) -> Self {
        let start = i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX);
        Self { start: monotonic(), wall: Wall::Manual(Arc::new(start.into())) }
    }

    /// A clock whose wall time stays where it is, for tests with real connections, which take a time that no test knows.
    #[cfg(test)]
    pub(crate) fn stopped(since_1970: Duration) -> Self {
        Self { start: monotonic(), wall: Wall::Stopped(since_1970) }
    }

    /// Sets the wall clock of a manual clock forward, or back, by so many milliseconds. The machine's cannot be set.
    pub fn shift_wall(&self, milliseconds: i64) {
        if let Wall::Manual(start) = &self.wall {
            start.fetch_add(milliseconds, Ordering::Relaxed);
        }
    }

    /// A reading of both clocks.
    pub fn now(&self) -> Timestamp {
        Timestamp { mono: self.mono(), wall: self.wall() }
    }

    /// The monotonic time since this clock was made.
    pub(crate) fn mono(&self) -> Duration {
        monotonic().saturating_duration_since(self.start)
    }

    /// The time since 1970; zero if the clock is set to an earlier time.
    pub(crate) fn wall(&self) -> Duration {
        match &self.wall {
            Wall::Machine => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            Wall::Manual(start) => {
                let at_start = start.load(Ordering::Relaxed).try_into().unwrap_or_default();
                Duration::from_millis(at_start) + self.mono()
            }
            #[cfg(test)]
            Wall::Stopped(time) => *time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn a_manual_clock_runs_with_the_runtime_and_its_wall_time_jumps_when_told() {
        let clock = Clock::manual(HOUR);
        assert_eq!(clock.now(), Timestamp { mono: Duration::ZERO, wall: HOUR });
        advance(HOUR).await;
        clock.clone().shift_wall(-1000);
        assert_eq!(clock.now(), Timestamp { mono: HOUR, wall: 2 * HOUR - Duration::from_secs(1) });
        clock.shift_wall(-2 * 3_600_000);
        assert_eq!(clock.wall(), HOUR, "no time before 1970");
    }

    #[tokio::test(start_paused = true)]
    async fn the_wall_time_of_the_machine_is_not_paused_and_cannot_be_set() {
        let clock = Clock::default();
        let before = clock.now();
        clock.shift_wall(3_600_000);
        advance(HOUR).await;
        let after = clock.now();
        assert_eq!(after.mono - before.mono, HOUR);
        assert!(after.wall < before.wall + HOUR);
    }

    #[tokio::test(start_paused = true)]
    async fn the_wall_time_of_a_stopped_clock_stays() {
        let clock = Clock::stopped(HOUR);
        advance(HOUR).await;
        assert_eq!(clock.now(), Timestamp { mono: HOUR, wall: HOUR });
    }

    #[test]
    fn a_moment_is_as_near_as_the_nearer_clock_says() {
        let now = Timestamp { mono: HOUR, wall: 100 * HOUR };
        let end = now.after(HOUR);
        assert_eq!(end.left(now), HOUR);
        assert_eq!(end.left(Timestamp { wall: end.wall, ..now }), Duration::ZERO, "the machine was suspended");
        assert_eq!(end.left(Timestamp { mono: end.mono, ..now }), Duration::ZERO, "the wall clock was set back");
        assert_eq!(end.wall_time(now), UNIX_EPOCH + 101 * HOUR);
    }
}
