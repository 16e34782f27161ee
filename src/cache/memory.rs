//! The images that one process caches: up to so many bytes, the least recently used are evicted first.

use std::time::Duration;

use bytes::Bytes;
use foldhash::fast::RandomState;
use lru::LruCache;
use tokio::time::Instant;

use crate::clock;
use crate::wechat::qr_code::Identity;

/// What an entry costs besides its image and its identity.
const ENTRY_OVERHEAD: usize = 160;

/// Images in memory, at most `max_bytes` of them with their identities. The least recently used image is evicted first.
pub(crate) struct Memory {
    entries: LruCache<Identity, Entry, RandomState>,
    bytes: usize,
    max_bytes: usize,
    /// `None` is for ever.
    ttl: Option<Duration>,
}

struct Entry {
    image: Bytes,
    expires: Option<Instant>,
}

impl Memory {
    pub(crate) fn new(max_bytes: usize, ttl: Option<Duration>) -> Self {
        Self { entries: LruCache::unbounded_with_hasher(RandomState::default()), bytes: 0, max_bytes, ttl }
    }

    /// The image, unless it has expired.
    pub(crate) fn get(&mut self, identity: &Identity) -> Option<Bytes> {
        let Entry { image, expires } = self.entries.get(identity)?;
        if expires.is_none_or(|expires| clock::monotonic() < expires) {
            return Some(image.clone());
        }
        self.remove(identity);
        None
    }

    /// `remaining` is the remaining lifetime of an image from Redis.
    pub(crate) fn put(&mut self, identity: Identity, image: Bytes, remaining: Option<Duration>) {
        self.remove(&identity);
        let size = size(&identity, &image);
        if size > self.max_bytes {
            return;
        }
        let expires = self.ttl.map(|ttl| clock::monotonic() + remaining.map_or(ttl, |remaining| remaining.min(ttl)));
        self.entries.put(identity, Entry { image, expires });
        self.bytes += size;
        while self.bytes > self.max_bytes {
            let Some((identity, entry)) = self.entries.pop_lru() else { return };
            self.bytes -= self::size(&identity, &entry.image);
        }
    }

    /// The number of entries, and their bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.entries.len(), self.bytes)
    }

    fn remove(&mut self, identity: &Identity) {
        if let Some(entry) = self.entries.pop(identity) {
            self.bytes -= size(identity, &entry.image);
        }
    }
}

fn size(identity: &Identity, image: &Bytes) -> usize {
    identity.len() + image.len() + ENTRY_OVERHEAD
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn image(size: usize) -> Bytes {
        vec![7; size].into()
    }

    fn name(n: usize) -> Identity {
        format!("{n:04}").into_bytes()
    }

    /// What one image of `size` counts for.
    fn cost(size: usize) -> usize {
        4 + size + ENTRY_OVERHEAD
    }

    #[test]
    fn the_least_recently_used_entry_is_evicted_first() {
        let mut memory = Memory::new(3 * cost(100), None);
        for n in 0..3 {
            memory.put(name(n), image(100), None);
        }
        assert!(memory.get(&name(0)).is_some());
        memory.put(name(3), image(100), None);
        assert!(memory.get(&name(1)).is_none());
        assert!([0, 2, 3].iter().all(|n| memory.get(&name(*n)).is_some()));
    }

    #[test]
    fn an_image_over_the_size_limit_is_not_cached_and_evicts_no_other() {
        let mut memory = Memory::new(cost(100), None);
        memory.put(name(0), image(100), None);
        memory.put(name(1), image(101), None);
        assert_eq!(memory.size(), (1, cost(100)));
        assert!(memory.get(&name(0)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn an_entry_from_redis_expires_with_its_remaining_time() {
        let mut memory = Memory::new(1000, Some(Duration::from_secs(10)));
        memory.put(name(0), image(1), Some(Duration::from_secs(3)));
        memory.put(name(1), image(1), Some(Duration::from_secs(30)));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert!(memory.get(&name(0)).is_none() && memory.get(&name(1)).is_some());
        tokio::time::advance(Duration::from_secs(7)).await;
        assert!(memory.get(&name(1)).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn entries_expire_after_their_ttl() {
        let mut memory = Memory::new(1000, Some(Duration::from_secs(10)));
        memory.put(name(0), image(1), None);
        tokio::time::advance(Duration::from_millis(9_999)).await;
        assert!(memory.get(&name(0)).is_some(), "reading does not change its lifetime");
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(memory.get(&name(0)).is_none());
        assert_eq!(memory.size(), (0, 0));
    }

    proptest! {
        #[test]
        fn the_byte_count_is_exact_and_stays_within_the_limit(puts in prop::collection::vec((0..20usize, 0..400usize), 1..200)) {
            let mut memory = Memory::new(3000, None);
            for (n, size) in puts {
                memory.put(name(n), image(size), None);
                let (entries, bytes) = memory.size();
                let sum: usize = memory.entries.iter().map(|(name, entry)| self::size(name, &entry.image)).sum();
                prop_assert_eq!((entries, bytes), (memory.entries.len(), sum));
                prop_assert!(bytes <= 3000);
                prop_assert_eq!(memory.get(&name(n)).map(|image| image.len()), Some(size));
            }
        }
    }
}
