//! The states of an account's token: a pure state machine, an event and the time in, a decision out. No I/O, no clock, no
//! randomness. `docs/en/architecture.md` has the diagram.
//!
//! A token is served until `expire_at`. From `refresh_at` on a refresh runs beside the calls. Without a token all callers join
//! one refresh, and after a failure no refresh starts before the backoff is over.
//!
//! Clients may reach WeChat by different routes. A failure on one route (a dead proxy) causes no failure and no backoff on
//! another route, whose callers join that refresh only for a moment.

mod backoff;
mod forget;
mod policy;
mod routes;
mod token;

use std::time::Duration;

pub(crate) use backoff::RefreshBackoff;
pub use policy::RefreshPolicy;
pub use token::{ReceivedToken, Token};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::RouteId;
use routes::Routes;

/// The shortest time between two refreshes, whatever lifetime the server gives.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(10);

/// The outcome of a refresh that succeeded.
pub(crate) enum RefreshOutcome {
    Token(ReceivedToken),
    /// WeChat still gives the current token.
    Unchanged,
}

/// A refresh to start.
#[derive(Clone, Debug)]
pub(crate) struct RefreshRequest {
    pub(crate) id: u64,
    pub(crate) kind: RefreshKind,
}

/// What a refresh is for. `current` is the token of this process when the refresh starts.
#[derive(Clone, Debug)]
pub(crate) enum RefreshKind {
    /// To get a token, because there is none or the current one is about to expire.
    Renew { current: Option<Token> },
    /// To replace a token that an API rejected with this errcode.
    Replace { current: Token, errcode: i64 },
    /// To get another token, whatever the age of the current one.
    Force { current: Option<Token> },
}

impl RefreshKind {
    /// The token of this process when the refresh started.
    pub(crate) fn current(&self) -> Option<&Token> {
        match self {
            Self::Renew { current } | Self::Force { current } => current.as_ref(),
            Self::Replace { current, .. } => Some(current),
        }
    }

    /// The token that an API rejected, with the errcode.
    pub(crate) fn rejected(&self) -> Option<(&Token, i64)> {
        match self {
            Self::Replace { current, errcode } => Some((current, *errcode)),
            Self::Renew { .. } | Self::Force { .. } => None,
        }
    }

    /// Whether `received` is the token that an API rejected.
    pub(crate) fn is_rejected(&self, received: &ReceivedToken) -> bool {
        self.rejected().is_some_and(|(current, _)| received.is(current))
    }
}

/// What a caller has to do.
#[derive(Debug)]
pub(crate) enum Decision {
    /// Use this token, and start `refresh` beside the call, or compare the token with the stored one.
    Serve { token: Token, refresh: Option<RefreshRequest>, compare: bool },
    /// Wait for this refresh, after starting it if `start` is given. With `until` the refresh is on another route: decide again
    /// if it fails, or is not done by then on the monotonic clock.
    Join { refresh: u64, start: Option<RefreshRequest>, until: Option<Duration> },
    /// Decide again when this refresh is done, or at `until`.
    RetryAfterRefresh { refresh: u64, until: Option<Duration> },
    /// No refresh starts before `at` on the monotonic clock, because of `error`.
    Backoff { at: Duration, error: Error },
    /// Fail with WeChat's refusal of a moment ago: no new request is made yet.
    Fail(Error),
}

/// What the rejection of a token led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invalidation {
    /// The current token was invalidated: request another.
    Invalidated,
    /// The token was not the current one, or was invalidated before: request the current one.
    AlreadyReplaced,
    /// The last token was rejected a moment ago too: the API is at fault, and the rejection goes to the caller.
    Suppressed,
}

/// The state of an account's token: takes events and the time, and returns decisions.
pub(crate) struct State {
    policy: RefreshPolicy,
    current: Option<CurrentToken>,
    /// Refreshes that are running, at most one for each route.
    in_flight: Vec<InFlight>,
    started: u64,
    routes: Routes,
    last_check: Duration,
    last_number: u64,
    /// The last token that was invalidated. The store may still have it.
    last_rejected: Option<Token>,
    /// The backoff of all routes, after a failure that does not concern the route.
    backoff: Option<RefreshBackoff>,
    cooldown_until: Option<Duration>,
    /// The last refresh that began before the account's tokens were forgotten, and why they were.
    forgotten: Option<(u64, Option<Error>)>,
}

struct InFlight {
    id: u64,
    route: RouteId,
    kind: RefreshKind,
    begun: Duration,
}

struct CurrentToken {
    token: Token,
    /// The refresh that brought the token; 0 if another process did.
    refresh_id: u64,
    /// When the token was last requested.
    requested_at: Duration,
    refresh_at: Timestamp,
    expire_at: Timestamp,
    rejected: Option<i64>,
}

impl State {
    /// No token yet.
    pub(crate) fn new(policy: RefreshPolicy) -> Self {
        Self {
            policy,
            current: None,
            in_flight: Vec::new(),
            started: 0,
            routes: Routes::default(),
            last_check: Duration::ZERO,
            last_number: 0,
            last_rejected: None,
            backoff: None,
            cooldown_until: None,
            forgotten: None,
        }
    }

    /// A caller on this route needs a token.
    pub(crate) fn on_request(&mut self, now: Timestamp, route: RouteId) -> Decision {
        match self.usable(now) {
            Some(token) => {
                let refresh = self.refresh(now, route);
                Decision::Serve { token, compare: refresh.is_none() && self.compare(now), refresh }
            }
            None => match self.refresh_to_join(now, route) {
                // A renewal does not know of the rejection, and may bring the same token.
                Some((flight, until)) if matches!(flight.kind, RefreshKind::Renew { .. }) && self.is_rejected() => {
                    Decision::RetryAfterRefresh { refresh: flight.id, until }
                }
                Some((flight, until)) => Decision::Join { refresh: flight.id, start: None, until },
                None => self.start_or_pause(now, route, false),
            },
        }
    }

    /// A caller needs another token than the current one, whatever its age.
    pub(crate) fn on_forced_request(&mut self, now: Timestamp, route: RouteId) -> Decision {
        match self.refresh_to_join(now, route) {
            Some((InFlight { kind: RefreshKind::Force { .. }, id, .. }, until)) => {
                Decision::Join { refresh: *id, start: None, until }
            }
            Some((flight, until)) => Decision::RetryAfterRefresh { refresh: flight.id, until },
            None => self.start_or_pause(now, route, true),
        }
    }

    /// The refresh that this route waits for: its own, or another route's that began a moment ago, and until when.
    fn refresh_to_join(&self, now: Timestamp, route: RouteId) -> Option<(&InFlight, Option<Duration>)> {
        let own = self.in_flight.iter().find(|flight| flight.route == route);
        let until = |flight: &InFlight| flight.begun + self.policy.join_timeout;
        let others =
            || self.in_flight.iter().filter(|flight| now.mono < until(flight)).max_by_key(|flight| flight.begun);
        own.map(|flight| (flight, None)).or_else(|| others().map(|flight| (flight, Some(until(flight)))))
    }

    fn start_or_pause(&mut self, now: Timestamp, route: RouteId, forced: bool) -> Decision {
        let backoff = self.backoff.as_ref().filter(|backoff| backoff.is_active(now));
        match backoff.or_else(|| self.routes.backoff(route, now)) {
            Some(backoff) => backoff.decision(),
            None => {
                let request = self.start(now, route, forced);
                Decision::Join { refresh: request.id, start: Some(request), until: None }
            }
        }
    }

    /// A refresh is done. Its outcome is for all callers that joined it; an error never replaces a token.
    /// `jitter` in 0..1 spreads `refresh_at` and pauses.
    pub(crate) fn on_refresh_done(
        &mut self,
        refresh_id: u64,
        result: Result<RefreshOutcome>,
        now: Timestamp,
        jitter: f64,
    ) -> Result<Token> {
        let at = self.in_flight.iter().position(|current| current.id == refresh_id);
        let finished = at.map(|at| self.in_flight.swap_remove(at));
        self.last_check = now.mono;
        match result {
            Ok(outcome) => {
                self.backoff = None;
                if let Some(InFlight { route, .. }) = finished {
                    self.routes.succeeded(route);
                }
                let aware_of_rejection =
                    finished.is_some_and(|finished| !matches!(finished.kind, RefreshKind::Renew { .. }));
                if let RefreshOutcome::Token(_) = outcome
                    && let Some(reason) = self.forgotten_during(refresh_id)
                {
                    return reason.map_or_else(|| self.keep_current(false), Err);
                }
                match outcome {
                    RefreshOutcome::Token(_) if self.is_superseded(refresh_id, now) => self.keep_current(false),
                    RefreshOutcome::Token(received) => Ok(self.adopt(received, refresh_id, aware_of_rejection, jitter)),
                    RefreshOutcome::Unchanged => self.keep_current(aware_of_rejection),
                }
            }
            Err(error) => {
                if let Some(InFlight { route, .. }) = finished {
                    self.record_failure(&error, route, now, jitter);
                }
                Err(error)
            }
        }
    }

    /// An API rejected a token. Invalidates it if it is the current one.
    pub(crate) fn on_rejected(&mut self, value: &str, errcode: i64, now: Timestamp) -> Invalidation {
        let Some(current) = self.current.as_mut().filter(|current| current.token.expose() == value) else {
            return Invalidation::AlreadyReplaced;
        };
        if current.rejected.is_some() {
            return Invalidation::AlreadyReplaced;
        }
        if self.cooldown_until.is_some_and(|until| now.mono < until) {
            return Invalidation::Suppressed;
        }
        current.rejected = Some(errcode);
        self.last_rejected = Some(current.token.clone());
        self.cooldown_until = Some(now.mono + self.policy.cooldown);
        Invalidation::Invalidated
    }

    /// Adopts a token from the store, unless the current one expires later. Returns the token if it was adopted.
    pub(crate) fn adopt_if_newer(&mut self, received: ReceivedToken, jitter: f64) -> Option<Token> {
        let kept = self.current().is_some_and(|token| received.is(token) || token.expires_after(&received));
        (!kept && !self.was_rejected(&received)).then(|| self.adopt(received, 0, false, jitter))
    }

    /// Whether this is the last invalidated token, and another one is current.
    pub(crate) fn was_rejected(&self, received: &ReceivedToken) -> bool {
        let rejected = self.last_rejected.as_ref().is_some_and(|token| received.is(token));
        rejected && self.current().is_some_and(|token| !received.is(token))
    }

    /// Whether this refresh began because an earlier one, on another route, was taking long.
    pub(crate) fn overlaps_older_refresh(&self, refresh_id: u64) -> bool {
        self.in_flight.iter().any(|other| other.id < refresh_id)
    }

    /// Forgets the running refreshes. A token that one of them still brings is adopted.
    pub(crate) fn forget_refreshes(&mut self) {
        self.in_flight.clear();
    }

    /// The current token, whatever its age.
    pub(crate) fn current(&self) -> Option<&Token> {
        self.current.as_ref().map(|current| &current.token)
    }

    /// Whether the current token would be served.
    pub(crate) fn is_usable(&self, now: Timestamp) -> bool {
        self.usable(now).is_some()
    }

    fn is_rejected(&self) -> bool {
        self.current.as_ref().is_some_and(|current| current.rejected.is_some())
    }

    fn usable(&self, now: Timestamp) -> Option<Token> {
        let current = self.current.as_ref().filter(|current| current.rejected.is_none())?;
        let fresh = now.mono < current.token.first_seen().mono + MIN_REFRESH_INTERVAL;
        (fresh || !current.expire_at.left(now).is_zero()).then(|| current.token.clone())
    }

    /// Starts a refresh if it is due, none is running and there is no backoff.
    fn refresh(&mut self, now: Timestamp, route: RouteId) -> Option<RefreshRequest> {
        let due = self.current.as_ref().is_some_and(|current| current.refresh_at.left(now).is_zero());
        let paused = self.backoff.as_ref().is_some_and(|backoff| backoff.is_active(now));
        let last = self.routes.last_start(route).max(self.current.as_ref().map(|current| current.requested_at));
        let too_soon = last.is_some_and(|last| now.mono < last + MIN_REFRESH_INTERVAL);
        let idle = due && !paused && !too_soon && self.refresh_to_join(now, route).is_none();
        (idle && self.routes.backoff(route, now).is_none()).then(|| self.start(now, route, false))
    }

    fn compare(&mut self, now: Timestamp) -> bool {
        let idle = self.in_flight.is_empty();
        let due = idle && self.policy.compare_every.is_some_and(|every| now.mono >= self.last_check + every);
        if due {
            self.last_check = now.mono;
        }
        due
    }

    fn start(&mut self, now: Timestamp, route: RouteId, forced: bool) -> RefreshRequest {
        self.routes.started(route, now);
        let token = self.current.as_ref().map(|current| current.token.clone());
        let kind = match &self.current {
            _ if forced => RefreshKind::Force { current: token },
            Some(CurrentToken { token, rejected: Some(errcode), .. }) => {
                RefreshKind::Replace { current: token.clone(), errcode: *errcode }
            }
            _ => RefreshKind::Renew { current: token },
        };
        self.started += 1;
        self.in_flight.push(InFlight { id: self.started, route, kind: kind.clone(), begun: now.mono });
        RefreshRequest { id: self.started, kind }
    }

    /// Whether a later refresh has already brought a token, which the token of this refresh must not replace.
    fn is_superseded(&self, refresh_id: u64, now: Timestamp) -> bool {
        self.is_usable(now) && self.current.as_ref().is_some_and(|current| current.refresh_id > refresh_id)
    }

    /// Keeps the current token. A refresh that knew of its rejection makes it valid again.
    fn keep_current(&mut self, aware_of_rejection: bool) -> Result<Token> {
        let current = self.current.as_mut().ok_or(Error::Closed)?;
        current.rejected = current.rejected.filter(|_| !aware_of_rejection);
        Ok(current.token.clone())
    }

    /// `aware_of_rejection`: whether the refresh knew that the current token was rejected. If it did not, and brings the same
    /// token, the token stays rejected.
    #[allow(clippy::needless_pass_by_value, reason = "what is adopted is not offered again")]
    fn adopt(&mut self, received: ReceivedToken, refresh_id: u64, aware_of_rejection: bool, jitter: f64) -> Token {
        let lifetime = received.lifetime();
        let same = self.current.as_ref().filter(|current| received.is(&current.token));
        let (number, first_seen, rejected) = match same {
            Some(current) => {
                (current.token.number(), current.token.first_seen(), current.rejected.filter(|_| !aware_of_rejection))
            }
            None => (self.last_number + 1, received.requested_at, None),
        };
        self.last_number = self.last_number.max(number);
        let (refresh_before, expire_before) =
            if received.refresh_early { self.margins(lifetime, jitter) } else { Default::default() };
        let token = Token::new(&received, number, first_seen);
        self.current = Some(CurrentToken {
            token: token.clone(),
            refresh_id,
            requested_at: received.requested_at.mono,
            refresh_at: received.requested_at.after(lifetime - refresh_before),
            expire_at: received.requested_at.after(lifetime - expire_before),
            rejected,
        });
        token
    }

    /// A short lifetime leaves less room for margins.
    fn margins(&self, life: Duration, jitter: f64) -> (Duration, Duration) {
        let refresh_before =
            (self.policy.refresh_before + self.policy.jitter.mul_f64(2.0 * jitter)).saturating_sub(self.policy.jitter);
        (refresh_before.min(life.mul_f64(0.9)), self.policy.expire_before.min(life.mul_f64(0.1)))
    }

    fn record_failure(&mut self, error: &Error, route: RouteId, now: Timestamp, jitter: f64) {
        if error.is_route_specific() {
            return self.routes.failed(route, error, now, jitter);
        }
        if let Some(backoff) = RefreshBackoff::after(self.backoff.as_ref(), error, now, jitter) {
            self.backoff = Some(backoff);
        }
    }
}

#[cfg(test)]
mod tests;
