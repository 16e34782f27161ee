//! WeChat mini-program codes: a token cache and a code fetcher.
//!
//! `wechat` has what WeChat's servers speak, `token` keeps the access token, `transport` speaks HTTP and `redis` Redis, `client`
//! makes calls of them, and only `node` names Node.js. `docs/architecture.md` has the plan.
//!
//! The crate is the addon and is not published. `pub` is what the tests in `tests/` use, and no promise.

// The macros of napi expand to unsafe code, so that the addon's own build cannot forbid it.
#![cfg_attr(not(feature = "node"), forbid(unsafe_code))]
// Much of the core is there for the addon alone. The build with the addon finds what is dead.
#![cfg_attr(not(feature = "node"), allow(dead_code, unused_imports))]
// A test measures how long it took.
#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::disallowed_types))]

pub mod backoff;
pub mod cache;
mod client;
pub mod clock;
pub mod deadline;
pub mod error;
pub mod event;
pub mod identity;

#[cfg(feature = "node")]
mod node;
mod options;
pub mod rate_limit;
pub mod redact;
pub mod redis;
mod registry;
mod roots;
mod seal;
pub mod token;
mod transport;
mod warning;
pub mod wechat;
