//! Records in memory.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::{RecordKey, RecordStore, Stored};
use crate::error::Result;

/// Records by the names of their keys, each with its revision.
#[derive(Clone, Default)]
pub(super) struct Table {
    records: BTreeMap<String, (String, u64)>,
    revisions: u64,
}

impl Table {
    pub(super) fn read(&self, key: &RecordKey) -> Option<Stored> {
        let (json, revision) = self.records.get(&key.to_string())?;
        Some(Stored { json: Some(json.clone()), revision: *revision })
    }

    /// Returns whether it was written: not if the record has another revision.
    pub(super) fn write(&mut self, key: &RecordKey, json: Option<&str>, revision: u64) -> bool {
        let name = key.to_string();
        if self.records.get(&name).map_or(0, |(_, revision)| *revision) != revision {
            return false;
        }
        self.revisions += 1;
        match json {
            Some(json) => self.records.insert(name, (json.to_owned(), self.revisions)),
            None => self.records.remove(&name),
        };
        true
    }

    pub(super) fn records(&self) -> impl Iterator<Item = (&str, &str)> {
        self.records.iter().map(|(name, (json, _))| (name.as_str(), json.as_str()))
    }
}

impl FromIterator<(String, String)> for Table {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(records: I) -> Self {
        let mut table = Self { revisions: 1, ..Self::default() };
        table.records.extend(records.into_iter().map(|(name, json)| (name, (json, 1))));
        table
    }
}

/// A store that ends with its process.
#[derive(Default)]
pub(crate) struct MemoryStore(Mutex<Table>);

impl RecordStore for MemoryStore {
    fn read<'a>(&'a self, key: &'a RecordKey) -> BoxFuture<'a, Result<Option<Stored>>> {
        let stored = self.0.lock().read(key);
        Box::pin(async { Ok(stored) })
    }

    fn write<'a>(&'a self, key: &'a RecordKey, json: Option<&'a str>, revision: u64) -> BoxFuture<'a, Result<bool>> {
        let written = self.0.lock().write(key, json, revision);
        Box::pin(async move { Ok(written) })
    }
}
