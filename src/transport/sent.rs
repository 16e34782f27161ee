//! Counts the requests that were sent: a failure before that (no address, no connection, no handshake) does not count at WeChat.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

/// The requests of one call that were sent.
#[derive(Clone, Default)]
pub(crate) struct SentCounter(Arc<AtomicU32>);

impl SentCounter {
    /// How many requests were sent so far.
    pub(crate) fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Another request was sent.
    pub(crate) fn leave(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The body of a request. It is polled only when there is a connection to send it on.
pub(crate) fn body(bytes: Bytes, sent: Option<&SentCounter>) -> reqwest::Body {
    match sent {
        Some(sent) => reqwest::Body::wrap(Counted { bytes: Some(bytes), sent: sent.clone() }),
        None => bytes.into(),
    }
}

struct Counted {
    bytes: Option<Bytes>,
    sent: SentCounter,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = self.bytes.take();
        if bytes.is_some() {
            self.sent.leave();
        }
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    /// Exact: WeChat requires a Content-Length.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
