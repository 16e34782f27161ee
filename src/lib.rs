//! WeChat mini-program codes: a token cache and a code fetcher.
//!
//! `wechat` has what WeChat's servers speak, `token` keeps the access token, `transport` speaks HTTP and `redis` Redis, `client`
//! makes calls of them, and only `node` names Node.js. `docs/en/architecture.md` has the plan.

// The macros of napi expand to unsafe code, so that the addon's own build cannot forbid it.
#![cfg_attr(not(feature = "node"), forbid(unsafe_code))]

pub mod backoff;

pub mod cache;
pub mod client;
pub mod deadline;
pub mod error;
pub mod event;
pub mod identity;

#[cfg(feature = "node")]
mod node;
pub mod options;
pub mod rate_limit;
pub mod redact;
pub mod redis;
pub mod registry;
pub mod roots;
pub mod seal;
pub mod token;
pub mod transport;
pub mod warning;
pub mod wechat;
