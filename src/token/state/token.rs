//! A token, and the lifetime that it is trusted for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::clock::Timestamp;

/// WeChat: a token lives two hours at most. <https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html>
const MAX_LIFETIME: Duration = Duration::from_secs(7200);
/// A shorter lifetime is raised to this: requesting again at once would be a loop.
const MIN_LIFETIME: Duration = Duration::from_secs(15);
/// Expiries that differ by less are equal: servers give whole seconds, and responses take time.
const EXPIRY_TOLERANCE: Duration = Duration::from_secs(2);
/// The lifetime if the server gives none, or an implausible one.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(60);

/// An access token. Cheap to clone, never printed.
#[derive(Clone)]
pub struct Token(Arc<Inner>);

struct Inner {
    value: SecretString,
    number: u64,
    first_seen: Timestamp,
    expires: Timestamp,
}

impl Token {
    /// A token with the value and the life of `received`.
    pub(super) fn new(received: &ReceivedToken, number: u64, first_seen: Timestamp) -> Self {
        let (value, expires) = (received.value.clone(), received.ends());
        Self(Arc::new(Inner { value, number, first_seen, expires }))
    }

    /// The token itself. Not for messages or events.
    pub fn expose(&self) -> &str {
        self.0.value.expose_secret()
    }

    /// When the token expires, by the lifetime that it is trusted for: 15 s to two hours.
    pub fn expires(&self) -> Timestamp {
        self.0.expires
    }

    /// When this value was first received.
    pub(crate) fn first_seen(&self) -> Timestamp {
        self.0.first_seen
    }

    /// The number of the token in this process, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.0.number
    }

    /// The token with its remaining lifetime, to be stored.
    pub(crate) fn as_received(&self, now: Timestamp) -> ReceivedToken {
        let left = self.0.expires.left(now).as_secs() as i64;
        ReceivedToken {
            value: self.0.value.clone(),
            expires_in: Some(left.max(1)),
            requested_at: now,
            refresh_early: true,
        }
    }

    /// Whether this token expires clearly later than the received one.
    pub(super) fn expires_after(&self, received: &ReceivedToken) -> bool {
        self.expires().mono > received.ends().mono + EXPIRY_TOLERANCE
    }

    /// Whether both are the same value: a token that comes back keeps its number.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.number == other.0.number
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.0.number)
    }
}

/// A token from WeChat, the provider or the store, with the lifetime that came with it.
#[derive(Clone)]
pub struct ReceivedToken {
    /// The token itself.
    pub value: SecretString,
    /// The lifetime that the server gave, in seconds, unchecked.
    pub expires_in: Option<i64>,
    /// Read before the request was sent, so that the round trip is not added to the lifetime.
    pub requested_at: Timestamp,
    /// Whether the token is refreshed before it expires.
    pub refresh_early: bool,
}

impl ReceivedToken {
    /// The lifetime that the token is trusted for.
    pub(crate) fn lifetime(&self) -> Duration {
        match self.expires_in {
            Some(seconds @ 1..) => Duration::from_secs(seconds.unsigned_abs()).clamp(MIN_LIFETIME, MAX_LIFETIME),
            _ => DEFAULT_LIFETIME,
        }
    }

    /// Whether both are the same token.
    pub(crate) fn is(&self, token: &Token) -> bool {
        self.value.expose_secret() == token.expose()
    }

    /// Whether this token expires clearly later than the other one.
    pub(crate) fn expires_after(&self, other: &Self) -> bool {
        self.ends().mono > other.ends().mono + EXPIRY_TOLERANCE
    }

    fn ends(&self) -> Timestamp {
        self.requested_at.after(self.lifetime())
    }
}
