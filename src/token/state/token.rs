//! A token, and what is believed of the lifetime that a server gave it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::clock::Timestamp;

/// WeChat: a token lives two hours at most. <https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html>
const MAX_LIFETIME: Duration = Duration::from_secs(7200);
/// A server that says less than this is not believed: asking it again at once would be a loop.
const MIN_LIFETIME: Duration = Duration::from_secs(15);
/// Ends that differ by less are the same: servers say whole seconds, and ways take time.
const EXPIRY_TOLERANCE: Duration = Duration::from_secs(2);
/// For a server that does not say, or says nothing sensible.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(60);

/// A token that somebody handed out. Cheap to clone, never printed.
#[derive(Clone)]
pub struct Token(Arc<Inner>);

struct Inner {
    value: SecretString,
    number: u64,
    first_seen: Timestamp,
    expires: Timestamp,
}

impl Token {
    /// A token with the value and the life of `fetched`.
    pub(super) fn new(fetched: &ReceivedToken, number: u64, first_seen: Timestamp) -> Self {
        let (value, expires) = (fetched.value.clone(), fetched.ends());
        Self(Arc::new(Inner { value, number, first_seen, expires }))
    }

    /// The token itself. Not for messages or events.
    pub fn expose(&self) -> &str {
        self.0.value.expose_secret()
    }

    /// When it ends, by what is believed of the lifetime that the server gave: 15 s to two hours.
    pub fn expires(&self) -> Timestamp {
        self.0.expires
    }

    /// When this very value was first handed out.
    pub(crate) fn first_seen(&self) -> Timestamp {
        self.0.first_seen
    }

    /// The number of the token in this process, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.0.number
    }

    /// As it could be handed on.
    pub(crate) fn as_received(&self, now: Timestamp) -> ReceivedToken {
        let left = self.0.expires.left(now).as_secs() as i64;
        ReceivedToken {
            value: self.0.value.clone(),
            expires_in: Some(left.max(1)),
            requested_at: now,
            refresh_early: true,
        }
    }

    /// Whether it clearly ends later than what was fetched would.
    pub(super) fn expires_after(&self, fetched: &ReceivedToken) -> bool {
        self.expires().mono > fetched.ends().mono + EXPIRY_TOLERANCE
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

/// A token as a refresh fetched it.
#[derive(Clone)]
pub struct ReceivedToken {
    /// The token itself.
    pub value: SecretString,
    /// As the server said it, in seconds, unchecked.
    pub expires_in: Option<i64>,
    /// Read before the request was sent, so that the round trip is not added to the lifetime.
    pub requested_at: Timestamp,
    /// Whether it is refreshed ahead of its end.
    pub refresh_early: bool,
}

impl ReceivedToken {
    /// What is believed of the server's word.
    pub(crate) fn lifetime(&self) -> Duration {
        match self.expires_in {
            Some(seconds @ 1..) => Duration::from_secs(seconds.unsigned_abs()).clamp(MIN_LIFETIME, MAX_LIFETIME),
            _ => DEFAULT_LIFETIME,
        }
    }

    /// Whether it is this very token.
    pub(crate) fn is(&self, token: &Token) -> bool {
        self.value.expose_secret() == token.expose()
    }

    /// Whether it ends later, and so was fetched later.
    pub(crate) fn expires_after(&self, other: &Self) -> bool {
        self.ends().mono > other.ends().mono + EXPIRY_TOLERANCE
    }

    fn ends(&self) -> Timestamp {
        self.requested_at.after(self.lifetime())
    }
}
