//! Counts the requests that were sent: a failure before that (no address, no connection, no handshake) costs nothing at WeChat.

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

    /// Counts one more request.
    pub(crate) fn increment(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A request's body. reqwest polls the body only when there is a connection to send it on.
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
            self.sent.increment();
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

#[cfg(test)]
mod tests {
    use http_body::Body;

    use super::*;

    #[test]
    fn a_request_counts_once_when_its_body_is_sent() {
        let sent = SentCounter::default();
        let mut body = Counted { bytes: Some("{}".into()), sent: sent.clone() };
        assert_eq!((body.is_end_stream(), body.size_hint().exact(), sent.count()), (false, Some(2), 0));
        let mut next = || match Pin::new(&mut body).poll_frame(&mut Context::from_waker(std::task::Waker::noop())) {
            Poll::Ready(frame) => frame.map(|frame| frame.unwrap().into_data().unwrap()),
            Poll::Pending => panic!("the whole body is there"),
        };
        assert_eq!((next(), next()), (Some("{}".into()), None));
        assert_eq!((body.is_end_stream(), body.size_hint().exact(), sent.count()), (true, Some(0), 1));
    }
}
