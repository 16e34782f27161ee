//! The event of a request, and its record for who traces the call.

use std::sync::Arc;
use std::time::SystemTime;

use reqwest::header::HeaderValue;
use tokio::time::Instant;

use super::HttpRequest;
use super::connect::Connection;
use super::hosts::Host;
use crate::clock;
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::event::attempt::{self, Attempt, Ending, Recorder};
use crate::event::{EventSource, RequestEvent, RequestLabel};

/// Emits how a request ends, even if its caller is dropped before that.
pub(super) struct RequestSpan<'a> {
    events: &'a EventSource,
    call: &'a HttpRequest<'a>,
    host: &'a Host,
    /// Of the call: a request that is dropped after it has timed out.
    pub(super) deadline: &'a Deadline,
    pub(super) begun: Instant,
    pub(super) status: Option<u16>,
    pub(super) body_bytes: Option<usize>,
    /// What the request fails with when it is dropped; `None` for a caller who left.
    pub(super) abandoned: Option<Error>,
    /// `None` if nobody traces the call.
    traced: Option<Traced>,
    ended: bool,
}

struct Traced {
    recorder: Arc<Recorder>,
    begun: SystemTime,
    resend_count: u32,
    connection: Arc<Connection>,
}

impl<'a> RequestSpan<'a> {
    pub(super) fn new(
        events: &'a EventSource,
        call: &'a HttpRequest<'a>,
        host: &'a Host,
        deadline: &'a Deadline,
    ) -> Self {
        let traced = attempt::recorder().map(|recorder| Traced {
            begun: events.wall(),
            resend_count: recorder.resend_count(&call.endpoint),
            connection: Arc::default(),
            recorder,
        });
        let begun = clock::monotonic();
        let (status, body_bytes, abandoned) = (None, None, None);
        Self { events, call, host, deadline, begun, status, body_bytes, abandoned, traced, ended: false }
    }

    /// Where the request notes its connection, if that is recorded.
    pub(super) fn connection(&self) -> Option<Arc<Connection>> {
        self.traced.as_ref().map(|traced| traced.connection.clone())
    }

    /// The `traceparent` of the call, if its tracer has given one.
    pub(super) fn traceparent(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(self.traced.as_ref()?.recorder.traceparent()?).ok()
    }

    pub(super) fn end(&mut self, answer: Result<(), &Error>) {
        self.ended = true;
        let (request, status) = (|| self.label(), self.status);
        match answer {
            Ok(()) => self.events.request(|| RequestEvent::Ok {
                request: request(),
                status: status.unwrap_or_default(),
                body_bytes: self.body_bytes.unwrap_or_default(),
            }),
            Err(error) => {
                self.events.request(|| RequestEvent::Error { request: request(), status, error: error.clone() });
            }
        }
        self.record(|| answer.map_or_else(|error| Ending::Failed(error.clone()), |()| Ending::Answered));
    }

    fn label(&self) -> RequestLabel {
        let (endpoint, host) = (self.call.endpoint.clone(), self.host.name.clone());
        RequestLabel { endpoint, host, duration: self.begun.elapsed() }
    }

    fn record(&self, ending: impl FnOnce() -> Ending) {
        let Some(Traced { recorder, begun, resend_count, connection }) = &self.traced else { return };
        let (host, port) = self.host.host_and_port();
        recorder.record(Attempt {
            begun: *begun,
            duration: self.begun.elapsed(),
            scheme: if self.host.is_tls() { "https" } else { "http" },
            host: host.to_owned(),
            port,
            path: self.host.path(&self.call.endpoint),
            endpoint: self.call.endpoint.clone(),
            resend_count: *resend_count,
            connection_reused: connection.is_reused(self.status.is_some()),
            status: self.status,
            body_bytes: self.body_bytes,
            ending: ending(),
        });
    }
}

impl Drop for RequestSpan<'_> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        match self.abandoned.take() {
            Some(error) => self.end(Err(&error)),
            None => {
                self.events.request(|| RequestEvent::Abort { request: self.label() });
                self.record(|| self.deadline.passed().map_or(Ending::GivenUp, Ending::Failed));
            }
        }
    }
}
