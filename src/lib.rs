//! WeChat mini-program codes: a token cache and a code fetcher.
//!
//! `wechat` has what WeChat's servers speak, `token` keeps the access token, `transport` speaks HTTP and `redis` Redis, `client`
//! makes calls of them, and only `node` names Node.js. `docs/en/architecture.md` has the plan.
//!
//! `addon/` makes the addon of it; neither is published. `pub` is what the tests in `tests/` use, and no promise.

// The macros of napi expand to unsafe code, so that the addon's own build cannot forbid it.
#![cfg_attr(not(feature = "node"), forbid(unsafe_code))]
#![cfg_attr(
    not(feature = "node"),
    allow(dead_code, unused_imports, reason = "much is there for the addon: the build with it finds what is dead")
)]
// A test measures how long something took, and its helpers take literals.
#![cfg_attr(
    test,
    allow(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        reason = "tests"
    )
)]

pub mod backoff;
pub mod cache;
mod client;
pub mod clock;
pub mod deadline;
pub mod error;
pub mod event;
pub mod keys;
mod lifetime_quota;

#[cfg(feature = "node")]
mod node;
mod options;
pub mod platform;
pub mod rate_limit;
pub mod redact;
pub mod redis;
mod registry;
mod roots;
mod seal;
pub mod simulation;
mod task;
pub mod token;
mod transport;
mod warning;
pub mod wechat;
