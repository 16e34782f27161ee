//! Values that the clients of one process share, found by the key that their type names.

use std::any::Any;
use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Arc, Weak};

use lru::LruCache;

/// A value shared between clients. The key is fixed by the type, so that no call site can use another one.
pub(crate) trait Keyed: Send + Sync + Sized + 'static {
    /// Clients with equal keys share one value.
    type Key: Clone + Eq + Hash;

    /// How many of the most recent values are kept for later clients when no client uses them.
    const MAX_IDLE: usize;

    /// Whether this value is kept when no client uses it.
    fn keep_when_idle(&self) -> bool {
        true
    }
}

/// One value for each key, as long as a client uses the value or the value is among the most recent.
pub(crate) struct WeakCache<T: Keyed> {
    values: HashMap<T::Key, Weak<T>>,
    /// By address. Not by key and type, so that its code is compiled once.
    idle: Option<LruCache<usize, Arc<dyn Any + Send + Sync>>>,
    /// The number of entries at which dropped values are removed.
    sweep_at: usize,
}

/// The fewest entries at which dropped values are removed.
const MIN_SWEEP: usize = 64;

impl<T: Keyed> Default for WeakCache<T> {
    fn default() -> Self {
        let idle = NonZeroUsize::new(T::MAX_IDLE).map(LruCache::new);
        Self { values: HashMap::new(), idle, sweep_at: MIN_SWEEP }
    }
}

impl<T: Keyed> WeakCache<T> {
    /// The value of this key; `make` makes it if there is none.
    pub(crate) fn get<E>(&mut self, key: &T::Key, make: impl FnOnce() -> Result<Arc<T>, E>) -> Result<Arc<T>, E> {
        let value = match self.values.get(key).and_then(Weak::upgrade) {
            Some(value) => value,
            None => self.put(key, make()?),
        };
        if let Some(idle) = self.idle.as_mut().filter(|_| value.keep_when_idle()) {
            idle.push(Arc::as_ptr(&value).addr(), value.clone());
        }
        Ok(value)
    }

    fn put(&mut self, key: &T::Key, value: Arc<T>) -> Arc<T> {
        if self.values.len() >= self.sweep_at {
            self.values.retain(|_, value| value.strong_count() > 0);
            self.sweep_at = MIN_SWEEP.max(2 * self.values.len());
        }
        self.values.insert(key.clone(), Arc::downgrade(&value));
        value
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.values.values().filter(|value| value.strong_count() > 0).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Thing {
        keep: bool,
    }

    impl Keyed for Thing {
        type Key = u32;
        const MAX_IDLE: usize = 3;

        fn keep_when_idle(&self) -> bool {
            self.keep
        }
    }

    fn get(cache: &mut WeakCache<Thing>, key: u32, keep: bool) -> Arc<Thing> {
        cache.get(&key, || Ok::<_, ()>(Arc::new(Thing { keep }))).unwrap()
    }

    #[test]
    fn clients_with_equal_keys_share_a_value() {
        let mut cache = WeakCache::default();
        let one = get(&mut cache, 1, false);
        assert!(Arc::ptr_eq(&one, &get(&mut cache, 1, false)));
        assert!(!Arc::ptr_eq(&one, &get(&mut cache, 2, false)));
    }

    #[test]
    fn only_the_most_recent_values_outlive_their_clients() {
        let mut cache = WeakCache::default();
        for key in 0..5 {
            get(&mut cache, key, true);
        }
        assert_eq!(cache.len(), 3);
        get(&mut cache, 2, true);
        get(&mut cache, 5, true);
        let kept: Vec<_> = (0..6).filter(|key| cache.values[key].strong_count() > 0).collect();
        assert_eq!(kept, [2, 4, 5], "a value that was requested again stays");
        get(&mut cache, 9, false);
        assert_eq!(cache.len(), 3, "a value that is not kept when idle is dropped");
    }

    #[test]
    fn a_value_in_use_is_never_evicted() {
        let mut cache = WeakCache::default();
        let used = get(&mut cache, 0, true);
        for key in 1..1000 {
            get(&mut cache, key, true);
        }
        assert!(Arc::ptr_eq(&used, &get(&mut cache, 0, true)));
        assert!(cache.values.len() <= 2 * MIN_SWEEP, "{}", cache.values.len());
    }

    #[test]
    fn a_failed_construction_is_not_kept() {
        let mut cache = WeakCache::<Thing>::default();
        assert_eq!(cache.get(&1, || Err("no")).err(), Some("no"));
        assert_eq!(cache.values.len(), 0);
    }
}
