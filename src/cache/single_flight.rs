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
use crate::identity::RouteId;
use crate::wechat::codes::Identity;

type Outcome = Result<(Bytes, CacheOutcome)>;

/// What is fetched, and on which route: a failure on one route is no answer for another.
pub type Key = (RouteId, Identity);

/// The requests in flight.
#[derive(Default)]
pub struct SingleFlight(Mutex<Table>);

#[derive(Default)]
struct Table {
    flights: HashMap<Key, InFlight>,
    begun: u64,
}

struct InFlight {
    seat: Weak<Waiter>,
    number: u64,
}

/// What a request waits for at the moment, for callers whose time is up.
#[derive(Clone)]
pub struct Phase(Arc<Mutex<TimeoutPhase>>);

impl Phase {
    pub fn begin(&self, waited_for: TimeoutPhase) {
        *self.0.lock() = waited_for;
    }

    /// A time-out tells what was waited for.
    pub fn explain(&self, mut error: Error) -> Error {
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
pub struct Waiter {
    pub phase: Phase,
    outcome: watch::Receiver<Option<Outcome>>,
    _going: DropGuard,
}

impl SingleFlight {
    /// A place in the request for this key, and whether it is the first. `work` is started for the first one only.
    pub fn board<W>(self: &Arc<Self>, line: &Key, work: impl FnOnce(Phase) -> W) -> (Arc<Waiter>, bool)
    where
        W: Future<Output = Outcome> + Send + 'static,
    {
        let mut table = self.0.lock();
        if let Some(seat) = table.flights.get(line).and_then(|flight| flight.seat.upgrade()) {
            return (seat, false);
        }
        let stop = CancellationToken::new();
        let (landing, outcome) = watch::channel(None);
        let phase = Phase::default();
        let seat = Arc::new(Waiter { phase: phase.clone(), outcome, _going: stop.clone().drop_guard() });
        table.begun += 1;
        let number = table.begun;
        table.flights.insert(line.clone(), InFlight { seat: Arc::downgrade(&seat), number });
        drop(table);
        let (flying, work) = (InFlightGuard { flights: self.clone(), line: line.clone(), number }, work(phase));
        tokio::spawn(async move {
            let landed = tokio::select! {
                biased;
                outcome = work => Some(outcome),
                () = stop.cancelled() => None,
            };
            // Before the outcome is published: an error is the answer of those who wait and not of later callers.
            drop(flying);
            landing.send_replace(landed);
        });
        (seat, true)
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.0.lock().flights.is_empty()
    }
}

impl Waiter {
    pub async fn landed(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        let landed = outcome.wait_for(Option::is_some).await;
        // A request that ends without an outcome has panicked, or its runtime is shutting down.
        landed.ok().and_then(|outcome| outcome.clone()).unwrap_or(Err(Error::Closed))
    }
}

/// Keeps a request in the table while it runs.
struct InFlightGuard {
    flights: Arc<SingleFlight>,
    line: Key,
    number: u64,
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        let mut table = self.flights.0.lock();
        // When no caller was left in this one, another may have begun in its place.
        if table.flights.get(&self.line).is_some_and(|flight| flight.number == self.number) {
            table.flights.remove(&self.line);
        }
    }
}
