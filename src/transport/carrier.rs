//! What carries requests in place of HTTP: the simulated fleet of `tests/fleet` has no sockets.

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::error::NetworkErrorKind;

/// Carries requests to WeChat.
pub trait Carrier: Send + Sync {
    /// Sends a body to a path with its query, and returns the body of the response. It may take for ever: time limits are the
    /// caller's.
    fn carry(&self, target: String, body: Bytes) -> BoxFuture<'_, Result<Bytes, NetworkErrorKind>>;
}
