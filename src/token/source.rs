//! Where tokens come from: WeChat's stable or classic endpoint, or the caller's own provider.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use std::time::Duration;

use super::state::Token;
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::identity::RouteId;
use crate::transport::{Call, Effort, Transport};
use crate::wechat::answer::{Granted, read_token};
use crate::wechat::endpoint::Endpoint;

/// The longest that anybody fetches while others wait for it.
pub const LEAD_LIMIT: Duration = Duration::from_secs(6);

/// What a source is asked.
pub struct Ask<'a> {
    pub forced: bool,
    /// The token that an API did not accept, with its errcode.
    pub refused: Option<(&'a Token, i64)>,
    pub deadline: Deadline,
    /// Is told of failures that are tried again.
    pub report: &'a (dyn Fn(Error) + Send + Sync),
}

/// A token from a source, with what it says of its life.
pub struct Given {
    pub value: SecretString,
    pub expires_in: Option<i64>,
    /// Whether it is worth refreshing ahead of its end.
    pub ahead: bool,
}

pub trait Source: Send + Sync {
    /// The endpoint that errors name; a provider has none.
    fn endpoint(&self) -> Option<Endpoint>;

    /// The way that its requests go.
    fn route(&self) -> RouteId {
        RouteId::default()
    }

    /// Whether a refused token can come back from an ordinary request, so that only a forced one gives another.
    fn may_repeat(&self) -> bool;

    /// How often an ordinary request that failed for a passing reason is made again.
    fn retries(&self) -> u32 {
        0
    }

    /// Whether a process may fetch for itself when the fleet's store is out of reach.
    fn may_go_alone(&self) -> bool;

    /// The total time of one flight.
    fn limit(&self) -> Duration;

    fn fetch<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Result<Given>>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    Stable,
    Classic,
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Classic => "classic",
        }
    }
}

/// WeChat's own token endpoints.
pub struct WeChat {
    pub mode: Mode,
    /// In classic mode every fetch replaces everybody's token, so that alone nobody fetches unless told to.
    pub unshared_rotation: bool,
    pub appid: String,
    pub secret: SecretString,
    pub transport: Arc<Transport>,
}

#[derive(Serialize)]
struct StableBody<'a> {
    grant_type: &'a str,
    appid: &'a str,
    secret: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    force_refresh: bool,
}

impl Source for WeChat {
    fn endpoint(&self) -> Option<Endpoint> {
        Some(match self.mode {
            Mode::Stable => Endpoint::StableToken,
            Mode::Classic => Endpoint::ClassicToken,
        })
    }

    fn route(&self) -> RouteId {
        self.transport.route()
    }

    fn may_repeat(&self) -> bool {
        self.mode == Mode::Stable
    }

    /// Asking again gives the same token, so a request whose answer got lost is repeated. A classic one makes a new token.
    fn retries(&self) -> u32 {
        match self.mode {
            Mode::Stable => 4,
            Mode::Classic => 0,
        }
    }

    fn may_go_alone(&self) -> bool {
        self.mode == Mode::Stable || self.unshared_rotation
    }

    fn limit(&self) -> Duration {
        LEAD_LIMIT
    }

    fn fetch<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Result<Given>> {
        Box::pin(async move {
            let secret = self.secret.expose_secret();
            let granted = match self.mode {
                Mode::Stable => self.stable(secret, &ask).await?,
                Mode::Classic => self.classic(secret, &ask).await?,
            };
            Ok(Given { value: granted.access_token.into(), expires_in: granted.expires_in, ahead: true })
        })
    }
}

/// One attempt of a token request: WeChat answers these in milliseconds.
const ATTEMPT: Duration = Duration::from_secs(4);

impl WeChat {
    async fn stable(&self, secret: &str, ask: &Ask<'_>) -> Result<Granted> {
        let body =
            StableBody { grant_type: "client_credential", appid: &self.appid, secret, force_refresh: ask.forced };
        let call = Call {
            endpoint: Endpoint::StableToken,
            query: &[],
            body: Some(serde_json::to_vec(&body).unwrap_or_default().into()),
            secrets: &[secret],
            departures: None,
        };
        let effort = Effort { retries: 0, attempt: Some(ATTEMPT), repeatable: !ask.forced };
        self.transport.exchange(&call, effort, &ask.deadline, ask.report, read_token).await.map(|(_, granted)| granted)
    }

    /// Every request makes a new token, so a request is made once.
    async fn classic(&self, secret: &str, ask: &Ask<'_>) -> Result<Granted> {
        let call = Call {
            endpoint: Endpoint::ClassicToken,
            query: &[("grant_type", "client_credential"), ("appid", &self.appid), ("secret", secret)],
            body: None,
            secrets: &[secret],
            departures: None,
        };
        let effort = Effort { retries: 0, attempt: Some(ATTEMPT), repeatable: false };
        self.transport.exchange(&call, effort, &ask.deadline, ask.report, read_token).await.map(|(_, granted)| granted)
    }
}

/// The caller's own way to a token.
pub trait Provider: Send + Sync {
    /// `refused` is the token that WeChat did not accept, with its errcode. The answer's life is in seconds.
    fn ask(&self, refused: Option<(String, i64)>) -> BoxFuture<'static, Result<(SecretString, Option<i64>)>>;
}

pub struct Provided(pub Arc<dyn Provider>);

impl Source for Provided {
    fn endpoint(&self) -> Option<Endpoint> {
        None
    }

    fn may_repeat(&self) -> bool {
        false
    }

    fn may_go_alone(&self) -> bool {
        true
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn fetch<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Result<Given>> {
        Box::pin(async move {
            let refused = ask.refused.map(|(token, errcode)| (token.expose().to_owned(), errcode));
            let (value, expires_in) = self.0.ask(refused).await?;
            // A bare string is kept for its 60 s and not asked for ahead of that.
            Ok(Given { value, ahead: expires_in.is_some(), expires_in })
        })
    }
}
