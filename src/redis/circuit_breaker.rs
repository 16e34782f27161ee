//! The circuit breaker: whether to send requests to a Redis that failed. A pure state machine, events and the time in, decisions
//! out. No I/O, no clock, no randomness.
//!
//! Closed, every request is allowed. The first failure of the server opens the breaker, and requests fail at once. Probes
//! in the background close it again. When no request was made for [`IDLE_LIMIT`], probing stops, and the next request is
//! allowed and finds out.

use std::time::Duration;

use tokio::time::Instant;

/// The first and the longest delay between two probes.
const FIRST_DELAY: Duration = Duration::from_millis(100);
const MAX_DELAY: Duration = Duration::from_secs(2);
/// A breaker that opens again sooner than this after it closed goes on with the longer delays.
const STABLE_AFTER: Duration = Duration::from_secs(10);
/// Probing stops when no request was made for this long.
const IDLE_LIMIT: Duration = Duration::from_secs(60);

/// A breaker for one Redis.
#[derive(Clone, Debug)]
pub(crate) struct CircuitBreaker {
    state: State,
    /// When the state began.
    since: Instant,
    /// How often in a row it opened without having been stable.
    failures: u32,
}

#[derive(Clone, Debug)]
enum State {
    Closed,
    Open { last_request: Instant, probing: bool, probe_key: String },
}

/// What a failed request leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum OnFailure {
    /// Nothing: the breaker is open and probed, or closed after the request began.
    Ignored,
    /// The breaker opened. Start probing.
    Opened(ProbeSchedule),
    /// The breaker was open, and probing had stopped. Start probing.
    ResumedProbing(ProbeSchedule),
}

impl CircuitBreaker {
    /// A closed breaker.
    pub(crate) fn new(now: Instant) -> Self {
        Self { state: State::Closed, since: now, failures: 0 }
    }

    /// Whether requests are expected to succeed.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Whether to send a request. An open breaker that nothing probes allows one, which finds out.
    pub(crate) fn allows_request(&mut self, now: Instant) -> bool {
        match &mut self.state {
            State::Closed => true,
            State::Open { last_request, probing, .. } => {
                *last_request = now;
                !*probing
            }
        }
    }

    /// The server failed a request that was sent at `sent`. `key` is the request's key, empty without one.
    pub(crate) fn on_failure(&mut self, sent: Instant, key: &str, now: Instant) -> OnFailure {
        if let State::Open { probing, .. } = &mut self.state {
            return match std::mem::replace(probing, true) {
                true => OnFailure::Ignored,
                false => OnFailure::ResumedProbing(ProbeSchedule::new(self.failures)),
            };
        }
        if sent < self.since {
            return OnFailure::Ignored;
        }
        self.failures = if now >= self.since + STABLE_AFTER { 0 } else { self.failures + 1 };
        let probe_key = if key.is_empty() { String::new() } else { format!("{key}:probe") };
        self.state = State::Open { last_request: now, probing: true, probe_key };
        self.since = now;
        OnFailure::Opened(ProbeSchedule::new(self.failures))
    }

    /// A request or a probe that was sent at `sent` succeeded. Returns how long the breaker was open, if this closed it. A
    /// request from before the failure does not: a read succeeds on a replica that refuses every write.
    pub(crate) fn on_success(&mut self, sent: Instant, now: Instant) -> Option<Duration> {
        if self.is_closed() || sent < self.since {
            return None;
        }
        let outage = now - self.since;
        (self.state, self.since) = (State::Closed, now);
        Some(outage)
    }

    /// A probe failed. Returns whether to go on probing.
    pub(crate) fn on_failed_probe(&mut self, now: Instant) -> bool {
        match &mut self.state {
            State::Closed => false,
            State::Open { last_request, probing, .. } => {
                *probing = now <= *last_request + IDLE_LIMIT;
                *probing
            }
        }
    }

    /// The key that a probe writes: beside the key of the request that failed, so that a cluster sends it to the same node.
    pub(crate) fn probe_key(&self) -> &str {
        match &self.state {
            State::Closed => "",
            State::Open { probe_key, .. } => probe_key,
        }
    }
}

/// When to probe, and how long a probe may take.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ProbeSchedule {
    /// Doubles the delay.
    delays: u32,
    /// Doubles the timeout.
    probes: u32,
}

impl ProbeSchedule {
    fn new(failures: u32) -> Self {
        Self { delays: failures, probes: 0 }
    }

    /// The delay before the next probe. `jitter` in 0..1 spreads the probes of many processes.
    pub(crate) fn delay(&self, jitter: f64) -> Duration {
        let delay = FIRST_DELAY.saturating_mul(2u32.saturating_pow(self.delays)).min(MAX_DELAY);
        delay.mul_f64(0.75 + jitter / 4.0)
    }

    /// The timeout of the next probe. It grows from `first` to `max`: a request that got lost must not hold up the next
    /// probe for long.
    pub(crate) fn timeout(&self, first: Duration, max: Duration) -> Duration {
        first.saturating_mul(2u32.saturating_pow(self.probes)).min(max)
    }

    /// Moves on to the next probe.
    pub(crate) fn advance(&mut self) {
        self.delays = self.delays.saturating_add(1);
        self.probes = self.probes.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "{wx1:stable:f}:token";

    fn ms(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    fn opened(breaker: &mut CircuitBreaker, now: Instant) -> ProbeSchedule {
        match breaker.on_failure(now, KEY, now) {
            OnFailure::Opened(schedule) => schedule,
            other => panic!("{other:?}"),
        }
    }

    fn delays(mut schedule: ProbeSchedule, count: usize) -> Vec<u128> {
        let next = || {
            let delay = schedule.delay(1.0).as_millis();
            schedule.advance();
            delay
        };
        std::iter::repeat_with(next).take(count).collect()
    }

    #[test]
    fn a_failure_opens_the_breaker_and_requests_are_refused_until_a_success() {
        let start = Instant::now();
        let mut breaker = CircuitBreaker::new(start);
        assert!(breaker.is_closed() && breaker.allows_request(start));
        assert_eq!(breaker.probe_key(), "");
        opened(&mut breaker, start + ms(5));
        assert!(!breaker.is_closed() && !breaker.allows_request(start + ms(6)));
        assert_eq!(breaker.probe_key(), "{wx1:stable:f}:token:probe");
        assert_eq!(breaker.on_success(start + ms(805), start + ms(805)), Some(ms(800)));
        assert!(breaker.is_closed() && breaker.allows_request(start + ms(806)));
        assert_eq!(breaker.on_success(start + ms(900), start + ms(900)), None, "it was closed");
    }

    #[test]
    fn further_failures_change_nothing_while_it_is_open() {
        let start = Instant::now();
        let mut breaker = CircuitBreaker::new(start);
        opened(&mut breaker, start);
        assert_eq!(breaker.on_failure(start, "other", start + ms(50)), OnFailure::Ignored);
        assert_eq!(breaker.probe_key(), "{wx1:stable:f}:token:probe");
        assert_eq!(breaker.on_success(start + ms(70), start + ms(70)), Some(ms(70)));
    }

    #[test]
    fn a_request_that_began_before_the_breaker_closed_does_not_open_it() {
        let start = Instant::now();
        let mut breaker = CircuitBreaker::new(start);
        opened(&mut breaker, start);
        breaker.on_success(start + ms(100), start + ms(100));
        assert_eq!(breaker.on_failure(start + ms(99), KEY, start + ms(300)), OnFailure::Ignored);
        assert!(breaker.is_closed());
        assert!(matches!(breaker.on_failure(start + ms(100), KEY, start + ms(300)), OnFailure::Opened(_)));
    }

    #[test]
    fn delays_double_up_to_two_seconds_and_jitter_takes_up_to_a_quarter() {
        let start = Instant::now();
        let mut breaker = CircuitBreaker::new(start);
        let schedule = opened(&mut breaker, start + STABLE_AFTER);
        assert_eq!(schedule.delay(0.0), ms(75));
        assert_eq!(delays(schedule, 7), [100, 200, 400, 800, 1600, 2000, 2000]);
    }

    #[test]
    fn a_breaker_that_opens_again_soon_begins_with_longer_delays_until_it_was_stable() {
        let start = Instant::now();
        let mut breaker = CircuitBreaker::new(start);
        let mut now = start + STABLE_AFTER;
        for first in [100, 200, 400] {
            assert_eq!(delays(opened(&mut breaker, now), 1), [first]);
            breaker.on_success(now, now);
            now += STABLE_AFTER - ms(1);
        }
        breaker.on_success(now, now);
        assert_eq!(delays(opened(&mut breaker, now + ms(1)), 1), [100], "it was closed for 10 s");
    }

    #[test]
    fn the_timeout_of_probes_doubles_up_to_its_maximum() {
        let mut schedule = ProbeSchedule::new(0);
        let limits = std::iter::repeat_with(|| {
            let limit = schedule.timeout(ms(250), ms(2000)).as_millis();
            schedule.advance();
            limit
        });
        assert_eq!(limits.take(5).collect::<Vec<_>>(), [250, 500, 1000, 2000, 2000]);
    }

    #[test]
    fn probing_stops_without_requests_and_the_next_request_is_allowed() {
        let start = Instant::now();
        let mut breaker = CircuitBreaker::new(start);
        opened(&mut breaker, start);
        let asked = start + ms(10_000);
        assert!(!breaker.allows_request(asked));
        assert!(breaker.on_failed_probe(asked + IDLE_LIMIT));
        assert!(!breaker.on_failed_probe(asked + IDLE_LIMIT + ms(1)));
        let late = asked + ms(200_000);
        assert!(breaker.allows_request(late) && !breaker.is_closed());
        assert!(matches!(breaker.on_failure(late, KEY, late), OnFailure::ResumedProbing(_)));
        assert!(!breaker.allows_request(late + ms(1)), "it is probed again");
        assert_eq!(breaker.on_success(late + ms(2), late + ms(2)), Some(late + ms(2) - start), "one outage");
    }

    #[test]
    fn a_request_that_began_before_the_breaker_opened_does_not_close_it() {
        let start = Instant::now();
        let mut breaker = CircuitBreaker::new(start);
        opened(&mut breaker, start + ms(100));
        assert_eq!(breaker.on_success(start + ms(99), start + ms(101)), None);
        assert!(!breaker.is_closed());
        assert_eq!(breaker.on_success(start + ms(100), start + ms(101)), Some(ms(1)));
    }

    #[test]
    fn a_closed_breaker_is_not_probed() {
        let start = Instant::now();
        assert!(!CircuitBreaker::new(start).on_failed_probe(start));
    }

    #[test]
    fn a_request_without_a_key_leaves_the_probe_without_one() {
        let start = Instant::now();
        let mut breaker = CircuitBreaker::new(start);
        breaker.on_failure(start, "", start);
        assert_eq!(breaker.probe_key(), "");
    }
}
