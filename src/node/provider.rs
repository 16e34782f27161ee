//! The caller's own token provider, a JavaScript function.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use napi::Status;
use napi::bindgen_prelude::Promise;
use napi::threadsafe_function::ThreadsafeFunction;
use napi_derive::napi;
use secrecy::SecretString;

use crate::error::{Error, Result};
use crate::event::attempt;
use crate::token::source::Provider;

/// Weak: an idle token function keeps no process alive. JavaScript has wrapped the caller's function so that it always
/// gives a promise of the object below.
pub(super) type TokenFn = ThreadsafeFunction<TokenRequest, Promise<ProvidedToken>, TokenRequest, Status, false, true>;

#[napi(object, object_from_js = false)]
pub(super) struct TokenRequest {
    pub appid: String,
    pub rejected: Option<RejectedToken>,
    /// The number of the traced call that waits for the token; 0 for any other.
    pub call: f64,
}

#[napi(object, object_from_js = false)]
pub(super) struct RejectedToken {
    pub access_token: String,
    pub errcode: i64,
}

#[napi(object, object_to_js = false)]
pub(super) struct ProvidedToken {
    pub access_token: String,
    pub expires_in: Option<f64>,
}

pub(super) struct JsProvider {
    appid: String,
    token_fn: Arc<TokenFn>,
}

impl JsProvider {
    pub(super) fn new(appid: String, token_fn: TokenFn) -> Self {
        Self { appid, token_fn: Arc::new(token_fn) }
    }
}

impl Provider for JsProvider {
    fn fetch_token(&self, rejected: Option<(String, i64)>) -> BoxFuture<'static, Result<(SecretString, Option<i64>)>> {
        let rejected = rejected.map(|(access_token, errcode)| RejectedToken { access_token, errcode });
        let call = attempt::call().unwrap_or_default() as f64;
        let request = TokenRequest { appid: self.appid.clone(), rejected, call };
        let token_fn = self.token_fn.clone();
        Box::pin(async move {
            let promise = token_fn.call_async_catch(request).await.map_err(thrown)?;
            let token = promise.await.map_err(thrown)?;
            Ok((token.access_token.into(), token.expires_in.map(|seconds| seconds.ceil() as i64)))
        })
    }
}

/// An ending environment refuses calls; any other error was thrown by the caller's function.
fn thrown(error: napi::Error) -> Error {
    match error.status {
        Status::Closing => Error::Closed,
        _ => Error::Provider(Arc::new(error)),
    }
}
