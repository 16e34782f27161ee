//! Messages between a process and the simulation.

use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::database::Bytes;

/// A command of a process to Redis.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Script {
        text: &'static str,
        keys: Vec<String>,
        args: Vec<Bytes>,
    },
    /// Checks that Redis answers and, with a key, accepts a write.
    Probe {
        key: Option<String>,
    },
}

#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Value(redis::Value),
    /// Redis answered with an error.
    Error(String),
    /// The connection broke.
    Reset,
    /// The connection was refused.
    Refused,
}

/// The answer of WeChat's token endpoint.
#[derive(Clone, Debug)]
pub(crate) enum TokenResponse {
    Token {
        value: String,
        expires_in: Option<i64>,
    },
    Errcode(i64),
    /// No connection could be made.
    Unreachable,
}

/// A command on its way to Redis.
#[derive(Debug)]
pub(crate) struct RedisRequest {
    pub(crate) command: Command,
    /// The number of the connection.
    pub(crate) connection: u64,
    pub(crate) reply: oneshot::Sender<Answer>,
}

/// A message of a client's process.
#[derive(Debug)]
pub(crate) enum Message {
    Redis(RedisRequest),
    Token {
        forced: bool,
        /// Whether an API rejected the present token.
        rejected: bool,
        /// Whether it is a retry.
        again: bool,
        reply: oneshot::Sender<TokenResponse>,
    },
    /// A call of an API with a token. The reply is an errcode, or 0.
    Api {
        token: String,
        reply: oneshot::Sender<i64>,
    },
}

impl From<RedisRequest> for Message {
    fn from(request: RedisRequest) -> Self {
        Self::Redis(request)
    }
}

/// The messages of a client's process.
pub(crate) type TokenOutbox = Outbox<Message>;

/// Messages of a process that the simulation has not taken yet.
pub(crate) struct Outbox<M> {
    messages: Mutex<Vec<M>>,
    waker: AtomicWaker,
}

impl<M> Default for Outbox<M> {
    fn default() -> Self {
        Self { messages: Mutex::default(), waker: AtomicWaker::new() }
    }
}

impl<M> Outbox<M> {
    /// Sends a message and waits for its answer, for ever if there is none: time limits are the caller's.
    pub(crate) async fn ask<T>(&self, message: impl FnOnce(oneshot::Sender<T>) -> M) -> T {
        let (sender, receiver) = oneshot::channel();
        self.messages.lock().push(message(sender));
        self.waker.wake();
        match receiver.await {
            Ok(answer) => answer,
            Err(_) => std::future::pending().await,
        }
    }

    pub(crate) fn take(&self) -> Vec<M> {
        std::mem::take(&mut *self.messages.lock())
    }

    /// Ready when there is a message.
    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        self.waker.register(context.waker());
        if self.messages.lock().is_empty() { Poll::Pending } else { Poll::Ready(()) }
    }
}
