//! The token cache: one token for all callers of the process, fetched once, early, and by nobody in particular.

pub mod clock;
pub mod flight;
pub mod source;
pub mod state;
pub mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::deadline::Deadline;
use crate::error::{Error, Result};
use clock::{Clock, Now};
use flight::Watch;
use source::Source;
use state::{Decision, Fetched, Order, Rules, State, Token, Verdict};
use store::Store;

/// The state machine with its flights. Shared by all clients that ask the same WeChat for the same account's token.
pub struct TokenCache {
    clock: Arc<dyn Clock>,
    store: Arc<dyn Store>,
    inner: Mutex<Inner>,
    members: AtomicUsize,
    refreshes: AtomicU64,
}

struct Inner {
    state: State,
    flight: Option<Watch>,
    stop: CancellationToken,
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
        let inner = Inner { state: State::new(rules), flight: None, stop: CancellationToken::new() };
        Arc::new(Self {
            clock,
            store,
            inner: Mutex::new(inner),
            members: AtomicUsize::new(0),
            refreshes: AtomicU64::new(0),
        })
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
        self.members.load(Ordering::Acquire) == 0 && !self.inner.lock().state.is_usable(self.clock.now())
    }

    pub fn join(self: &Arc<Self>) -> Member {
        self.members.fetch_add(1, Ordering::AcqRel);
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
                Step::After(flight) => drop(flight::join(flight, deadline).await),
                Step::Fail(error) => return Err(error),
                Step::Pause(pause, error) if pause >= deadline.left() => return Err(error),
                Step::Pause(pause, _) => tokio::time::sleep(pause).await,
            }
        }
    }

    fn step(self: &Arc<Self>, source: &Arc<dyn Source>, ask: fn(&mut State, Now) -> Decision) -> Step {
        let now = self.clock.now();
        let mut inner = self.inner.lock();
        match ask(&mut inner.state, now) {
            Decision::Serve { token, refresh } => {
                if let Some(order) = refresh {
                    self.launch(&mut inner, source, order);
                }
                Step::Have(token)
            }
            Decision::Join { start: Some(order) } => Step::Wait(self.launch(&mut inner, source, order)),
            Decision::Join { start: None } => inner.flight.clone().map_or(Step::Fail(Error::Closed), Step::Wait),
            Decision::After => inner.flight.clone().map_or(Step::Fail(Error::Closed), Step::After),
            Decision::Pause { at, error } => Step::Pause(at.saturating_sub(now.mono), error),
            Decision::Refuse(error) => Step::Fail(error),
        }
    }

    fn launch(self: &Arc<Self>, inner: &mut Inner, source: &Arc<dyn Source>, order: Order) -> Watch {
        let watch = flight::launch(self, source.clone(), order, inner.stop.clone());
        inner.flight = Some(watch.clone());
        watch
    }

    fn landed(&self, flight: u64, result: Result<Fetched>) -> Result<Token> {
        let now = self.clock.now();
        if result.is_ok() {
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
        if self.0.members.fetch_sub(1, Ordering::AcqRel) == 1 {
            let stop = std::mem::take(&mut self.0.inner.lock().stop);
            stop.cancel();
        }
    }
}

#[cfg(test)]
mod tests;
