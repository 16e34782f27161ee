//! The client of the Redis that processes share: scripts as data, one time limit for each request, a circuit breaker.
//!
//! Not redis-rs' own `ConnectionManager` or `cluster_async`: a request has to fail within 250 ms whatever is wrong, one
//! time-out has to be enough for all callers, and the account's ACL needs no CLUSTER SLOTS.

mod backend;
mod circuit_breaker;
mod client;
mod cluster;
mod connector;
mod failure;
#[cfg(test)]
pub(crate) mod fake;
mod pool;
mod script;
mod sentinel;
mod server;

pub use backend::{AttemptContext, Backend, Connections};
pub use client::{DEFAULT_TIMEOUT, PROBE, RedisClient};
pub use cluster::SlotMap;
pub use failure::BackendError;
pub use script::{ReconnectListener, ReconnectListeners, ScriptCall, ScriptRunner, unavailable};
