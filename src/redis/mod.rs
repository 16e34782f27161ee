//! The client of the Redis that a fleet shares.

mod client;
mod cluster;
mod connector;
mod failure;

pub use client::*;
