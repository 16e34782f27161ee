//! The store in which the processes of a fleet share a token. `LocalStore` is for a process without a fleet.

use std::collections::VecDeque;
use std::sync::Weak;
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::state::{ReceivedToken, Token};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::redis::ReconnectListener;

/// The shortest time between two forced refreshes: sooner WeChat silently does not refresh.
pub(crate) const FORCED_INTERVAL: Duration = Duration::from_secs(30);
/// WeChat allows 20 a day; half of them are left to other users of the appid.
pub(crate) const FORCED_PER_DAY: usize = 10;
/// The window of [`FORCED_PER_DAY`].
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// The reply to a request for the lock.
pub enum Acquired {
    /// The lock: the caller fetches a token, then publishes it or releases the lock.
    Lock(Lease),
    /// A token that another process has fetched.
    Token(ReceivedToken),
    /// Another process has the lock, for at most this long.
    Wait(Duration),
    /// A process has requested a token since the rejection, and WeChat gave the same one again.
    Unchanged,
}

/// Epoch and generation of a lock: a fencing token, by which a late writer is recognised.
#[derive(Clone, Debug, Default)]
pub struct Lease {
    pub(crate) epoch: String,
    pub(crate) generation: String,
}

/// The token in the store, compared with the valid token of this process.
pub enum StoredToken {
    /// The same token.
    Same,
    /// No token: the store was emptied, or no process could write.
    Missing,
    /// Another token.
    Token(ReceivedToken),
}

/// Stores the token and its lock. Every wait of an implementation is bounded by its own timeout, and a failure is an
/// `Error::Redis`. `owner` names one refresh: it is the value of the lock, and the store recognises a repeated call by it.
pub trait TokenStore: Send + Sync {
    /// Requests a token other than the value `seen`, or the lock to fetch one. Deletes `seen` if an API `rejected` it.
    fn acquire<'a>(
        &'a self,
        owner: &'a str,
        seen: Option<&'a str>,
        rejected: bool,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Acquired>>;

    /// Stores a token. Returns the stored token instead if the lease is too late.
    fn publish<'a>(
        &'a self,
        owner: &'a str,
        lease: &'a Lease,
        received: &'a ReceivedToken,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<ReceivedToken>>>;

    /// Releases the lock. Returns the token that another process has stored meanwhile.
    fn release<'a>(
        &'a self,
        owner: &'a str,
        seen: Option<&'a str>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<ReceivedToken>>>;

    /// Compares the stored token with the current one.
    fn peek<'a>(&'a self, current: &'a Token, now: Timestamp) -> BoxFuture<'a, Result<StoredToken>>;

    /// Takes one of the fleet's forced refreshes, or returns the time until there is one.
    fn take_forced_refresh<'a>(&'a self, owner: &'a str, now: Timestamp) -> BoxFuture<'a, Result<Option<Duration>>>;

    /// The same by the count of this process, for when the store is unreachable.
    fn take_forced_refresh_locally(&self, now: Timestamp) -> Option<Duration>;

    /// Deletes the token, and lets no refresh that has begun store another one.
    fn forget(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    /// `listener` is notified when the store is reachable again.
    fn subscribe(&self, listener: Weak<dyn ReconnectListener>);

    /// Resolves when the store is expected to answer.
    fn recovered(&self) -> BoxFuture<'_, ()>;

    /// Whether the store answers; `None` for a store in this process.
    fn is_up(&self) -> Option<bool>;

    /// How long a refresh may have to wait for another process.
    fn max_lock_wait(&self) -> Duration;

    /// How long callers may wait for the store.
    fn max_caller_delay(&self) -> Duration;
}

/// The store of a process without a fleet.
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
    let is_full = forced.len() == FORCED_PER_DAY;
    let apart = forced.back().map(|&last| last + FORCED_INTERVAL);
    let day = forced.front().filter(|_| is_full).map(|&first| first + DAY);
    let wait = apart.max(day).map_or(Duration::ZERO, |until| until.saturating_sub(now));
    if !wait.is_zero() {
        return Some(wait);
    }
    if is_full {
        forced.pop_front();
    }
    forced.push_back(now);
    None
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
