//! Values that clients share, found by the key that their type names.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Arc, Weak};

use lru::LruCache;

/// A value that clients share. Its type says who shares it, and not the place where it is looked up.
pub(crate) trait Keyed {
    /// Clients with equal keys share one value; others do not.
    type Key: Clone + Eq + Hash;

    /// How many values stay when no client uses them, the most recent ones, for later clients.
    const OUTLIVE: usize;

    /// Whether this value may stay.
    fn may_outlive(&self) -> bool {
        true
    }
}

/// One value for each key, while a client uses it or it is among those that stay.
pub(crate) struct Shared<T: Keyed> {
    values: HashMap<T::Key, Weak<T>>,
    recent: Option<LruCache<T::Key, Arc<T>>>,
    /// The number of entries at which dropped values are removed.
    sweep_at: usize,
}

const FEW: usize = 64;

impl<T: Keyed> Default for Shared<T> {
    fn default() -> Self {
        let recent = NonZeroUsize::new(T::OUTLIVE).map(LruCache::new);
        Self { values: HashMap::new(), recent, sweep_at: FEW }
    }
}

impl<T: Keyed> Shared<T> {
    /// The value of this key, made by `make` where there is none.
    pub(crate) fn get<E>(&mut self, key: &T::Key, make: impl FnOnce() -> Result<Arc<T>, E>) -> Result<Arc<T>, E> {
        let value = match self.values.get(key).and_then(Weak::upgrade) {
            Some(value) => value,
            None => self.put(key, make()?),
        };
        if let Some(recent) = self.recent.as_mut().filter(|_| value.may_outlive()) {
            recent.push(key.clone(), value.clone());
        }
        Ok(value)
    }

    fn put(&mut self, key: &T::Key, value: Arc<T>) -> Arc<T> {
        if self.values.len() >= self.sweep_at {
            self.values.retain(|_, value| value.strong_count() > 0);
            self.sweep_at = FEW.max(2 * self.values.len());
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
        stays: bool,
    }

    impl Keyed for Thing {
        type Key = u32;
        const OUTLIVE: usize = 3;

        fn may_outlive(&self) -> bool {
            self.stays
        }
    }

    fn get(shared: &mut Shared<Thing>, key: u32, stays: bool) -> Arc<Thing> {
        shared.get(&key, || Ok::<_, ()>(Arc::new(Thing { stays }))).unwrap()
    }

    #[test]
    fn clients_with_equal_keys_share_a_value() {
        let mut shared = Shared::default();
        let one = get(&mut shared, 1, false);
        assert!(Arc::ptr_eq(&one, &get(&mut shared, 1, false)));
        assert!(!Arc::ptr_eq(&one, &get(&mut shared, 2, false)));
    }

    #[test]
    fn only_the_most_recent_values_outlive_their_clients() {
        let mut shared = Shared::default();
        for key in 0..5 {
            get(&mut shared, key, true);
        }
        assert_eq!(shared.len(), 3);
        get(&mut shared, 2, true);
        get(&mut shared, 5, true);
        let kept: Vec<_> = (0..6).filter(|key| shared.values[key].strong_count() > 0).collect();
        assert_eq!(kept, [2, 4, 5], "a value that was requested again stays");
        get(&mut shared, 9, false);
        assert_eq!(shared.len(), 3, "one that must not outlive its client has gone");
    }

    #[test]
    fn a_value_in_use_is_never_evicted() {
        let mut shared = Shared::default();
        let used = get(&mut shared, 0, true);
        for key in 1..1000 {
            get(&mut shared, key, true);
        }
        assert!(Arc::ptr_eq(&used, &get(&mut shared, 0, true)));
        assert!(shared.values.len() <= 2 * FEW, "{}", shared.values.len());
    }

    #[test]
    fn a_failed_construction_is_not_kept() {
        let mut shared = Shared::<Thing>::default();
        assert_eq!(shared.get(&1, || Err("no")).err(), Some("no"));
        assert_eq!(shared.values.len(), 0);
    }
}
