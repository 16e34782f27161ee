//! A Redis for tests: the crate's Lua scripts, run on a database in memory.
//!
//! Its clock, and so every expiry, is tokio's: a test with paused time decides when a key expires. `tests/fleet` includes
//! `database.rs` and `lua.rs` and has a network of its own.

#[allow(dead_code, reason = "the unit tests and tests/fleet each use a part")]
mod database;
mod lua;
pub(crate) mod server;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::{Mutex, MutexGuard};
use redis::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::client::DEFAULT_TIMEOUT;
use super::failure::BackendError;
use super::script::{ReconnectListener, ReconnectListeners, ScriptCall, ScriptRunner, unavailable};
use crate::error::Result;
use database::{Database, Millis, redis_error};

/// How long a script takes, unless a test says otherwise.
const LATENCY: Duration = Duration::from_millis(1);

/// A Redis that runs the crate's scripts. It is up when it starts.
pub(crate) struct FakeRedis {
    database: Mutex<Database>,
    started: Instant,
    latency: Duration,
    up: watch::Sender<bool>,
    loses_replies: AtomicBool,
    failure: Mutex<Option<String>>,
    runs: AtomicUsize,
    listeners: ReconnectListeners,
}

impl Default for FakeRedis {
    fn default() -> Self {
        Self::with_latency(LATENCY)
    }
}

impl FakeRedis {
    /// A Redis that runs each script `latency` after the call.
    pub(crate) fn with_latency(latency: Duration) -> Self {
        Self {
            database: Mutex::default(),
            started: Instant::now(),
            latency,
            up: watch::Sender::new(true),
            loses_replies: false.into(),
            failure: Mutex::default(),
            runs: 0.into(),
            listeners: ReconnectListeners::default(),
        }
    }

    /// Starts or stops the server. A stopped one keeps its keys and fails every call.
    pub(crate) fn set_up(&self, up: bool) {
        self.up.send_replace(up);
    }

    /// Runs every call and fails it all the same, as a connection that breaks before the reply; `false` ends that.
    pub(crate) fn lose_replies(&self, lose: bool) {
        self.loses_replies.store(lose, Ordering::Relaxed);
    }

    /// Fails every call with an error in Redis's words, such as `OOM command not allowed`; `None` ends that.
    pub(crate) fn fail_with(&self, error: Option<&str>) {
        *self.failure.lock() = error.map(str::to_owned);
    }

    /// The number of calls so far, failed ones among them.
    pub(crate) fn runs(&self) -> usize {
        self.runs.load(Ordering::Relaxed)
    }

    /// Tells the listeners of a reconnection.
    pub(crate) fn reconnect(&self) {
        self.listeners.notify();
    }

    /// The keys as they are now, to read and to write.
    pub(crate) fn database(&self) -> MutexGuard<'_, Database> {
        let mut database = self.database.lock();
        database.advance_to(self.started.elapsed().as_millis() as Millis);
        database
    }

    fn run_now(&self, call: &ScriptCall) -> Result<Value> {
        if !*self.up.borrow() {
            return Err(unavailable("connection refused"));
        }
        let failure = self.failure.lock().clone();
        let result = match failure {
            Some(error) => Err(error),
            None => lua::run(&mut self.database(), call.script, &call.keys, &call.args),
        };
        if self.loses_replies.load(Ordering::Relaxed) {
            return Err(unavailable("connection reset"));
        }
        result.map_err(|text| {
            let failure = BackendError::Reply(redis_error(&text));
            if failure.is_server_failure() { unavailable(failure.reason()) } else { failure.for_account(call.key()) }
        })
    }
}

impl ScriptRunner for FakeRedis {
    fn run(&self, call: ScriptCall) -> BoxFuture<'_, Result<Value>> {
        Box::pin(async move {
            self.runs.fetch_add(1, Ordering::Relaxed);
            sleep(self.latency).await;
            self.run_now(&call)
        })
    }

    fn recovered(&self) -> BoxFuture<'_, ()> {
        let mut up = self.up.subscribe();
        Box::pin(async move {
            let _ = up.wait_for(|up| *up).await;
        })
    }

    fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    fn timeout(&self) -> Duration {
        DEFAULT_TIMEOUT
    }

    fn subscribe(&self, listener: Weak<dyn ReconnectListener>) {
        self.listeners.subscribe(listener);
    }
}

/// Counts the reconnections that it hears of.
#[derive(Default)]
pub(crate) struct ReconnectionCounter(AtomicUsize);

impl ReconnectionCounter {
    /// A counter that `subscribe` knows. It hears as long as it is held.
    pub(crate) fn subscribed(subscribe: impl FnOnce(Weak<dyn ReconnectListener>)) -> Arc<Self> {
        let counter = Arc::<Self>::default();
        let listener: Arc<dyn ReconnectListener> = counter.clone();
        subscribe(Arc::downgrade(&listener));
        counter
    }

    /// The number of reconnections so far.
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl ReconnectListener for ReconnectionCounter {
    fn on_reconnect(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

mod tests;
