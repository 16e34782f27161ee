//! The native half of an AbortSignal.

use napi_derive::napi;
use tokio_util::sync::CancellationToken;

/// Cancels a call when JavaScript's signal aborts. napi's own signal parameter misses signals that are aborted already.
#[napi]
#[derive(Default)]
pub struct AbortHandle(CancellationToken);

#[napi]
impl AbortHandle {
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    #[napi]
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

impl AbortHandle {
    pub(super) fn token(&self) -> CancellationToken {
        self.0.clone()
    }
}
