//! QR codes that were fetched before. They never expire, and two of the three endpoints count against a lifetime cap, so the
//! same picture is fetched once: in this process, and with a Redis in a fleet.

mod memory;
mod shared;
mod single_flight;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::deadline::Deadline;
use crate::error::{Error, Result, TimeoutPhase};
use crate::keys::RouteId;
use crate::wechat::codes::Identity;
use memory::Memory;
pub use shared::{KeySpace, SharedQrCodes};
use single_flight::{Phase, SingleFlight};

/// How much is kept, and for how long. Clients that agree on it share what they keep.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// The most bytes of pictures in memory. The oldest-used leave first; a larger picture is not kept.
    pub max_bytes: usize,
    /// `None` is for ever.
    pub ttl: Option<Duration>,
    /// Whether the fleet's Redis keeps them too, and up to how many bytes each.
    pub fleet: Option<usize>,
}

/// What `stats()` tells of the cache: codes by where they were found, and what is kept here.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CacheStats {
    pub(crate) hits: u64,
    pub(crate) redis_hits: u64,
    pub(crate) coalesced: u64,
    pub(crate) misses: u64,
    pub(crate) entries: usize,
    pub(crate) size_bytes: usize,
}

/// Where a code was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheOutcome {
    /// In this process's memory.
    Memory,
    /// In Redis, where another process has put it.
    Redis,
    /// In a request of another caller.
    Coalesced,
    /// WeChat was asked.
    Miss,
}

/// QR codes that were fetched before, and the fetches under way, by what the picture depends on.
pub struct QrCodeCache {
    memory: Mutex<Memory>,
    in_flight: Arc<SingleFlight>,
    fleet: Option<Arc<SharedQrCodes>>,
}

impl QrCodeCache {
    /// An empty cache with these limits; `fleet` is the copy in Redis, if the client has one.
    pub fn new(limits: &Limits, fleet: Option<SharedQrCodes>) -> Self {
        Self {
            memory: Mutex::new(Memory::new(limits.max_bytes, limits.ttl)),
            in_flight: Arc::default(),
            fleet: fleet.map(Arc::new),
        }
    }

    /// A QR code from memory. Never waits.
    pub(crate) fn cached(&self, identity: &Identity) -> Option<Bytes> {
        self.memory.lock().get(identity)
    }

    /// How many are kept here, and how many bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        self.memory.lock().size()
    }

    /// A code from here, from the fleet, or by `ask`, which goes by `route` and is bounded by `deadline`. An error is not
    /// kept.
    ///
    /// # Errors
    ///
    /// What `ask` fails with, or [`Error::Timeout`]. With a lock in Redis also what another process was refused.
    pub async fn get<A, W>(
        self: &Arc<Self>,
        identity: Identity,
        route: RouteId,
        deadline: &Deadline,
        ask: A,
    ) -> Result<(Bytes, CacheOutcome)>
    where
        A: Fn() -> W,
        W: Future<Output = Result<Bytes>> + Send + 'static,
    {
        loop {
            if let Some(image) = self.cached(&identity) {
                return Ok((image, CacheOutcome::Memory));
            }
            let work = |phase| self.clone().find(identity.clone(), deadline.clone(), phase, ask());
            let (waiter, leads) = self.in_flight.join(&(route, identity.clone()), work);
            if leads {
                return waiter.result().await;
            }
            let finished = deadline.hold(TimeoutPhase::Answer, || None, waiter.result()).await;
            match finished.map_err(|error| waiter.phase.explain(error))? {
                Ok((image, _)) => return Ok((image, CacheOutcome::Coalesced)),
                // Its time was shorter than ours.
                Err(Error::Timeout { .. } | Error::RateLimit { .. }) if !deadline.left().is_zero() => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn find(
        self: Arc<Self>,
        identity: Identity,
        deadline: Deadline,
        phase: Phase,
        ask: impl Future<Output = Result<Bytes>> + Send,
    ) -> Result<(Bytes, CacheOutcome)> {
        let (image, left) = match &self.fleet {
            Some(fleet) => fleet.clone().get(&identity, &deadline, &phase, ask).await?,
            None => (ask.await?, None),
        };
        self.memory.lock().put(identity, image.clone(), left);
        Ok((image, if left.is_some() { CacheOutcome::Redis } else { CacheOutcome::Miss }))
    }
}

#[cfg(test)]
mod tests;
