//! Tokens that are void before their time, and tokens that come without a refresh: an authorisation ended, or began anew.

use std::time::Duration;

use super::cache::TokenCache;
use super::state::ReceivedToken;
use crate::error::{Error, Result};
use crate::event::TokenEvent;
use crate::seal::random_id;

impl TokenCache {
    /// Forgets the token, also in the store, and what running refreshes still bring. With a `reason`, which is a refusal, calls
    /// fail with it for a while.
    ///
    /// # Errors
    ///
    /// If the store does not answer: then other processes may still use the token there.
    pub(crate) async fn forget(&self, reason: Option<&Error>) -> Result<()> {
        self.forget_here(reason);
        self.store.forget().await
    }

    /// Forgets the token in the store alone.
    ///
    /// # Errors
    ///
    /// If the store does not answer.
    pub(crate) async fn forget_stored(&self) -> Result<()> {
        self.store.forget().await
    }

    /// The same in this process alone: another one has deleted the stored token.
    pub(crate) fn forget_here(&self, reason: Option<&Error>) {
        let now = self.clock.now();
        let forgotten = self.inner.lock().state.forget(reason, now);
        if let Some((token, errcode)) = forgotten.zip(reason.and_then(Error::errcode)) {
            self.events.token(|| TokenEvent::Invalidated { token: self.label(&token), errcode });
        }
    }

    /// Adopts a token that came without a refresh, and stores it.
    ///
    /// # Errors
    ///
    /// If the store does not answer. This process uses the token all the same.
    pub(crate) async fn adopt(&self, received: ReceivedToken) -> Result<()> {
        self.adopt_if_newer(received.clone(), Duration::ZERO);
        self.acquire_and_publish(&random_id(), &received).await.map(drop)
    }
}
