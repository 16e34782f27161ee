//! The caller's own store of a platform, a JavaScript object.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use napi::Status;
use napi::bindgen_prelude::{Buffer, Promise};
use napi::threadsafe_function::ThreadsafeFunction;
use napi_derive::napi;

use crate::error::{Error, Result, StoreProblem};
use crate::platform::store::StoreFunctions;
use crate::redact::redact;

/// Weak: an idle store keeps no process alive. JavaScript has wrapped the caller's object so that there is always a promise of the
/// object below.
pub(super) type StoreFn = ThreadsafeFunction<StoreRequest, Promise<StoreAnswer>, StoreRequest, Status, false, true>;

/// What a store is asked, that of a platform or that of codes: one type, so that what calls it is compiled once.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct StoreRequest {
    /// `get`, `set` or `delete`.
    pub operation: &'static str,
    /// Of a code: what the picture depends on, from which JavaScript makes the end of the key.
    pub key: String,
    pub value: Option<Buffer>,
    /// Of a code: what the key begins with.
    pub namespace: Option<String>,
    /// Of a code: how long the store has.
    pub limit_ms: Option<f64>,
    /// Of a code: the number of the traced call that the picture is for; 0 for any other.
    pub call: Option<f64>,
}

#[napi(object, object_to_js = false)]
pub struct StoreAnswer {
    pub value: Option<Buffer>,
}

/// The characters of an exception in an error.
const MAX_REASON_CHARS: usize = 200;

/// The store of one environment.
pub(super) struct JsStore(Arc<StoreFn>);

impl JsStore {
    pub(super) fn new(store_fn: StoreFn) -> Self {
        Self(Arc::new(store_fn))
    }

    fn ask(
        &self,
        operation: &'static str,
        key: String,
        value: Option<Vec<u8>>,
    ) -> BoxFuture<'static, Result<Option<Vec<u8>>>> {
        let request = StoreRequest { operation, key, value: value.map(Buffer::from), ..StoreRequest::default() };
        let store_fn = self.0.clone();
        Box::pin(async move {
            let thrown = |error| thrown(operation, &error);
            let promise = store_fn.call_async_catch(request).await.map_err(thrown)?;
            let answer = promise.await.map_err(thrown)?;
            Ok(answer.value.map(|value| value.to_vec()))
        })
    }
}

impl StoreFunctions for JsStore {
    fn get(&self, key: String) -> BoxFuture<'static, Result<Option<Vec<u8>>>> {
        self.ask("get", key, None)
    }

    fn set(&self, key: String, value: Vec<u8>) -> BoxFuture<'static, Result<()>> {
        let set = self.ask("set", key, Some(value));
        Box::pin(async move { set.await.map(drop) })
    }

    fn delete(&self, key: String) -> BoxFuture<'static, Result<()>> {
        let deleted = self.ask("delete", key, None);
        Box::pin(async move { deleted.await.map(drop) })
    }
}

/// An ending environment refuses calls; any other error was thrown by the caller's store.
fn thrown(operation: &'static str, error: &napi::Error) -> Error {
    match error.status {
        Status::Closing => Error::Closed,
        _ => Error::Store(Box::new(StoreProblem::Threw { operation, reason: reason(error) })),
    }
}

/// What a caller's store threw, without secrets.
pub(super) fn reason(error: &napi::Error) -> String {
    redact(&error.reason, &[]).chars().take(MAX_REASON_CHARS).collect()
}
