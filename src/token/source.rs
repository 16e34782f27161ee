//! Where tokens come from: WeChat's stable or classic endpoint, or the caller's own provider.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use std::time::Duration;

use super::state::Token;
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::keys::{Mode, RouteId};
use crate::transport::{HttpRequest, RetryPolicy, Transport};
use crate::wechat::answer::{TokenResponse, read_token};
use crate::wechat::endpoint::Endpoint;

/// The timeout of a fetch, during which other callers and processes wait.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(6);

/// A request to a token source.
pub struct TokenRequest<'a> {
    /// Whether WeChat has to make a new token even if the current one is valid.
    pub forced: bool,
    /// The token that an API did not accept, with its errcode.
    pub rejected: Option<(&'a Token, i64)>,
    /// The deadline of the refresh.
    pub deadline: Deadline,
    /// Called with every failure before its retry.
    pub on_retry: &'a (dyn Fn(Error) + Send + Sync),
}

/// A token from a source, with the lifetime that it gives.
pub struct SourceToken {
    /// The token.
    pub value: SecretString,
    /// The lifetime in seconds that the source gave, unchecked; `None` if it gave none.
    pub expires_in: Option<i64>,
    /// Whether the token is refreshed before it expires.
    pub refresh_early: bool,
}

/// Fetches tokens, and describes how they may be fetched.
pub trait TokenSource: Send + Sync {
    /// The endpoint that errors name; a provider has none.
    fn endpoint(&self) -> Option<Endpoint>;

    /// The route of its requests.
    fn route(&self) -> RouteId {
        RouteId::default()
    }

    /// Whether a rejected token can come back from an ordinary request, so that only a forced one gives another.
    fn repeats_tokens(&self) -> bool {
        false
    }

    /// How often a request that is not forced is retried after a transient failure.
    fn retries(&self) -> u32 {
        0
    }

    /// Whether a process may fetch for itself when the fleet's store is out of reach. Not where two processes would take the token
    /// from each other.
    fn works_without_store(&self) -> bool {
        false
    }

    /// The timeout of one fetch.
    fn timeout(&self) -> Duration {
        FETCH_TIMEOUT
    }

    /// How long `prepare` may take.
    fn preparation_timeout(&self) -> Duration {
        Duration::ZERO
    }

    /// Waits for what a fetch needs from elsewhere, such as another token; `None` if it needs nothing. Runs before the lock is
    /// acquired: the lock of a process that waits long would expire.
    fn prepare<'a>(&'a self, _on_wait: &'a (dyn Fn(Error) + Send + Sync)) -> Option<BoxFuture<'a, Result<()>>> {
        None
    }

    /// Whether to prepare again after a fetch failed like this, and fetch once more. The next `prepare` has to wait for something new.
    fn prepares_again_after(&self, _error: &Error) -> bool {
        false
    }

    /// WeChat refused a call with a token of this source.
    fn on_refusal(&self, _error: &Error) {}

    /// Fetches a token. The source keeps the deadline of the request; dropping the future cancels the fetch.
    fn fetch<'a>(&'a self, request: TokenRequest<'a>) -> BoxFuture<'a, Result<SourceToken>>;
}

/// WeChat's own token endpoints.
pub(crate) struct WeChatSource {
    pub(crate) mode: Mode,
    /// In classic mode every request replaces the token of all processes: without Redis none is made unless the caller allows it.
    pub(crate) unshared_rotation: bool,
    pub(crate) appid: String,
    pub(crate) secret: SecretString,
    pub(crate) transport: Arc<Transport>,
}

#[derive(Serialize)]
struct StableBody<'a> {
    grant_type: &'a str,
    appid: &'a str,
    secret: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    force_refresh: bool,
}

impl TokenSource for WeChatSource {
    fn endpoint(&self) -> Option<Endpoint> {
        Some(match self.mode {
            Mode::Stable => Endpoint::StableToken,
            Mode::Classic => Endpoint::ClassicToken,
        })
    }

    fn route(&self) -> RouteId {
        self.transport.route()
    }

    fn repeats_tokens(&self) -> bool {
        self.mode == Mode::Stable
    }

    /// A stable request gives the same token again, so it is retried after a lost response. A classic request makes a new token.
    fn retries(&self) -> u32 {
        match self.mode {
            Mode::Stable => 4,
            Mode::Classic => 0,
        }
    }

    fn works_without_store(&self) -> bool {
        self.mode == Mode::Stable || self.unshared_rotation
    }

    fn fetch<'a>(&'a self, request: TokenRequest<'a>) -> BoxFuture<'a, Result<SourceToken>> {
        Box::pin(async move {
            let secret = self.secret.expose_secret();
            let response = match self.mode {
                Mode::Stable => self.stable(secret, &request).await?,
                Mode::Classic => self.classic(secret, &request).await?,
            };
            Ok(SourceToken {
                value: response.access_token.into(),
                expires_in: response.expires_in,
                refresh_early: true,
            })
        })
    }
}

/// One attempt of a token request: WeChat answers these in milliseconds.
pub(crate) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(4);

impl WeChatSource {
    async fn stable(&self, secret: &str, request: &TokenRequest<'_>) -> Result<TokenResponse> {
        let body =
            StableBody { grant_type: "client_credential", appid: &self.appid, secret, force_refresh: request.forced };
        let http = HttpRequest {
            endpoint: Endpoint::StableToken,
            query: &[],
            body: Some(serde_json::to_vec(&body).unwrap_or_default().into()),
            secrets: &[secret],
            sent: None,
            on_used: None,
        };
        let policy = RetryPolicy { retries: 0, attempt_timeout: Some(ATTEMPT_TIMEOUT), repeatable: !request.forced };
        self.transport
            .send_with_retries(&http, policy, &request.deadline, request.on_retry, read_token)
            .await
            .map(|(_, response)| response)
    }

    /// Every request makes a new token, so a request is made once.
    async fn classic(&self, secret: &str, request: &TokenRequest<'_>) -> Result<TokenResponse> {
        let http = HttpRequest {
            endpoint: Endpoint::ClassicToken,
            query: &[("grant_type", "client_credential"), ("appid", &self.appid), ("secret", secret)],
            body: None,
            secrets: &[secret],
            sent: None,
            on_used: None,
        };
        let policy = RetryPolicy { retries: 0, attempt_timeout: Some(ATTEMPT_TIMEOUT), repeatable: false };
        self.transport
            .send_with_retries(&http, policy, &request.deadline, request.on_retry, read_token)
            .await
            .map(|(_, response)| response)
    }
}

/// The caller's own way to a token.
pub(crate) trait Provider: Send + Sync {
    /// `rejected` is the token that WeChat did not accept, with its errcode. The answer's life is in seconds.
    fn fetch_token(&self, rejected: Option<(String, i64)>) -> BoxFuture<'static, Result<(SecretString, Option<i64>)>>;
}

/// Tokens of the caller's own provider.
pub(crate) struct ProviderSource(pub(crate) Arc<dyn Provider>);

impl TokenSource for ProviderSource {
    fn endpoint(&self) -> Option<Endpoint> {
        None
    }

    fn works_without_store(&self) -> bool {
        true
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn fetch<'a>(&'a self, request: TokenRequest<'a>) -> BoxFuture<'a, Result<SourceToken>> {
        Box::pin(async move {
            let rejected = request.rejected.map(|(token, errcode)| (token.expose().to_owned(), errcode));
            let (value, expires_in) = self.0.fetch_token(rejected).await?;
            // A bare string is kept for its 60 s and not asked for ahead of that.
            Ok(SourceToken { value, refresh_early: expires_in.is_some(), expires_in })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventSource;
    use crate::transport::http_clients::{HttpClients, HttpSettings};

    struct Unused;

    impl Provider for Unused {
        fn fetch_token(&self, _: Option<(String, i64)>) -> BoxFuture<'static, Result<(SecretString, Option<i64>)>> {
            unreachable!("nothing is fetched here")
        }
    }

    #[test]
    fn a_source_says_how_its_tokens_come() {
        let pool = Arc::new(HttpClients::new(&HttpSettings::default()).unwrap());
        let events = EventSource::new(Arc::default(), "wx", None);
        let transport = Arc::new(Transport::new(pool, Vec::new(), Arc::default(), events));
        let wechats = |mode, unshared_rotation| {
            let (appid, secret, transport) = ("wx".to_owned(), "s3cret".into(), transport.clone());
            WeChatSource { mode, unshared_rotation, appid, secret, transport }
        };
        let told = |source: &dyn TokenSource| {
            let seconds = source.timeout().as_secs();
            (source.endpoint(), source.repeats_tokens(), source.retries(), source.works_without_store(), seconds)
        };
        let (stable, classic) = (Some(Endpoint::StableToken), Some(Endpoint::ClassicToken));
        assert_eq!(told(&wechats(Mode::Stable, false)), (stable, true, 4, true, FETCH_TIMEOUT.as_secs()));
        assert_eq!(told(&wechats(Mode::Classic, false)), (classic.clone(), false, 0, false, FETCH_TIMEOUT.as_secs()));
        assert_eq!(told(&wechats(Mode::Classic, true)), (classic, false, 0, true, FETCH_TIMEOUT.as_secs()));
        assert_eq!(told(&ProviderSource(Arc::new(Unused))), (None, false, 0, true, 60));
        assert_eq!(wechats(Mode::Stable, false).route(), transport.route());
        assert_eq!([Mode::Stable, Mode::Classic].map(Mode::name), ["stable", "classic"]);
    }
}
