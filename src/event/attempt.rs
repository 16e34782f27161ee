//! The requests of a call that is traced. A task of the call knows its recorder, and so do the tasks that it starts; a call that
//! nobody traces has none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use crate::error::Error;
use crate::wechat::endpoint::Endpoint;

tokio::task_local! {
    static RECORDER: Option<Arc<Recorder>>;
}

/// One HTTP request, as it has ended. Holds no secret: neither a query nor a body.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) begun: SystemTime,
    pub(crate) duration: Duration,
    pub(crate) scheme: &'static str,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// With the path of the base URL, and without a query.
    pub(crate) path: String,
    pub(crate) endpoint: Endpoint,
    /// How many requests of this purpose the call has sent before.
    pub(crate) resend_count: u32,
    /// `None` if the request got no connection, as far as is known.
    pub(crate) connection_reused: Option<bool>,
    /// `None` without a response.
    pub(crate) status: Option<u16>,
    /// `None` without a whole body.
    pub(crate) body_bytes: Option<usize>,
    pub(crate) ending: Ending,
}

/// How a request has ended.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    Answered,
    Failed(Error),
    /// Nobody waited for it any more.
    GivenUp,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    QrCode,
    Token,
    Api,
}

impl Purpose {
    /// The purpose of the requests to an endpoint.
    pub(crate) fn of(endpoint: &Endpoint) -> Self {
        match endpoint {
            qr_code if qr_code.returns_qr_code() => Self::QrCode,
            Endpoint::AuthorizerToken => Self::Token,
            token if token.takes_credentials() => Self::Token,
            _ => Self::Api,
        }
    }

    /// The name that subscribers see.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::QrCode => "code",
            Self::Token => "token",
            Self::Api => "api",
        }
    }
}

/// Receives what recorders record. It must not block: it runs where the request ended.
pub(crate) trait AttemptSink: Send + Sync {
    /// A request has ended; `call` is absent if no call waited for it.
    fn attempt(&self, call: Option<u64>, attempt: Attempt);

    /// Where the picture of a call came from.
    fn source(&self, call: u64, source: &'static str);

    /// Nothing more comes of this call.
    fn released(&self, call: u64);
}

/// Records the requests of one call, by its number, or those of a task in the background that a call has started.
pub(crate) struct Recorder {
    call: Option<u64>,
    sink: Arc<dyn AttemptSink>,
    /// The `traceparent` of the call's span, for hosts that take part in the trace.
    traceparent: Option<String>,
    /// The requests so far, by purpose.
    sent: [AtomicU32; 3],
}

impl Recorder {
    /// The recorder of a call.
    pub(crate) fn new(call: u64, traceparent: Option<String>, sink: Arc<dyn AttemptSink>) -> Arc<Self> {
        Arc::new(Self { call: Some(call), sink, traceparent, sent: Default::default() })
    }

    /// The recorder of what no call waits for.
    fn of_background(&self) -> Arc<Self> {
        Arc::new(Self { call: None, sink: self.sink.clone(), traceparent: None, sent: Default::default() })
    }

    /// The header `traceparent` of the call's requests, if its tracer has given one.
    pub(crate) fn traceparent(&self) -> Option<&str> {
        self.traceparent.as_deref()
    }

    /// Counts a request, and gives how many of its purpose there were before.
    pub(crate) fn resend_count(&self, endpoint: &Endpoint) -> u32 {
        self.sent[Purpose::of(endpoint) as usize].fetch_add(1, Ordering::Relaxed)
    }

    /// A request has ended.
    pub(crate) fn record(&self, attempt: Attempt) {
        self.sink.attempt(self.call, attempt);
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if let Some(call) = self.call {
            self.sink.released(call);
        }
    }
}

/// The recorder of this task.
pub(crate) fn recorder() -> Option<Arc<Recorder>> {
    RECORDER.try_with(Clone::clone).ok().flatten()
}

/// The number of the call that this task works for, if it is traced.
pub(crate) fn call() -> Option<u64> {
    RECORDER.try_with(|recorder| recorder.as_ref()?.call).ok().flatten()
}

/// Where the picture of the call of this task came from.
pub(crate) fn found(source: &'static str) {
    if let Some(recorder) = recorder()
        && let Some(call) = recorder.call
    {
        recorder.sink.source(call, source);
    }
}

/// Records the requests of `work`.
pub(crate) fn recorded<W: Future>(recorder: Option<Arc<Recorder>>, work: W) -> impl Future<Output = W::Output> {
    RECORDER.scope(recorder, work)
}

/// The recorder of what the call of this task starts and does not wait for.
pub(crate) fn background_recorder() -> Option<Arc<Recorder>> {
    recorder().map(|recorder| recorder.of_background())
}

#[cfg(test)]
pub(crate) mod testing {
    use parking_lot::Mutex;

    use super::*;

    /// Keeps what recorders record, as texts.
    #[derive(Default)]
    pub(crate) struct RecordingSink {
        pub(crate) told: Mutex<Vec<String>>,
        pub(crate) attempts: Mutex<Vec<Attempt>>,
    }

    impl RecordingSink {
        /// What was told since the last call.
        pub(crate) fn take(&self) -> Vec<String> {
            std::mem::take(&mut *self.told.lock())
        }
    }

    impl AttemptSink for RecordingSink {
        fn attempt(&self, call: Option<u64>, attempt: Attempt) {
            let call = call.map_or_else(|| "background".to_owned(), |call| call.to_string());
            self.told.lock().push(format!("{call}: {} {}", attempt.endpoint.name(), attempt.resend_count));
            self.attempts.lock().push(attempt);
        }

        fn source(&self, call: u64, source: &'static str) {
            self.told.lock().push(format!("{call}: {source}"));
        }

        fn released(&self, call: u64) {
            self.told.lock().push(format!("{call}: released"));
        }
    }

    /// An attempt at an endpoint.
    pub(crate) fn attempt(endpoint: Endpoint, resend_count: u32) -> Attempt {
        Attempt {
            begun: SystemTime::UNIX_EPOCH,
            duration: Duration::ZERO,
            scheme: "https",
            host: "api.weixin.qq.com".to_owned(),
            port: 443,
            path: endpoint.path().to_owned(),
            endpoint,
            resend_count,
            connection_reused: None,
            status: None,
            body_bytes: None,
            ending: Ending::GivenUp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{RecordingSink, attempt};
    use super::*;
    use crate::task::{spawn_for_call, spawn_in_background};

    /// Sends one request to each of these, as far as a recorder knows.
    fn send(endpoints: [Endpoint; 2]) {
        for endpoint in endpoints {
            let Some(recorder) = recorder() else { continue };
            let count = recorder.resend_count(&endpoint);
            recorder.record(attempt(endpoint, count));
        }
    }

    #[tokio::test]
    async fn requests_are_recorded_for_the_call_of_their_task_and_counted_by_purpose() {
        let sink = Arc::new(RecordingSink::default());
        recorded(Some(Recorder::new(7, None, sink.clone())), async {
            send([Endpoint::StableToken, Endpoint::GetQrCode]);
            spawn_for_call(async {
                send([Endpoint::CreateQrCode, Endpoint::AuthorizerToken]);
                found("wechat");
            })
            .await
            .unwrap();
            assert_eq!(call(), Some(7));
        })
        .await;
        let expected = ["7: stable_token 0", "7: getQRCode 0", "7: createQRCode 1", "7: api_authorizer_token 1"];
        assert_eq!(sink.take(), [&expected[..], &["7: wechat", "7: released"]].concat());
    }

    #[tokio::test]
    async fn what_runs_in_the_background_belongs_to_no_call_and_counts_by_itself() {
        let sink = Arc::new(RecordingSink::default());
        recorded(Some(Recorder::new(7, None, sink.clone())), async {
            send([Endpoint::StableToken, Endpoint::GetRid]);
            let task = spawn_in_background(async {
                send([Endpoint::StableToken, Endpoint::StableToken]);
                found("wechat");
                assert_eq!(call(), None);
            });
            task.await.unwrap();
        })
        .await;
        let expected = ["7: stable_token 0", "7: getRid 0", "background: stable_token 0", "background: stable_token 1"];
        assert_eq!(sink.take(), [&expected[..], &["7: released"]].concat());
    }

    #[tokio::test]
    async fn without_a_recorder_nothing_is_recorded() {
        assert!(recorder().is_none() && call().is_none());
        spawn_for_call(async { assert!(recorder().is_none()) }).await.unwrap();
        spawn_in_background(async { assert!(recorder().is_none()) }).await.unwrap();
    }

    #[test]
    fn a_request_is_for_a_code_for_a_token_or_for_another_api() {
        let of = |purpose: Purpose| Endpoint::KNOWN.iter().filter(move |one| Purpose::of(one) == purpose).cloned();
        assert!(of(Purpose::QrCode).eq([Endpoint::GetUnlimitedQrCode, Endpoint::GetQrCode, Endpoint::CreateQrCode]));
        let tokens =
            [Endpoint::StableToken, Endpoint::ClassicToken, Endpoint::ComponentToken, Endpoint::AuthorizerToken];
        assert!(of(Purpose::Token).eq(tokens));
        assert_eq!([Purpose::QrCode, Purpose::Token, Purpose::Api].map(Purpose::name), ["code", "token", "api"]);
    }
}
