//! The states of an account's token: a pure state machine, an event and the time in, a decision out. No I/O, no clock, no
//! randomness. `docs/en/architecture.md` has the diagram.
//!
//! A token is served until its hard deadline. From its soft deadline on a refresh runs beside the calls. Without a token
//! all callers join one refresh, and after a failure none starts before the backoff is over.
//!
//! Clients may reach WeChat by different routes. A failure on one route (a dead proxy) is neither an answer nor a backoff
//! for another route, whose callers join that refresh only for a moment.

mod backoff;
mod policy;
mod routes;
mod token;

use std::time::Duration;

use backoff::RefreshBackoff;
pub use policy::RefreshPolicy;
pub use token::{ReceivedToken, Token};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::RouteId;
use routes::Routes;

/// The shortest time between two refreshes, whatever lifetime the server gives.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(10);

/// What a refresh that succeeded brought.
pub(crate) enum RefreshOutcome {
    Token(ReceivedToken),
    /// The token that is held is still the right one.
    Unchanged,
}

/// A refresh to start.
#[derive(Clone, Debug)]
pub(crate) struct RefreshRequest {
    pub(crate) id: u64,
    pub(crate) kind: RefreshKind,
}

/// What a refresh is to bring.
#[derive(Clone, Debug)]
pub(crate) enum RefreshKind {
    /// Get a token. `rejected` is the errcode with which an API did not accept the one that is held.
    Ordinary { held: Option<Token>, rejected: Option<i64> },
    /// Get another token than the one that is held.
    Forced { held: Option<Token> },
}

impl RefreshKind {
    /// Whether this is the very token that an API did not accept.
    pub(crate) fn is_rejected(&self, fetched: &ReceivedToken) -> bool {
        matches!(self, Self::Ordinary { held: Some(held), rejected: Some(_) } if fetched.is(held))
    }
}

/// What a caller has to do.
#[derive(Debug)]
pub(crate) enum Decision {
    /// Use this. `refresh` is to be started beside it, or it is to be compared with what the fleet has.
    Serve { token: Token, refresh: Option<RefreshRequest>, compare: bool },
    /// Wait for this refresh, after starting it if `start` is given. With `until` it is another route's: decide again if it
    /// fails, or is not done by then on the monotonic clock.
    Join { refresh: u64, start: Option<RefreshRequest>, until: Option<Duration> },
    /// Decide again when this refresh is done, or at `until`.
    RetryAfterRefresh { refresh: u64, until: Option<Duration> },
    /// No refresh starts before `at` on the monotonic clock, because of `error`.
    Backoff { at: Duration, error: Error },
    /// WeChat's answer of a moment ago, which is not asked for again yet.
    Fail(Error),
}

/// What becomes of a rejected token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invalidation {
    /// It was the present one and is so no more: ask for another.
    Invalidated,
    /// It was not the present one, or is given up already: ask for the present one.
    AlreadyReplaced,
    /// The last token was rejected a moment ago too: the API is at fault, and the rejection goes to the caller.
    Suppressed,
}

/// The state of an account's token. It is told of events and the time, and decides.
pub(crate) struct State {
    policy: RefreshPolicy,
    held: Option<Held>,
    /// Refreshes that are running, at most one for each route.
    in_flight: Vec<InFlight>,
    started: u64,
    routes: Routes,
    last_check: Duration,
    last_number: u64,
    /// The token that an API rejected last. The store may still have it.
    last_rejected: Option<Token>,
    /// The account's: WeChat rejected it, on whichever route.
    backoff: Option<RefreshBackoff>,
    cooldown_until: Option<Duration>,
}

#[derive(Clone, Copy)]
struct InFlight {
    id: u64,
    route: RouteId,
    purpose: Purpose,
    begun: Duration,
}

/// What a running refresh was started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// For the sake of a token's age.
    Refresh,
    /// Instead of a token that was rejected.
    Replace,
    Forced,
}

struct Held {
    token: Token,
    /// The refresh that brought it; 0 if another process did.
    flight: u64,
    /// When it was last requested.
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
            held: None,
            in_flight: Vec::new(),
            started: 0,
            routes: Routes::default(),
            last_check: Duration::ZERO,
            last_number: 0,
            last_rejected: None,
            backoff: None,
            cooldown_until: None,
        }
    }

    /// A caller on this route needs a token.
    pub(crate) fn on_request(&mut self, now: Timestamp, route: RouteId) -> Decision {
        match self.usable(now) {
            Some(token) => {
                let refresh = self.refresh(now, route);
                Decision::Serve { token, compare: refresh.is_none() && self.compare(now), refresh }
            }
            None => match self.flight_for(now, route) {
                // It does not know that the token was rejected and may bring the same one.
                Some((flight, until)) if flight.purpose == Purpose::Refresh && self.is_rejected() => {
                    Decision::RetryAfterRefresh { refresh: flight.id, until }
                }
                Some((flight, until)) => Decision::Join { refresh: flight.id, start: None, until },
                None => self.start_or_pause(now, route, false),
            },
        }
    }

    /// A caller needs another token than the present one, whatever its age.
    pub(crate) fn on_forced_request(&mut self, now: Timestamp, route: RouteId) -> Decision {
        match self.flight_for(now, route) {
            Some((InFlight { purpose: Purpose::Forced, id, .. }, until)) => {
                Decision::Join { refresh: id, start: None, until }
            }
            Some((flight, until)) => Decision::RetryAfterRefresh { refresh: flight.id, until },
            None => self.start_or_pause(now, route, true),
        }
    }

    /// The refresh that this route waits for: its own, or another route's that began a moment ago, and until when.
    fn flight_for(&self, now: Timestamp, route: RouteId) -> Option<(InFlight, Option<Duration>)> {
        let own = self.in_flight.iter().find(|flight| flight.route == route);
        let until = |flight: &InFlight| flight.begun + self.policy.join_timeout;
        let others =
            || self.in_flight.iter().filter(|flight| now.mono < until(flight)).max_by_key(|flight| flight.begun);
        own.map(|flight| (*flight, None)).or_else(|| others().map(|flight| (*flight, Some(until(flight)))))
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
    /// `jitter` in 0..1 spreads soft deadlines and pauses.
    pub(crate) fn on_refresh_done(
        &mut self,
        flight: u64,
        result: Result<RefreshOutcome>,
        now: Timestamp,
        jitter: f64,
    ) -> Result<Token> {
        let at = self.in_flight.iter().position(|current| current.id == flight);
        let finished = at.map(|at| self.in_flight.swap_remove(at));
        self.last_check = now.mono;
        match result {
            Ok(brought) => {
                self.backoff = None;
                if let Some(InFlight { route, .. }) = finished {
                    self.routes.succeeded(route);
                }
                let aware_of_rejection = finished.is_some_and(|finished| finished.purpose != Purpose::Refresh);
                match brought {
                    RefreshOutcome::Token(_) if self.is_superseded(flight, now) => self.keep_current(false),
                    RefreshOutcome::Token(fetched) => Ok(self.adopt(fetched, flight, aware_of_rejection, jitter)),
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

    /// An API rejected a token. It is given up only if it is the present one.
    pub(crate) fn on_rejected(&mut self, value: &str, errcode: i64, now: Timestamp) -> Invalidation {
        let Some(held) = self.held.as_mut().filter(|held| held.token.expose() == value) else {
            return Invalidation::AlreadyReplaced;
        };
        if held.rejected.is_some() {
            return Invalidation::AlreadyReplaced;
        }
        if self.cooldown_until.is_some_and(|until| now.mono < until) {
            return Invalidation::Suppressed;
        }
        held.rejected = Some(errcode);
        self.last_rejected = Some(held.token.clone());
        self.cooldown_until = Some(now.mono + self.policy.cooldown);
        Invalidation::Invalidated
    }

    /// The fleet's token takes the place of the present one, unless that is clearly later. Gives it if it does.
    pub(crate) fn adopt_if_newer(&mut self, fetched: ReceivedToken, jitter: f64) -> Option<Token> {
        let kept = self.present().is_some_and(|token| fetched.is(token) || token.expires_after(&fetched));
        (!kept && !self.was_rejected(&fetched)).then(|| self.adopt(fetched, 0, false, jitter))
    }

    /// Whether this is the token that an API rejected last, and another one has taken its place.
    pub(crate) fn was_rejected(&self, fetched: &ReceivedToken) -> bool {
        let rejected = self.last_rejected.as_ref().is_some_and(|token| fetched.is(token));
        rejected && self.present().is_some_and(|token| !fetched.is(token))
    }

    /// Whether this refresh began because an earlier one, on another route, was taking long.
    pub(crate) fn overlaps_older_refresh(&self, flight: u64) -> bool {
        self.in_flight.iter().any(|other| other.id < flight)
    }

    /// Gives up the running refreshes. A token that one of them still brings is adopted.
    pub(crate) fn forget_refreshes(&mut self) {
        self.in_flight.clear();
    }

    /// The present token, whatever its age.
    pub(crate) fn present(&self) -> Option<&Token> {
        self.held.as_ref().map(|held| &held.token)
    }

    /// Whether the present token would be served.
    pub(crate) fn is_usable(&self, now: Timestamp) -> bool {
        self.usable(now).is_some()
    }

    fn is_rejected(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.rejected.is_some())
    }

    fn usable(&self, now: Timestamp) -> Option<Token> {
        let held = self.held.as_ref().filter(|held| held.rejected.is_none())?;
        let fresh = now.mono < held.token.first_seen().mono + MIN_REFRESH_INTERVAL;
        (fresh || !held.expire_at.left(now).is_zero()).then(|| held.token.clone())
    }

    /// Past the soft deadline a refresh begins, if none is running and there is no backoff.
    fn refresh(&mut self, now: Timestamp, route: RouteId) -> Option<RefreshRequest> {
        let due = self.held.as_ref().is_some_and(|held| held.refresh_at.left(now).is_zero());
        let paused = self.backoff.as_ref().is_some_and(|backoff| backoff.is_active(now));
        let last = self.routes.last_start(route).max(self.held.as_ref().map(|held| held.requested_at));
        let too_soon = last.is_some_and(|last| now.mono < last + MIN_REFRESH_INTERVAL);
        let idle = due && !paused && !too_soon && self.flight_for(now, route).is_none();
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
        let held = self.held.as_ref().map(|held| held.token.clone());
        let rejected = self.held.as_ref().and_then(|held| held.rejected);
        let (purpose, kind) = match rejected {
            _ if forced => (Purpose::Forced, RefreshKind::Forced { held }),
            Some(_) => (Purpose::Replace, RefreshKind::Ordinary { held, rejected }),
            None => (Purpose::Refresh, RefreshKind::Ordinary { held, rejected }),
        };
        self.started += 1;
        self.in_flight.push(InFlight { id: self.started, route, purpose, begun: now.mono });
        RefreshRequest { id: self.started, kind }
    }

    /// Whether a later refresh has already brought a token, which this one's must not replace.
    fn is_superseded(&self, flight: u64, now: Timestamp) -> bool {
        self.is_usable(now) && self.held.as_ref().is_some_and(|held| held.flight > flight)
    }

    /// Keeps the present token. It is good again if a refresh that knew of its refusal says so.
    fn keep_current(&mut self, aware_of_rejection: bool) -> Result<Token> {
        let held = self.held.as_mut().ok_or(Error::Closed)?;
        held.rejected = held.rejected.filter(|_| !aware_of_rejection);
        Ok(held.token.clone())
    }

    /// `aware_of_rejection`: whether the refresh knew that the present token was rejected. If it did not, and brings the same token,
    /// that stays rejected.
    #[allow(clippy::needless_pass_by_value, reason = "what is adopted is not offered again")]
    fn adopt(&mut self, fetched: ReceivedToken, flight: u64, aware_of_rejection: bool, jitter: f64) -> Token {
        let lifetime = fetched.lifetime();
        let same = self.held.as_ref().filter(|held| fetched.is(&held.token));
        let (number, first_seen, rejected) = match same {
            Some(held) => (held.token.number(), held.token.first_seen(), held.rejected.filter(|_| !aware_of_rejection)),
            None => (self.last_number + 1, fetched.requested_at, None),
        };
        self.last_number = self.last_number.max(number);
        let (refresh_before, expire_before) =
            if fetched.refresh_early { self.margins(lifetime, jitter) } else { Default::default() };
        let token = Token::new(&fetched, number, first_seen);
        self.held = Some(Held {
            token: token.clone(),
            flight,
            requested_at: fetched.requested_at.mono,
            refresh_at: fetched.requested_at.after(lifetime - refresh_before),
            expire_at: fetched.requested_at.after(lifetime - expire_before),
            rejected,
        });
        token
    }

    /// A short lifetime leaves less room for margins.
    fn margins(&self, life: Duration, jitter: f64) -> (Duration, Duration) {
        let soft =
            (self.policy.refresh_before + self.policy.jitter.mul_f64(2.0 * jitter)).saturating_sub(self.policy.jitter);
        (soft.min(life.mul_f64(0.9)), self.policy.expire_before.min(life.mul_f64(0.1)))
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
