//! The caller's own store of QR codes, a JavaScript object.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use napi::Status;
use napi::bindgen_prelude::{Buffer, Promise};
use napi::threadsafe_function::ThreadsafeFunction;
use napi_derive::napi;

use super::platform_store::reason;
use crate::cache::{CodeStore, SharedStore, StoreFailure, StoredCode};
use crate::event::attempt;

/// Weak: an idle store keeps no process alive. JavaScript has wrapped the caller's object so that there is always a promise of the
/// object below.
pub(super) type CodeStoreFn =
    ThreadsafeFunction<CodeStoreRequest, Promise<CodeStoreAnswer>, CodeStoreRequest, Status, false, true>;

#[napi(object, object_from_js = false)]
pub struct CodeStoreRequest {
    /// What the key begins with.
    pub namespace: String,
    /// What the rest of the key follows from.
    pub identity: String,
    /// What to store; absent to get it.
    pub image: Option<Buffer>,
    pub limit_ms: f64,
    /// The number of the traced call that the image is for; 0 for any other.
    pub call: f64,
}

#[napi(object, object_to_js = false)]
pub struct CodeStoreAnswer {
    pub image: Option<Buffer>,
}

/// A caller's own store: clients with the same one share their memory of it.
#[napi]
pub struct CodeStoreHandle {
    pub(super) store: SharedStore,
}

#[napi]
impl CodeStoreHandle {
    #[napi(constructor)]
    pub fn new(
        #[napi(ts_arg_type = "(request: CodeStoreRequest) => Promise<CodeStoreAnswer>")] store: CodeStoreFn,
    ) -> Self {
        Self { store: SharedStore::new(Arc::new(JsCodeStore(Arc::new(store)))) }
    }
}

/// The store of one environment.
struct JsCodeStore(Arc<CodeStoreFn>);

impl JsCodeStore {
    fn ask(
        &self,
        StoredCode { namespace, identity, limit }: StoredCode,
        image: Option<Bytes>,
    ) -> BoxFuture<'static, Result<Option<Vec<u8>>, StoreFailure>> {
        let (namespace, limit_ms) = (namespace.to_string(), limit.as_millis() as f64);
        let image = image.map(|image| Buffer::from(image.to_vec()));
        let call = attempt::call().unwrap_or_default() as f64;
        let request = CodeStoreRequest { namespace, identity, image, limit_ms, call };
        let store = self.0.clone();
        Box::pin(async move {
            let promise = store.call_async_catch(request).await.map_err(|error| thrown(&error))?;
            let answer = promise.await.map_err(|error| thrown(&error))?;
            Ok(answer.image.map(|image| image.to_vec()))
        })
    }
}

impl CodeStore for JsCodeStore {
    fn get(&self, code: StoredCode) -> BoxFuture<'static, Result<Option<Vec<u8>>, StoreFailure>> {
        self.ask(code, None)
    }

    fn set(&self, code: StoredCode, image: Bytes) -> BoxFuture<'static, Result<(), StoreFailure>> {
        let set = self.ask(code, Some(image));
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
