//! The token cache: one token for all callers of the process, fetched once, early, and by nobody in particular.

pub mod clock;
pub mod flight;
pub mod redis;
pub mod source;
pub mod state;
pub mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::deadline::Deadline;
use crate::error::{Error, Result};
use clock::{Clock, Now};
use flight::{Flight, Watch};
use source::Source;
use state::{Brought, Decision, Rules, State, Token, Verdict};
use store::Store;

/// The state machine with its flights. Shared by all clients that ask the same WeChat for the same account's token.
pub struct TokenCache {
    clock: Arc<dyn Clock>,
    store: Arc<dyn Store>,
    inner: Mutex<Inner>,
    refreshes: AtomicU64,
}

struct Inner {
    state: State,
    flight: Option<Watch>,
    /// Ends the flight in the air when the last member has gone.
    stop: CancellationToken,
    members: usize,
}

/// What is left to do for a caller once the lock is free again.
enum Step {
    Have(Token),
    Wait(Watch),
    After(Watch),
    Pause(Duration, Error),
    Fail(Error),
}

impl TokenCache {
    pub fn new(rules: Rules, clock: Arc<dyn Clock>, store: Arc<dyn Store>) -> Arc<Self> {
        let inner = Inner { state: State::new(rules), flight: None, stop: CancellationToken::new(), members: 0 };
        Arc::new(Self { clock, store, inner: Mutex::new(inner), refreshes: AtomicU64::new(0) })
    }

    /// A token. While one is valid this never waits.
    pub async fn get(self: &Arc<Self>, source: &Arc<dyn Source>, deadline: &Deadline) -> Result<Token> {
        self.follow(source, deadline, State::ask).await
    }

    /// Another token than the present one, out of the budget of forced refreshes.
    pub async fn force(self: &Arc<Self>, source: &Arc<dyn Source>, deadline: &Deadline) -> Result<Token> {
        self.follow(source, deadline, State::ask_forced).await
    }

    /// An API refused `token`. Gives another one to replay with, or none if there is none to be had now.
    pub async fn replace(
        self: &Arc<Self>,
        token: &Token,
        errcode: i64,
        source: &Arc<dyn Source>,
        deadline: &Deadline,
    ) -> Result<Option<Token>> {
        if self.refused(token.expose(), errcode) == Verdict::Believe {
            return Ok(None);
        }
        let other = self.get(source, deadline).await?;
        Ok(Some(other).filter(|other| !other.is(token)))
    }

    /// An API refused this token; it is given up only if it is the present one.
    pub fn refused(&self, value: &str, errcode: i64) -> Verdict {
        let now = self.clock.now();
        self.inner.lock().state.refused(value, errcode, now)
    }

    /// The time by this cache's clocks.
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// The token in use and its end, for statistics.
    pub fn present(&self) -> Option<Token> {
        self.inner.lock().state.present().cloned()
    }

    /// How many tokens were fetched.
    pub fn refreshes(&self) -> u64 {
        self.refreshes.load(Ordering::Relaxed)
    }

    /// Nobody uses it, and it holds nothing that anybody could still use.
    pub fn is_spent(&self) -> bool {
        let now = self.clock.now();
        let inner = self.inner.lock();
        inner.members == 0 && !inner.state.is_usable(now)
    }

    pub fn join(self: &Arc<Self>) -> Member {
        self.inner.lock().members += 1;
        Member(self.clone())
    }

    async fn follow(
        self: &Arc<Self>,
        source: &Arc<dyn Source>,
        deadline: &Deadline,
        ask: fn(&mut State, Now) -> Decision,
    ) -> Result<Token> {
        loop {
            match self.step(source, ask) {
                Step::Have(token) => return Ok(token),
                Step::Wait(flight) => return flight::join(flight, deadline).await,
                Step::After(flight) => match flight::join(flight, deadline).await {
                    Err(error) if deadline.left().is_zero() => return Err(error),
                    _ => continue,
                },
                Step::Fail(error) => return Err(error),
                Step::Pause(pause, error) if pause >= deadline.left() => return Err(error),
                Step::Pause(pause, _) => tokio::time::sleep(pause).await,
            }
        }
    }

    fn step(self: &Arc<Self>, source: &Arc<dyn Source>, ask: fn(&mut State, Now) -> Decision) -> Step {
        let (step, flight) = self.decide(source, ask);
        // Not under the lock: a runtime that is ending drops a flight at once, and that lands it, under the lock.
        if let Some(flight) = flight {
            flight.start();
        }
        step
    }

    fn decide(
        self: &Arc<Self>,
        source: &Arc<dyn Source>,
        ask: fn(&mut State, Now) -> Decision,
    ) -> (Step, Option<Flight>) {
        let now = self.clock.now();
        let mut inner = self.inner.lock();
        let decision = ask(&mut inner.state, now);
        let mut prepare = |order| {
            let (flight, watch) = Flight::new(self, source.clone(), order, inner.stop.clone());
            inner.flight = Some(watch);
            flight
        };
        let (step, flight): (fn(Watch) -> Step, _) = match decision {
            Decision::Serve { token, refresh } => return (Step::Have(token), refresh.map(prepare)),
            Decision::Pause { at, error } => return (Step::Pause(at.saturating_sub(now.mono), error), None),
            Decision::Refuse(error) => return (Step::Fail(error), None),
            Decision::Join { start } => (Step::Wait, start.map(&mut prepare)),
            Decision::After => (Step::After, None),
        };
        (inner.flight.clone().map_or(Step::Fail(Error::Closed), step), flight)
    }

    fn landed(&self, flight: u64, result: Result<Brought>) -> Result<Token> {
        let now = self.clock.now();
        if matches!(result, Ok(Brought::Token(_))) {
            self.refreshes.fetch_add(1, Ordering::Relaxed);
        }
        self.inner.lock().state.landed(flight, result, now, fastrand::f64())
    }
}

/// A client that uses the cache. When the last one goes, its refresh ends; the token stays for the next one.
pub struct Member(Arc<TokenCache>);

impl std::ops::Deref for Member {
    type Target = Arc<TokenCache>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut inner = self.0.inner.lock();
        inner.members -= 1;
        if inner.members == 0 {
            // Forgotten at once: whoever comes next starts a flight of its own and does not join a dying one.
            inner.flight = None;
            inner.state.forget_flight();
            let stop = std::mem::take(&mut inner.stop);
            drop(inner);
            stop.cancel();
        }
    }
}

#[cfg(test)]
mod tests;
