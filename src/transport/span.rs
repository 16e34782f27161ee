//! The event of a request.

use tokio::time::Instant;

use super::HttpRequest;
use super::hosts::Host;
use crate::clock;
use crate::error::{Error, Result};
use crate::event::{EventSource, RequestEvent, RequestLabel};

/// Emits how a request ends, even if its caller is dropped before that.
pub(super) struct RequestSpan<'a> {
    events: &'a EventSource,
    call: &'a HttpRequest<'a>,
    host: &'a Host,
    pub(super) begun: Instant,
    pub(super) status: Option<u16>,
    /// What the request fails with when it is dropped; `None` for a caller who left.
    pub(super) abandoned: Option<Error>,
    ended: bool,
}

impl<'a> RequestSpan<'a> {
    pub(super) fn new(events: &'a EventSource, call: &'a HttpRequest<'a>, host: &'a Host) -> Self {
        Self { events, call, host, begun: clock::monotonic(), status: None, abandoned: None, ended: false }
    }

    pub(super) fn end(&mut self, answer: Result<usize, &Error>) {
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
        if self.ended {
            return;
        }
        match self.abandoned.take() {
            Some(error) => self.end(Err(&error)),
            None => self.events.request(|| RequestEvent::Abort { request: self.label() }),
        }
    }
}
