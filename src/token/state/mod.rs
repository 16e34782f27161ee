//! The token's life as a pure state machine: an event and the time in, what to do out. No I/O, no clock, no chance.
//!
//! A token is served until its hard deadline. From its soft deadline a refresh runs beside that. Without a token
//! everybody joins the one flight, and after a failure nobody flies before a pause is over.

mod rules;
mod setback;
mod token;

use std::time::Duration;

pub use rules::Rules;
use setback::Setback;
pub use token::{Fetched, Token};

use super::clock::Now;
use crate::error::{Error, Result};

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
    /// Wait for the flight, after starting it where there is an order.
    Join { start: Option<Order> },
    /// Ask again when the flight in the air is down.
    After,
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
    /// The one flight in the air.
    flight: Option<Flight>,
    flights: u64,
    last_start: Option<Duration>,
    last_check: Duration,
    generations: u64,
    /// What an API refused last. It may still lie in the store.
    given_up: Option<Token>,
    setback: Option<Setback>,
    cooldown_until: Option<Duration>,
}

#[derive(Clone, Copy)]
struct Flight {
    number: u64,
    errand: Kind,
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
            flight: None,
            flights: 0,
            last_start: None,
            last_check: Duration::ZERO,
            generations: 0,
            given_up: None,
            setback: None,
            cooldown_until: None,
        }
    }

    /// Somebody needs a token.
    pub fn ask(&mut self, now: Now) -> Decision {
        match self.usable(now) {
            Some(token) => {
                let refresh = self.refresh(now);
                Decision::Serve { token, compare: refresh.is_none() && self.compare(now), refresh }
            }
            None => match (self.flight, &self.setback) {
                // It does not know that the token was refused and may bring the same one.
                (Some(Flight { errand: Kind::Refresh, .. }), _) if self.is_refused() => Decision::After,
                (Some(_), _) => Decision::Join { start: None },
                (None, Some(setback)) if setback.lasts(now) => setback.decision(),
                (None, _) => Decision::Join { start: Some(self.start(now, false)) },
            },
        }
    }

    /// Somebody needs another token than the present one, whatever its age.
    pub fn ask_forced(&mut self, now: Now) -> Decision {
        match (self.flight, &self.setback) {
            (Some(Flight { errand: Kind::Forced, .. }), _) => Decision::Join { start: None },
            (Some(_), _) => Decision::After,
            (None, Some(setback)) if setback.lasts(now) => setback.decision(),
            (None, _) => Decision::Join { start: Some(self.start(now, true)) },
        }
    }

    /// What the flight in the air is for, if it is this one.
    pub fn errand(&self, flight: u64) -> Option<Kind> {
        self.flight.filter(|current| current.number == flight).map(|flight| flight.errand)
    }

    /// A flight is down. What it brought is for all who joined it; an error never replaces a token.
    /// `dice` in 0..1 spreads soft deadlines and pauses.
    pub fn landed(&mut self, flight: u64, result: Result<Brought>, now: Now, dice: f64) -> Result<Token> {
        let landed = self.flight.take_if(|current| current.number == flight);
        let errand = landed.map_or(Kind::Refresh, |flight| flight.errand);
        self.last_check = now.mono;
        match result {
            Ok(brought) => {
                self.setback = None;
                let knew = matches!(errand, Kind::Replace | Kind::Forced);
                match brought {
                    Brought::Token(fetched) => Ok(self.hold(fetched, knew, dice)),
                    Brought::Nothing => self.keep(knew),
                }
            }
            Err(error) => {
                self.suffer(&error, now, dice);
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
        (!kept && !self.gave_up(&fetched)).then(|| self.hold(fetched, false, dice))
    }

    /// Whether this is the token that an API refused last, and another one has taken its place.
    pub fn gave_up(&self, fetched: &Fetched) -> bool {
        let refused = self.given_up.as_ref().is_some_and(|token| fetched.is(token));
        refused && self.present().is_some_and(|token| !fetched.is(token))
    }

    /// The flight in the air is given up, and what it may still bring is welcome.
    pub fn forget_flight(&mut self) {
        self.flight = None;
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
    fn refresh(&mut self, now: Now) -> Option<Order> {
        let due = self.held.as_ref().is_some_and(|held| held.soft.left(now).is_zero());
        let paused = self.setback.as_ref().is_some_and(|setback| setback.lasts(now));
        let last = self.last_start.max(self.held.as_ref().map(|held| held.asked));
        let too_soon = last.is_some_and(|last| now.mono < last + SHORTEST_GAP);
        (due && self.flight.is_none() && !paused && !too_soon).then(|| self.start(now, false))
    }

    fn compare(&mut self, now: Now) -> bool {
        let due = self.flight.is_none() && self.rules.recheck.is_some_and(|every| now.mono >= self.last_check + every);
        if due {
            self.last_check = now.mono;
        }
        due
    }

    fn start(&mut self, now: Now, forced: bool) -> Order {
        self.last_start = Some(now.mono);
        let held = self.held.as_ref().map(|held| held.token.clone());
        let refused = self.held.as_ref().and_then(|held| held.refused);
        match refused {
            _ if forced => self.take_off(Kind::Forced, Errand::Forced { held }),
            Some(_) => self.take_off(Kind::Replace, Errand::Ordinary { held, refused }),
            None => self.take_off(Kind::Refresh, Errand::Ordinary { held, refused }),
        }
    }

    fn take_off(&mut self, kind: Kind, errand: Errand) -> Order {
        self.flights += 1;
        self.flight = Some(Flight { number: self.flights, errand: kind });
        Order { flight: self.flights, errand }
    }

    /// The present token stands, and is good again if a flight that knew of its refusal says so.
    fn keep(&mut self, knew: bool) -> Result<Token> {
        let held = self.held.as_mut().ok_or(Error::Closed)?;
        held.refused = held.refused.filter(|_| !knew);
        Ok(held.token.clone())
    }

    /// `knew`: whether the flight was told of the token that is refused. If not, and it brings the same one, that stays
    /// refused.
    fn hold(&mut self, fetched: Fetched, knew: bool, dice: f64) -> Token {
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

    fn suffer(&mut self, error: &Error, now: Now, dice: f64) {
        if let Some(setback) = Setback::after(self.setback.as_ref(), error, now, dice) {
            self.setback = Some(setback);
        }
    }
}

#[cfg(test)]
mod tests;
