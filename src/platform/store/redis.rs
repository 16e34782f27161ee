//! Records in the Redis of a fleet: sealed, without an expiry, written by compare-and-set.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use redis::Value;
use secrecy::SecretString;

use super::{RecordKey, RecordStore, Stored, failed};
use crate::error::{Error, Result, StoreProblem};
use crate::event::{EventSource, PlatformNotice};
use crate::redis::{ScriptCall, ScriptRunner};
use crate::seal::{Seal, random_id};

const READ: &str = include_str!("read_record.lua");
const WRITE: &str = include_str!("write_record.lua");

/// The revision of a new record, of 48 bits: a number of Lua is exact up to 2^53.
fn first_revision() -> u64 {
    random_id().get(..12).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default() + 1
}

/// The records of one platform in Redis.
pub(crate) struct RedisRecordStore {
    scripts: Arc<dyn ScriptRunner>,
    seal: Seal,
    names: KeyNames,
    events: EventSource,
}

/// The names of a platform's keys in Redis. Each merchant has a slot of its own in a cluster.
#[derive(Clone)]
pub(crate) struct KeyNames {
    /// What every key begins with.
    pub(crate) prefix: String,
    /// Of the platform.
    pub(crate) appid: String,
    /// Stands for AppSecret and base URLs.
    pub(crate) key_id: String,
}

impl KeyNames {
    /// The prefix of the keys of a token, whose mode is `component` or `authorizer`.
    pub(crate) fn token(&self, appid: &str, mode: &str) -> String {
        format!("{}{{{appid}:{mode}:{}}}", self.prefix, self.key_id)
    }

    /// The key in which processes tell each other what has changed.
    pub(crate) fn changes(&self) -> String {
        format!("{}:changes", self.token(&self.appid, "component"))
    }

    fn record(&self, key: &RecordKey) -> String {
        match key {
            RecordKey::Ticket => format!("{}:ticket", self.token(&self.appid, "component")),
            RecordKey::Authorizer(appid) => format!("{}:authorizer", self.token(appid, "authorizer")),
        }
    }
}

impl RedisRecordStore {
    /// `events` are those of the platform.
    pub(crate) fn new(
        scripts: Arc<dyn ScriptRunner>,
        secret: &SecretString,
        names: KeyNames,
        events: EventSource,
    ) -> Self {
        Self { scripts, seal: Seal::new(secret, "platform record"), names, events }
    }
}

/// A failure of Redis is one of the store.
pub(crate) fn as_store_error(error: Error) -> Error {
    match error {
        Error::Redis { reason, .. } => failed(StoreProblem::Redis { reason }),
        other => other,
    }
}

impl RecordStore for RedisRecordStore {
    fn read<'a>(&'a self, key: &'a RecordKey) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(async move {
            let name = self.names.record(key);
            let reply = self.scripts.run(ScriptCall::new(READ, vec![name.clone()])).await.map_err(as_store_error)?;
            let Value::Array(row) = reply else { return Ok(None) };
            let [Value::BulkString(sealed), Value::Int(revision)] = row.as_slice() else { return Ok(None) };
            let json = self.seal.open(sealed, &name).and_then(|plain| String::from_utf8(plain).ok());
            if json.is_none() {
                // The name of the key follows from the AppSecret: what does not open is no other AppSecret's.
                let error = failed(StoreProblem::DamagedRecord { key: name });
                self.events.platform(|| PlatformNotice::StoreError { error });
            }
            Ok(Some(Stored { json, revision: revision.unsigned_abs() }))
        })
    }

    fn write<'a>(&'a self, key: &'a RecordKey, json: Option<&'a str>, revision: u64) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let name = self.names.record(key);
            let sealed = match json {
                Some(json) => self.seal.seal(json.as_bytes(), &name).ok_or(Error::Closed)?,
                None => Vec::new(),
            };
            let call =
                ScriptCall::new(WRITE, vec![name]).arg(revision).bytes(sealed).arg(first_revision()).background();
            match self.scripts.run(call).await.map_err(as_store_error)? {
                Value::Int(written) => Ok(written == 1),
                _ => Err(failed(StoreProblem::Redis { reason: "an answer of no known form".to_owned() })),
            }
        })
    }

    fn is_shared(&self) -> bool {
        true
    }

    /// A Redis that is up and refuses to write does not tell when it will.
    fn recovered(&self) -> BoxFuture<'static, ()> {
        let scripts = self.scripts.clone();
        Box::pin(async move {
            match scripts.is_up() {
                true => std::future::pending().await,
                false => scripts.recovered().await,
            }
        })
    }
}
