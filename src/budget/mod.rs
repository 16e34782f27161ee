//! The minute budget of `getUnlimitedQRCode`: WeChat counts 5000 calls a minute, whichever process makes them.
//! <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getunlimitedqrcode.html>

pub mod fleet;
pub mod window;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::deadline::Deadline;
use crate::error::{Budget, Error, Result};
use crate::event::{Channel, Event, Voice};
use crate::wechat::endpoint::Endpoint;
use fleet::FleetMinute;
use window::Minute;

/// Who may call, and when. With a fleet its count decides, and while that is out of reach this process's own.
pub struct Turns {
    /// `None` is no limit.
    pub rate: Option<u32>,
    pub here: Arc<Minute>,
    pub fleet: Option<FleetMinute>,
    pub voice: Voice,
}

/// Why there is no turn now, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Full {
    budget: Budget,
    wait: Duration,
}

impl Turns {
    /// Waits for a turn; without one inside the deadline fails at once and says when there is one. Gives whether it
    /// waited.
    pub async fn turn(&self, endpoint: Endpoint, deadline: &Deadline) -> Result<bool> {
        let mut waited = false;
        while let Some(Full { budget, wait }) = self.take().await {
            if wait >= deadline.left() {
                let exhausted = |event| Event { reason: Some(budget.name()), wait: Some(wait), ..event };
                self.voice.tell(Channel::Request, "budget.exhausted", exhausted);
                return Err(Error::Budget { endpoint, budget, wait });
            }
            waited = true;
            sleep(wait).await;
        }
        Ok(waited)
    }

    /// Counts a call that does not wait: a retry or a replay of one that had its turn.
    pub fn note(&self) {
        self.here.note();
        if let Some(fleet) = &self.fleet {
            fleet.note();
        }
    }

    /// WeChat says that the minute is full, whatever was counted here. Gives the time until the next one.
    pub async fn pause(&self) -> Duration {
        let here = self.here.pause();
        match &self.fleet {
            Some(fleet) => fleet.pause().await.unwrap_or(here),
            None => here,
        }
    }

    async fn take(&self) -> Option<Full> {
        if let Some(wait) = self.here.paused() {
            return Some(Full { budget: Budget::MinuteFull, wait });
        }
        let Some(rate) = self.rate else {
            self.here.note();
            return None;
        };
        let Some(fleet) = &self.fleet else {
            return self.here.take(rate).map(|wait| Full { budget: Budget::PerMinute, wait });
        };
        match fleet.take(rate).await {
            Ok(None) => {
                self.here.note();
                None
            }
            Ok(full) => full,
            Err(_) => self.here.take(rate).map(|wait| Full { budget: Budget::PerMinute, wait }),
        }
    }
}
