//! Where the processes of a fleet share a token. `LocalStore` is for a process that shares with none.

use std::collections::VecDeque;
use std::sync::Weak;
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::state::{ReceivedToken, Token};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::redis::ReconnectListener;

/// At least this long between two forced refreshes: sooner WeChat silently does not refresh.
pub(crate) const FORCED_INTERVAL: Duration = Duration::from_secs(30);
/// WeChat allows 20 a day; half of them are left to other users of the appid.
pub(crate) const FORCED_PER_DAY: usize = 10;
/// The window of [`FORCED_PER_DAY`].
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// Who may fetch.
pub enum Acquired {
    /// The caller: it fetches, then publishes or releases.
    Lock(Lease),
    /// No process: another one has fetched this.
    Token(ReceivedToken),
    /// Another process does, for at most this long.
    Wait(Duration),
    /// No process: one has asked since the rejection, and WeChat gave the same token again.
    Unchanged,
}

/// The right to fetch, and what makes a late use of it recognisable.
#[derive(Clone, Debug, Default)]
pub struct Lease {
    pub(crate) epoch: String,
    pub(crate) generation: String,
}

/// What stands in the store, seen from a process whose token is good.
pub enum StoredToken {
    /// The token that the process holds.
    Same,
    /// Nothing: the store was emptied, or no process could write.
    Missing,
    /// Another token.
    Token(ReceivedToken),
}

/// Every wait of an implementation is bounded by its own timeout, and what it cannot do is an `Error::Redis`.
/// `attempt` names one refresh, so that the store recognises it after a reply was lost.
pub trait TokenStore: Send + Sync {
    /// Asks for a token other than the value `seen`, which is taken away if an API rejected it, or for the right to fetch one.
    fn acquire<'a>(
        &'a self,
        owner: &'a str,
        seen: Option<&'a str>,
        rejected: bool,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Acquired>>;

    /// Shares what was fetched. A process that is too late gets the stored token instead.
    fn publish<'a>(
        &'a self,
        owner: &'a str,
        lease: &'a Lease,
        fetched: &'a ReceivedToken,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<ReceivedToken>>>;

    /// Lets another process try, and gives what another one has brought meanwhile.
    fn release<'a>(
        &'a self,
        owner: &'a str,
        seen: Option<&'a str>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<ReceivedToken>>>;

    /// What the store has.
    fn peek<'a>(&'a self, held: &'a Token, now: Timestamp) -> BoxFuture<'a, Result<StoredToken>>;

    /// Takes one of the fleet's forced refreshes, or says how long there is none.
    fn take_forced_refresh<'a>(&'a self, owner: &'a str, now: Timestamp) -> BoxFuture<'a, Result<Option<Duration>>>;

    /// The same by this process's own count, for when the fleet's is out of reach.
    fn take_forced_refresh_locally(&self, now: Timestamp) -> Option<Duration>;

    /// `guest` is notified when the store is reachable again.
    fn subscribe(&self, guest: Weak<dyn ReconnectListener>);

    /// Resolves when the store is expected to answer.
    fn recovered(&self) -> BoxFuture<'_, ()>;

    /// Whether it answers; `None` where there is nothing to ask.
    fn is_up(&self) -> Option<bool>;

    /// How long a refresh may have to wait for another process.
    fn max_lock_wait(&self) -> Duration;

    /// How long callers may wait for the store.
    fn max_caller_delay(&self) -> Duration;
}

/// The store of a process that shares with none.
#[derive(Default)]
pub(crate) struct LocalStore {
    forced: Mutex<VecDeque<Duration>>,
}

impl TokenStore for LocalStore {
    fn acquire<'a>(&'a self, _: &'a str, _: Option<&'a str>, _: bool, _: Timestamp) -> BoxFuture<'a, Result<Acquired>> {
        Box::pin(async { Ok(Acquired::Lock(Lease::default())) })
    }

    fn publish<'a>(
        &'a self,
        _: &'a str,
        _: &'a Lease,
        _: &'a ReceivedToken,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Option<ReceivedToken>>> {
        Box::pin(async { Ok(None) })
    }

    fn release<'a>(
        &'a self,
        _: &'a str,
        _: Option<&'a str>,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Option<ReceivedToken>>> {
        Box::pin(async { Ok(None) })
    }

    fn peek<'a>(&'a self, _: &'a Token, _: Timestamp) -> BoxFuture<'a, Result<StoredToken>> {
        Box::pin(async { Ok(StoredToken::Same) })
    }

    fn take_forced_refresh<'a>(&'a self, _: &'a str, now: Timestamp) -> BoxFuture<'a, Result<Option<Duration>>> {
        let wait = self.take_forced_refresh_locally(now);
        Box::pin(async move { Ok(wait) })
    }

    fn take_forced_refresh_locally(&self, now: Timestamp) -> Option<Duration> {
        take(&mut self.forced.lock(), now.mono)
    }

    fn subscribe(&self, _: Weak<dyn ReconnectListener>) {}

    fn recovered(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    fn is_up(&self) -> Option<bool> {
        None
    }

    fn max_lock_wait(&self) -> Duration {
        Duration::ZERO
    }

    fn max_caller_delay(&self) -> Duration {
        Duration::ZERO
    }
}

fn take(forced: &mut VecDeque<Duration>, now: Duration) -> Option<Duration> {
    forced.retain(|&at| now < at + DAY);
    let apart = forced.back().map(|&last| last + FORCED_INTERVAL);
    let day = forced.front().filter(|_| forced.len() >= FORCED_PER_DAY).map(|&first| first + DAY);
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
        assert_eq!(take(&mut forced, at(0)), None);
        assert_eq!(take(&mut forced, at(29)), Some(at(1)));
        for n in 1..10 {
            assert_eq!(take(&mut forced, at(30 * n)), None);
        }
        assert_eq!(take(&mut forced, at(300)), Some(DAY - at(300)));
        assert_eq!(take(&mut forced, DAY), None);
        assert_eq!(take(&mut forced, DAY + at(1)), Some(at(29)));
    }
}
