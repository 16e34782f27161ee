//! The caller's own token provider, a JavaScript function.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use napi::Status;
use napi::bindgen_prelude::Promise;
use napi::threadsafe_function::ThreadsafeFunction;
use napi_derive::napi;
use secrecy::SecretString;

use crate::error::{Error, Result};
use crate::token::source::Provider;

/// Weak: waiting for a question keeps no process alive. JavaScript has wrapped the caller's function so that it always
/// gives a promise of the object below.
pub(super) type TokenFn = ThreadsafeFunction<TokenAsk, Promise<ProvidedToken>, TokenAsk, Status, false, true>;

#[napi(object, object_from_js = false)]
pub(super) struct TokenAsk {
    pub appid: String,
    pub rejected: Option<RejectedToken>,
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
    ask: Arc<TokenFn>,
}

impl JsProvider {
    pub(super) fn new(appid: String, ask: TokenFn) -> Self {
        Self { appid, ask: Arc::new(ask) }
    }
}

impl Provider for JsProvider {
    fn fetch_token(&self, rejected: Option<(String, i64)>) -> BoxFuture<'static, Result<(SecretString, Option<i64>)>> {
        let rejected = rejected.map(|(access_token, errcode)| RejectedToken { access_token, errcode });
        let question = TokenAsk { appid: self.appid.clone(), rejected };
        let ask = self.ask.clone();
        Box::pin(async move {
            let promise = ask.call_async_catch(question).await.map_err(thrown)?;
            let token = promise.await.map_err(thrown)?;
            Ok((token.access_token.into(), token.expires_in.map(|seconds| seconds.ceil() as i64)))
        })
    }
}

/// An environment that is ending takes no more questions; everything else is what the caller's function threw.
fn thrown(error: napi::Error) -> Error {
    match error.status {
        Status::Closing => Error::Closed,
        _ => Error::Provider(Arc::new(error)),
    }
}
