//! Runs the calls of an environment's clients and platforms.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use napi::bindgen_prelude::{ClassInstance, Env, spawn};
use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;

use super::abort::AbortHandle;
use super::completions::{Completion, CompletionQueue, Outcome};
use super::failure::{failures, thrown};
use crate::error::{Error, Result};
use crate::event::attempt;
use crate::options::timeout as checked_timeout;
use crate::wechat::endpoint::Endpoint;

/// Where calls run, and where their outcomes go.
#[derive(Clone)]
pub(super) struct CallRunner {
    /// Cancelled when the environment ends.
    closing: CancellationToken,
    /// Cancelled when `close()` waits no longer.
    cut_off: CancellationToken,
    completions: Arc<CompletionQueue>,
}

impl CallRunner {
    pub(super) fn new(closing: CancellationToken, completions: Arc<CompletionQueue>) -> Self {
        let cut_off = closing.child_token();
        Self { closing, cut_off, completions }
    }

    /// A runner whose calls end when these ones are cut off, and that can cut its own off alone.
    pub(super) fn child(&self) -> Self {
        Self { cut_off: self.cut_off.child_token(), ..self.clone() }
    }

    /// Ends the running calls, and later ones at once.
    pub(super) fn cut_off(&self) {
        self.cut_off.cancel();
    }

    /// Runs what `close()` itself has to do, whether or not calls were cut off.
    pub(super) fn run_last(
        &self,
        env: &Env,
        call: f64,
        work: impl Future<Output = Result<Outcome>> + Send + 'static,
    ) -> napi::Result<()> {
        let cut_off = self.closing.child_token();
        Self { cut_off, ..self.clone() }.run(env, call, None, Ok(()), work)
    }

    pub(super) fn run(
        &self,
        env: &Env,
        call: f64,
        cancel: Option<ClassInstance<'_, AbortHandle>>,
        open: Result<()>,
        work: impl Future<Output = Result<Outcome>> + Send + 'static,
    ) -> napi::Result<()> {
        self.run_boxed(env, call, cancel, open, Box::pin(work))
    }

    /// Runs a call until it is done, aborted, or its environment ends; dropping the call closes its request. `open` was checked on
    /// the JavaScript thread: a `close()` right behind the call does not overtake it. Not generic, so that the code below is
    /// compiled once.
    fn run_boxed(
        &self,
        env: &Env,
        call: f64,
        cancel: Option<ClassInstance<'_, AbortHandle>>,
        open: Result<()>,
        work: BoxFuture<'static, Result<Outcome>>,
    ) -> napi::Result<()> {
        self.completions.begin(env)?;
        let (cut_off, completions) = (self.cut_off.clone(), self.completions.clone());
        let cancel = cancel.map(|cancel| cancel.token());
        let work = match completions.recorder(call) {
            Some(recorder) => Box::pin(attempt::recorded(Some(recorder), work)),
            None => work,
        };
        let work = async move {
            open?;
            let cancelled = async {
                match cancel {
                    Some(cancel) => cancel.cancelled_owned().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                outcome = work => outcome,
                () = cancelled => Err(Error::Cancelled),
                () = cut_off.cancelled() => Err(Error::CutOff),
            }
        };
        let outcome = async move {
            work.await.unwrap_or_else(|error| match thrown(&error) {
                Some(thrown) => Outcome::Thrown(thrown),
                None => Outcome::Failed(failures(&error)),
            })
        };
        let ended = async move {
            let outcome = AssertUnwindSafe(outcome).catch_unwind().await;
            let outcome = outcome.unwrap_or_else(|_| Outcome::Thrown(bug("a call")));
            if completions.push(Completion::Ended(call, outcome)) {
                // Calls that end at the same moment share the wake-up.
                yield_now().await;
                completions.wake();
            }
        };
        // Boxed, as `task` does it.
        spawn(ended.boxed());
        Ok(())
    }
}

/// The error of a panic.
pub(super) fn bug(place: &str) -> napi::Error {
    napi::Error::from_reason(format!("wxacode: a bug in {place}; please report it"))
}

/// The time of a call, if it has one of its own.
pub(super) fn timeout(timeout_ms: Option<f64>, endpoint: Option<Endpoint>) -> Result<Option<Duration>> {
    let checked = timeout_ms.map(|ms| checked_timeout("timeoutMs", ms)).transpose();
    checked.map_err(|invalid| Error::Params { endpoint, invalid })
}
