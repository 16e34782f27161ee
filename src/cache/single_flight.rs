//! One request that any number of callers wait for. Whoever goes away leaves the others alone, and with the last one the
//! request ends.

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

/// What is asked, and by which way: what fails on one is no answer to those on another.
pub type Key = (RouteId, Identity);

/// The requests in the air.
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

/// What a flight waits for at the moment, for those who run out of time meanwhile.
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

/// A place among those who wait. While there is one the request goes on.
pub struct Waiter {
    pub phase: Phase,
    outcome: watch::Receiver<Option<Outcome>>,
    _going: DropGuard,
}

impl SingleFlight {
    /// A seat in the flight that asks this, and whether it begins with it. `work` is started for the first one only.
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
            // Before it is known what it brought: an error is the answer of those who wait and of nobody later.
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
        // A flight that ends without a word has panicked, or its runtime is ending.
        landed.ok().and_then(|outcome| outcome.clone()).unwrap_or(Err(Error::Closed))
    }
}

/// Keeps a flight in the table for as long as it flies.
struct InFlightGuard {
    flights: Arc<SingleFlight>,
    line: Key,
    number: u64,
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        let mut table = self.flights.0.lock();
        // Where nobody was left in this one, another may have begun in its place.
        if table.flights.get(&self.line).is_some_and(|flight| flight.number == self.number) {
            table.flights.remove(&self.line);
        }
    }
}
