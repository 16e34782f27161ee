//! Turns that were counted wrongly, until the fleet's count is put right. What is older than a minute counts no more.

use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// Moments within a second are one entry, so that it stays small.
#[derive(Default)]
pub struct Ledger(Vec<(Instant, i64)>);

impl Ledger {
    pub fn add(&mut self, at: Instant, turns: i64) {
        let second = Duration::from_secs(1);
        let near = |other: Instant| other.max(at) - other.min(at) < second;
        match self.0.iter_mut().find(|(other, _)| near(*other)) {
            Some((_, sum)) => *sum += turns,
            None => self.0.push((at, turns)),
        }
        self.lapse(at);
    }

    /// All that still counts. The ledger is empty afterwards.
    pub fn take(&mut self, now: Instant) -> Vec<(Instant, i64)> {
        self.lapse(now);
        std::mem::take(&mut self.0).into_iter().filter(|&(_, turns)| turns != 0).collect()
    }

    /// It was not told after all.
    pub fn put_back(&mut self, entries: Vec<(Instant, i64)>) {
        for (at, turns) in entries {
            self.add(at, turns);
        }
    }

    /// Whether turns were given back.
    pub fn has_turns(&self) -> bool {
        self.0.iter().any(|&(_, turns)| turns < 0)
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|&(_, turns)| turns == 0)
    }

    fn lapse(&mut self, now: Instant) {
        self.0.retain(|&(at, _)| now < at + MINUTE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_given_once_by_its_second() {
        let (mut ledger, start) = (Ledger::default(), Instant::now());
        for (ms, turns) in [(0, 1), (900, 1), (5000, 3), (5100, -3), (9000, -2)] {
            ledger.add(start + Duration::from_millis(ms), turns);
        }
        let now = start + Duration::from_secs(10);
        let entries = ledger.take(now);
        assert_eq!(entries, [(start, 2), (start + Duration::from_secs(9), -2)]);
        assert!(ledger.is_empty() && ledger.take(now).is_empty());
        ledger.put_back(entries);
        assert!(!ledger.is_empty());
    }

    #[test]
    fn nothing_is_owed_for_longer_than_a_minute() {
        let (mut ledger, start) = (Ledger::default(), Instant::now());
        for second in 0..600 {
            ledger.add(start + Duration::from_secs(second), 10);
        }
        let entries = ledger.take(start + Duration::from_secs(599));
        assert_eq!(entries.iter().map(|(_, turns)| turns).sum::<i64>(), 600);
        ledger.put_back(entries);
        assert!(ledger.take(start + Duration::from_secs(700)).is_empty());
    }
}
