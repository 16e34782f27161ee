//! One request that any number of callers wait for. A caller that leaves does not disturb the others; when the last one
//! leaves, the request is cancelled.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::CacheOutcome;
use crate::error::{Error, Result, TimeoutPhase};
use crate::keys::RouteId;
use crate::wechat::codes::Identity;

type Outcome = Result<(Bytes, CacheOutcome)>;

/// What is fetched, and on which route: a failure on one route is no answer for another.
pub(crate) type Key = (RouteId, Identity);

/// The requests in flight.
#[derive(Default)]
pub(crate) struct SingleFlight(Mutex<Table>);

#[derive(Default)]
struct Table {
    in_flight: HashMap<Key, InFlight>,
    begun: u64,
}

struct InFlight {
    waiter: Weak<Waiter>,
    number: u64,
}

/// What a request waits for at the moment, for callers whose time is up.
#[derive(Clone)]
pub(crate) struct Phase(Arc<Mutex<TimeoutPhase>>);

impl Phase {
    /// From now on the request waits for this.
    pub(crate) fn begin(&self, waited_for: TimeoutPhase) {
        *self.0.lock() = waited_for;
    }

    /// A time-out tells what was waited for.
    pub(crate) fn explain(&self, mut error: Error) -> Error {
        if let Error::Timeout { waited_for, .. } = &mut error {
            *waited_for = *self.0.lock();
        }
        error
    }
}

impl Default for Phase {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(TimeoutPhase::Answer)))
    }
}

/// A caller that waits. The request goes on while there is one.
pub(crate) struct Waiter {
    pub(crate) phase: Phase,
    outcome: watch::Receiver<Option<Outcome>>,
    _cancel: DropGuard,
}

impl SingleFlight {
    /// A place in the request for this key, and whether it is the first. `work` is started for the first one only.
    pub(crate) fn join<W>(self: &Arc<Self>, key: &Key, work: impl FnOnce(Phase) -> W) -> (Arc<Waiter>, bool)
    where
        W: Future<Output = Outcome> + Send + 'static,
    {
        let mut table = self.0.lock();
        if let Some(waiter) = table.in_flight.get(key).and_then(|flight| flight.waiter.upgrade()) {
            return (waiter, false);
        }
        let stop = CancellationToken::new();
        let (sender, outcome) = watch::channel(None);
        let phase = Phase::default();
        let waiter = Arc::new(Waiter { phase: phase.clone(), outcome, _cancel: stop.clone().drop_guard() });
        table.begun += 1;
        let number = table.begun;
        table.in_flight.insert(key.clone(), InFlight { waiter: Arc::downgrade(&waiter), number });
        drop(table);
        let (guard, work) = (InFlightGuard { in_flight: self.clone(), key: key.clone(), number }, work(phase));
        tokio::spawn(async move {
            let finished = tokio::select! {
                biased;
                outcome = work => Some(outcome),
                () = stop.cancelled() => None,
            };
            // Before the outcome is published: an error is the answer of those who wait and not of later callers.
            drop(guard);
            sender.send_replace(finished);
        });
        (waiter, true)
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().in_flight.is_empty()
    }
}

impl Waiter {
    /// The outcome of the request; [`Error::Closed`] if it ended without one.
    pub(crate) async fn result(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        let finished = outcome.wait_for(Option::is_some).await;
        // A request that ends without an outcome has panicked, or its runtime is shutting down.
        finished.ok().and_then(|outcome| outcome.clone()).unwrap_or(Err(Error::Closed))
    }
}

/// Keeps a request in the table while it runs.
struct InFlightGuard {
    in_flight: Arc<SingleFlight>,
    key: Key,
    number: u64,
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        let mut table = self.in_flight.0.lock();
        // When no caller was left in this one, another may have begun in its place.
        if table.in_flight.get(&self.key).is_some_and(|flight| flight.number == self.number) {
            table.in_flight.remove(&self.key);
        }
    }
}
