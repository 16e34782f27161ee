//! The access token: cached, refreshed before it expires, shared between processes through Redis.
//!
//! | module | what |
//! |---|---|
//! | `cache` | [`TokenCache`]: serves a token, waits for one, invalidates one |
//! | `state` | when to serve, refresh, wait or fail: a pure state machine |
//! | `refresh` | one refresh, as a task that no caller owns |
//! | `progress` | what callers see of a refresh while they wait for it |
//! | `store`, `redis_store` | the token and its lock outside this process |
//! | `sync` | compares this process's token with Redis, and restores it there |
//! | `forget` | tokens that are void before their time |
//! | `source` | where tokens come from: WeChat or the caller's function |
//! | `telemetry` | events |

mod cache;
pub mod fingerprint;
mod forget;
mod progress;
pub mod redis_store;
mod refresh;
pub mod source;
pub mod state;
pub mod store;
mod sync;
mod telemetry;

pub use cache::{CacheHandle, TokenCache};

#[cfg(test)]
mod tests;
