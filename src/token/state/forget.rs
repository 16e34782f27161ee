//! Tokens that must not be used any more, whatever their age.

use super::backoff::RefreshBackoff;
use super::routes::Routes;
use super::{State, Token};
use crate::clock::Timestamp;
use crate::error::Error;

impl State {
    /// Forgets the token, and what running refreshes still bring. For a while calls fail with `reason`, if there is one.
    pub(crate) fn forget(&mut self, reason: Option<&Error>, now: Timestamp) -> Option<Token> {
        self.routes = Routes::default();
        self.backoff = reason.and_then(|reason| RefreshBackoff::after(None, reason, now, 0.0));
        self.forgotten = Some((self.started, reason.cloned()));
        self.current.take().map(|current| current.token)
    }

    /// Whether a refresh began before the tokens were forgotten, and why they were. Without a reason its token is as good as any
    /// unless there is a newer one.
    pub(super) fn forgotten_during(&self, refresh_id: u64) -> Option<Option<Error>> {
        let (_, reason) = self.forgotten.as_ref().filter(|(last, _)| refresh_id <= *last)?;
        (reason.is_some() || self.current.is_some()).then(|| reason.clone())
    }
}
