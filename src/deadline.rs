//! The time of one call: token, retries and replay included.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;

use crate::clock;
use crate::error::{Error, Result, TimeoutPhase};
use crate::wechat::endpoint::Endpoint;

/// When a call has to be over, and whose call it is.
#[derive(Clone, Debug)]
pub struct Deadline {
    at: Instant,
    limit: Duration,
    endpoint: Option<Endpoint>,
}

impl Deadline {
    /// A deadline `limit` from now. An [`Error::Timeout`] names `endpoint`; a token provider has none.
    pub fn new(limit: Duration, endpoint: Option<Endpoint>) -> Self {
        Self { at: clock::monotonic() + limit, limit, endpoint }
    }

    /// The remaining time; zero when the deadline has passed.
    pub fn remaining(&self) -> Duration {
        self.at.saturating_duration_since(clock::monotonic())
    }

    /// The [`Error::Timeout`] of a request that was waited for until the deadline; `None` while there is time.
    pub(crate) fn passed(&self) -> Option<Error> {
        let passed = || Error::Timeout {
            endpoint: self.endpoint.clone(),
            waited_for: TimeoutPhase::Answer,
            limit: self.limit,
            cause: None,
        };
        self.remaining().is_zero().then(passed)
    }

    /// Whether there is still time after a pause.
    pub fn outlasts(&self, pause: Duration) -> bool {
        pause < self.remaining()
    }

    /// Waits for `work` until the deadline. `last_failure` gives the cause of the [`Error::Timeout`]. Not `async`: such a
    /// function would have room for `work` twice, and so would all that await it.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] when the deadline comes first; where a ticket was waited for, [`Error::Ticket`].
    pub fn timeout<T>(
        &self,
        waited_for: TimeoutPhase,
        last_failure: impl FnOnce() -> Option<Error>,
        work: impl Future<Output = T>,
    ) -> impl Future<Output = Result<T>> {
        let late = move || match last_failure() {
            Some(missing @ Error::Ticket(_)) => missing,
            cause => Error::Timeout {
                endpoint: self.endpoint.clone(),
                waited_for,
                limit: self.limit,
                cause: cause.map(Box::new),
            },
        };
        tokio::time::timeout_at(self.at, work).map(move |done| done.map_err(|_| late()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_outlasts_a_pause_that_leaves_time() {
        let deadline = Deadline::new(Duration::from_secs(10), None);
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(deadline.remaining(), Duration::from_secs(6));
        assert!(deadline.outlasts(Duration::from_millis(5_999)) && !deadline.outlasts(Duration::from_secs(6)));
    }
}
