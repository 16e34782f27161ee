//! What one process keeps: so many bytes of pictures, the least recently used go first.

use std::time::Duration;

use bytes::Bytes;
use lru::LruCache;
use tokio::time::Instant;

use crate::clock;
use crate::wechat::codes::Identity;

/// What an entry costs besides its picture and its name.
const OVERHEAD: usize = 160;

/// Pictures in memory, at most `max_bytes` of them with their names. The oldest-used leave first.
pub(crate) struct Memory {
    entries: LruCache<Identity, Entry>,
    bytes: usize,
    max_bytes: usize,
    /// `None` is for ever.
    ttl: Option<Duration>,
}

struct Entry {
    image: Bytes,
    until: Option<Instant>,
}

impl Memory {
    pub(crate) fn new(max_bytes: usize, ttl: Option<Duration>) -> Self {
        Self { entries: LruCache::unbounded(), bytes: 0, max_bytes, ttl }
    }

    /// The picture, unless its time is over.
    pub(crate) fn get(&mut self, identity: &Identity) -> Option<Bytes> {
        let Entry { image, until } = self.entries.get(identity)?;
        if until.is_none_or(|until| clock::monotonic() < until) {
            return Some(image.clone());
        }
        self.remove(identity);
        None
    }

    /// `left` is what is left of its time, where it was kept elsewhere before.
    pub(crate) fn put(&mut self, identity: Identity, image: Bytes, left: Option<Duration>) {
        self.remove(&identity);
        let size = size(&identity, &image);
        if size > self.max_bytes {
            return;
        }
        let until = self.ttl.map(|ttl| clock::monotonic() + left.map_or(ttl, |left| left.min(ttl)));
        self.entries.put(identity, Entry { image, until });
        self.bytes += size;
        while self.bytes > self.max_bytes {
            let Some((identity, entry)) = self.entries.pop_lru() else { return };
            self.bytes -= self::size(&identity, &entry.image);
        }
    }

    /// How many, and how many bytes.
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
    identity.len() + image.len() + OVERHEAD
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

    /// What one picture of `size` counts for.
    fn cost(size: usize) -> usize {
        4 + size + OVERHEAD
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
    fn a_picture_over_the_size_limit_is_not_kept_and_evicts_no_other() {
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
        assert!(memory.get(&name(0)).is_some(), "a look does not make it older or younger");
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
