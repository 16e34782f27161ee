//! The caller's own store of QR codes, behind memory and disk. Whatever it does, a call goes on without it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::cooldown::Cooldown;
use super::writes::Writes;
use crate::deadline::Deadline;
use crate::event::{CacheEvent, EventSource};
use crate::task;
use crate::wechat::answer::read_image;
use crate::wechat::body::Body;
use crate::wechat::qr_code::Identity;

/// A call waits for the store for this fraction of its time.
const WAIT_DIVISOR: u32 = 5;
/// How long the store may take to take an image. No call waits for it.
const SET_TIMEOUT: Duration = Duration::from_secs(10);
/// How many images are handed over at once.
const MAX_SETS: usize = 16;

/// The functions of a caller's store.
pub trait CodeStore: Send + Sync {
    /// The image of a code, if the store has it.
    fn get(&self, code: StoredCode) -> BoxFuture<'static, Result<Option<Vec<u8>>, StoreFailure>>;
    /// Stores an image.
    fn set(&self, code: StoredCode, image: Bytes) -> BoxFuture<'static, Result<(), StoreFailure>>;
}

/// Which code a store is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCode {
    /// What the keys of the account begin with.
    pub namespace: Arc<str>,
    /// What the image depends on: sent parameters as JSON, and the endpoint's name.
    pub identity: String,
    /// How long the store has.
    pub limit: Duration,
}

/// Why a store gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreFailure {
    /// Its thread is ending.
    Closing,
    /// What its function threw, without secrets.
    Threw(String),
}

/// A store, which the clients that were given the same object share.
#[derive(Clone)]
pub struct SharedStore {
    /// Differs from that of every other store of this process.
    pub id: u64,
    /// Its functions.
    pub functions: Arc<dyn CodeStore>,
}

impl SharedStore {
    /// A store with an id of its own.
    pub fn new(functions: Arc<dyn CodeStore>) -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self { id: LAST.fetch_add(1, Ordering::Relaxed) + 1, functions }
    }
}

/// The QR codes of one account in a store.
pub struct StoredQrCodes {
    functions: Arc<dyn CodeStore>,
    namespace: Arc<str>,
    events: EventSource,
    set_permits: Arc<Semaphore>,
    cooldown: Cooldown,
}

impl StoredQrCodes {
    /// `namespace` is what the keys of the account begin with.
    pub fn new(store: SharedStore, namespace: &str, events: EventSource) -> Self {
        Self {
            functions: store.functions,
            namespace: namespace.into(),
            events,
            set_permits: Arc::new(Semaphore::new(MAX_SETS)),
            cooldown: Cooldown::default(),
        }
    }

    /// The image of a QR code. A store that does not answer in time is left alone for a while.
    pub(super) async fn get(&self, identity: &Identity, deadline: &Deadline) -> Option<Bytes> {
        if self.cooldown.is_active() {
            return None;
        }
        let limit = deadline.remaining() / WAIT_DIVISOR;
        match timeout(limit, self.functions.get(self.code(identity, limit))).await {
            Ok(Ok(Some(image))) => self.checked(image.into()),
            Ok(Ok(None) | Err(StoreFailure::Closing)) => None,
            Ok(Err(StoreFailure::Threw(reason))) => {
                self.emit("get", "threw", &reason);
                None
            }
            Err(_) => {
                self.cooldown.begin_after(limit);
                self.emit("get", "timeout", &within(limit));
                None
            }
        }
    }

    /// Stores an image in the background.
    pub(super) fn put(self: &Arc<Self>, identity: &Identity, image: Bytes, writes: &Arc<Writes>) {
        let Some(write) = writes.begin(image.len()) else { return self.emit("set", "timeout", TOO_SLOW) };
        let (me, code) = (self.clone(), self.code(identity, SET_TIMEOUT));
        task::spawn_for_call(async move {
            let _permit = me.set_permits.acquire().await;
            match timeout(SET_TIMEOUT, me.functions.set(code, image)).await {
                Ok(Err(StoreFailure::Threw(reason))) => me.emit("set", "threw", &reason),
                Ok(Ok(()) | Err(StoreFailure::Closing)) => {}
                Err(_) => me.emit("set", "timeout", &within(SET_TIMEOUT)),
            }
            drop(write);
        });
    }

    fn checked(&self, image: Bytes) -> Option<Bytes> {
        let is_whole = read_image(&Body::from(image.clone())).is_ok();
        if !is_whole {
            self.emit("get", "invalid", "neither a whole JPEG nor a whole PNG");
        }
        is_whole.then_some(image)
    }

    fn code(&self, identity: &Identity, limit: Duration) -> StoredCode {
        let identity = String::from_utf8_lossy(identity).into_owned();
        StoredCode { namespace: self.namespace.clone(), identity, limit }
    }

    fn emit(&self, operation: &'static str, reason: &'static str, what: &str) {
        self.events.cache(|| CacheEvent::StoreError { operation, reason, message: message(operation, what) });
    }
}

const TOO_SLOW: &str = "too many bytes wait to be stored";

fn within(limit: Duration) -> String {
    format!("no answer within {} ms", limit.as_millis())
}

fn message(operation: &str, what: &str) -> String {
    format!(
        "cache.store.{operation}: {what}. The call goes on without the store: check what is behind it. | \
         cache.store.{operation}：{what}。调用不受影响，只是不经过 store：检查 store 背后的服务。"
    )
}

#[cfg(test)]
mod tests;
