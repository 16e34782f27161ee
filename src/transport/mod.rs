//! HTTP to WeChat: hosts, retries, limits, and errors without a secret in them. Only `redis` opens connections besides.

pub(crate) mod body;
#[cfg(test)]
pub(crate) mod certificates;
pub(crate) mod dns;
mod failure;
pub(crate) mod hosts;
pub(crate) mod http_clients;

pub(crate) mod proxy;
mod sent;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use tokio::runtime::RuntimeFlavor;
use tokio::time::Instant;

use crate::backoff::backoff;
use crate::clock;
use crate::deadline::Deadline;
use crate::error::{BadResponse, Error, NetworkErrorKind, Result, one_line};
use crate::event::{EventSource, RequestEvent, RequestLabel};
use crate::keys::RouteId;
use crate::redact::{Redactor, Secrets};
use crate::wechat::answer::{self, AnswerError, Unexpected};
use crate::wechat::endpoint::{Endpoint, Method};
use body::{Body, BufferPool};
use hosts::{Host, HostList};
use http_clients::HttpClients;
pub(crate) use sent::SentCounter;

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
}

/// How often and where a request is retried.
#[derive(Clone, Copy)]
pub(crate) struct RetryPolicy {
    /// How often a transient failure is retried.
    pub(crate) retries: u32,
    /// The timeout of one attempt at one host; `None` for the time left.
    pub(crate) attempt_timeout: Option<Duration>,
    /// Whether a request without a response may be sent to another host.
    pub(crate) repeatable: bool,
}

/// Sends a client's requests to WeChat.
pub(crate) struct Transport {
    http_clients: Arc<HttpClients>,
    buffers: Arc<BufferPool>,
    hosts: Arc<HostList>,
    secrets: Arc<Secrets>,
    events: EventSource,
    /// The jitter of the pauses between retries, 0..1.
    jitter: fn() -> f64,
}

struct RawResponse {
    status: u16,
    /// Where a redirect leads.
    location: Option<String>,
    body: Body,
}

impl Transport {
    /// A transport whose errors contain none of `secrets`.
    pub(crate) fn new(
        http_clients: Arc<HttpClients>,
        buffers: Arc<BufferPool>,
        bases: Vec<url::Url>,
        secrets: Arc<Secrets>,
        events: EventSource,
    ) -> Self {
        let hosts = Arc::new(HostList::new(bases, http_clients.proxy()));
        Self { http_clients, buffers, hosts, secrets, events, jitter: fastrand::f64 }
    }

    /// A transport to the same hosts, which shares what is known of them, for another account.
    pub(crate) fn for_account(&self, secrets: Arc<Secrets>, events: EventSource) -> Self {
        let (http_clients, buffers, hosts) = (self.http_clients.clone(), self.buffers.clone(), self.hosts.clone());
        Self { http_clients, buffers, hosts, secrets, events, jitter: self.jitter }
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
    /// and what was read in them. `on_retry` gets every failure before its retry.
    pub(crate) async fn send_with_retries<T>(
        &self,
        call: &HttpRequest<'_>,
        policy: RetryPolicy,
        deadline: &Deadline,
        on_retry: &(dyn Fn(Error) + Send + Sync),
        read: impl Fn(&[u8]) -> std::result::Result<T, AnswerError>,
    ) -> Result<(Body, T)> {
        let mut failures = 0;
        loop {
            let error = match self.attempt(call, policy, deadline, &read).await {
                Ok(answer) => return Ok(answer),
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
    async fn attempt<T>(
        &self,
        call: &HttpRequest<'_>,
        policy: RetryPolicy,
        deadline: &Deadline,
        read: &impl Fn(&[u8]) -> std::result::Result<T, AnswerError>,
    ) -> Result<(Body, T)> {
        let hosts = self.hosts.by_preference();
        let mut rest = hosts.iter().peekable();
        loop {
            let Some(host) = rest.next() else { return Err(Error::Closed) };
            let share = rest.peek().filter(|_| policy.repeatable).map(|_| deadline.remaining() / 2);
            let timeout = [policy.attempt_timeout, share].into_iter().flatten().min();
            let error = match self.request(host, call, timeout, read).await {
                Ok(answer) => return Ok(answer),
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
    async fn request<T>(
        &self,
        host: &Host,
        call: &HttpRequest<'_>,
        timeout: Option<Duration>,
        read: &impl Fn(&[u8]) -> std::result::Result<T, AnswerError>,
    ) -> Result<(Body, T)> {
        let mut span =
            RequestSpan { events: &self.events, call, host, begun: clock::monotonic(), status: None, ended: false };
        let answer = match with_timeout(timeout, self.send(host, call), &call.endpoint, host).await {
            Ok(raw) => {
                host.mark_healthy();
                span.status = Some(raw.status);
                block_in_place_if_large(raw.body.len(), || interpret_response(call, raw, read))
            }
            Err(error) => Err(error),
        };
        let answer = answer.map_err(|error| error.redacted(&self.secrets.redactor(call.secrets)));
        span.end(answer.as_ref().map(|(body, _)| body.len()));
        answer
    }

    async fn send(&self, host: &Host, call: &HttpRequest<'_>) -> Result<RawResponse> {
        let url = host.url(&call.endpoint, call.query);
        let http = self
            .http_clients
            .client(&url, host.proxy.is_some())
            .map_err(|invalid| Error::Params { endpoint: Some(call.endpoint.clone()), invalid })?;
        let request = match call.endpoint.method() {
            Method::Get => http.get(url),
            Method::Post => http
                .post(url)
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(sent::body(call.body.clone().unwrap_or_default(), call.sent)),
        };
        let network_error = |error| failure::network(&call.endpoint, host, &error);
        let mut answer = request.send().await.map_err(network_error)?;
        let status = answer.status().as_u16();
        let location = location(&answer);
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
        let mut body = match call.endpoint.returns_token() {
            true => Body::unpooled(announced),
            false => self.buffers.body(announced),
        };
        while let Some(chunk) = answer.chunk().await.map_err(network_error)? {
            if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
                return Err(too_large());
            }
            body.bytes.extend_from_slice(&chunk);
        }
        Ok(RawResponse { status, location, body })
    }
}

/// Emits how a request ends, even if its caller is dropped before that.
struct RequestSpan<'a> {
    events: &'a EventSource,
    call: &'a HttpRequest<'a>,
    host: &'a Host,
    begun: Instant,
    status: Option<u16>,
    ended: bool,
}

impl RequestSpan<'_> {
    fn end(&mut self, answer: Result<usize, &Error>) {
        self.ended = true;
        let (request, status) = (|| self.label(), self.status);
        match answer {
            Ok(body_bytes) => self.events.request(|| RequestEvent::Ok {
                request: request(),
                status: status.unwrap_or_default(),
                body_bytes,
            }),
            Err(error) => {
                self.events.request(|| RequestEvent::Error { request: request(), status, error: error.clone() });
            }
        }
    }

    fn label(&self) -> RequestLabel {
        let (endpoint, host) = (self.call.endpoint.clone(), self.host.name.clone());
        RequestLabel { endpoint, host, duration: self.begun.elapsed() }
    }
}

impl Drop for RequestSpan<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.events.request(|| RequestEvent::Abort { request: self.label() });
        }
    }
}

/// Whether a host had too little time to respond to count as unhealthy.
fn timed_out_early(error: &Error, timeout: Option<Duration>) -> bool {
    let silent = matches!(error, Error::Network { kind: NetworkErrorKind::ResponseTimeout, .. });
    silent && timeout.is_some_and(|timeout| timeout < Duration::from_millis(500))
}

async fn with_timeout(
    timeout: Option<Duration>,
    work: impl Future<Output = Result<RawResponse>>,
    endpoint: &Endpoint,
    host: &Host,
) -> Result<RawResponse> {
    let Some(timeout) = timeout else { return work.await };
    tokio::time::timeout(timeout, work).await.unwrap_or_else(|_| {
        let detail = format!("no answer within {} ms", timeout.as_millis());
        Err(failure::of(endpoint, host, NetworkErrorKind::ResponseTimeout, &detail))
    })
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
fn interpret_response<T>(
    call: &HttpRequest<'_>,
    raw: RawResponse,
    read: &impl Fn(&[u8]) -> std::result::Result<T, AnswerError>,
) -> Result<(Body, T)> {
    let (RawResponse { status, location, body }, endpoint) = (raw, &call.endpoint);
    match read(&body) {
        Ok(found) => Ok((body, found)),
        Err(AnswerError::Refused(refusal)) => {
            let error = Error::Api { endpoint: endpoint.clone(), refusal, subject: None };
            let token = endpoint.returns_token().then(|| answer::token_in(&body)).flatten();
            Err(error.redacted(&Redactor::new(token.as_deref())))
        }
        Err(AnswerError::Unexpected(what)) => {
            let excerpt = if endpoint.returns_token() { String::new() } else { excerpt(&body, what, status) };
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
