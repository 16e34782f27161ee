//! One request that any number of callers wait for. Cancelling a caller does not disturb the other callers; when the last
//! caller is cancelled, so is the request.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::CacheOutcome;
use crate::error::{Error, Result, TimeoutPhase};
use crate::keys::RouteId;
use crate::task;
use crate::wechat::qr_code::Identity;

type Outcome = Result<(Bytes, CacheOutcome)>;

/// The image that is fetched, and the route: a failure on one route says nothing about another.
pub(crate) type Key = (RouteId, Identity);

/// The requests in flight.
#[derive(Default)]
pub(crate) struct SingleFlight(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    in_flight: HashMap<Key, InFlight>,
    last_number: u64,
}

struct InFlight {
    call: Weak<SharedCall>,
    number: u64,
}

/// The phase of a request in flight, for the timeout error of its callers.
#[derive(Clone)]
pub(crate) struct CurrentPhase(Arc<Mutex<TimeoutPhase>>);

impl CurrentPhase {
    /// The request waits for `waited_for` from now on.
    pub(crate) fn begin(&self, waited_for: TimeoutPhase) {
        *self.0.lock() = waited_for;
    }

    /// Puts the current phase into a timeout error.
    pub(crate) fn explain(&self, mut error: Error) -> Error {
        if let Error::Timeout { waited_for, .. } = &mut error {
            *waited_for = *self.0.lock();
        }
        error
    }
}

impl Default for CurrentPhase {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(TimeoutPhase::Answer)))
    }
}

/// What the callers of one request share. The request goes on while a caller holds it.
pub(crate) struct SharedCall {
    pub(crate) phase: CurrentPhase,
    outcome: watch::Receiver<Option<Outcome>>,
    _cancel: DropGuard,
}

impl SingleFlight {
    /// The call for this key, and whether it is new. `work` is started for a new call only.
    pub(crate) fn join<W>(self: &Arc<Self>, key: &Key, work: impl FnOnce(CurrentPhase) -> W) -> (Arc<SharedCall>, bool)
    where
        W: Future<Output = Outcome> + Send + 'static,
    {
        let mut calls = self.0.lock();
        if let Some(call) = calls.in_flight.get(key).and_then(|flight| flight.call.upgrade()) {
            return (call, false);
        }
        let stop = CancellationToken::new();
        let (sender, outcome) = watch::channel(None);
        let phase = CurrentPhase::default();
        let call = Arc::new(SharedCall { phase: phase.clone(), outcome, _cancel: stop.clone().drop_guard() });
        calls.last_number += 1;
        let number = calls.last_number;
        calls.in_flight.insert(key.clone(), InFlight { call: Arc::downgrade(&call), number });
        drop(calls);
        let (guard, work) = (InFlightGuard { in_flight: self.clone(), key: key.clone(), number }, work(phase));
        task::spawn_for_call(async move {
            let finished = tokio::select! {
                biased;
                outcome = work => Some(outcome),
                () = stop.cancelled() => None,
            };
            // Before the outcome is published: an error is for the callers that wait and not for later callers.
            drop(guard);
            sender.send_replace(finished);
        });
        (call, true)
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().in_flight.is_empty()
    }
}

impl SharedCall {
    /// The outcome of the request; [`Error::Closed`] if it ended without one.
    pub(crate) async fn result(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        let finished = outcome.wait_for(Option::is_some).await;
        // A request that ends without an outcome has panicked, or its runtime is shutting down.
        finished.ok().and_then(|outcome| outcome.clone()).unwrap_or(Err(Error::Closed))
    }
}

/// Removes a request from the calls in flight when it ends.
struct InFlightGuard {
    in_flight: Arc<SingleFlight>,
    key: Key,
    number: u64,
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        let mut calls = self.in_flight.0.lock();
        // A new call may have taken the place of this one after its last caller was cancelled.
        if calls.in_flight.get(&self.key).is_some_and(|flight| flight.number == self.number) {
            calls.in_flight.remove(&self.key);
        }
    }
}
