//! What an error says of its cause.

use crate::wechat::answer::Unexpected;

/// What a call was waiting for when its time was up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeoutPhase {
    /// An access token, fetched by this process or another one.
    Token,
    /// The response of the endpoint that was called.
    Answer,
    /// The caller's own token provider.
    Provider,
    /// Another process of the fleet that fetches the same QR code.
    Peer,
}

/// Why a request to Redis failed, and whether that concerns every account or one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisErrorKind {
    /// Every account: Redis is unreachable, or rejects every request.
    Down,
    /// One account: the ACL does not allow its keys or the commands.
    Denied {
        /// A pattern of key names, as in an ACL.
        keys: String,
    },
    /// One account: one of its keys has a value of another type.
    WrongType {
        /// What the names of the account's keys begin with.
        keys: String,
    },
    /// One account: its script failed, or its token cannot be read.
    Script,
}

/// Why there was no response. Decides the advice in the message, and whether a retry may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkErrorKind {
    /// The name could not be resolved.
    Dns,
    /// The port is closed, or there is no route to the host.
    Unreachable,
    /// The server's certificate was not accepted.
    Certificate(CertificateErrorKind),
    /// The TLS handshake failed: perhaps the other side does not speak TLS.
    Tls,
    /// The host did not respond in time.
    ResponseTimeout,
    /// A connection that was idle did not respond; the request was sent again on a new one.
    IdleConnection,
    /// The connection was closed before the response was complete.
    ConnectionClosed,
    /// The proxy failed; the host behind it was not reached.
    Proxy(ProxyErrorKind),
}

impl NetworkErrorKind {
    /// Whether the same request may succeed without a change.
    pub(super) fn is_transient(self) -> bool {
        !matches!(
            self,
            Self::Certificate(_) | Self::Proxy(ProxyErrorKind::AuthRequired | ProxyErrorKind::Certificate(_))
        )
    }

    /// Whether the host was not reached, so that no request was sent.
    pub(crate) fn is_before_the_request(self) -> bool {
        !matches!(self, Self::ResponseTimeout | Self::IdleConnection | Self::ConnectionClosed)
    }
}

/// Why a certificate was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateErrorKind {
    /// Not signed by a trusted authority.
    UnknownIssuer,
    /// Signed by itself, and not among the trusted certificates.
    SelfSigned,
    /// Expired.
    Expired,
    /// Not valid yet, or the clock of this machine is wrong.
    NotValidYet,
    /// Valid for other hosts only.
    HostnameMismatch,
    /// Without a host in its subjectAltName.
    MissingSan,
    /// The certificate of an authority, presented by a server and not among the trusted certificates.
    CaUsedAsEndEntity,
    /// Any other reason; the detail of the error names it.
    Other,
}

/// Why the proxy did not connect to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyErrorKind {
    /// The name of the proxy could not be resolved.
    Dns,
    /// The port is closed, or what listens there is no proxy.
    Unreachable,
    /// The certificate of an `https:` proxy was not accepted.
    Certificate(CertificateErrorKind),
    /// No TLS connection to an `https:` proxy.
    Tls,
    /// The proxy wants credentials, or others (407).
    AuthRequired,
    /// The proxy rejected CONNECT.
    ConnectRejected,
}

/// What is wrong with a response that is no picture, no JSON and no refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadResponse {
    /// The body is not what was requested.
    Body(Unexpected),
    /// The body is larger than 8 MiB; the rest was not read.
    TooLarge,
    /// A redirect, which is never followed.
    Redirect,
}

/// Which limit a call exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExceededLimit {
    /// `force_refresh`: at least 30 s apart, at most 10 a day.
    ForcedRefresh,
    /// `ratePerMinute`, counted in this process.
    Process,
    /// `ratePerMinute`, counted in the Redis that processes share.
    Redis,
    /// WeChat's own: it has answered that the minute is full.
    WeChat,
}

impl BadResponse {
    /// Whether the same request may succeed: a successful response whose body was lost.
    pub(super) fn is_retryable(self, status: u16) -> bool {
        matches!(self, Self::Body(Unexpected::CutOff | Unexpected::Empty)) && (200..300).contains(&status)
    }
}

impl ExceededLimit {
    /// The `reason` of the event.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ForcedRefresh => "forced_refresh_limit",
            Self::Process => "process_limit",
            Self::Redis => "redis_limit",
            Self::WeChat => "wechat_limit",
        }
    }
}
