//! Keeps the token of this process and the token in the store the same.

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::cache::TokenCache;
use super::state::{ReceivedToken, Token};
use super::store::{Acquired, StoredToken};
use crate::error::Result;
use crate::redis::ReconnectListener;
use crate::seal::random_id;
use crate::task;

/// The delay after an update of the store that failed.
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// Whether a comparison with the store runs in the background. A second one that is due meanwhile runs after it.
#[derive(Default)]
pub(super) enum Comparison {
    #[default]
    Idle,
    Running,
    RunAgain,
}

impl TokenCache {
    /// Adopts the token in the store, or puts this process's token there. One comparison runs at a time.
    pub(super) fn compare_in_background(self: &Arc<Self>) {
        let stop = {
            let mut inner = self.inner.lock();
            if !matches!(inner.comparison, Comparison::Idle) {
                inner.comparison = Comparison::RunAgain;
                return;
            }
            inner.comparison = Comparison::Running;
            inner.stop.clone()
        };
        let cache = self.clone();
        task::spawn(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = cache.compare_until_idle() => {}
            }
        });
    }

    async fn compare_until_idle(&self) {
        loop {
            let current = self.usable();
            if let Some(current) = current {
                self.compare(&current).await;
            }
            let mut inner = self.inner.lock();
            match inner.comparison {
                Comparison::RunAgain => inner.comparison = Comparison::Running,
                Comparison::Running | Comparison::Idle => {
                    inner.comparison = Comparison::Idle;
                    return;
                }
            }
        }
    }

    /// The same at once, whether or not a client uses this cache: the store has lost what it had.
    pub(crate) async fn restore_stored(&self) {
        let current = {
            let (now, inner) = (self.now(), self.inner.lock());
            inner.state.current().filter(|_| inner.state.is_usable(now)).cloned()
        };
        if let Some(current) = current {
            self.compare(&current).await;
        }
    }

    async fn compare(&self, current: &Token) {
        let now = self.now();
        let ours = current.as_received(now);
        let theirs = match self.store.peek(current, now).await {
            Ok(StoredToken::Token(theirs)) if !self.wins_over(&ours, &theirs) => Some(theirs),
            Ok(StoredToken::Token(_) | StoredToken::Missing) => {
                let owner = random_id();
                self.retry_until_stored(|| self.acquire_and_publish(&owner, &ours)).await.flatten()
            }
            Ok(StoredToken::Same) | Err(_) => None,
        };
        if let Some(theirs) = theirs {
            self.adopt_if_newer(theirs, self.now().mono.saturating_sub(now.mono));
        }
    }

    /// Whether the token of this process replaces the stored one. In doubt the stored one stays, so that all processes arrive
    /// at the same token.
    fn wins_over(&self, ours: &ReceivedToken, theirs: &ReceivedToken) -> bool {
        ours.expires_after(theirs) || self.inner.lock().state.was_rejected(theirs)
    }

    /// Updates the store as soon as it answers, and again after a failure: other processes may be waiting for the lock. Stops
    /// when the lock has expired by itself; a later comparison stores the token.
    pub(super) async fn retry_until_stored<T, Update>(&self, update: impl Fn() -> Update) -> Option<T>
    where
        Update: Future<Output = Result<T>>,
    {
        let stored = async {
            loop {
                self.store.recovered().await;
                if let Ok(stored) = update().await {
                    return stored;
                }
                tokio::time::sleep(RETRY_DELAY).await;
            }
        };
        tokio::time::timeout(self.store.max_lock_wait(), stored).await.ok()
    }

    /// Stores a token in place of an older one or of none. Returns the stored token if that one stays.
    pub(super) async fn acquire_and_publish(&self, owner: &str, ours: &ReceivedToken) -> Result<Option<ReceivedToken>> {
        let now = self.now();
        let mut acquired = self.store.acquire(owner, None, false, now).await?;
        if let Acquired::Token(theirs) = &acquired {
            if theirs.value.expose_secret() == ours.value.expose_secret() {
                return Ok(None);
            }
            if !self.wins_over(ours, theirs) {
                return Ok(Some(theirs.clone()));
            }
            // The request for another token than the stored one gives the right to replace it.
            acquired = self.store.acquire(owner, Some(theirs.value.expose_secret()), false, now).await?;
        }
        match acquired {
            Acquired::Lock(lease) => self.store.publish(owner, &lease, ours, now).await,
            Acquired::Token(_) | Acquired::Wait(_) | Acquired::Unchanged => Ok(None),
        }
    }
}

/// Redis may have come back empty, and a new process would fetch the token that this one has.
impl ReconnectListener for TokenCache {
    fn on_reconnect(self: Arc<Self>) {
        if self.usable().is_some() {
            self.compare_in_background();
        }
    }
}
