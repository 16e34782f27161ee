//! The caller's own store of QR codes, a JavaScript object.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use napi::Status;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use super::platform_store::{StoreFn, StoreRequest, reason};
use crate::cache::{CodeStore, SharedStore, StoreFailure, StoredCode};
use crate::event::attempt;

/// A caller's own store: clients with the same one share their memory of it.
#[napi]
pub struct CodeStoreHandle {
    pub(super) store: SharedStore,
}

#[napi]
impl CodeStoreHandle {
    #[napi(constructor)]
    pub fn new(#[napi(ts_arg_type = "(request: StoreRequest) => Promise<StoreAnswer>")] store: StoreFn) -> Self {
        Self { store: SharedStore::new(Arc::new(JsCodeStore(Arc::new(store)))) }
    }
}

/// The store of one environment.
struct JsCodeStore(Arc<StoreFn>);

impl JsCodeStore {
    fn ask(
        &self,
        operation: &'static str,
        StoredCode { namespace, identity, limit }: StoredCode,
        image: Option<Bytes>,
    ) -> BoxFuture<'static, Result<Option<Vec<u8>>, StoreFailure>> {
        let request = StoreRequest {
            operation,
            key: identity,
            value: image.map(|image| Buffer::from(image.to_vec())),
            namespace: Some(namespace.to_string()),
            limit_ms: Some(limit.as_millis() as f64),
            call: Some(attempt::call().unwrap_or_default() as f64),
        };
        let store = self.0.clone();
        Box::pin(async move {
            let promise = store.call_async_catch(request).await.map_err(|error| thrown(&error))?;
            let answer = promise.await.map_err(|error| thrown(&error))?;
            Ok(answer.value.map(|image| image.to_vec()))
        })
    }
}

impl CodeStore for JsCodeStore {
    fn get(&self, code: StoredCode) -> BoxFuture<'static, Result<Option<Vec<u8>>, StoreFailure>> {
        self.ask("get", code, None)
    }

    fn set(&self, code: StoredCode, image: Bytes) -> BoxFuture<'static, Result<(), StoreFailure>> {
        let set = self.ask("set", code, Some(image));
        Box::pin(async move { set.await.map(drop) })
    }
}

/// An ending environment refuses calls; any other error was thrown by the caller's store.
fn thrown(error: &napi::Error) -> StoreFailure {
    match error.status {
        Status::Closing => StoreFailure::Closing,
        _ => StoreFailure::Threw(reason(error)),
    }
}
