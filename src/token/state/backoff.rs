//! What a failed refresh means for the next callers.

use std::time::Duration;

use super::{Decision, MIN_REFRESH_INTERVAL};
use crate::backoff::backoff;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::wechat::errcode;

/// How long calls fail with WeChat's refusal (bad secret, unlisted IP, ...) before the next request.
const REFUSAL_TTL: Duration = Duration::from_secs(60);

/// A failure, and the pause after it.
pub(crate) struct RefreshBackoff {
    error: Error,
    /// Failures in a row.
    failures: u32,
    until: Duration,
}

impl RefreshBackoff {
    /// The backoff after `error`; `None` if it is no reason to wait. `before` is the backoff of the failure before, if no
    /// refresh succeeded in between. Every backoff ends: the cause may have been fixed.
    pub(crate) fn after(before: Option<&Self>, error: &Error, now: Timestamp, jitter: f64) -> Option<Self> {
        let failures = before.map_or(0, |before| before.failures);
        let until = now.mono + pause(error, backoff(failures, jitter))?;
        Some(Self { error: error.clone(), failures: failures + 1, until })
    }

    /// The failure.
    pub(crate) fn error(&self) -> &Error {
        &self.error
    }

    /// Whether refreshes still have to wait.
    pub(crate) fn is_active(&self, now: Timestamp) -> bool {
        now.mono < self.until
    }

    /// The decision for a caller during the backoff.
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
        // A request to a store that is down costs nothing, and should be made as soon as the store is up.
        // Nor is the wait for the next ticket a request.
        Error::Redis { .. }
        | Error::Store(_)
        | Error::Ticket(_)
        | Error::RateLimit { .. }
        | Error::Closed
        | Error::PlatformClosed
        | Error::Cancelled => None,
        // The token that the request was made with has been replaced a moment ago: the next one may be good.
        error if error.rejected_token().is_some() => Some(MIN_REFRESH_INTERVAL),
        error if is_refusal(error) => Some(REFUSAL_TTL),
        // An unexpected response is the same again a moment later.
        Error::Api { .. } | Error::Response { .. } if !error.is_transient() => Some(backoff.max(MIN_REFRESH_INTERVAL)),
        _ => Some(backoff),
    }
}

/// A refusal that the catalogue knows: bad secret, unlisted IP, frozen account, spent quota.
fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Api { endpoint, refusal, .. }
        if refusal.errcode != errcode::BUSY && errcode::reaction(refusal.errcode, endpoint).is_some())
}
