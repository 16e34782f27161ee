//! Stores of a caller: one that dies with its process, and one that fails, hangs or is slow as it is told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::*;
use crate::error::StoreProblem;

/// What outlasts a process.
pub(super) type Disk = Arc<Mutex<HashMap<String, Vec<u8>>>>;

/// The store of one process, which dies at its nth operation: before it, or after it, without an answer.
pub(super) struct Mortal {
    pub(super) disk: Disk,
    pub(super) operations: AtomicUsize,
    pub(super) dies_at: usize,
    pub(super) after: bool,
}

impl Mortal {
    pub(super) fn new(disk: &Disk, dies_at: usize, after: bool) -> Arc<Self> {
        Arc::new(Self { disk: disk.clone(), operations: AtomicUsize::new(0), dies_at, after })
    }

    pub(super) fn healthy(disk: &Disk) -> Arc<Self> {
        Self::new(disk, usize::MAX, false)
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut HashMap<String, Vec<u8>>) -> T,
    ) -> BoxFuture<'static, Result<T>> {
        let operation = self.operations.fetch_add(1, Ordering::Relaxed);
        let dead = || {
            let reason = "dead".to_owned();
            Err(Error::Store(Box::new(StoreProblem::Threw { operation: "set", reason })))
        };
        let result = match operation {
            last if last == self.dies_at && self.after => {
                work(&mut self.disk.lock());
                dead()
            }
            late if late >= self.dies_at => dead(),
            _ => Ok(work(&mut self.disk.lock())),
        };
        Box::pin(async move { result })
    }
}

impl StoreFunctions for Mortal {
    fn get(&self, key: String) -> BoxFuture<'static, Result<Option<Vec<u8>>>> {
        self.run(|disk| disk.get(&key).cloned())
    }

    fn set(&self, key: String, value: Vec<u8>) -> BoxFuture<'static, Result<()>> {
        self.run(|disk| drop(disk.insert(key, value)))
    }

    fn delete(&self, key: String) -> BoxFuture<'static, Result<()>> {
        self.run(|disk| drop(disk.remove(&key)))
    }
}

/// A store that fails or hangs as it is told.
#[derive(Default)]
pub(super) struct Moody {
    pub(super) disk: Disk,
    pub(super) fails: std::sync::atomic::AtomicBool,
    pub(super) hangs: std::sync::atomic::AtomicBool,
    /// How long each operation takes, in milliseconds.
    pub(super) takes: std::sync::atomic::AtomicU64,
    pub(super) sets: Mutex<Vec<String>>,
}

impl Moody {
    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut HashMap<String, Vec<u8>>) -> T,
    ) -> BoxFuture<'static, Result<T>> {
        if self.hangs.load(Ordering::Relaxed) {
            return Box::pin(std::future::pending());
        }
        let fails = self.fails.load(Ordering::Relaxed);
        let problem = StoreProblem::Threw { operation: "set", reason: "no database".to_owned() };
        let result = if fails { Err(Error::Store(Box::new(problem))) } else { Ok(work(&mut self.disk.lock())) };
        let takes = Duration::from_millis(self.takes.load(Ordering::Relaxed));
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            result
        })
    }
}

impl StoreFunctions for Moody {
    fn get(&self, key: String) -> BoxFuture<'static, Result<Option<Vec<u8>>>> {
        self.run(|disk| disk.get(&key).cloned())
    }

    fn set(&self, key: String, value: Vec<u8>) -> BoxFuture<'static, Result<()>> {
        self.sets.lock().push(key.clone());
        self.run(|disk| drop(disk.insert(key, value)))
    }

    fn delete(&self, key: String) -> BoxFuture<'static, Result<()>> {
        self.run(|disk| drop(disk.remove(&key)))
    }
}
