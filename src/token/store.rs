//! Where the processes of a fleet meet over one token. Alone, a process meets nobody.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::clock::Now;
use super::state::{Fetched, Token};
use crate::error::Result;

/// At least this long between two forced refreshes: sooner WeChat silently does not refresh.
const FORCED_APART: Duration = Duration::from_secs(30);
/// WeChat allows 20 a day; half of them stay for whoever shares the appid.
const FORCED_A_DAY: usize = 10;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Who may fetch.
pub enum Acquired {
    /// The caller: it fetches, then publishes.
    Lead,
    /// Nobody need: somebody else has fetched this in the meantime.
    Token(Fetched),
}

/// What a flight asks before and after it goes to WeChat. Every wait of an implementation is bounded by its own
/// timeouts, and what it cannot answer it answers as if the process were alone.
pub trait Store: Send + Sync {
    /// Asks for a token other than `seen`, or for the right to fetch one.
    fn acquire<'a>(&'a self, seen: Option<&'a Token>) -> BoxFuture<'a, Result<Acquired>>;

    /// Hands what was fetched to everybody else.
    fn publish<'a>(&'a self, fetched: &'a Fetched) -> BoxFuture<'a, Result<()>>;

    /// Takes one forced refresh from the budget, or says how long there is none.
    fn spend_forced(&self, now: Now) -> BoxFuture<'_, Result<Option<Duration>>>;
}

/// One process that shares with nobody.
#[derive(Default)]
pub struct Alone {
    forced: Mutex<VecDeque<Duration>>,
}

impl Store for Alone {
    fn acquire<'a>(&'a self, _: Option<&'a Token>) -> BoxFuture<'a, Result<Acquired>> {
        Box::pin(async { Ok(Acquired::Lead) })
    }

    fn publish<'a>(&'a self, _: &'a Fetched) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn spend_forced(&self, now: Now) -> BoxFuture<'_, Result<Option<Duration>>> {
        let mut forced = self.forced.lock();
        let wait = spend(&mut forced, now.mono);
        Box::pin(async move { Ok(wait) })
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
