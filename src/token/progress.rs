//! The progress of a refresh, as the callers that wait for it see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio::time::Instant;

use super::cache::TokenCache;
use super::refresh::Origin;
use super::source::TokenSource;
use super::state::{RefreshOutcome, Token};
use crate::clock;
use crate::deadline::Deadline;
use crate::error::{Error, Result, TimeoutPhase};

/// The state of a refresh that waiting callers can see.
pub(crate) struct Progress {
    waiting_for: TimeoutPhase,
    last_failure: Option<Error>,
    outcome: Option<Result<Token>>,
}

impl Progress {
    fn new(source: &dyn TokenSource) -> Self {
        let waiting_for = if source.endpoint().is_some() { TimeoutPhase::Token } else { TimeoutPhase::Provider };
        Self { waiting_for, last_failure: None, outcome: None }
    }
}

/// Receives the progress of a refresh.
pub(crate) type ProgressReceiver = watch::Receiver<Progress>;

/// Waits for a refresh. Returns its token or error, or a timeout with the last failure of the refresh as its cause.
pub(crate) async fn wait_for_refresh(mut receiver: ProgressReceiver, deadline: &Deadline) -> Result<Token> {
    let failures = receiver.clone();
    let outcome = async {
        let progress = receiver.wait_for(|progress| progress.outcome.is_some()).await;
        progress.ok().and_then(|progress| progress.outcome.clone()).unwrap_or(Err(Error::Closed))
    };
    let waiting_for = failures.borrow().waiting_for;
    deadline.timeout(waiting_for, || failures.borrow().last_failure.clone(), outcome).await?
}

/// Finishes a refresh however its task ends: one that is dropped or panics must not leave callers waiting for ever.
pub(super) struct RefreshGuard {
    pub(super) cache: Arc<TokenCache>,
    pub(super) refresh_id: u64,
    pub(super) begun: Instant,
    progress: watch::Sender<Progress>,
    finished: AtomicBool,
}

impl RefreshGuard {
    /// A guard, and the receiver for callers.
    pub(super) fn new(cache: Arc<TokenCache>, refresh_id: u64, source: &dyn TokenSource) -> (Self, ProgressReceiver) {
        let (progress, receiver) = watch::channel(Progress::new(source));
        (Self { cache, refresh_id, begun: clock::monotonic(), progress, finished: AtomicBool::new(false) }, receiver)
    }

    /// Ends the refresh for all callers that wait.
    pub(super) fn finish(&self, result: Result<RefreshOutcome>, origin: Origin) {
        self.finished.store(true, Ordering::Relaxed);
        let outcome = self.cache.finish_refresh(self.refresh_id, result, origin, self.begun.elapsed());
        self.progress.send_modify(|progress| progress.outcome = Some(outcome));
    }

    /// Waits for `work` until the deadline. The time-out has the last failure as its cause.
    pub(super) fn within<T>(
        &self,
        deadline: &Deadline,
        work: impl Future<Output = T>,
    ) -> impl Future<Output = Result<T>> {
        let waiting_for = self.progress.borrow().waiting_for;
        deadline.timeout(waiting_for, || self.progress.borrow().last_failure.clone(), work)
    }

    /// Remembers a failure before its retry, as the cause of a timeout.
    pub(super) fn set_last_failure(&self, error: Error) {
        self.progress.send_modify(|progress| progress.last_failure = Some(error));
    }
}

impl Drop for RefreshGuard {
    fn drop(&mut self) {
        if !self.finished.load(Ordering::Relaxed) {
            self.finish(Err(Error::Closed), Origin::Source);
        }
    }
}
