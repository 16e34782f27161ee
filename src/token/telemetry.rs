//! The events of a token cache.

use std::time::Duration;

use super::cache::TokenCache;
use super::refresh::Origin;
use super::state::{RefreshKind, Token};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::event::{TokenEvent, TokenLabel};

impl TokenCache {
    /// The `source` of an event: `redis`, `provider` or `wechat`.
    pub(super) fn source_name(&self, origin: Origin) -> &'static str {
        match (origin, self.events.mode()) {
            (Origin::Fleet, _) => "redis",
            (Origin::Source, Some("provider")) => "provider",
            (Origin::Source, _) => "wechat",
        }
    }

    /// The label of a token in an event.
    pub(super) fn label(&self, token: &Token) -> TokenLabel {
        TokenLabel { fingerprint: self.fingerprinter.of(token.expose()), number: token.number() }
    }

    /// A refresh begins. `serving`: the current token is served meanwhile.
    pub(super) fn emit_start(&self, kind: &RefreshKind, serving: bool) {
        let reason = match kind {
            RefreshKind::Force { .. } => "forced",
            RefreshKind::Replace { .. } => "rejected",
            RefreshKind::Renew { current: None } => "missing",
            RefreshKind::Renew { .. } if serving => "expiring",
            RefreshKind::Renew { .. } => "expired",
        };
        let token = || kind.current().map(|token| self.label(token));
        self.events.token(|| TokenEvent::RefreshStart { reason, token: token() });
    }

    /// A refresh has brought a token from `source`.
    pub(super) fn emit_refreshed(&self, token: &Token, source: &'static str, duration: Duration) {
        self.events.token(|| TokenEvent::RefreshOk {
            source,
            duration,
            token: self.label(token),
            expires_in: Some(token.expires().left(self.now())),
        });
    }

    /// A refresh has failed. `stale` is the token that is served on; nothing is emitted if the cache was closed.
    pub(super) fn emit_failure(&self, error: &Error, stale: Option<Token>, now: Timestamp, duration: Duration) {
        if matches!(error, Error::Closed | Error::PlatformClosed) {
            return;
        }
        self.events.token(|| TokenEvent::RefreshError { duration, error: error.clone() });
        if let Some(token) = stale {
            self.events.token(|| TokenEvent::ServedStale {
                token: self.label(&token),
                expires_in: token.expires().left(now),
                error: error.clone(),
            });
        }
    }

    /// No forced refresh was left.
    pub(super) fn emit_forced_exhausted(&self, retry_after: Duration) {
        self.events.token(|| TokenEvent::ForcedRefreshLimit { retry_after });
    }

    /// WeChat rejected a token before it expired and has another one that this process did not request.
    pub(super) fn emit_replaced_externally(&self, token: &Token, errcode: i64) {
        let message = match self.events.mode() {
            Some("classic") => MAYBE_REPLACED,
            Some("component" | "authorizer") => REPLACED_OF_PLATFORM,
            _ => REPLACED,
        };
        self.events.token(|| TokenEvent::ReplacedExternally { token: self.label(token), errcode, message });
    }
}

/// Every classic request makes another token, so that WeChat's answer does not show which system was first.
const MAYBE_REPLACED: &str = "most likely another system shares this appid: WeChat refused the access token before its \
    time and this process had not requested another. Let every system use token 'stable', or give each environment an appid of \
    its own. | 很可能另有系统在使用同一个 appid：access_token 提前失效，而本进程没有刷新过。请都改用 stable_token，或每个环境使用各自的 appid。";

const REPLACED_OF_PLATFORM: &str = "most likely another system uses this third-party platform: WeChat refused the access token before \
    its time and this process had not requested another. Let every process share one redis, and no other program request tokens of the \
    platform or of its merchants. | 很可能另有系统在使用同一个第三方平台：access_token 提前失效，而本进程没有刷新过。请让所有进程共用同一个 redis，并停止其他程序获取该平台和商户的 token。";

const REPLACED: &str = "another system shares this appid: WeChat replaced the access token before its time and \
    this process did not request that. Let it use token 'stable' too, or give every environment an appid of its own. | \
    另有系统在使用同一个 appid：access_token 提前被换掉，而不是本进程刷新的。请让它也用 stable_token，或每个环境使用各自的 appid。";
