//! What a platform must not lose, in its store, and what could not be saved yet.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::sync::watch;

pub(crate) use super::record::{Authorizer, Record, Ticket, is_same};
use super::store::{RecordKey, RecordStore, Stored, failed};
use crate::backoff::backoff;
use crate::error::{Error, Result, StoreProblem};
use crate::task;

/// Writers of the same record follow each other; those of different records rarely meet.
const LOCKS: usize = 64;
/// How often a writer reads again after another process was first.
const MAX_CONFLICTS: usize = 8;
/// Records that are written at once into a store that was emptied.
const PARALLEL_RESTORES: usize = 32;
/// The shortest pause before another try to save.
const FIRST_RETRY: Duration = Duration::from_millis(200);
/// A store that cannot tell when it works again is tried after pauses that grow to 16 s.
const MAX_RETRY_STEPS: u32 = 5;

/// Which records in the store a restored one replaces.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Restore {
    /// None: it is written where there is no record.
    Missing,
    /// Older ones too: a process that knew less may have restored them first.
    Older,
}

/// What a writer makes of the record that it has read.
pub(crate) enum Change {
    /// It stays.
    Keep,
    /// It is replaced.
    Put(Record),
}

/// The records of a platform. What the store did not take is kept, is what later readers see, and is written as soon as the store
/// takes it.
pub(crate) struct Records {
    me: Weak<Self>,
    store: Arc<dyn RecordStore>,
    locks: [tokio::sync::Mutex<()>; LOCKS],
    unsaved: Mutex<BTreeMap<RecordKey, Record>>,
    is_retrying: Mutex<bool>,
    /// Whether the last operation succeeded.
    up: watch::Sender<bool>,
}

impl Records {
    pub(crate) fn new(store: Arc<dyn RecordStore>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            store,
            locks: std::array::from_fn(|_| tokio::sync::Mutex::default()),
            unsaved: Mutex::default(),
            is_retrying: Mutex::new(false),
            up: watch::Sender::new(true),
        })
    }

    /// Whether other processes write records too, so that what this process remembers may be old.
    pub(crate) fn is_shared(&self) -> bool {
        self.store.is_shared()
    }

    /// How many records wait to be saved.
    pub(crate) fn unsaved(&self) -> usize {
        self.unsaved.lock().len()
    }

    /// Whether the store worked when it was last used.
    pub(crate) fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    /// The record, or the unsaved one.
    pub(crate) async fn read(&self, key: &RecordKey) -> Result<Option<Record>> {
        let _turn = self.turn(key).await;
        if let Some(unsaved) = self.unsaved_of(key) {
            return Ok(Some(unsaved));
        }
        Ok(self.stored(key).await?.0)
    }

    /// The record in the store, to show it. Keeps no other process out.
    pub(crate) async fn peek(&self, key: &RecordKey) -> Result<Option<Record>> {
        Ok(self.parsed(key, self.store.peek(key).await)?.0)
    }

    /// Changes a record. When this returns `Ok`, the record that it returns is saved. After an error it is kept in memory and
    /// written later; `known` is what the change applies to if the store cannot be read.
    pub(crate) async fn update(
        &self,
        key: &RecordKey,
        known: Option<&Record>,
        change: impl Fn(Option<&Record>) -> Change + Send + Sync,
    ) -> Result<Option<Record>> {
        let _turn = self.turn(key).await;
        let unsaved = self.unsaved_of(key);
        let mut error = failed(StoreProblem::Redis { reason: "other processes keep writing the record".to_owned() });
        for _ in 0..MAX_CONFLICTS {
            let (stored, revision) = match self.stored(key).await {
                Ok(stored) => stored,
                Err(failure) => {
                    error = failure;
                    break;
                }
            };
            // What this process could not save counts, unless another process has written something later.
            let current = match (&stored, &unsaved) {
                (Some(stored), Some(ours)) => Some(stored.merged(ours)),
                (None, ours) => ours.clone(),
                (Some(_), None) => stored.clone(),
            };
            let must_write = current != stored;
            let wanted = match change(current.as_ref()) {
                Change::Keep if !must_write => {
                    self.unsaved.lock().remove(key);
                    return Ok(current);
                }
                Change::Keep => current,
                Change::Put(record) => Some(record),
            };
            let Some(wanted) = wanted else { return Ok(None) };
            match self.write(key, &wanted, revision).await {
                Ok(true) => {
                    self.unsaved.lock().remove(key);
                    return Ok(Some(wanted));
                }
                Ok(false) => {}
                Err(failure) => {
                    self.keep(key, wanted, &failure);
                    return Err(failure);
                }
            }
        }
        let current = unsaved.or_else(|| known.cloned());
        if let Change::Put(record) = change(current.as_ref()) {
            self.keep(key, record, &error);
        }
        Err(error)
    }

    /// Writes what this process knows into a store that was emptied. Returns whether the store did not have it.
    pub(crate) async fn restore(&self, key: &RecordKey, known: &Record, how: Restore) -> Result<bool> {
        let restored = Mutex::new(false);
        self.update(key, Some(known), |current| {
            let wanted = match (current, how) {
                (None, _) => known.clone(),
                (Some(current), Restore::Older) => current.merged(known),
                (Some(current), Restore::Missing) => current.clone(),
            };
            let is_wanted = current != Some(&wanted);
            *restored.lock() = is_wanted;
            if is_wanted { Change::Put(wanted) } else { Change::Keep }
        })
        .await?;
        Ok(restored.into_inner())
    }

    /// The same of many records. Returns how many the store did not have.
    pub(crate) async fn restore_all(&self, known: impl Iterator<Item = (RecordKey, Record)>, how: Restore) -> usize {
        let known: Vec<_> = known.collect();
        let mut restored = 0;
        for some in known.chunks(PARALLEL_RESTORES) {
            let mut restores = Vec::new();
            for (key, record) in some {
                restores.push(self.restore(key, record, how).boxed());
            }
            restored += join_all(restores).await.into_iter().filter(|one| matches!(one, Ok(true))).count();
        }
        restored
    }

    /// Waits for writes, and lets other processes use the store.
    pub(crate) async fn release(&self) {
        let keys: Vec<_> = self.unsaved.lock().keys().cloned().collect();
        for key in keys {
            let _ = self.save(&key).await;
        }
        self.store.release().await;
    }

    /// Tries again to save a record.
    pub(crate) async fn save(&self, key: &RecordKey) -> Result<()> {
        if !self.unsaved.lock().contains_key(key) {
            return Ok(());
        }
        self.update(key, None, |_| Change::Keep).await.map(drop)
    }

    async fn turn(&self, key: &RecordKey) -> tokio::sync::MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        self.locks[hasher.finish() as usize % LOCKS].lock().await
    }

    /// The record that could not be saved yet.
    pub(crate) fn unsaved_of(&self, key: &RecordKey) -> Option<Record> {
        self.unsaved.lock().get(key).cloned()
    }

    async fn stored(&self, key: &RecordKey) -> Result<(Option<Record>, u64)> {
        self.parsed(key, self.store.read(key).await)
    }

    fn parsed(&self, key: &RecordKey, read: Result<Option<Stored>>) -> Result<(Option<Record>, u64)> {
        self.note(&read);
        let Some(Stored { json, revision }) = read? else { return Ok((None, 0)) };
        let unreadable = |_| failed(StoreProblem::Unreadable { key: key.to_string() });
        let record = json.map(|json| serde_json::from_str(&json).map_err(unreadable)).transpose()?;
        Ok((record, revision))
    }

    async fn write(&self, key: &RecordKey, record: &Record, revision: u64) -> Result<bool> {
        let json = match record {
            Record::Withdrawn { .. } => None,
            record => Some(serde_json::to_string(record).map_err(|_| Error::Closed)?),
        };
        let written = self.store.write(key, json.as_deref(), revision).await;
        self.note(&written);
        written
    }

    fn note<T>(&self, result: &Result<T>) {
        self.up.send_if_modified(|up| std::mem::replace(up, result.is_ok()) != result.is_ok());
    }

    /// Keeps what could not be saved. In a store that is not this platform's, or is another process's, it has no place.
    fn keep(&self, key: &RecordKey, record: Record, error: &Error) {
        if !is_outage(error) {
            return;
        }
        self.unsaved.lock().insert(key.clone(), record);
        let mut is_retrying = self.is_retrying.lock();
        if !*is_retrying {
            *is_retrying = true;
            task::spawn(Self::retry(self.me.clone()));
        }
    }

    /// Saves what is unsaved as soon as the store takes it, as long as a platform is open. Other processes go on with what the store
    /// has until then.
    async fn retry(records: Weak<Self>) {
        let mut failures = 0;
        loop {
            tokio::time::sleep(FIRST_RETRY).await;
            let Some(recovered) = records.upgrade().map(|records| records.store.recovered()) else { return };
            // Whichever comes first.
            let _ = tokio::time::timeout(backoff(failures, 1.0), recovered).await;
            failures = (failures + 1).min(MAX_RETRY_STEPS);
            let Some(records) = records.upgrade() else { return };
            let keys: Vec<_> = records.unsaved.lock().keys().cloned().collect();
            for key in keys {
                // One failure is enough: the others would wait for the store too.
                if records.save(&key).await.is_err() {
                    break;
                }
            }
            let unsaved = records.unsaved.lock();
            if unsaved.is_empty() {
                *records.is_retrying.lock() = false;
                return;
            }
        }
    }
}

/// Whether work goes on in memory after this error.
pub(crate) fn is_outage(error: &Error) -> bool {
    matches!(error, Error::Store(problem) if problem.is_outage())
}
