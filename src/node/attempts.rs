//! An HTTP request of a traced call, as JavaScript gets it.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use napi_derive::napi;

use super::completions::{Completion, CompletionQueue};
use crate::error::Error;
use crate::event::attempt::{Attempt, AttemptSink, Ending, Purpose};
use crate::wechat::endpoint::Method;

/// The members of an attempt; `lib/types/tracing.d.ts` says what they mean.
#[napi(object, object_from_js = false)]
pub(super) struct NativeAttempt {
    /// The number of the call; 0 if no call waited for the request.
    pub call: f64,
    pub start_time_ms: f64,
    pub duration_ms: f64,
    pub scheme: &'static str,
    pub host: String,
    pub port: u16,
    pub method: &'static str,
    pub path: String,
    pub endpoint: String,
    /// `code`, `token` or `api`.
    pub purpose: &'static str,
    pub resend_count: u32,
    pub connection_reused: Option<bool>,
    pub status: Option<u32>,
    pub body_bytes: Option<f64>,
    pub code: Option<&'static str>,
    pub errcode: Option<i64>,
    pub rid: Option<String>,
    pub message: Option<String>,
    /// `true`, or absent.
    pub aborted: Option<bool>,
}

impl NativeAttempt {
    fn new(call: Option<u64>, attempt: Attempt) -> Self {
        let error = match &attempt.ending {
            Ending::Failed(error) => Some(error),
            Ending::Answered | Ending::GivenUp => None,
        };
        let refusal = error.and_then(Error::refusal);
        Self {
            call: call.unwrap_or_default() as f64,
            start_time_ms: ms(attempt.begun.duration_since(UNIX_EPOCH).unwrap_or_default()),
            duration_ms: ms(attempt.duration),
            scheme: attempt.scheme,
            host: attempt.host,
            port: attempt.port,
            method: match attempt.endpoint.method() {
                Method::Get => "GET",
                Method::Post => "POST",
            },
            path: attempt.path,
            endpoint: attempt.endpoint.name().to_owned(),
            purpose: Purpose::of(&attempt.endpoint).name(),
            resend_count: attempt.resend_count,
            connection_reused: attempt.connection_reused,
            status: attempt.status.map(u32::from),
            body_bytes: attempt.body_bytes.map(|bytes| bytes as f64),
            code: error.map(Error::code),
            errcode: refusal.map(|refusal| refusal.errcode),
            rid: refusal.and_then(|refusal| refusal.rid.clone()),
            message: error.map(ToString::to_string),
            aborted: matches!(attempt.ending, Ending::GivenUp).then_some(true),
        }
    }
}

fn ms(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}

/// Where the attempts of an environment's calls go.
pub(super) struct AttemptQueue(pub(super) Arc<CompletionQueue>);

impl AttemptQueue {
    fn push(&self, completion: Completion) {
        if self.0.push(completion) {
            self.0.wake();
        }
    }
}

impl AttemptSink for AttemptQueue {
    fn attempt(&self, call: Option<u64>, attempt: Attempt) {
        self.push(Completion::Attempt(Box::new(NativeAttempt::new(call, attempt))));
    }

    fn source(&self, call: u64, source: &'static str) {
        self.push(Completion::Source(call as f64, source));
    }

    fn released(&self, call: u64) {
        self.push(Completion::Released(call as f64));
    }
}
