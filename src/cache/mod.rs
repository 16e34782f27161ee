//! QR codes that were fetched before. They never expire, and two of the three endpoints count against a lifetime cap, so the
//! same QR code is fetched once: in this process, and with Redis in a fleet.

mod memory;
mod recent;
mod redis;
mod single_flight;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

pub use self::redis::{KeySpace, RedisQrCodes};
use crate::deadline::Deadline;
use crate::error::invalid::InvalidParam;
use crate::error::{Error, Result, TimeoutPhase};
use crate::keys::RouteId;
use crate::wechat::endpoint::Endpoint;
use crate::wechat::qr_code::{Identity, QrCodeRequest};
use memory::Memory;
use recent::RecentRequests;
use single_flight::{CurrentPhase, SingleFlight};

/// The limits of a cache. Clients with equal limits and the same account share a cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// The most bytes of images in memory. The least recently used image is evicted first; a larger image is not cached.
    pub max_bytes: usize,
    /// `None` is for ever.
    pub ttl: Option<Duration>,
    /// The most bytes of one image in Redis; `None` if Redis has no copy.
    pub redis_max_entry_bytes: Option<usize>,
}

/// What `stats()` tells of the cache: QR codes by where they were found, and the size of the memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CacheStats {
    pub(crate) hits: u64,
    pub(crate) redis_hits: u64,
    pub(crate) coalesced: u64,
    pub(crate) misses: u64,
    pub(crate) entries: usize,
    pub(crate) size_bytes: usize,
}

/// Where a QR code was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheOutcome {
    /// In this process's memory.
    Memory,
    /// In Redis, where another process has stored the QR code.
    Redis,
    /// In a request of another caller.
    Coalesced,
    /// At WeChat: a request was made.
    Miss,
}

/// QR codes that were fetched before, and the requests in flight, by what the image depends on.
pub struct QrCodeCache {
    memory: Mutex<Memory>,
    recent: RecentRequests,
    in_flight: Arc<SingleFlight>,
    redis: Option<Arc<RedisQrCodes>>,
}

impl QrCodeCache {
    /// An empty cache with these limits; `redis` is the copy in Redis, if the client has one.
    pub fn new(limits: &Limits, redis: Option<RedisQrCodes>) -> Self {
        Self {
            memory: Mutex::new(Memory::new(limits.max_bytes, limits.ttl)),
            recent: RecentRequests::new(),
            in_flight: Arc::default(),
            redis: redis.map(Arc::new),
        }
    }

    /// The request of these parameters, which are JSON in the caller's spelling.
    pub(crate) fn request(
        &self,
        endpoint: &Endpoint,
        params: &str,
    ) -> std::result::Result<Arc<QrCodeRequest>, InvalidParam> {
        self.recent.parse(endpoint, params)
    }

    /// A QR code from memory. Never waits.
    pub(crate) fn cached(&self, identity: &Identity) -> Option<Bytes> {
        self.memory.lock().get(identity)
    }

    /// The number of QR codes in memory, and their bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        self.memory.lock().size()
    }

    /// A QR code from memory, from Redis, or from `fetch`, whose request takes `route` and is bounded by `deadline`. An error
    /// is not cached.
    ///
    /// # Errors
    ///
    /// The error of `fetch`, or [`Error::Timeout`]. With a lock in Redis also the refusal that another process got.
    pub async fn get<F, W>(
        self: &Arc<Self>,
        identity: Identity,
        route: RouteId,
        deadline: &Deadline,
        fetch: F,
    ) -> Result<(Bytes, CacheOutcome)>
    where
        F: Fn() -> W,
        W: Future<Output = Result<Bytes>> + Send + 'static,
    {
        loop {
            if let Some(image) = self.cached(&identity) {
                return Ok((image, CacheOutcome::Memory));
            }
            let work = |phase| self.clone().find(identity.clone(), deadline.clone(), phase, fetch());
            let (call, leads) = self.in_flight.join(&(route, identity.clone()), work);
            if leads {
                return call.result().await;
            }
            let finished = deadline.timeout(TimeoutPhase::Answer, || None, call.result()).await;
            match finished.map_err(|error| call.phase.explain(error))? {
                Ok((image, _)) => return Ok((image, CacheOutcome::Coalesced)),
                // The leader's deadline was earlier than ours.
                Err(Error::Timeout { .. } | Error::RateLimit { .. }) if !deadline.remaining().is_zero() => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn find(
        self: Arc<Self>,
        identity: Identity,
        deadline: Deadline,
        phase: CurrentPhase,
        fetch: impl Future<Output = Result<Bytes>> + Send,
    ) -> Result<(Bytes, CacheOutcome)> {
        let (image, remaining) = match &self.redis {
            Some(redis) => redis.clone().get(&identity, &deadline, &phase, fetch).await?,
            None => (fetch.await?, None),
        };
        self.memory.lock().put(identity, image.clone(), remaining);
        Ok((image, if remaining.is_some() { CacheOutcome::Redis } else { CacheOutcome::Miss }))
    }
}

#[cfg(test)]
mod tests;
