//! The margins of a token's lifetime.

use std::time::Duration;

use crate::token::source::FETCH_TIMEOUT;

/// When a token is refreshed, and what its rejection leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshPolicy {
    /// How long before its end a refresh begins, give or take `jitter`.
    pub(crate) refresh_before: Duration,
    pub(crate) jitter: Duration,
    /// How long before its end callers wait for another.
    pub(crate) expire_before: Duration,
    /// After a token was rejected, how long the rejection of another one is believed to be the API's own fault.
    pub(crate) cooldown: Duration,
    /// How often a valid token is compared with the stored one; `None` without Redis.
    pub(crate) compare_every: Option<Duration>,
    /// How long a caller waits for a refresh on another route before it starts one on its own.
    pub(crate) join_timeout: Duration,
}

impl RefreshPolicy {
    /// Inside the last 300 s: before that, WeChat hands out the same token again.
    pub const STABLE: Self = Self::new(255, 30, 30);
    /// Two requests would make two tokens, of which one is invalid: callers wait for a refresh as long as it may take.
    pub const CLASSIC: Self = Self { join_timeout: FETCH_TIMEOUT, ..Self::new(600, 60, 30) };
    /// A provider decides by itself what a request costs.
    pub(crate) const PROVIDER: Self = Self::new(60, 15, 0);

    const fn new(refresh_before: u64, jitter: u64, cooldown: u64) -> Self {
        Self {
            refresh_before: Duration::from_secs(refresh_before),
            jitter: Duration::from_secs(jitter),
            expire_before: Duration::from_secs(15),
            cooldown: Duration::from_secs(cooldown),
            compare_every: None,
            join_timeout: Duration::from_millis(250),
        }
    }

    /// The same in a fleet. WeChat's guide keeps a token in local memory for a minute; an old one lives 300 s more.
    /// <https://developers.weixin.qq.com/doc/oplatform/developers/dev/AccessToken.html>
    pub const fn for_fleet(self) -> Self {
        Self { compare_every: Some(Duration::from_secs(60)), ..self }
    }
}
