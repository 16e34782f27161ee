//! Tells whether a request goes out on a new connection or on one that was idle, which reqwest does not say. It connects
//! within the task of the request that needs the connection.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    /// How far the connection of the request is that is being polled.
    static PROGRESS: Cell<u8>;
}

/// The request was not polled yet.
const UNSENT: u8 = 0;
/// The request has begun, and not to connect: it has an idle connection.
const IDLE: u8 = 1;
/// The request has begun to connect. It takes an idle connection all the same if one comes first.
const CONNECTING: u8 = 2;
/// The request has connected.
const CONNECTED: u8 = 3;

/// Notes for a request how far its connection is.
#[derive(Clone, Copy)]
pub(super) struct ConnectLayer;

impl<S> Layer<S> for ConnectLayer {
    type Service = NotedConnect<S>;

    fn layer(&self, connect: S) -> NotedConnect<S> {
        NotedConnect(connect)
    }
}

#[derive(Clone)]
pub(super) struct NotedConnect<S>(S);

impl<S, R> Service<R> for NotedConnect<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, to: R) -> Self::Future {
        note(CONNECTING);
        let connect = self.0.call(to);
        Box::pin(async move { connect.await.inspect(|_| note(CONNECTED)) })
    }
}

/// Nobody asks about a connection that outlives its request.
fn note(progress: u8) {
    let _ = PROGRESS.try_with(|noted| noted.set(progress));
}

/// The connection of one request.
#[derive(Debug)]
pub(super) struct Connection(AtomicU8);

impl Default for Connection {
    fn default() -> Self {
        Self(AtomicU8::new(UNSENT))
    }
}

impl Connection {
    /// Sends a request, and notes how far its connection is.
    pub(super) async fn watch<F: Future>(&self, request: F) -> F::Output {
        let mut request = pin!(request);
        poll_fn(|context| {
            let progress = Cell::new(self.progress().max(IDLE));
            PROGRESS.sync_scope(progress, || {
                let polled = request.as_mut().poll(context);
                self.0.store(PROGRESS.with(Cell::get), Ordering::Relaxed);
                polled
            })
        })
        .await
    }

    /// The answer to a request that is watched; `None` if it went out on a connection that was idle and is without an answer after
    /// `share`. A new connection is waited for. `request` must not have been polled before.
    pub(super) async fn unless_idle<F: Future>(&self, mut request: Pin<&mut F>, share: Duration) -> Option<F::Output> {
        // Takes an idle connection, or begins to connect.
        if let Poll::Ready(answer) = poll_fn(|context| Poll::Ready(request.as_mut().poll(context))).await {
            return Some(answer);
        }
        if self.connects() {
            return Some(request.await);
        }
        match tokio::time::timeout(share, request.as_mut()).await {
            Ok(answer) => Some(answer),
            // The idle one had been closed, so there is a new one.
            Err(_) if self.connects() => Some(request.await),
            Err(_) => None,
        }
    }

    /// Whether the request went out on a connection that was there; `None` if it got none, as far as is known.
    pub(super) fn is_reused(&self, answered: bool) -> Option<bool> {
        match self.progress() {
            CONNECTED => Some(false),
            IDLE => Some(true),
            CONNECTING if answered => Some(true),
            _ => None,
        }
    }

    fn connects(&self) -> bool {
        self.progress() >= CONNECTING
    }

    fn progress(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_is_new_if_the_request_has_waited_for_it() {
        let of = async |steps: &'static [u8]| {
            let connection = Connection::default();
            let request = async {
                for &step in steps {
                    tokio::task::yield_now().await;
                    note(step);
                }
            };
            connection.watch(request).await;
            [connection.is_reused(true), connection.is_reused(false)]
        };
        assert_eq!(of(&[]).await, [Some(true); 2]);
        assert_eq!(of(&[CONNECTING]).await, [Some(true), None], "an idle connection came first, or none at all");
        assert_eq!(of(&[CONNECTING, CONNECTED]).await, [Some(false); 2]);
        assert_eq!([true, false].map(|answered| Connection::default().is_reused(answered)), [None; 2]);
    }
}
