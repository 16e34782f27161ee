//! The one error: what failed, where, why, and what to do.

pub(crate) mod explanation;
pub mod invalid;
mod kinds;
mod messages;
mod platform;
mod push;
mod status;
mod text;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use crate::error::explanation::Explanation;
use crate::error::invalid::InvalidParam;
use crate::redact::Redactor;
use crate::wechat::answer::Refusal;
use crate::wechat::endpoint::Endpoint;
use crate::wechat::errcode::{self, Reaction, Scope, Subject};
pub use kinds::{
    BadResponse, CertificateErrorKind, ExceededLimit, NetworkErrorKind, ProxyErrorKind, RedisErrorKind, TimeoutPhase,
};
pub use platform::{StoreProblem, TicketError};
pub use push::{PushError, PushPart, PushQueryProblem, PushXmlProblem};
pub(crate) use text::one_line;

/// Why a call failed. Cheap to clone: a failed refresh fails every caller that waited for it.
#[derive(Clone, Debug)]
pub enum Error {
    /// WeChat answered with an errcode. `subject` is known of calls for a code.
    Api {
        /// The endpoint that was called.
        endpoint: Endpoint,
        /// The errcode with its text, as WeChat sent them.
        refusal: Refusal,
        /// The `page` or `path` of the call.
        subject: Option<Box<Subject>>,
    },
    /// A parameter or option was refused before any request.
    Params {
        /// The endpoint of a parameter; an option of the client has none.
        endpoint: Option<Endpoint>,
        /// Which one, why and what to do.
        invalid: InvalidParam,
    },
    /// The time of the call (or of a token refresh) was up.
    Timeout {
        /// The endpoint of the call; a token provider has none.
        endpoint: Option<Endpoint>,
        /// What the call was waiting for.
        waited_for: TimeoutPhase,
        /// The time that the call had.
        limit: Duration,
        /// The last failure within that time, if there was one.
        cause: Option<Box<Self>>,
    },
    /// No response: there was no connection, or it was closed.
    Network {
        /// The endpoint that was called.
        endpoint: Endpoint,
        /// What went wrong.
        kind: NetworkErrorKind,
        /// Host and port of the base URL.
        host: String,
        /// Host and port of the proxy in between, if there is one.
        proxy: Option<String>,
        /// What the operating system or the HTTP library says of it, without secrets.
        detail: String,
    },
    /// A response that is neither what was requested nor an errcode of WeChat.
    Response {
        /// The endpoint that was called.
        endpoint: Endpoint,
        /// The HTTP status.
        status: u16,
        /// What is wrong with the response.
        problem: BadResponse,
        /// The beginning of the body, without secrets; empty if it is no text.
        excerpt: String,
    },
    /// Redis did not do what a call needed, and without it the call may not go on.
    Redis {
        /// What Redis or its driver says, without secrets.
        reason: String,
        /// What is wrong, and for which accounts.
        kind: RedisErrorKind,
    },
    /// A rate limit is used up; after `wait` it is worth trying again.
    RateLimit {
        /// The endpoint that was called.
        endpoint: Endpoint,
        /// Which limit it is.
        limit: ExceededLimit,
        /// The time until the next call may go.
        wait: Duration,
    },
    /// The ticket of a third-party platform is missing, or WeChat refused it, and no newer one came in time.
    Ticket(Box<TicketError>),
    /// The store of a third-party platform did not do what a call needed.
    Store(Box<StoreProblem>),
    /// A push to the platform's event URL was refused: it is not from WeChat, for another platform, or unreadable.
    Push(PushError),
    /// The client was closed, or the environment that it belongs to is ending.
    Closed,
    /// The third-party platform was closed, or the environment that it belongs to is ending.
    PlatformClosed,
    /// `close({ timeoutMs })` waited no longer for a running call.
    CutOff,
    /// The caller aborted its own call.
    Cancelled,
    /// The caller's own token provider threw this. It travels untouched.
    Provider(Arc<dyn Any + Send + Sync>),
}

/// Characters of a response in a message.
const MAX_EXCERPT_CHARS: usize = 120;

/// A result whose error, unless another is named, is an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The `code` that JavaScript sees.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Api { .. } => "ERR_WXA_API",
            Self::Ticket(ticket) => ticket.code(),
            Self::Store(_) => "ERR_WXA_STORE",
            Self::Params { .. } => "ERR_WXA_PARAMS",
            Self::Timeout { .. } => "ERR_WXA_TIMEOUT",
            Self::Network { .. } => "ERR_WXA_NETWORK",
            Self::Response { .. } | Self::Provider(_) => "ERR_WXA_RESPONSE",
            Self::Redis { .. } => "ERR_WXA_REDIS",
            Self::RateLimit { .. } => "ERR_WXA_RATE_LIMIT",
            Self::Push(_) => "ERR_WXA_PUSH",
            Self::Closed | Self::PlatformClosed | Self::CutOff | Self::Cancelled => "ERR_WXA_CLOSED",
        }
    }

    /// The endpoint that the error names, if it concerns one.
    pub(crate) fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            Self::Api { endpoint, .. }
            | Self::Network { endpoint, .. }
            | Self::Response { endpoint, .. }
            | Self::RateLimit { endpoint, .. } => Some(endpoint),
            Self::Params { endpoint, .. } | Self::Timeout { endpoint, .. } => endpoint.as_ref(),
            Self::Ticket(ticket) => ticket.endpoint(),
            Self::Redis { .. }
            | Self::Store(_)
            | Self::Push(_)
            | Self::Closed
            | Self::PlatformClosed
            | Self::CutOff
            | Self::Cancelled
            | Self::Provider(_) => None,
        }
    }

    /// The refusal of WeChat, if that is what failed.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Api { refusal, .. } => Some(refusal),
            Self::Ticket(ticket) => ticket.refusal.as_ref().map(|(_, refusal)| refusal),
            _ => None,
        }
    }

    /// The errcode of the refusal.
    pub fn errcode(&self) -> Option<i64> {
        self.refusal().map(|refusal| refusal.errcode)
    }

    /// Whether the time was up. A call whose time is longer may still succeed.
    pub(crate) fn is_out_of_time(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::Ticket(_))
    }

    /// Whether the same call may succeed later without a change.
    pub(crate) fn is_retryable(&self) -> bool {
        match self {
            Self::Api { endpoint, refusal, .. } => {
                !matches!(errcode::reaction(refusal.errcode, endpoint), None | Some(Reaction::No))
            }
            Self::Response { status, problem, .. } => status::is_retryable(*status) || problem.is_retryable(*status),
            Self::Network { kind, .. } => kind.is_transient(),
            Self::Timeout { .. } | Self::RateLimit { .. } | Self::Redis { .. } | Self::Ticket(_) => true,
            Self::Store(problem) => problem.is_retryable(),
            Self::Params { .. }
            | Self::Push(_)
            | Self::Closed
            | Self::PlatformClosed
            | Self::CutOff
            | Self::Cancelled
            | Self::Provider(_) => false,
        }
    }

    /// Whether an idle connection did not respond. The request was sent again, so this explains no failure of the call.
    pub(crate) fn is_of_idle_connection(&self) -> bool {
        matches!(self, Self::Network { kind: NetworkErrorKind::IdleConnection, .. })
    }

    /// Whether to retry the same request within this call: WeChat was busy, a connection failed, or a server had an internal
    /// error. A refusal is not retried.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Api { refusal, .. } => refusal.errcode == errcode::BUSY,
            Self::Network { kind, .. } => kind.is_transient(),
            Self::Response { status, .. } => status::is_transient(*status),
            _ => false,
        }
    }

    /// The errcode with which WeChat rejected the token of the request, so that another token may help.
    pub(crate) fn rejected_token(&self) -> Option<i64> {
        match self {
            Self::Api { endpoint, refusal, .. } => (errcode::reaction(refusal.errcode, endpoint)
                == Some(Reaction::RefreshToken))
            .then_some(refusal.errcode),
            _ => None,
        }
    }

    /// What WeChat refused; `None` for all other errors and for an errcode that the catalogue does not have.
    pub(crate) fn scope(&self) -> Option<Scope> {
        match self {
            Self::Api { .. } | Self::Ticket(_) => errcode::scope(self.errcode()?, self.endpoint()),
            _ => None,
        }
    }

    /// Whether the failure concerns the route: a network failure, or an IP that WeChat does not allow. A client with another
    /// proxy may succeed.
    pub(crate) fn is_route_specific(&self) -> bool {
        matches!(self, Self::Network { .. } | Self::Timeout { .. } | Self::Response { .. })
            || self.scope() == Some(Scope::Ip)
    }

    /// Whether WeChat refused something that it checks after the token.
    pub(crate) fn accepts_token(&self) -> bool {
        matches!(self, Self::Api { .. })
            && matches!(self.scope(), None | Some(Scope::Parameter | Scope::Rate | Scope::Quota))
    }

    /// Whether WeChat allows no more calls in this minute.
    pub(crate) fn is_rate_limited(&self) -> bool {
        matches!(self, Self::Api { endpoint, .. } if endpoint.counts_by_the_minute())
            && matches!(self.scope(), Some(Scope::Rate | Scope::Quota))
    }

    /// How long until a retry can succeed, if that is known.
    pub(crate) fn wait(&self) -> Option<Duration> {
        match self {
            Self::RateLimit { wait, .. } => Some(*wait),
            _ => None,
        }
    }

    /// What is wrong with a push or a store, in a word.
    pub(crate) fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Push(push) => Some(push.reason()),
            Self::Store(problem) => Some(problem.reason()),
            _ => None,
        }
    }

    /// The failure behind this one.
    pub(crate) fn cause(&self) -> Option<&Self> {
        match self {
            Self::Timeout { cause, .. } => cause.as_deref(),
            _ => None,
        }
    }

    /// Cause and fix; `None` for an unknown errcode, and for an error of the caller's own code.
    pub(crate) fn explanation(&self) -> Option<Explanation> {
        match self {
            Self::Api { endpoint, refusal, subject } => errcode::explain_refusal(refusal, endpoint, subject.as_deref()),
            Self::Params { invalid, .. } => Some((*invalid.explanation).clone()),
            Self::Timeout { waited_for, limit, cause, .. } => {
                Some(messages::timeout(*waited_for, *limit, cause.as_deref()))
            }
            Self::Network { kind, host, proxy, .. } => Some(messages::network(*kind, host, proxy.as_deref())),
            Self::Response { status, problem, .. } => Some(messages::response(*status, *problem)),
            Self::Redis { reason, kind } => Some(messages::redis(reason, kind)),
            Self::RateLimit { limit, wait, .. } => Some(messages::rate_limit(*limit, *wait)),
            Self::Ticket(ticket) => Some(messages::platform::ticket(ticket)),
            Self::Store(problem) => Some(messages::platform::store(problem)),
            Self::Push(push) => Some(messages::push::push(push)),
            Self::Closed => Some(messages::closed("WxaCode")),
            Self::PlatformClosed => Some(messages::closed("WxaPlatform")),
            Self::CutOff => Some(messages::cut_off()),
            Self::Cancelled | Self::Provider(_) => None,
        }
    }

    /// The error with the `page` or `path` of the call that WeChat refused, redacted.
    pub(crate) fn with_subject(mut self, page_or_path: Option<&str>, redactor: &Redactor) -> Self {
        if let Self::Api { subject, .. } = &mut self {
            *subject =
                page_or_path.map(|text| Subject { text: redactor.redact(text).into(), bytes: text.len() }.into());
        }
        self
    }

    /// The error without secrets in the texts that came from outside. Cuts the excerpt only afterwards: half a secret would
    /// not be recognised.
    pub(crate) fn redacted(mut self, redactor: &Redactor) -> Self {
        let redact = |text: &mut String| *text = redactor.redact(text).into_owned();
        match &mut self {
            Self::Api { refusal, .. } => {
                redact(&mut refusal.errmsg);
                refusal.rid.iter_mut().for_each(redact);
                refusal.hint.iter_mut().for_each(redact);
            }
            Self::Network { detail, .. } => redact(detail),
            Self::Response { excerpt, .. } => {
                redact(excerpt);
                *excerpt = excerpt.chars().take(MAX_EXCERPT_CHARS).collect();
            }
            _ => {}
        }
        self
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests;
