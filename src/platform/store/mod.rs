//! Where a platform keeps what WeChat gives only once: tickets and refresh tokens.
//!
//! | module | what |
//! |---|---|
//! | `memory` | for tests and trials |
//! | `file` | one file of one process, whose writes are durable and shared by those who wait |
//! | `redis` | the Redis of a fleet |
//! | `own` | the caller's own store |

mod file;
mod format;
mod memory;
mod own;
mod redis;

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::error::{Error, Result, StoreProblem};
pub(crate) use file::FileStore;
pub(crate) use memory::MemoryStore;
pub(crate) use own::OwnStore;
pub use own::StoreFunctions;
pub(crate) use redis::{KeyNames, RedisRecordStore, as_store_error};

/// How long an operation of a store may take. Callers wait for it.
pub(crate) const STORE_TIMEOUT: Duration = Duration::from_secs(3);

/// The key of a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum RecordKey {
    /// The ticket of the platform.
    Ticket,
    /// A merchant, by its appid.
    Authorizer(String),
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ticket => f.write_str("ticket"),
            Self::Authorizer(appid) => write!(f, "authorizer:{appid}"),
        }
    }
}

/// What a store has of a record.
pub(crate) struct Stored {
    /// The record as JSON; `None` for a value that cannot be decrypted and that nobody else can have written: it counts as absent,
    /// and a writer replaces it.
    pub(crate) json: Option<String>,
    /// By which a writer shows what it has read.
    pub(crate) revision: u64,
}

/// Keeps records. Every wait of an implementation is bounded, and a failure is an [`Error::Store`]. Whoever reads or writes holds
/// the record's lock in this process.
pub(crate) trait RecordStore: Send + Sync {
    /// The record of this key.
    fn read<'a>(&'a self, key: &'a RecordKey) -> BoxFuture<'a, Result<Option<Stored>>>;

    /// The same, to show it and not to work with it: keeps no other process out.
    fn peek<'a>(&'a self, key: &'a RecordKey) -> BoxFuture<'a, Result<Option<Stored>>> {
        self.read(key)
    }

    /// Writes a record, or deletes it, unless it has changed since `revision` was read; 0 if there was none. Returns whether it was
    /// written. When it was, it outlasts this process.
    fn write<'a>(&'a self, key: &'a RecordKey, json: Option<&'a str>, revision: u64) -> BoxFuture<'a, Result<bool>>;

    /// Whether other processes write records too.
    fn is_shared(&self) -> bool {
        false
    }

    /// Resolves when a store that failed works again. Never, if it cannot tell.
    fn recovered(&self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }

    /// Frees what other processes wait for, when the writes that have begun are done. A later operation takes it again.
    fn release(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// The error of a store.
pub(crate) fn failed(problem: StoreProblem) -> Error {
    Error::Store(Box::new(problem))
}
