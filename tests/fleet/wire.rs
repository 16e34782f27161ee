//! What goes between a process and the world.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::database::Bytes;

/// What a process asks of Redis.
#[derive(Clone, Debug)]
pub enum Command {
    Script {
        text: &'static str,
        keys: Vec<String>,
        args: Vec<Bytes>,
    },
    /// Whether it is there and takes a write.
    Probe {
        key: Option<String>,
    },
}

#[derive(Clone, Debug)]
pub enum Answer {
    Value(redis::Value),
    /// Redis answered with an error.
    Error(String),
    /// The connection broke.
    Reset,
    /// Nobody listens.
    Refused,
}

/// What WeChat's token endpoint answers.
#[derive(Clone, Debug)]
pub enum TokenResponse {
    Token {
        value: String,
        expires_in: Option<i64>,
    },
    Errcode(i64),
    /// No connection came about.
    Unreachable,
}

#[derive(Debug)]
pub enum Message {
    Redis {
        command: Command,
        connection: u64,
        reply: oneshot::Sender<Answer>,
    },
    Token {
        forced: bool,
        /// Whether an API did not accept the token that is held.
        refused: bool,
        /// Whether it is sent again after a failure.
        again: bool,
        reply: oneshot::Sender<TokenResponse>,
    },
    /// An API is called with a token. It answers with an errcode, or 0.
    Api {
        token: String,
        reply: oneshot::Sender<i64>,
    },
}

/// What a process has said and the world has not heard yet.
#[derive(Default)]
pub struct Outbox {
    messages: Mutex<Vec<Message>>,
    waker: AtomicWaker,
}

impl Outbox {
    /// Sends what `message` makes, and waits for the answer. One that never comes is waited for until somebody's time
    /// is up.
    pub async fn ask<T>(&self, message: impl FnOnce(oneshot::Sender<T>) -> Message) -> T {
        let (sender, receiver) = oneshot::channel();
        self.messages.lock().push(message(sender));
        self.waker.wake();
        match receiver.await {
            Ok(answer) => answer,
            Err(_) => std::future::pending().await,
        }
    }

    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut *self.messages.lock())
    }

    /// Ready when there is something to hear.
    pub fn poll(self: Pin<&Self>, context: &mut Context<'_>) -> Poll<()> {
        self.waker.register(context.waker());
        if self.messages.lock().is_empty() { Poll::Pending } else { Poll::Ready(()) }
    }
}
