//! What a failed refresh means for the next callers.

use std::time::Duration;

use super::{Decision, MIN_REFRESH_INTERVAL};
use crate::backoff::backoff;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::wechat::errcode;

/// How long a refusal (bad secret, unlisted IP, ...) is repeated to callers before one of them asks again.
const REFUSAL_TTL: Duration = Duration::from_secs(60);

/// A failure, and the pause after it.
pub(crate) struct RefreshBackoff {
    error: Error,
    /// So many in a row.
    failures: u32,
    until: Duration,
}

impl RefreshBackoff {
    /// `before`: the failure before it, with no success between. None where a failure is no reason to wait. Nothing is
    /// for ever: whatever it was may have been put right.
    pub(crate) fn after(before: Option<&Self>, error: &Error, now: Timestamp, jitter: f64) -> Option<Self> {
        let failures = before.map_or(0, |before| before.failures);
        let until = now.mono + pause(error, backoff(failures, jitter))?;
        Some(Self { error: error.clone(), failures: failures + 1, until })
    }

    /// Whether it still holds back refreshes.
    pub(crate) fn is_active(&self, now: Timestamp) -> bool {
        now.mono < self.until
    }

    /// The decision for a caller while it lasts.
    pub(crate) fn decision(&self) -> Decision {
        if is_refusal(&self.error) {
            Decision::Fail(self.error.clone())
        } else {
            Decision::Backoff { at: self.until, error: self.error.clone() }
        }
    }
}

fn pause(error: &Error, backoff: Duration) -> Option<Duration> {
    match error {
        // While the store is down asking costs nothing, and it is worth asking as soon as it is up.
        Error::Redis { .. } | Error::RateLimit { .. } | Error::Closed | Error::Cancelled => None,
        error if is_refusal(error) => Some(REFUSAL_TTL),
        // An answer that makes no sense is the same again a moment later.
        Error::Api { .. } | Error::Response { .. } if !error.is_transient() => Some(backoff.max(MIN_REFRESH_INTERVAL)),
        _ => Some(backoff),
    }
}

/// A refusal that the catalogue knows: bad secret, unlisted IP, frozen account, spent quota.
fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Api { endpoint, refusal, .. }
        if refusal.errcode != errcode::BUSY && errcode::reaction(refusal.errcode, endpoint).is_some())
}
