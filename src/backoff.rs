//! The pauses between retries and between polls.

use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// Exponential, with full jitter: 0.5 s, 1 s, 2 s, ... 60 s, times `jitter` (0..1).
pub fn backoff(failures: u32, jitter: f64) -> Duration {
    FIRST_PAUSE.saturating_mul(2u32.saturating_pow(failures)).min(MAX_PAUSE).mul_f64(jitter)
}

/// The pause before another look at the lock of another process: 10 to 20 ms, then up to 100 to 200 ms. Callers do not
/// notice it, and a hundred processes send only some hundred commands a second. Pub/sub would need a second connection for
/// each process, and would lose messages while that connection is down.
pub(crate) fn poll_pause(polls: u32, jitter: f64) -> Duration {
    Duration::from_millis(20)
        .saturating_mul(2u32.saturating_pow(polls))
        .min(Duration::from_millis(200))
        .mul_f64(0.5 + jitter / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backoff_doubles_up_to_a_minute() {
        let longest: Vec<_> = [0, 1, 2, 6, 7, 31, 32, u32::MAX].map(|n| backoff(n, 1.0).as_millis()).into();
        assert_eq!(longest, [500, 1000, 2000, 32_000, 60_000, 60_000, 60_000, 60_000]);
        assert_eq!(backoff(5, 0.0), Duration::ZERO);
    }

    #[test]
    fn a_follower_looks_again_after_half_its_pause_or_more() {
        let pauses = |jitter| [0, 1, 2, 3, 4, u32::MAX].map(|polls| poll_pause(polls, jitter).as_millis());
        assert_eq!(pauses(0.0), [10, 20, 40, 80, 100, 100]);
        assert_eq!(pauses(1.0), [20, 40, 80, 160, 200, 200]);
    }
}
