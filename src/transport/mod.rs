//! HTTP to WeChat: hosts, retries, limits, and errors without a secret in them. `stream` connects to Redis: nothing else opens a
//! connection.

mod carrier;
#[cfg(test)]
pub(crate) mod certificates;
mod connect;
pub(crate) mod dns;
mod failure;
pub(crate) mod hosts;
pub(crate) mod http_clients;

pub(crate) mod proxy;
mod resend;
mod sent;
mod span;
pub(crate) mod stream;
pub(crate) mod tls;
mod used;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Either;
use parking_lot::Mutex;
use reqwest::header::LOCATION;
use tokio::runtime::RuntimeFlavor;

use crate::backoff::backoff;
use crate::deadline::Deadline;
use crate::error::{BadResponse, Error, NetworkErrorKind, Result, one_line};
use crate::event::EventSource;
use crate::keys::RouteId;
use crate::redact::{Redactor, Secrets};
use crate::wechat::answer::{self, AnswerError, Unexpected};
use crate::wechat::body::{Body, BodyBuilder};
use crate::wechat::endpoint::Endpoint;
pub use carrier::Carrier;
use hosts::{Host, HostList};
use http_clients::HttpClients;
use resend::Resend;
pub(crate) use sent::SentCounter;
use span::RequestSpan;
use used::used_in;

/// The largest response that is read. WeChat's QR codes are under 1 MiB.
pub(crate) const MAX_RESPONSE_BYTES: usize = 8 << 20;

/// One request, wherever it is sent.
pub(crate) struct HttpRequest<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) query: &'a [(&'a str, &'a str)],
    /// The body, sent with its length: WeChat rejects a chunked one with an empty 412.
    pub(crate) body: Option<bytes::Bytes>,
    /// What must not appear in any error, besides the secrets of the transport.
    pub(crate) secrets: &'a [&'a str],
    /// Counts the requests that are sent.
    pub(crate) sent: Option<&'a SentCounter>,
    /// Gets how many codes the account has used, if an accepted answer tells it, and how long the request took.
    pub(crate) on_used: Option<&'a OnUsed<'a>>,
}

pub(crate) type OnUsed<'a> = dyn Fn(u32, Duration) + Send + Sync + 'a;

/// How often and where a request is retried.
#[derive(Clone, Copy)]
pub(crate) struct RetryPolicy {
    /// How often a transient failure is retried.
    pub(crate) retries: u32,
    /// The timeout of one attempt at one host; `None` for the time left.
    pub(crate) attempt_timeout: Option<Duration>,
    /// Whether a request without a response may be sent again, on a new connection or to another host.
    pub(crate) repeatable: bool,
}

/// Sends a client's requests to WeChat.
pub(crate) struct Transport {
    http_clients: Arc<HttpClients>,
    hosts: Arc<HostList>,
    secrets: Arc<Secrets>,
    events: EventSource,
    /// Whether requests to hosts that are not WeChat's carry the `traceparent` of their call.
    propagates_traceparent: bool,
    /// The jitter of the pauses between retries, 0..1.
    jitter: fn() -> f64,
}

/// Reads an answer: keeps what is in it, or tells what is wrong with it.
type Read<'a> = dyn Fn(&Body) -> std::result::Result<(), AnswerError> + Send + Sync + 'a;

struct RawResponse {
    status: u16,
    /// Where a redirect leads.
    location: Option<String>,
    /// How many codes the account has used, by its header.
    used: Option<u32>,
    body: Body,
}

impl Transport {
    /// A transport whose errors contain none of `secrets`.
    pub(crate) fn new(
        http_clients: Arc<HttpClients>,
        bases: Vec<url::Url>,
        secrets: Arc<Secrets>,
        events: EventSource,
    ) -> Self {
        let hosts = Arc::new(HostList::new(bases, http_clients.proxy()));
        Self { http_clients, hosts, secrets, events, propagates_traceparent: false, jitter: fastrand::f64 }
    }

    /// The same, which tells hosts that are not WeChat's the trace of each call if `propagates`.
    pub(crate) fn propagating_traceparent(self, propagates: bool) -> Self {
        Self { propagates_traceparent: propagates, ..self }
    }

    /// A transport to the same hosts, which shares what is known of them, for another account.
    pub(crate) fn for_account(&self, secrets: Arc<Secrets>, events: EventSource) -> Self {
        let (http_clients, hosts) = (self.http_clients.clone(), self.hosts.clone());
        let propagates_traceparent = self.propagates_traceparent;
        Self { http_clients, hosts, secrets, events, propagates_traceparent, jitter: self.jitter }
    }

    /// The secrets that are taken out of errors.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// The route of its requests.
    pub(crate) fn route(&self) -> RouteId {
        self.http_clients.route
    }

    /// Sends a call until `read` makes something of the answer, WeChat refuses, or no retry is left. Gives the bytes
    /// and what was read in them. `on_retry` gets every failure before the request is sent again.
    pub(crate) async fn send_with_retries<T: Send>(
        &self,
        call: &HttpRequest<'_>,
        policy: RetryPolicy,
        deadline: &Deadline,
        on_retry: &(dyn Fn(Error) + Send + Sync),
        read: impl Fn(&Body) -> std::result::Result<T, AnswerError> + Send + Sync,
    ) -> Result<(Body, T)> {
        let found = Mutex::new(None);
        let read = |body: &Body| read(body).map(|it| *found.lock() = Some(it));
        // Boxed, because the futures around it are moved about: they would all be as large.
        let body = Box::pin(self.send_until(call, policy, deadline, on_retry, &read)).await?;
        let found = found.lock().take();
        found.map(|found| (body, found)).ok_or(Error::Closed)
    }

    /// The same for any type that is read: not generic, so that it is compiled once.
    async fn send_until(
        &self,
        call: &HttpRequest<'_>,
        policy: RetryPolicy,
        deadline: &Deadline,
        on_retry: &(dyn Fn(Error) + Send + Sync),
        read: &Read<'_>,
    ) -> Result<Body> {
        let mut failures = 0;
        loop {
            let error = match self.attempt(call, policy, deadline, on_retry, read).await {
                Ok(body) => return Ok(body),
                Err(error) => error,
            };
            let pause = backoff(failures, (self.jitter)());
            if !error.is_transient() || failures == policy.retries || !deadline.outlasts(pause) {
                return Err(error);
            }
            on_retry(error);
            tokio::time::sleep(pause).await;
            failures += 1;
        }
    }

    /// One attempt: at the preferred host, and at the next one if it cannot be reached.
    async fn attempt(
        &self,
        call: &HttpRequest<'_>,
        policy: RetryPolicy,
        deadline: &Deadline,
        on_retry: &(dyn Fn(Error) + Send + Sync),
        read: &Read<'_>,
    ) -> Result<Body> {
        let hosts = self.hosts.by_preference();
        let mut rest = hosts.iter().peekable();
        loop {
            let Some(host) = rest.next() else { return Err(Error::Closed) };
            let share = rest.peek().filter(|_| policy.repeatable).map(|_| deadline.remaining() / 2);
            let timeout = [policy.attempt_timeout, share].into_iter().flatten().min();
            let limit = timeout.unwrap_or_else(|| deadline.remaining());
            let idle_share = policy.repeatable.then(|| host.idle_share(limit)).flatten();
            let resend = idle_share.map(|after| Resend { after, on_retry });
            let error = match self.request(host, call, timeout, deadline, resend, read).await {
                Ok(body) => return Ok(body),
                Err(error) => error,
            };
            let next = match &error {
                Error::Network {
                    kind:
                        NetworkErrorKind::Dns
                        | NetworkErrorKind::Unreachable
                        | NetworkErrorKind::Certificate(_)
                        | NetworkErrorKind::Tls
                        | NetworkErrorKind::Proxy(_),
                    ..
                } => true,
                Error::Network { kind: NetworkErrorKind::ResponseTimeout, .. } => policy.repeatable,
                _ => return Err(error),
            };
            if !timed_out_early(&error, timeout) {
                host.eject(&self.hosts);
            }
            if !next || rest.peek().is_none() {
                return Err(error);
            }
        }
    }

    /// One request to one host.
    async fn request(
        &self,
        host: &Host,
        call: &HttpRequest<'_>,
        timeout: Option<Duration>,
        deadline: &Deadline,
        resend: Option<Resend<'_>>,
        read: &Read<'_>,
    ) -> Result<Body> {
        let mut span = RequestSpan::new(&self.events, call, host, deadline);
        let sent = with_timeout(timeout, self.send(host, call, resend, &mut span), &call.endpoint, host).await;
        let answer = match sent {
            Ok(raw) => {
                host.mark_healthy();
                span.body_bytes = Some(raw.body.len());
                let used = raw.used;
                let answer = block_in_place_if_large(raw.body.len(), || interpret_response(call, raw, read));
                if let (Ok(_), Some(used), Some(on_used)) = (&answer, used, call.on_used) {
                    on_used(used, span.begun.elapsed());
                }
                answer
            }
            Err(error) => Err(error),
        };
        let answer = answer.map_err(|error| error.redacted(&self.secrets.redactor(call.secrets)));
        span.end(answer.as_ref().map(drop));
        answer
    }

    async fn send<'a>(
        &'a self,
        host: &'a Host,
        call: &'a HttpRequest<'a>,
        resend: Option<Resend<'_>>,
        span: &mut RequestSpan<'a>,
    ) -> Result<RawResponse> {
        if let Some(carrier) = self.http_clients.carrier() {
            return carry(&**carrier, host, call).await;
        }
        let network_error = |error| failure::network(&call.endpoint, host, &error);
        let mut answer = self.response(host, call, resend, span).await?;
        let status = answer.status().as_u16();
        span.status = Some(status);
        let location = location(&answer);
        let used = call.on_used.and_then(|_| used_in(answer.headers()));
        let too_large = || Error::Response {
            endpoint: call.endpoint.clone(),
            status,
            problem: BadResponse::TooLarge,
            excerpt: String::new(),
        };
        let announced = usize::try_from(answer.content_length().unwrap_or(0)).unwrap_or(usize::MAX);
        if announced > MAX_RESPONSE_BYTES {
            return Err(too_large());
        }
        let mut body = BodyBuilder::default();
        while let Some(chunk) = answer.chunk().await.map_err(network_error)? {
            if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
                return Err(too_large());
            }
            body.push(chunk);
        }
        Ok(RawResponse { status, location, used, body: body.finish() })
    }
}

async fn carry(carrier: &dyn Carrier, host: &Host, call: &HttpRequest<'_>) -> Result<RawResponse> {
    let url = host.url(&call.endpoint, call.query);
    let target = url[url::Position::BeforePath..].to_owned();
    let carried = carrier.carry(target, call.body.clone().unwrap_or_default()).await;
    let mut body = BodyBuilder::default();
    body.push(carried.map_err(|kind| failure::of(&call.endpoint, host, kind, "carried"))?);
    Ok(RawResponse { status: 200, location: None, used: None, body: body.finish() })
}

/// Whether a host had too little time to respond to count as unhealthy.
fn timed_out_early(error: &Error, timeout: Option<Duration>) -> bool {
    let silent = matches!(error, Error::Network { kind: NetworkErrorKind::ResponseTimeout, .. });
    silent && timeout.is_some_and(|timeout| timeout < Duration::from_millis(500))
}

/// Not `async`, as [`Deadline::timeout`].
fn with_timeout(
    timeout: Option<Duration>,
    work: impl Future<Output = Result<RawResponse>>,
    endpoint: &Endpoint,
    host: &Host,
) -> impl Future<Output = Result<RawResponse>> {
    let Some(timeout) = timeout else { return Either::Left(work) };
    let silent = move |_| {
        let detail = format!("no answer within {} ms", timeout.as_millis());
        Err(failure::of(endpoint, host, NetworkErrorKind::ResponseTimeout, &detail))
    };
    Either::Right(tokio::time::timeout(timeout, work).map(move |done| done.unwrap_or_else(silent)))
}

/// Where a redirect leads, without its query. It is never followed.
fn location(answer: &reqwest::Response) -> Option<String> {
    let to = answer.url().join(answer.headers().get(LOCATION)?.to_str().ok()?).ok()?;
    Some(one_line(&format!("{}://{}{}", to.scheme(), hosts::name(&to), to.path())))
}

/// Larger bodies take milliseconds to read. No QR code is larger.
const MAX_INLINE_BYTES: usize = 512 << 10;

/// Runs `work`, which reads `bytes` bytes. If they are many, it runs in `block_in_place`: the I/O of other calls goes on.
pub(crate) fn block_in_place_if_large<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Handle::try_current().map(|runtime| runtime.runtime_flavor());
    match runtime {
        Ok(RuntimeFlavor::MultiThread) if bytes > MAX_INLINE_BYTES => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// The result of a response. The body decides; the status is used only if `read` finds neither the expected content nor a
/// refusal.
fn interpret_response(call: &HttpRequest<'_>, raw: RawResponse, read: &Read<'_>) -> Result<Body> {
    let (RawResponse { status, location, body, .. }, endpoint) = (raw, &call.endpoint);
    match read(&body) {
        Ok(()) => Ok(body),
        Err(AnswerError::Refused(refusal)) => {
            let error = Error::Api { endpoint: endpoint.clone(), refusal, subject: None };
            let token = endpoint.returns_token().then(|| answer::token_in(&body.contiguous())).flatten();
            Err(error.redacted(&Redactor::new(token.as_deref())))
        }
        Err(AnswerError::Unexpected(what)) => {
            let excerpt =
                if endpoint.returns_token() { String::new() } else { excerpt(&body.contiguous(), what, status) };
            let (problem, excerpt) = match (300..400).contains(&status) {
                true => (BadResponse::Redirect, location.map_or(excerpt, |to| format!("Location: {to}"))),
                false => (BadResponse::Body(what), excerpt),
            };
            Err(Error::Response { endpoint: endpoint.clone(), status, problem, excerpt })
        }
    }
}

/// The excerpt of a response in a message: the beginning of a web page or of an error text. Of JSON only the member names, and
/// of other text nothing: the body may be what was requested, and hold a user's data.
fn excerpt(body: &[u8], what: Unexpected, status: u16) -> String {
    match what {
        Unexpected::Empty | Unexpected::CutOff => String::new(),
        Unexpected::Html => beginning(body),
        Unexpected::Other if status >= 400 && !may_be_json(body) => beginning(body),
        Unexpected::Json | Unexpected::Errcode | Unexpected::Other => answer::outline(body),
    }
}

/// Whether a body begins like an object, an array, a string or a number.
fn may_be_json(body: &[u8]) -> bool {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    first.is_some_and(|first| b"{[\"-\xEF".contains(first) || first.is_ascii_digit())
}

/// The beginning of a text, longer than the excerpt: redaction runs before the text is cut, and would not recognise half a
/// secret.
fn beginning(body: &[u8]) -> String {
    let start = String::from_utf8_lossy(&body[..body.len().min(64 << 10)]);
    let text: String = one_line(&start).chars().take(4096).collect();
    if text.contains(char::REPLACEMENT_CHARACTER) { String::new() } else { text }
}

#[cfg(test)]
pub(crate) mod tests;
