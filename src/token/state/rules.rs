//! The margins of a token's life.

use std::time::Duration;

use crate::token::source::LEAD_LIMIT;

/// How a token of one kind is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// How long before its end a refresh begins, give or take `jitter`.
    pub soft: Duration,
    pub jitter: Duration,
    /// How long before its end callers wait for another.
    pub hard: Duration,
    /// After a token was refused, how long the refusal of another one is believed to be the API's own fault.
    pub cooldown: Duration,
    /// How often a good token is compared with what the fleet has; `None` without a fleet.
    pub recheck: Option<Duration>,
    /// How long a flight on another route is waited for before one on the caller's own begins.
    pub patience: Duration,
}

impl Rules {
    /// Inside the last 300 s of its life, or WeChat would hand out the same token again.
    pub const STABLE: Self = Self::of(255, 30, 30);
    /// Two requests would make two tokens, of which one is dead: a flight is waited for until it must be down.
    pub const CLASSIC: Self = Self { patience: LEAD_LIMIT, ..Self::of(600, 60, 30) };
    /// A provider's owner decides what asking costs.
    pub const PROVIDER: Self = Self::of(60, 15, 0);

    const fn of(soft: u64, jitter: u64, cooldown: u64) -> Self {
        Self {
            soft: Duration::from_secs(soft),
            jitter: Duration::from_secs(jitter),
            hard: Duration::from_secs(15),
            cooldown: Duration::from_secs(cooldown),
            recheck: None,
            patience: Duration::from_millis(250),
        }
    }

    /// The same in a fleet. WeChat's guide keeps a token in local memory for a minute; an old one lives 300 s more.
    /// <https://developers.weixin.qq.com/doc/oplatform/developers/dev/AccessToken.html>
    pub const fn shared(self) -> Self {
        Self { recheck: Some(Duration::from_secs(60)), ..self }
    }
}
