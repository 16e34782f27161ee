//! Two clocks, injected: the monotonic one stops while a machine sleeps, the wall clock jumps.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A reading of both clocks, or a moment on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Since some moment before the first reading.
    pub mono: Duration,
    /// Since 1970.
    pub wall: Duration,
}

impl Now {
    pub(crate) fn after(self, time: Duration) -> Self {
        Self { mono: self.mono + time, wall: self.wall + time }
    }

    /// How long from `now` until this moment, by the clock that is nearer to it: a suspend stops the one, and setting
    /// back the other must not make a token live longer.
    pub fn left(self, now: Self) -> Duration {
        self.mono.saturating_sub(now.mono).min(self.wall.saturating_sub(now.wall))
    }

    /// This moment on the wall clock as it stands `now`, for people.
    pub(crate) fn wall_time(self, now: Self) -> SystemTime {
        UNIX_EPOCH + now.wall + self.left(now)
    }
}

/// Reads both clocks.
pub trait Clock: Send + Sync {
    /// A reading of both clocks.
    fn now(&self) -> Now;
}

/// The machine's clocks.
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    /// A reading of both clocks.
    fn now(&self) -> Now {
        Now { mono: self.start.elapsed(), wall: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() }
    }
}
