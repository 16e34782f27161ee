//! A tier that did not answer in time is left alone for a while, so that not every call waits for it.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::clock;

/// How long a tier is left alone.
pub(super) const REST: Duration = Duration::from_secs(5);

/// A tier that did not answer in less may be well: only the call had little time.
const LONG: Duration = Duration::from_millis(500);

/// When the rest of a tier ends.
#[derive(Default)]
pub(super) struct Rest(Mutex<Option<Instant>>);

impl Rest {
    /// The tier has not answered within `limit`: it is left alone from now on, if that was long.
    pub(super) fn begin_after(&self, limit: Duration) {
        if limit >= LONG {
            *self.0.lock() = Some(clock::monotonic() + REST);
        }
    }

    /// Whether the tier is left alone now.
    pub(super) fn is_on(&self) -> bool {
        self.0.lock().is_some_and(|end| clock::monotonic() < end)
    }
}
