//! Turns a reqwest error into a network error of the host, the proxy or the name server.

use std::error::Error as StdError;

use super::dns::{Resolver, Unresolved};
use super::hosts::Host;
use crate::error::{CertificateErrorKind, Error, NetworkErrorKind, ProxyErrorKind, one_line};
use crate::wechat::endpoint::Endpoint;

/// Characters of a detail in a message.
const MAX_DETAIL_CHARS: usize = 200;

/// reqwest puts the whole URL, token included, into its texts: only the innermost cause is used.
pub(crate) fn network(endpoint: &Endpoint, host: &Host, error: &reqwest::Error) -> Error {
    let causes: Vec<_> = std::iter::successors(error.source(), |&cause| cause.source()).collect();
    let tunnel = causes.iter().find_map(|cause| Tunnel::of(*cause));
    let kind = kind_of(error, &causes);
    // An error before the tunnel is the proxy's. Without a tunnel (plain http) the connection is to the proxy.
    let at_proxy = host.proxy.is_some() && error.is_connect() && (tunnel.is_some() || !host.is_tls());
    let kind = if at_proxy { proxy_error_kind(kind, tunnel) } else { kind };
    if error.is_connect() {
        // The name may have another address by now.
        Resolver::of_system().expire(host.connected_to());
    }
    of(endpoint, host, kind, &detail(error, &causes, kind, tunnel))
}

fn detail(error: &reqwest::Error, causes: &[&dyn StdError], kind: NetworkErrorKind, tunnel: Option<Tunnel>) -> String {
    let known = match (tunnel, kind) {
        (Some(Tunnel::AuthRequired), _) => "the proxy answered CONNECT with 407",
        (Some(Tunnel::Rejected), _) => "the proxy did not answer CONNECT with 200",
        (Some(Tunnel::Closed), _) => "the proxy closed the connection instead of answering CONNECT",
        // rustls has no words for these.
        (_, NetworkErrorKind::Certificate(kind) | NetworkErrorKind::Proxy(ProxyErrorKind::Certificate(kind)))
            if kind == CertificateErrorKind::SelfSigned =>
        {
            "invalid peer certificate: it is self-signed"
        }
        (_, NetworkErrorKind::Certificate(kind) | NetworkErrorKind::Proxy(ProxyErrorKind::Certificate(kind)))
            if kind == CertificateErrorKind::CaUsedAsEndEntity =>
        {
            "invalid peer certificate: it is a CA certificate"
        }
        _ if error.is_timeout() && error.is_connect() => "no connection within 3 s",
        _ => "",
    };
    match (known, causes.last()) {
        ("", Some(cause)) => cause.to_string(),
        ("", None) => "the connection failed".to_owned(),
        _ => known.to_owned(),
    }
}

pub(crate) fn of(endpoint: &Endpoint, host: &Host, kind: NetworkErrorKind, detail: &str) -> Error {
    let detail = one_line(detail).chars().take(MAX_DETAIL_CHARS).collect();
    Error::Network { endpoint: endpoint.clone(), kind, host: host.address(), proxy: host.proxy.clone(), detail }
}

fn kind_of(error: &reqwest::Error, causes: &[&(dyn StdError + 'static)]) -> NetworkErrorKind {
    if let Some(error) = causes.iter().find_map(|cause| tls(*cause)) {
        return match error {
            rustls::Error::InvalidCertificate(_) => NetworkErrorKind::Certificate(CertificateErrorKind::of(error)),
            _ => NetworkErrorKind::Tls,
        };
    }
    match (error.is_connect(), error.is_timeout()) {
        (true, _) if causes.iter().any(|cause| cause.is::<Unresolved>()) => NetworkErrorKind::Dns,
        // Also a timeout of connecting: nothing has been sent yet.
        (true, _) => NetworkErrorKind::Unreachable,
        (false, true) => NetworkErrorKind::ResponseTimeout,
        (false, false) => NetworkErrorKind::ConnectionClosed,
    }
}

fn proxy_error_kind(kind: NetworkErrorKind, tunnel: Option<Tunnel>) -> NetworkErrorKind {
    NetworkErrorKind::Proxy(match (tunnel, kind) {
        (Some(Tunnel::AuthRequired), _) => ProxyErrorKind::AuthRequired,
        (Some(Tunnel::Rejected | Tunnel::Closed), _) => ProxyErrorKind::ConnectRejected,
        (_, NetworkErrorKind::Dns) => ProxyErrorKind::Dns,
        (_, NetworkErrorKind::Certificate(certificate)) => ProxyErrorKind::Certificate(certificate),
        (_, NetworkErrorKind::Tls) => ProxyErrorKind::Tls,
        _ => ProxyErrorKind::Unreachable,
    })
}

/// How opening a tunnel through a proxy failed.
#[derive(Clone, Copy)]
enum Tunnel {
    /// The proxy itself was not reached.
    Unreached,
    /// The proxy wants credentials (407).
    AuthRequired,
    /// The proxy did not respond with 200.
    Rejected,
    /// The proxy closed the connection without a response.
    Closed,
}

impl Tunnel {
    /// The failure by the text of the error: hyper-util gives no other sign.
    fn of(cause: &(dyn StdError + 'static)) -> Option<Self> {
        match cause.to_string().strip_prefix("tunnel error: ")? {
            "proxy authorization required" => Some(Self::AuthRequired),
            "unsuccessful" | "proxy response headers too long" => Some(Self::Rejected),
            "failed to create underlying connection" => Some(Self::Unreached),
            _ => Some(Self::Closed),
        }
    }
}

/// TLS errors travel inside I/O errors, which hide them from `source`.
fn tls<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let inner = || cause.downcast_ref::<std::io::Error>()?.get_ref();
    cause.downcast_ref().or_else(|| tls(inner()?))
}
