//! Where the processes of a fleet meet over one token. Alone, a process meets nobody.

use std::collections::VecDeque;
use std::sync::Weak;
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::clock::Now;
use super::state::{Fetched, Token};
use crate::error::Result;
use crate::link::Guest;

/// At least this long between two forced refreshes: sooner WeChat silently does not refresh.
pub const FORCED_APART: Duration = Duration::from_secs(30);
/// WeChat allows 20 a day; half of them stay for whoever shares the appid.
pub const FORCED_A_DAY: usize = 10;
pub const DAY: Duration = Duration::from_secs(24 * 3600);

/// Who may fetch.
pub enum Acquired {
    /// The caller: it fetches, then publishes or releases.
    Lead(Lease),
    /// Nobody need: somebody else has fetched this.
    Token(Fetched),
    /// Somebody else does, for so long at most.
    Wait(Duration),
    /// Nobody need: somebody has asked since the refusal, and WeChat gave the same token again.
    Stands,
}

/// The right to fetch, and what makes a late use of it recognisable.
#[derive(Clone, Debug, Default)]
pub struct Lease {
    pub epoch: String,
    pub generation: String,
}

/// What stands in the store, seen from a process whose token is good.
pub enum Seen {
    Same,
    /// Nothing at all: it was emptied, or nobody could write.
    Nothing,
    Token(Fetched),
}

/// Every wait of an implementation is bounded by its own timeout, and what it cannot do is an `Error::Redis`.
/// `attempt` names one flight, so that it recognises itself after a reply was lost.
pub trait Store: Send + Sync {
    /// Asks for a token other than the value `seen`, which is taken away if an API refused it, or for the right to fetch one.
    fn acquire<'a>(
        &'a self,
        attempt: &'a str,
        seen: Option<&'a str>,
        refused: bool,
        now: Now,
    ) -> BoxFuture<'a, Result<Acquired>>;

    /// Hands what was fetched to everybody else. Whoever comes too late gets what stands there instead.
    fn publish<'a>(
        &'a self,
        attempt: &'a str,
        lease: &'a Lease,
        fetched: &'a Fetched,
        now: Now,
    ) -> BoxFuture<'a, Result<Option<Fetched>>>;

    /// Lets somebody else try, and gives what somebody else has brought meanwhile.
    fn release<'a>(
        &'a self,
        attempt: &'a str,
        seen: Option<&'a str>,
        now: Now,
    ) -> BoxFuture<'a, Result<Option<Fetched>>>;

    /// Looks what stands there.
    fn look<'a>(&'a self, held: &'a Token, now: Now) -> BoxFuture<'a, Result<Seen>>;

    /// Takes one forced refresh from the budget, or says how long there is none.
    fn spend_forced<'a>(&'a self, attempt: &'a str, now: Now) -> BoxFuture<'a, Result<Option<Duration>>>;

    /// The same out of this process's own budget, for when the fleet's is out of reach.
    fn spend_forced_alone(&self, now: Now) -> Option<Duration>;

    /// `guest` is told when the store was away.
    fn invite(&self, guest: Weak<dyn Guest>);

    /// Resolves when it is worth asking.
    fn recovered(&self) -> BoxFuture<'_, ()>;

    /// Whether it answers; `None` where there is nothing to ask.
    fn is_up(&self) -> Option<bool>;

    /// How long a flight may have to wait for another process.
    fn patience(&self) -> Duration;

    /// How long callers may be kept waiting for the store's sake.
    fn courtesy(&self) -> Duration;
}

/// One process that shares with nobody.
#[derive(Default)]
pub struct Alone {
    forced: Mutex<VecDeque<Duration>>,
}

impl Store for Alone {
    fn acquire<'a>(&'a self, _: &'a str, _: Option<&'a str>, _: bool, _: Now) -> BoxFuture<'a, Result<Acquired>> {
        Box::pin(async { Ok(Acquired::Lead(Lease::default())) })
    }

    fn publish<'a>(
        &'a self,
        _: &'a str,
        _: &'a Lease,
        _: &'a Fetched,
        _: Now,
    ) -> BoxFuture<'a, Result<Option<Fetched>>> {
        Box::pin(async { Ok(None) })
    }

    fn release<'a>(&'a self, _: &'a str, _: Option<&'a str>, _: Now) -> BoxFuture<'a, Result<Option<Fetched>>> {
        Box::pin(async { Ok(None) })
    }

    fn look<'a>(&'a self, _: &'a Token, _: Now) -> BoxFuture<'a, Result<Seen>> {
        Box::pin(async { Ok(Seen::Same) })
    }

    fn spend_forced<'a>(&'a self, _: &'a str, now: Now) -> BoxFuture<'a, Result<Option<Duration>>> {
        let wait = self.spend_forced_alone(now);
        Box::pin(async move { Ok(wait) })
    }

    fn spend_forced_alone(&self, now: Now) -> Option<Duration> {
        spend(&mut self.forced.lock(), now.mono)
    }

    fn invite(&self, _: Weak<dyn Guest>) {}

    fn recovered(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    fn is_up(&self) -> Option<bool> {
        None
    }

    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    fn courtesy(&self) -> Duration {
        Duration::ZERO
    }
}

fn spend(forced: &mut VecDeque<Duration>, now: Duration) -> Option<Duration> {
    forced.retain(|&at| now < at + DAY);
    let apart = forced.back().map(|&last| last + FORCED_APART);
    let day = forced.front().filter(|_| forced.len() >= FORCED_A_DAY).map(|&first| first + DAY);
    let wait = apart.max(day).map_or(Duration::ZERO, |until| until.saturating_sub(now));
    if wait.is_zero() {
        forced.push_back(now);
        None
    } else {
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forced_refreshes_are_30_s_apart_and_10_a_day() {
        let mut forced = VecDeque::new();
        let at = Duration::from_secs;
        assert_eq!(spend(&mut forced, at(0)), None);
        assert_eq!(spend(&mut forced, at(29)), Some(at(1)));
        for n in 1..10 {
            assert_eq!(spend(&mut forced, at(30 * n)), None);
        }
        assert_eq!(spend(&mut forced, at(300)), Some(DAY - at(300)));
        assert_eq!(spend(&mut forced, DAY), None);
        assert_eq!(spend(&mut forced, DAY + at(1)), Some(at(29)));
    }
}
