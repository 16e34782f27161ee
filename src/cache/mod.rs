//! QR codes that were fetched before. They never expire, and two of the three endpoints count against a lifetime cap, so the
//! same QR code is fetched once: in this process, with a disk on this machine, and with Redis or a store in a fleet. It is looked for
//! in memory, on the disk, and in Redis or the store; what is found further away is copied to what is nearer.

mod cooldown;
mod disk;
mod memory;
mod recent;
mod redis;
mod single_flight;
mod store;
mod writes;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

pub use self::disk::{Disk, DiskLimits, DiskQrCodes};
pub use self::redis::{KeySpace, RedisQrCodes};
pub use self::store::{CodeStore, SharedStore, StoreFailure, StoredCode, StoredQrCodes};
use crate::deadline::Deadline;
use crate::error::invalid::InvalidParam;
use crate::error::{Error, Result, TimeoutPhase};
use crate::keys::RouteId;
use crate::wechat::endpoint::Endpoint;
use crate::wechat::qr_code::{Identity, QrCodeRequest};
use memory::Memory;
use recent::RecentRequests;
use single_flight::{CurrentPhase, SingleFlight};
use writes::Writes;

/// The limits of a cache. Clients with equal limits and the same account share a cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// The most bytes of images in memory. The least recently used image is evicted first; a larger image is not cached.
    pub max_bytes: usize,
    /// `None` is for ever.
    pub ttl: Option<Duration>,
    /// The most bytes of one image in Redis; `None` if Redis has no copy.
    pub redis_max_entry_bytes: Option<usize>,
    /// The disk tier; `None` if there is none.
    pub disk: Option<DiskLimits>,
    /// The id of the caller's own store.
    pub store: Option<u64>,
}

/// Where QR codes are looked for behind the memory. Redis and the store are not both there.
#[derive(Default)]
pub struct Tiers {
    /// The disk of this machine.
    pub disk: Option<DiskQrCodes>,
    /// The Redis of a fleet.
    pub redis: Option<RedisQrCodes>,
    /// The caller's own store.
    pub store: Option<StoredQrCodes>,
}

/// What `stats()` tells of the cache: QR codes by where they were found, and the size of the memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CacheStats {
    pub(crate) hits: u64,
    pub(crate) disk_hits: u64,
    pub(crate) redis_hits: u64,
    pub(crate) store_hits: u64,
    pub(crate) coalesced: u64,
    pub(crate) misses: u64,
    pub(crate) entries: usize,
    pub(crate) size_bytes: usize,
    /// What the disk has of all accounts; `None` without a disk, and until it is counted.
    pub(crate) disk_bytes: Option<u64>,
}

/// Where a QR code was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheOutcome {
    /// In this process's memory.
    Memory,
    /// On the disk of this machine.
    Disk,
    /// In Redis, where another process has stored the QR code.
    Redis,
    /// In the caller's own store.
    Store,
    /// In a request of another caller.
    Coalesced,
    /// At WeChat: a request was made.
    Miss,
}

impl CacheOutcome {
    /// How many there are.
    pub(crate) const COUNT: usize = 6;
}

/// QR codes that were fetched before, and the requests in flight, by what the image depends on.
pub struct QrCodeCache {
    memory: Mutex<Memory>,
    recent: RecentRequests,
    in_flight: Arc<SingleFlight>,
    disk: Option<Arc<DiskQrCodes>>,
    redis: Option<Arc<RedisQrCodes>>,
    store: Option<Arc<StoredQrCodes>>,
    /// To the disk and to the store, if there is one of them.
    writes: Option<Arc<Writes>>,
}

impl QrCodeCache {
    /// An empty cache with these limits and the tiers behind it.
    pub fn new(limits: &Limits, Tiers { disk, redis, store }: Tiers) -> Self {
        let writes_behind = disk.is_some() || store.is_some();
        Self {
            memory: Mutex::new(Memory::new(limits.max_bytes, limits.ttl)),
            recent: RecentRequests::new(),
            in_flight: Arc::default(),
            disk: disk.map(Arc::new),
            redis: redis.map(Arc::new),
            store: store.map(Arc::new),
            writes: writes_behind.then(Arc::default),
        }
    }

    /// Waits until what has been fetched so far is on the disk and in the store, or has failed to get there.
    pub(crate) async fn flush(&self) {
        if let Some(writes) = &self.writes {
            writes.finished().await;
        }
    }

    /// Whether there is something to flush.
    pub(crate) fn writes_behind(&self) -> bool {
        self.writes.is_some()
    }

    /// The bytes on the disk, if there is a disk and they have been counted.
    pub(crate) fn disk_bytes(&self) -> Option<u64> {
        self.disk.as_ref()?.bytes()
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

    /// A QR code from memory, from the tiers behind it, or from `fetch`, whose request takes `route` and is bounded by `deadline`. An error
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
        // Boxed, so that a cache without these tiers does not move their state.
        if let Some(disk) = &self.disk
            && let Some((image, remaining)) = Box::pin(disk.get(&identity, &deadline)).await
        {
            self.memory.lock().put(identity, image.clone(), remaining);
            return Ok((image, CacheOutcome::Disk));
        }
        if let Some(store) = &self.store
            && let Some(image) = Box::pin(store.get(&identity, &deadline)).await
        {
            self.keep(identity, &image, None);
            return Ok((image, CacheOutcome::Store));
        }
        let (image, remaining) = match &self.redis {
            Some(redis) => redis.clone().get(&identity, &deadline, &phase, fetch).await?,
            None => (fetch.await?, None),
        };
        if let (Some(store), Some(writes)) = (&self.store, &self.writes) {
            store.put(&identity, image.clone(), writes);
        }
        self.keep(identity, &image, remaining);
        Ok((image, if remaining.is_some() { CacheOutcome::Redis } else { CacheOutcome::Miss }))
    }

    /// Keeps an image in memory and on the disk. `remaining` is what is left of the time of an image from Redis.
    fn keep(&self, identity: Identity, image: &Bytes, remaining: Option<Duration>) {
        if let (Some(disk), Some(writes)) = (&self.disk, &self.writes) {
            disk.put(&identity, image.clone(), remaining, writes);
        }
        self.memory.lock().put(identity, image.clone(), remaining);
    }
}

#[cfg(test)]
mod tests;
