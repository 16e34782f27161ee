//! The events of a token cache.

use std::time::Duration;

use super::cache::TokenCache;
use super::clock::Now;
use super::refresh::Origin;
use super::state::{RefreshKind, Token};
use crate::error::{Error, ExceededLimit};
use crate::event::{Channel, Event};

impl TokenCache {
    pub(super) fn source_name(&self, origin: Origin) -> &'static str {
        match (origin, self.events.mode) {
            (Origin::Fleet, _) => "redis",
            (Origin::Source, Some("provider")) => "provider",
            (Origin::Source, _) => "wechat",
        }
    }

    pub(super) fn emit_token(&self, name: &'static str, token: &Token, fill: impl FnOnce(Event) -> Event) {
        self.events.emit(Channel::Token, name, |event| {
            let fingerprint = Some(self.fingerprinter.of(token.expose()));
            fill(Event { generation: Some(token.generation()), fingerprint, ..event })
        });
    }

    pub(super) fn emit_start(&self, kind: &RefreshKind, serving: bool) {
        let (held, reason) = match kind {
            RefreshKind::Forced { held } => (held, "forced"),
            RefreshKind::Ordinary { held, refused: Some(_) } => (held, "rejected"),
            RefreshKind::Ordinary { held: None, .. } => (&None, "missing"),
            RefreshKind::Ordinary { held, .. } => (held, if serving { "expiring" } else { "expired" }),
        };
        match held {
            Some(held) => self.emit_token("refresh.start", held, |event| Event { reason: Some(reason), ..event }),
            None => self.events.emit(Channel::Token, "refresh.start", |event| Event { reason: Some(reason), ..event }),
        }
    }

    pub(super) fn emit_failure(&self, error: &Error, stale: Option<Token>, now: Now, took: Duration) {
        if let Error::Closed = error {
            return;
        }
        let failure = |event| Event { error: Some(error.clone()), took: Some(took), ..event };
        self.events.emit(Channel::Token, "refresh.error", failure);
        if let Some(token) = stale {
            let left = Some(token.expires().left(now));
            self.emit_token("token.served_stale", &token, |event| Event { error: Some(error.clone()), left, ..event });
        }
    }

    pub(super) fn emit_forced_exhausted(&self, wait: Duration) {
        let exhausted =
            |event| Event { reason: Some(ExceededLimit::ForcedRefresh.name()), retry_after: Some(wait), ..event };
        self.events.emit(Channel::Token, "rate_limit.exceeded", exhausted);
    }

    /// WeChat refused a token before it expired and has another one that this process did not request.
    pub(super) fn emit_replaced_externally(&self, token: &Token, errcode: i64) {
        let message = if self.events.mode == Some("classic") { MAYBE_REPLACED } else { REPLACED };
        self.emit_token("token.replaced_externally", token, |event| Event {
            errcode: Some(errcode),
            message: Some(message.to_owned()),
            ..event
        });
    }
}

/// Every classic request makes another token, so that WeChat's answer does not show which system was first.
const MAYBE_REPLACED: &str = "most likely another system shares this appid: WeChat refused the access token before its \
    time and nobody here had asked for another. Let every system use token 'stable', or give each environment an appid of \
    its own. | 很可能另有系统在使用同一个 appid：令牌提前失效，而这里没有换过。请都改用 stable_token，或每个环境使用各自的 appid。";

const REPLACED: &str = "another system shares this appid: WeChat replaced the access token before its time and \
    nobody here asked for it. Let it use token 'stable' too, or give every environment an appid of its own. | \
    另有系统在使用同一个 appid：令牌提前被换掉，而不是这里换的。请让它也用 stable_token，或每个环境使用各自的 appid。";
