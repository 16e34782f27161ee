//! Tells whether a request goes out on a new connection or on one that was idle, which reqwest does not say. It connects
//! within the task of the request that needs the connection.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    /// Whether the request of this task has begun to connect.
    static CONNECTS: Cell<bool>;
}

/// Notes in the task of a request that it connects.
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

impl<S: Service<R>, R> Service<R> for NotedConnect<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, to: R) -> S::Future {
        // Nobody asks about a request outside [`unless_idle`].
        let _ = CONNECTS.try_with(|connects| connects.set(true));
        self.0.call(to)
    }
}

/// The answer to a request; `None` if it went out on a connection that was idle and is without an answer after `share`. A new
/// connection is waited for. `request` must not have been polled before.
pub(super) async fn unless_idle<F: Future>(mut request: Pin<&mut F>, share: Duration) -> Option<F::Output> {
    let connects = || CONNECTS.with(Cell::get);
    let wait = async {
        // Takes an idle connection, or begins to connect.
        if let Poll::Ready(answer) = poll_fn(|context| Poll::Ready(request.as_mut().poll(context))).await {
            return Some(answer);
        }
        if connects() {
            return Some(request.await);
        }
        match tokio::time::timeout(share, request.as_mut()).await {
            Ok(answer) => Some(answer),
            // The idle one had been closed, so there is a new one.
            Err(_) if connects() => Some(request.await),
            Err(_) => None,
        }
    };
    CONNECTS.scope(Cell::new(false), wait).await
}
