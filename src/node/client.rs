//! The native half of `WxaCode`.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use napi::bindgen_prelude::{BufferSlice, ClassInstance, Either, Env, PromiseRaw, ToNapiValue};
use napi_derive::napi;
use tokio_util::sync::CancellationToken;

use super::cancel::Cancel;
use super::environment::Environment;
use super::failure::{Failure, failures};
use super::options::ClientOptions;
use super::params::CodeParams;
use super::provider::TokenFn;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::options;
use crate::wechat::endpoint::Endpoint;
use crate::wechat::params::Code;

/// A value, or a failure with its causes.
type Outcome<T> = Either<T, Vec<Failure>>;
type Promised<'env, T> = napi::Result<PromiseRaw<'env, Outcome<T>>>;

#[napi]
pub struct NativeClient {
    client: Arc<Client>,
    closing: CancellationToken,
}

#[napi(object, object_from_js = false)]
pub struct GrantedToken {
    pub access_token: String,
    /// Milliseconds since 1970.
    pub expires_at: f64,
}

#[napi(object, object_from_js = false)]
pub struct NativeStats {
    pub requests: f64,
    pub images: f64,
    pub bytes: f64,
    pub replays: f64,
    pub refreshes: f64,
    pub errors: HashMap<String, f64>,
    pub token_age_ms: Option<f64>,
    /// `up` or `down`.
    pub store: Option<&'static str>,
}

/// A client, or why its options do not make one. A panic in a synchronous export would end the process.
#[napi(ts_return_type = "NativeClient | Array<Failure>")]
pub fn open(
    env: &Env,
    options: ClientOptions,
    #[napi(ts_arg_type = "(ask: TokenAsk) => Promise<ProvidedToken>")] provider: Option<TokenFn>,
) -> napi::Result<Outcome<NativeClient>> {
    let Environment { closing, requests, .. } = Environment::of(env)?;
    match catch_unwind(AssertUnwindSafe(|| options.with(provider).open(requests))) {
        Ok(Ok(client)) => Ok(Either::A(NativeClient { client: Arc::new(client), closing })),
        Ok(Err(error)) => failures(&error).map(Either::B),
        Err(_) => Err(napi::Error::from_reason("wxacode: a bug in the constructor; please report it")),
    }
}

#[napi]
impl NativeClient {
    #[napi(ts_return_type = "Promise<Buffer | Array<Failure>>")]
    pub fn get_qr_code<'env>(
        &self,
        env: &'env Env,
        params: CodeParams,
        timeout_ms: Option<f64>,
        cancel: Option<ClassInstance<'env, Cancel>>,
    ) -> Promised<'env, BufferSlice<'env>> {
        self.code(env, params.limited(), timeout_ms, cancel)
    }

    #[napi(ts_return_type = "Promise<Buffer | Array<Failure>>")]
    pub fn get_unlimited_qr_code<'env>(
        &self,
        env: &'env Env,
        params: CodeParams,
        timeout_ms: Option<f64>,
        cancel: Option<ClassInstance<'env, Cancel>>,
    ) -> Promised<'env, BufferSlice<'env>> {
        self.code(env, params.unlimited(), timeout_ms, cancel)
    }

    #[napi(ts_return_type = "Promise<Buffer | Array<Failure>>")]
    pub fn create_qr_code<'env>(
        &self,
        env: &'env Env,
        params: CodeParams,
        timeout_ms: Option<f64>,
        cancel: Option<ClassInstance<'env, Cancel>>,
    ) -> Promised<'env, BufferSlice<'env>> {
        self.code(env, params.square(), timeout_ms, cancel)
    }

    #[napi(ts_return_type = "Promise<GrantedToken | Array<Failure>>")]
    pub fn get_access_token<'env>(
        &self,
        env: &'env Env,
        force: bool,
        timeout_ms: Option<f64>,
        cancel: Option<ClassInstance<'env, Cancel>>,
    ) -> Promised<'env, GrantedToken> {
        let client = self.client.clone();
        self.settle(env, cancel, |_, token| Ok(token), async move {
            let (access_token, expires) = client.access_token(force, timeout(timeout_ms, None)?).await?;
            let expires_at = expires.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as f64;
            Ok(GrantedToken { access_token, expires_at })
        })
    }

    #[napi]
    pub fn invalidate_access_token(&self, access_token: String) {
        self.client.invalidate(&access_token);
    }

    #[napi]
    pub fn stats(&self) -> NativeStats {
        let stats = self.client.stats();
        NativeStats {
            requests: stats.requests as f64,
            images: stats.images as f64,
            bytes: stats.bytes as f64,
            replays: stats.replays as f64,
            refreshes: stats.refreshes as f64,
            errors: stats.errors.into_iter().map(|(name, count)| (name, count as f64)).collect(),
            token_age_ms: stats.token_age.map(|age| age.as_millis() as f64),
            store: stats.store_is_up.map(|up| if up { "up" } else { "down" }),
        }
    }

    /// Refuses every later call.
    #[napi]
    pub fn close(&self) {
        self.client.close();
    }

    /// For when the calls before `close` have ended.
    #[napi]
    pub fn leave(&self) {
        self.client.leave();
    }

    fn code<'env>(
        &self,
        env: &'env Env,
        code: Code,
        timeout_ms: Option<f64>,
        cancel: Option<ClassInstance<'env, Cancel>>,
    ) -> Promised<'env, BufferSlice<'env>> {
        let client = self.client.clone();
        // Copied: at these sizes that costs less than an external Buffer with its finalizer, and memory stays flat.
        self.settle(env, cancel, |env, image: Vec<u8>| BufferSlice::copy_from(env, image), async move {
            let timeout = timeout(timeout_ms, Some(code.endpoint()))?;
            client.code(&code, timeout).await
        })
    }

    /// Runs a call until it is done, aborted, or its environment ends; dropping it closes its request.
    fn settle<'env, T: Send + 'static, V: ToNapiValue>(
        &self,
        env: &'env Env,
        cancel: Option<ClassInstance<'env, Cancel>>,
        convert: impl FnOnce(&'env Env, T) -> napi::Result<V> + 'static,
        call: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Promised<'env, V> {
        // Asked on the JavaScript thread: a `close()` right behind the call does not overtake it.
        let open = self.client.check_open();
        let closing = self.closing.clone();
        let cancel = cancel.map(|cancel| cancel.token());
        let settled = async move {
            let call = async {
                open?;
                call.await
            };
            let cancelled = async {
                match cancel {
                    Some(cancel) => cancel.cancelled_owned().await,
                    None => std::future::pending().await,
                }
            };
            let result = tokio::select! {
                result = call => result,
                () = cancelled => Err(Error::Cancelled),
                () = closing.cancelled() => Err(Error::Closed),
            };
            match result {
                Ok(value) => Ok(Either::A(value)),
                Err(error) => failures(&error).map(Either::B),
            }
        };
        env.spawn_future_with_callback(settled, |env, outcome: Outcome<T>| match outcome {
            Either::A(value) => convert(env, value).map(Either::A),
            Either::B(failures) => Ok(Either::B(failures)),
        })
    }
}

fn timeout(timeout_ms: Option<f64>, endpoint: Option<Endpoint>) -> Result<Option<Duration>> {
    let checked = timeout_ms.map(|ms| options::timeout("timeoutMs", ms)).transpose();
    checked.map_err(|invalid| Error::Params { endpoint, invalid })
}
