//! Starts tasks. What tokio compiles for a task, it compiles for each type of future (some 3 KB of the addon), so a task is a
//! boxed future.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;

use crate::event::attempt::{self, Recorder};

/// A task whose requests belong to no call.
pub(crate) fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    let work: BoxFuture<'static, T> = Box::pin(work);
    tokio::spawn(work)
}

/// A task whose requests belong to the call of this task.
pub(crate) fn spawn_for_call<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    spawn_recorded(attempt::recorder(), Box::pin(work))
}

/// A task that no call waits for; its requests are told with those of the call of this task.
pub(crate) fn spawn_in_background<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    spawn_recorded(attempt::background_recorder(), Box::pin(work))
}

/// Runs what blocks on a thread of its own.
pub(crate) fn spawn_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let work: Box<dyn FnOnce() -> T + Send> = Box::new(work);
    tokio::task::spawn_blocking(work)
}

fn spawn_recorded<T: Send + 'static>(recorder: Option<Arc<Recorder>>, work: BoxFuture<'static, T>) -> JoinHandle<T> {
    tokio::spawn(attempt::recorded(recorder, work))
}
