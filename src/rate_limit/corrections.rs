//! Permits that Redis has counted wrongly, until they are corrected. A correction older than a minute is dropped.

use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// The second of Redis's clock in which Redis counted a permit, and the same moment on the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedAt {
    pub(crate) second: i64,
    pub(crate) at: Instant,
}

/// Permits of one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Correction {
    /// The second of Redis's clock in which Redis counted the permits; `None` if Redis did not count them: these are sent by age.
    pub(crate) second: Option<i64>,
    pub(crate) at: Instant,
    pub(crate) permits: i64,
}

/// Corrections, one entry for moments within a second, so that the list stays short.
#[derive(Default)]
pub(crate) struct Corrections(Vec<Correction>);

impl Corrections {
    /// A request was sent that Redis has not counted.
    pub(crate) fn record_use(&mut self, at: Instant) {
        self.add(Correction { second: None, at, permits: 1 });
    }

    /// Permits that Redis has counted were not used.
    pub(crate) fn refund(&mut self, counted: CountedAt, permits: i64) {
        self.add(Correction { second: Some(counted.second), at: counted.at, permits: -permits });
    }

    /// Removes and returns the corrections that still count.
    pub(crate) fn take(&mut self, now: Instant) -> Vec<Correction> {
        self.expire(now);
        std::mem::take(&mut self.0)
    }

    /// Restores the uses after a script call that failed. Redis may have counted them although its reply was lost: then uses
    /// count twice, which is on the safe side. A refund that counts twice would allow more requests than WeChat does, so
    /// refunds are dropped.
    pub(crate) fn restore_uses(&mut self, entries: Vec<Correction>) {
        for entry in entries.into_iter().filter(|entry| entry.permits > 0) {
            self.add(entry);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether permits were given back.
    pub(crate) fn has_refunds(&self) -> bool {
        self.0.iter().any(|entry| entry.permits < 0)
    }

    fn add(&mut self, new: Correction) {
        let same =
            |entry: &&mut Correction| entry.second == new.second && (new.second.is_some() || is_near(entry.at, new.at));
        match self.0.iter_mut().find(same) {
            Some(entry) => entry.permits += new.permits,
            None => self.0.push(new),
        }
        self.expire(new.at);
    }

    fn expire(&mut self, now: Instant) {
        self.0.retain(|entry| now < entry.at + MINUTE);
    }
}

fn is_near(one: Instant, other: Instant) -> bool {
    one.max(other) - one.min(other) < Duration::from_secs(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(entries: &[Correction]) -> Vec<(Option<i64>, i64)> {
        entries.iter().map(|entry| (entry.second, entry.permits)).collect()
    }

    #[test]
    fn corrections_are_taken_once_and_grouped_by_second() {
        let (mut corrections, start) = (Corrections::default(), Instant::now());
        for ms in [0, 900, 5000] {
            corrections.record_use(start + Duration::from_millis(ms));
        }
        for second in [1000, 1001, 1000] {
            corrections.refund(CountedAt { second, at: start + Duration::from_secs(9) }, 2);
        }
        let now = start + Duration::from_secs(10);
        let entries = corrections.take(now);
        assert_eq!(summary(&entries), [(None, 2), (None, 1), (Some(1000), -4), (Some(1001), -2)]);
        assert!(corrections.is_empty() && corrections.take(now).is_empty());
        corrections.restore_uses(entries);
        assert!(!corrections.has_refunds());
        assert_eq!(summary(&corrections.take(now)), [(None, 2), (None, 1)]);
    }

    #[test]
    fn corrections_lapse_after_a_minute() {
        let (mut corrections, start) = (Corrections::default(), Instant::now());
        for second in 0..600 {
            corrections.record_use(start + Duration::from_secs(second));
        }
        let entries = corrections.take(start + Duration::from_secs(599));
        assert_eq!(entries.len(), 60);
        corrections.restore_uses(entries);
        assert!(corrections.take(start + Duration::from_secs(700)).is_empty());
    }
}
