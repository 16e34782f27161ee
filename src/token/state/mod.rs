//! The token's life as a pure state machine: an event and the time in, what to do out. No I/O, no clock, no chance.
//!
//! A token is served until its hard deadline. From its soft deadline a refresh runs beside that. Without a token
//! everybody joins the one flight, and after a failure nobody flies before a pause is over.
//!
//! Clients may go different routes to WeChat. What fails on one of them (a dead proxy) is neither an answer nor a pause
//! for those on another, and they join its flight for a moment only.

mod routes;
mod rules;
mod setback;
mod token;

use std::time::Duration;

pub use rules::Rules;
use setback::Setback;
pub use token::{Fetched, Token};

use super::clock::Now;
use crate::error::{Error, Result};
use crate::identity::RouteId;
use routes::Routes;

/// Whatever a server says of lives, its token is not asked for again sooner.
const SHORTEST_GAP: Duration = Duration::from_secs(10);

/// How a flight ended well.
pub enum Brought {
    Token(Fetched),
    /// The token that is held stands.
    Nothing,
}

/// What a flight has to do.
#[derive(Clone, Debug)]
pub struct Order {
    pub flight: u64,
    pub errand: Errand,
}

#[derive(Clone, Debug)]
pub enum Errand {
    /// Get a token. `refused` is the errcode with which an API did not accept the one that is held.
    Ordinary { held: Option<Token>, refused: Option<i64> },
    /// Get another token than the one that is held.
    Forced { held: Option<Token> },
}

impl Errand {
    /// Whether this is the very token that an API did not accept.
    pub fn is_refused(&self, fetched: &Fetched) -> bool {
        matches!(self, Self::Ordinary { held: Some(held), refused: Some(_) } if fetched.is(held))
    }
}

/// What a caller has to do.
#[derive(Debug)]
pub enum Decision {
    /// Use this. `refresh` is to be started beside it, or it is to be compared with what the fleet has.
    Serve { token: Token, refresh: Option<Order>, compare: bool },
    /// Wait for the flight, after starting it where there is an order. With `until` it is another route's: if it fails, or
    /// is not down by then on the monotonic clock, ask again.
    Join { flight: u64, start: Option<Order>, until: Option<Duration> },
    /// Ask again when the flight is down, or at `until`.
    After { flight: u64, until: Option<Duration> },
    /// Nothing flies before `at` on the monotonic clock, because of `error`.
    Pause { at: Duration, error: Error },
    /// This was the answer a moment ago, and nobody has asked again.
    Refuse(Error),
}

/// What becomes of a refused token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was the present one and is so no more: ask for another.
    GivenUp,
    /// It was not the present one, or is given up already: ask for the present one.
    Replaced,
    /// The last token was refused a moment ago too: the API is at fault, and the refusal goes to the caller.
    Believe,
}

pub struct State {
    rules: Rules,
    held: Option<Held>,
    /// In the air, one for each route at most.
    flights: Vec<Flight>,
    started: u64,
    routes: Routes,
    last_check: Duration,
    generations: u64,
    /// What an API refused last. It may still lie in the store.
    given_up: Option<Token>,
    /// The account's own: WeChat refused it, whichever way it was asked.
    setback: Option<Setback>,
    cooldown_until: Option<Duration>,
}

#[derive(Clone, Copy)]
struct Flight {
    number: u64,
    route: RouteId,
    errand: Kind,
    begun: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// For the sake of a token's age.
    Refresh,
    /// Instead of a token that was refused.
    Replace,
    Forced,
}

struct Held {
    token: Token,
    /// The flight that brought it; 0 where it came from elsewhere.
    flight: u64,
    /// When it was asked for last.
    asked: Duration,
    soft: Now,
    hard: Now,
    refused: Option<i64>,
}

impl State {
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            held: None,
            flights: Vec::new(),
            started: 0,
            routes: Routes::default(),
            last_check: Duration::ZERO,
            generations: 0,
            given_up: None,
            setback: None,
            cooldown_until: None,
        }
    }

    /// Somebody on this route needs a token.
    pub fn ask(&mut self, now: Now, route: RouteId) -> Decision {
        match self.usable(now) {
            Some(token) => {
                let refresh = self.refresh(now, route);
                Decision::Serve { token, compare: refresh.is_none() && self.compare(now), refresh }
            }
            None => match self.flight_for(now, route) {
                // It does not know that the token was refused and may bring the same one.
                Some((flight, until)) if flight.errand == Kind::Refresh && self.is_refused() => {
                    Decision::After { flight: flight.number, until }
                }
                Some((flight, until)) => Decision::Join { flight: flight.number, start: None, until },
                None => self.start_or_pause(now, route, false),
            },
        }
    }

    /// Somebody needs another token than the present one, whatever its age.
    pub fn ask_forced(&mut self, now: Now, route: RouteId) -> Decision {
        match self.flight_for(now, route) {
            Some((Flight { errand: Kind::Forced, number, .. }, until)) => {
                Decision::Join { flight: number, start: None, until }
            }
            Some((flight, until)) => Decision::After { flight: flight.number, until },
            None => self.start_or_pause(now, route, true),
        }
    }

    /// The flight that this route waits for: its own, or another's that has begun a moment ago, and until when.
    fn flight_for(&self, now: Now, route: RouteId) -> Option<(Flight, Option<Duration>)> {
        let own = self.flights.iter().find(|flight| flight.route == route);
        let until = |flight: &Flight| flight.begun + self.rules.patience;
        let others = || self.flights.iter().filter(|flight| now.mono < until(flight)).max_by_key(|flight| flight.begun);
        own.map(|flight| (*flight, None)).or_else(|| others().map(|flight| (*flight, Some(until(flight)))))
    }

    fn start_or_pause(&mut self, now: Now, route: RouteId, forced: bool) -> Decision {
        let setback = self.setback.as_ref().filter(|setback| setback.lasts(now));
        match setback.or_else(|| self.routes.setback(route, now)) {
            Some(setback) => setback.decision(),
            None => {
                let order = self.start(now, route, forced);
                Decision::Join { flight: order.flight, start: Some(order), until: None }
            }
        }
    }

    /// A flight is down. What it brought is for all who joined it; an error never replaces a token.
    /// `dice` in 0..1 spreads soft deadlines and pauses.
    pub fn landed(&mut self, flight: u64, result: Result<Brought>, now: Now, dice: f64) -> Result<Token> {
        let at = self.flights.iter().position(|current| current.number == flight);
        let landed = at.map(|at| self.flights.swap_remove(at));
        self.last_check = now.mono;
        match result {
            Ok(brought) => {
                self.setback = None;
                if let Some(Flight { route, .. }) = landed {
                    self.routes.succeeded(route);
                }
                let knew = landed.is_some_and(|landed| landed.errand != Kind::Refresh);
                match brought {
                    Brought::Token(_) if self.is_overtaken(flight, now) => self.keep(false),
                    Brought::Token(fetched) => Ok(self.hold(fetched, flight, knew, dice)),
                    Brought::Nothing => self.keep(knew),
                }
            }
            Err(error) => {
                if let Some(Flight { route, .. }) = landed {
                    self.suffer(&error, route, now, dice);
                }
                Err(error)
            }
        }
    }

    /// An API refused a token. It is given up only if it is the present one.
    pub fn refused(&mut self, value: &str, errcode: i64, now: Now) -> Verdict {
        let Some(held) = self.held.as_mut().filter(|held| held.token.expose() == value) else {
            return Verdict::Replaced;
        };
        if held.refused.is_some() {
            return Verdict::Replaced;
        }
        if self.cooldown_until.is_some_and(|until| now.mono < until) {
            return Verdict::Believe;
        }
        held.refused = Some(errcode);
        self.given_up = Some(held.token.clone());
        self.cooldown_until = Some(now.mono + self.rules.cooldown);
        Verdict::GivenUp
    }

    /// The fleet's token takes the place of the present one, unless that is clearly later. Gives it if it does.
    pub fn offer(&mut self, fetched: Fetched, dice: f64) -> Option<Token> {
        let kept = self.present().is_some_and(|token| fetched.is(token) || token.outlives(&fetched));
        (!kept && !self.gave_up(&fetched)).then(|| self.hold(fetched, 0, false, dice))
    }

    /// Whether this is the token that an API refused last, and another one has taken its place.
    pub fn gave_up(&self, fetched: &Fetched) -> bool {
        let refused = self.given_up.as_ref().is_some_and(|token| fetched.is(token));
        refused && self.present().is_some_and(|token| !fetched.is(token))
    }

    /// Whether the flight began because an earlier one, on another route, had not come down for a while.
    pub fn is_second(&self, flight: u64) -> bool {
        self.flights.iter().any(|other| other.number < flight)
    }

    /// The flights in the air are given up, and what they may still bring is welcome.
    pub fn forget_flights(&mut self) {
        self.flights.clear();
    }

    /// The present token, whatever its age.
    pub fn present(&self) -> Option<&Token> {
        self.held.as_ref().map(|held| &held.token)
    }

    /// Whether the present token would be served.
    pub fn is_usable(&self, now: Now) -> bool {
        self.usable(now).is_some()
    }

    fn is_refused(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.refused.is_some())
    }

    fn usable(&self, now: Now) -> Option<Token> {
        let held = self.held.as_ref().filter(|held| held.refused.is_none())?;
        let fresh = now.mono < held.token.first_seen().mono + SHORTEST_GAP;
        (fresh || !held.hard.left(now).is_zero()).then(|| held.token.clone())
    }

    /// Past the soft deadline, with nothing in the air and no pause, a flight begins.
    fn refresh(&mut self, now: Now, route: RouteId) -> Option<Order> {
        let due = self.held.as_ref().is_some_and(|held| held.soft.left(now).is_zero());
        let paused = self.setback.as_ref().is_some_and(|setback| setback.lasts(now));
        let last = self.routes.last_start(route).max(self.held.as_ref().map(|held| held.asked));
        let too_soon = last.is_some_and(|last| now.mono < last + SHORTEST_GAP);
        let idle = due && !paused && !too_soon && self.flight_for(now, route).is_none();
        (idle && self.routes.setback(route, now).is_none()).then(|| self.start(now, route, false))
    }

    fn compare(&mut self, now: Now) -> bool {
        let idle = self.flights.is_empty();
        let due = idle && self.rules.recheck.is_some_and(|every| now.mono >= self.last_check + every);
        if due {
            self.last_check = now.mono;
        }
        due
    }

    fn start(&mut self, now: Now, route: RouteId, forced: bool) -> Order {
        self.routes.started(route, now);
        let held = self.held.as_ref().map(|held| held.token.clone());
        let refused = self.held.as_ref().and_then(|held| held.refused);
        let (kind, errand) = match refused {
            _ if forced => (Kind::Forced, Errand::Forced { held }),
            Some(_) => (Kind::Replace, Errand::Ordinary { held, refused }),
            None => (Kind::Refresh, Errand::Ordinary { held, refused }),
        };
        self.started += 1;
        self.flights.push(Flight { number: self.started, route, errand: kind, begun: now.mono });
        Order { flight: self.started, errand }
    }

    /// Whether a later flight has brought a token meanwhile, which this one's must not replace.
    fn is_overtaken(&self, flight: u64, now: Now) -> bool {
        self.is_usable(now) && self.held.as_ref().is_some_and(|held| held.flight > flight)
    }

    /// The present token stands, and is good again if a flight that knew of its refusal says so.
    fn keep(&mut self, knew: bool) -> Result<Token> {
        let held = self.held.as_mut().ok_or(Error::Closed)?;
        held.refused = held.refused.filter(|_| !knew);
        Ok(held.token.clone())
    }

    /// `knew`: whether the flight was told of the token that is refused. If not, and it brings the same one, that stays
    /// refused.
    fn hold(&mut self, fetched: Fetched, flight: u64, knew: bool, dice: f64) -> Token {
        let life = fetched.life();
        let same = self.held.as_ref().filter(|held| fetched.is(&held.token));
        let (generation, first_seen, refused) = match same {
            Some(held) => (held.token.generation(), held.token.first_seen(), held.refused.filter(|_| !knew)),
            None => (self.generations + 1, fetched.asked, None),
        };
        self.generations = self.generations.max(generation);
        let (soft, hard) = if fetched.ahead { self.margins(life, dice) } else { Default::default() };
        let token = Token::new(&fetched, generation, first_seen);
        self.held = Some(Held {
            token: token.clone(),
            flight,
            asked: fetched.asked.mono,
            soft: fetched.asked.after(life - soft),
            hard: fetched.asked.after(life - hard),
            refused,
        });
        token
    }

    /// A short life leaves less room for margins.
    fn margins(&self, life: Duration, dice: f64) -> (Duration, Duration) {
        let soft = (self.rules.soft + self.rules.jitter.mul_f64(2.0 * dice)).saturating_sub(self.rules.jitter);
        (soft.min(life.mul_f64(0.9)), self.rules.hard.min(life.mul_f64(0.1)))
    }

    fn suffer(&mut self, error: &Error, route: RouteId, now: Now, dice: f64) {
        if error.is_of_the_route() {
            return self.routes.failed(route, error, now, dice);
        }
        if let Some(setback) = Setback::after(self.setback.as_ref(), error, now, dice) {
            self.setback = Some(setback);
        }
    }
}

#[cfg(test)]
mod tests;
