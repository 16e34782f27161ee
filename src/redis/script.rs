//! Lua scripts as data, and what runs them.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use redis::Value;

use crate::error::{Error, RedisErrorKind, Result};

/// Whether a caller waits for a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// A caller waits, at most `redis.timeoutMs`.
    Foreground,
    /// No caller waits: the script has more time.
    Background,
}

/// A script with its keys and arguments. Redis runs it as one step. A call that failed may have
/// run: each script is written so that running it again is safe.
#[derive(Clone, Debug)]
pub struct ScriptCall {
    /// The source, in Lua.
    pub script: &'static str,
    /// The keys, all in one slot of a cluster.
    pub keys: Vec<String>,
    /// The arguments, as bytes.
    pub args: Vec<Vec<u8>>,
    pub(crate) priority: Priority,
}

impl ScriptCall {
    /// A foreground call without arguments.
    pub(crate) fn new(script: &'static str, keys: Vec<String>) -> Self {
        Self { script, keys, args: Vec::new(), priority: Priority::Foreground }
    }

    /// Appends an argument as text.
    #[allow(clippy::needless_pass_by_value, reason = "callers pass numbers and literals")]
    pub(crate) fn arg(mut self, arg: impl ToString) -> Self {
        self.args.push(arg.to_string().into_bytes());
        self
    }

    /// Appends an argument of bytes.
    pub(crate) fn bytes(mut self, arg: Vec<u8>) -> Self {
        self.args.push(arg);
        self
    }

    /// The same call when no caller waits for it: it gets more time.
    pub(crate) fn background(self) -> Self {
        Self { priority: Priority::Background, ..self }
    }

    /// The first key, which decides on the node of a cluster; empty without keys.
    pub(crate) fn key(&self) -> &str {
        self.keys.first().map_or("", String::as_str)
    }
}

/// Runs scripts on a Redis. A call that fails within its time is an [`Error::Redis`].
pub trait ScriptRunner: Send + Sync {
    /// Runs a script and returns its reply.
    fn run(&self, call: ScriptCall) -> BoxFuture<'_, Result<Value>>;

    /// Resolves once requests are allowed.
    fn recovered(&self) -> BoxFuture<'_, ()>;

    /// Whether requests are allowed.
    fn is_up(&self) -> bool;

    /// The longest that a foreground call takes.
    fn timeout(&self) -> Duration;

    /// Calls `listener` after every reconnection from now on.
    fn subscribe(&self, listener: Weak<dyn ReconnectListener>);
}

/// Restores its state after Redis was away: Redis may have come back empty.
pub trait ReconnectListener: Send + Sync {
    /// Called after each reconnection.
    fn on_reconnect(self: Arc<Self>);
}

/// The listeners of one client.
#[derive(Default)]
pub struct ReconnectListeners(Mutex<Vec<Weak<dyn ReconnectListener>>>);

impl ReconnectListeners {
    /// Adds a listener and forgets those that were dropped.
    pub(crate) fn subscribe(&self, listener: Weak<dyn ReconnectListener>) {
        let mut listeners = self.0.lock();
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(listener);
    }

    /// Calls every listener.
    pub fn notify(&self) {
        let listeners = self.0.lock().clone();
        for listener in listeners.iter().filter_map(Weak::upgrade) {
            listener.on_reconnect();
        }
    }
}

/// The error of a call that Redis did not run.
pub fn unavailable(reason: &str) -> Error {
    Error::Redis { reason: reason.to_owned(), kind: RedisErrorKind::Down }
}

#[cfg(test)]
mod tests {
    use super::super::fake::ReconnectionCounter;
    use super::*;

    #[test]
    fn every_listener_hears_of_a_reconnection_until_it_is_dropped() {
        let listeners = ReconnectListeners::default();
        let subscribed = || ReconnectionCounter::subscribed(|counter| listeners.subscribe(counter));
        let (first, second) = (subscribed(), subscribed());
        listeners.notify();
        assert_eq!((first.count(), second.count()), (1, 1));
        drop(first);
        let third = subscribed();
        listeners.notify();
        assert_eq!((second.count(), third.count()), (2, 1));
        assert_eq!(listeners.0.lock().len(), 2, "the first is forgotten");
    }
}
