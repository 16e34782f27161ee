//! The cooldown of a tier that did not answer in time: calls skip it for a while, so that not every call waits for it.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::clock;

/// How long calls skip a tier.
pub(super) const COOLDOWN: Duration = Duration::from_secs(5);

/// A tier that did not answer in less may be well: only the call had little time.
const LONG: Duration = Duration::from_millis(500);

/// When the cooldown of a tier ends.
#[derive(Default)]
pub(super) struct Cooldown(Mutex<Option<Instant>>);

impl Cooldown {
    /// The tier has not answered within `limit`: calls skip it from now on, if that was long.
    pub(super) fn begin_after(&self, limit: Duration) {
        if limit >= LONG {
            *self.0.lock() = Some(clock::monotonic() + COOLDOWN);
        }
    }

    /// Whether calls skip the tier now.
    pub(super) fn is_active(&self) -> bool {
        self.0.lock().is_some_and(|end| clock::monotonic() < end)
    }
}
