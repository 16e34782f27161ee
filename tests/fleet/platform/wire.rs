//! Messages between a platform's process and the simulation.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot::Sender;
use wxacode::error::{Error, NetworkErrorKind, StoreProblem};
use wxacode::simulation::{Carrier, StoreFunctions};

use crate::wire::{Outbox, RedisRequest};

pub(super) type Response = Result<Bytes, NetworkErrorKind>;
pub(super) type StoreReply = Result<Option<Vec<u8>>, Error>;

#[derive(Debug)]
pub(super) enum Message {
    Redis(RedisRequest),
    /// A request to WeChat.
    Request {
        target: String,
        body: Bytes,
        reply: Sender<Response>,
    },
    /// An operation of the process's own store.
    Store {
        operation: Operation,
        reply: Sender<StoreReply>,
    },
}

#[derive(Clone, Debug)]
pub(super) enum Operation {
    Get(String),
    Set(String, Vec<u8>),
    Delete(String),
}

impl From<RedisRequest> for Message {
    fn from(request: RedisRequest) -> Self {
        Self::Redis(request)
    }
}

/// The way of a process to WeChat and to its own store.
pub(super) struct Wire(pub(super) Arc<Outbox<Message>>);

impl Carrier for Wire {
    fn carry(&self, target: String, body: Bytes) -> BoxFuture<'_, Response> {
        Box::pin(self.0.ask(|reply| Message::Request { target, body, reply }))
    }
}

impl Wire {
    fn store(&self, operation: Operation) -> BoxFuture<'static, StoreReply> {
        let outbox = self.0.clone();
        Box::pin(async move { outbox.ask(|reply| Message::Store { operation, reply }).await })
    }
}

impl StoreFunctions for Wire {
    fn get(&self, key: String) -> BoxFuture<'static, StoreReply> {
        self.store(Operation::Get(key))
    }

    fn set(&self, key: String, value: Vec<u8>) -> BoxFuture<'static, Result<(), Error>> {
        let set = self.store(Operation::Set(key, value));
        Box::pin(async move { set.await.map(drop) })
    }

    fn delete(&self, key: String) -> BoxFuture<'static, Result<(), Error>> {
        let deleted = self.store(Operation::Delete(key));
        Box::pin(async move { deleted.await.map(drop) })
    }
}

/// The error of a store whose function throws.
pub(super) fn store_error() -> Error {
    Error::Store(Box::new(StoreProblem::Threw { operation: "set", reason: "no database".to_owned() }))
}
