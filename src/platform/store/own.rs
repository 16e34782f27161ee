//! The caller's own store. It keeps sealed bytes, and is given no more time than a caller can wait.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::{RecordKey, RecordStore, STORE_TIMEOUT, Stored, failed};
use crate::error::{Error, Result, StoreProblem};
use crate::seal::Seal;

/// The three functions of a `PlatformStore`. What they throw is an [`Error::Store`].
pub trait StoreFunctions: Send + Sync {
    /// The bytes of a key.
    fn get(&self, key: String) -> BoxFuture<'static, Result<Option<Vec<u8>>>>;
    /// Stores bytes.
    fn set(&self, key: String, value: Vec<u8>) -> BoxFuture<'static, Result<()>>;
    /// Deletes a key.
    fn delete(&self, key: String) -> BoxFuture<'static, Result<()>>;
}

/// Records in the caller's own store. It cannot compare: the records' locks keep this process in order, and the lock of a
/// merchant's token keeps a fleet in order.
pub(crate) struct OwnStore {
    functions: Arc<dyn StoreFunctions>,
    seal: Seal,
    appid: String,
    is_shared: bool,
}

impl OwnStore {
    /// `is_shared`: other processes of a fleet use the same store.
    pub(crate) fn new(functions: Arc<dyn StoreFunctions>, appid: &str, secret: &SecretString, is_shared: bool) -> Self {
        Self { functions, seal: Seal::new(secret, "platform record"), appid: appid.to_owned(), is_shared }
    }

    fn name(&self, key: &RecordKey) -> String {
        match key {
            RecordKey::Ticket => format!("wxacode:{}:ticket", self.appid),
            RecordKey::Authorizer(appid) => format!("wxacode:{}:authorizer:{appid}", self.appid),
        }
    }
}

async fn bounded<T>(operation: &'static str, work: BoxFuture<'static, Result<T>>) -> Result<T> {
    let hangs = |_| failed(StoreProblem::Hangs { operation, limit: STORE_TIMEOUT });
    tokio::time::timeout(STORE_TIMEOUT, work).await.map_err(hangs)?
}

impl RecordStore for OwnStore {
    fn read<'a>(&'a self, key: &'a RecordKey) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(async move {
            let name = self.name(key);
            let Some(sealed) = bounded("get", self.functions.get(name.clone())).await? else { return Ok(None) };
            let opened = self.seal.open(&sealed, &name).and_then(|plain| String::from_utf8(plain).ok());
            let json = opened.ok_or_else(|| failed(StoreProblem::Unreadable { key: name }))?;
            Ok(Some(Stored { json: Some(json), revision: 0 }))
        })
    }

    fn write<'a>(&'a self, key: &'a RecordKey, json: Option<&'a str>, _: u64) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let name = self.name(key);
            match json {
                Some(json) => {
                    let sealed = self.seal.seal(json.as_bytes(), &name).ok_or(Error::Closed)?;
                    bounded("set", self.functions.set(name, sealed)).await?;
                }
                None => bounded("delete", self.functions.delete(name)).await?,
            }
            Ok(true)
        })
    }

    fn is_shared(&self) -> bool {
        self.is_shared
    }
}
