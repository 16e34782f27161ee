//! A request on a connection that was idle. A firewall, a NAT or a load balancer may have forgotten the connection, and swallows
//! what is sent on it: without a response in its share of the time, the request is sent again on a new connection.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use reqwest::Client;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use url::Url;

use super::connect::Connection;
use super::hosts::Host;
use super::span::RequestSpan;
use super::{HttpRequest, Transport, failure, sent};
use crate::error::{Error, NetworkErrorKind, Result};
use crate::wechat::endpoint::Method;

/// When a request on a connection that was idle is sent again.
pub(super) struct Resend<'a> {
    pub(super) after: Duration,
    /// Gets what is reported of the first request, before the second.
    pub(super) on_retry: &'a (dyn Fn(Error) + Send + Sync),
}

impl Transport {
    /// The head of a response. `span` becomes that of the request that is responded to.
    pub(super) async fn response<'a>(
        &'a self,
        host: &'a Host,
        call: &'a HttpRequest<'a>,
        resend: Option<Resend<'_>>,
        span: &mut RequestSpan<'a>,
    ) -> Result<reqwest::Response> {
        let url = host.url(&call.endpoint, call.query);
        let http = self.http_client(host, call, &url)?;
        let traceparent = span.traceparent().filter(|_| self.propagates_traceparent && !host.is_wechats());
        let (traced, untraced) = (span.connection(), Connection::default());
        let connection = traced.as_deref().unwrap_or(&untraced);
        let Some(Resend { after, on_retry }) = resend else {
            return connection.watch(head(&http, host, call, url, traceparent)).await;
        };
        let mut first = pin!(connection.watch(head(&http, host, call, url.clone(), traceparent.clone())));
        if let Some(answer) = connection.unless_idle(first.as_mut(), after).await {
            return answer;
        }
        let detail = format!("no answer within {} ms on a connection that had been idle", after.as_millis());
        let silent = failure::of(&call.endpoint, host, NetworkErrorKind::IdleConnection, &detail);
        on_retry(silent.clone());
        // The others may be as dead.
        self.http_clients.discard(&http, &url, host.proxy.is_some());
        let new = self.http_client(host, call, &url)?;
        let mut other = std::mem::replace(span, RequestSpan::new(&self.events, call, host, span.deadline));
        let (traced, untraced) = (span.connection(), Connection::default());
        let second = pin!(traced.as_deref().unwrap_or(&untraced).watch(head(&new, host, call, url, traceparent)));
        let give_up_at = other.begun + 2 * after;
        other.abandoned = Some(silent);
        // The first one goes on: perhaps WeChat only takes its time.
        match select(first, second).await {
            Either::Right((Ok(answer), _)) => Ok(answer),
            Either::Left((Err(error), second)) => {
                other.end(Err(&self.redacted(call, error)));
                second.await
            }
            Either::Left((Ok(answer), _)) => {
                host.record_needless();
                std::mem::swap(span, &mut other);
                Ok(answer)
            }
            Either::Right((Err(error), first)) => match tokio::time::timeout_at(give_up_at, first).await {
                Ok(Ok(answer)) => {
                    host.record_needless();
                    std::mem::swap(span, &mut other);
                    other.end(Err(&self.redacted(call, error)));
                    Ok(answer)
                }
                _ => Err(error),
            },
        }
    }

    fn http_client(&self, host: &Host, call: &HttpRequest<'_>, url: &Url) -> Result<Arc<Client>> {
        let invalid = |invalid| Error::Params { endpoint: Some(call.endpoint.clone()), invalid };
        self.http_clients.client(url, host.proxy.is_some()).map_err(invalid)
    }

    fn redacted(&self, call: &HttpRequest<'_>, error: Error) -> Error {
        error.redacted(&self.secrets.redactor(call.secrets))
    }
}

/// Sends a request and waits for the head of the response.
async fn head(
    http: &Client,
    host: &Host,
    call: &HttpRequest<'_>,
    url: Url,
    traceparent: Option<HeaderValue>,
) -> Result<reqwest::Response> {
    let mut request = match call.endpoint.method() {
        Method::Get => http.get(url),
        Method::Post => http
            .post(url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(sent::body(call.body.clone().unwrap_or_default(), call.sent)),
    };
    if let Some(traceparent) = traceparent {
        request = request.header("traceparent", traceparent);
    }
    request.send().await.map_err(|error| failure::network(&call.endpoint, host, &error))
}

#[cfg(test)]
mod tests;
