//! The native half of `WxaCode`.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use napi::bindgen_prelude::{BufferSlice, ClassInstance, Either, Env};
use napi_derive::napi;
use parking_lot::Mutex;

use super::abort::AbortHandle;
use super::code_store::CodeStoreHandle;
use super::completions::{CompletionQueueHandle, GrantedToken, Outcome};
use super::environment::Environment;
use super::failure::{Failure, failures};
use super::options;
use super::provider::TokenFn;
use super::run::{CallRunner, bug, timeout};
use crate::client::{Client, Stats};
use crate::error::invalid::InvalidParam;
use crate::error::{Error, Result};
use crate::lifetime_quota;
use crate::options::retries as checked_retries;
use crate::wechat::answer::AnswerKind;
use crate::wechat::apis;
use crate::wechat::body::Body;
use crate::wechat::endpoint::{Endpoint, Method};
use crate::wechat::qr_code::QrCodeRequest;
use crate::wechat::request::ApiRequest;

#[napi]
pub struct NativeClient {
    client: Handle,
    runner: CallRunner,
}

#[napi(object, object_from_js = false)]
pub struct NativeStats {
    pub requests: f64,
    pub images: f64,
    pub image_bytes: f64,
    pub replays: f64,
    pub refreshes: f64,
    pub errors: HashMap<String, f64>,
    pub token_age_ms: Option<f64>,
    /// `up` or `down`.
    pub redis: Option<&'static str>,
    pub lifetime_quota: Option<NativeLifetimeQuota>,
    pub cache: Option<NativeCacheStats>,
}

#[napi(object, object_from_js = false)]
pub struct NativeLifetimeQuota {
    pub used: u32,
    pub limit: u32,
    /// Milliseconds since 1970.
    pub timestamp_ms: f64,
}

#[napi(object, object_from_js = false)]
pub struct NativeCacheStats {
    pub hits: f64,
    pub disk_hits: f64,
    pub redis_hits: f64,
    pub store_hits: f64,
    pub coalesced: f64,
    pub misses: f64,
    pub entries: f64,
    pub size_bytes: f64,
    /// What the disk has of all accounts, if there is a disk and it has been counted.
    pub disk_bytes: Option<f64>,
}

/// A client, or why its options, which are JSON, do not make one. A panic in a synchronous export would end the process.
#[napi(ts_return_type = "NativeClient | Array<Failure>")]
pub(super) fn open(
    env: &Env,
    queue: &CompletionQueueHandle,
    options: String,
    #[napi(ts_arg_type = "(request: TokenRequest) => Promise<ProvidedToken>")] provider: Option<TokenFn>,
    store: Option<ClassInstance<'_, CodeStoreHandle>>,
) -> napi::Result<Either<NativeClient, Vec<Failure>>> {
    let Environment { closing, requests, .. } = Environment::current(env)?;
    match catch_unwind(AssertUnwindSafe(|| options::read(options, provider, store.as_deref())?.open(requests))) {
        Ok(Ok(client)) => Ok(Either::A(NativeClient::new(client, CallRunner::new(closing, queue.completions())))),
        Ok(Err(error)) => Ok(Either::B(failures(&error))),
        Err(_) => Err(bug("the constructor")),
    }
}

impl NativeClient {
    pub(super) fn new(client: Client, runner: CallRunner) -> Self {
        Self { client: Handle::new(client), runner }
    }
}

/// Each call has a number, under which `take` gives its outcome. Parameters come as JSON: one text crosses more quickly than
/// an object, whose fields would be looked up one by one on the JavaScript thread. JavaScript has checked their types.
#[napi]
impl NativeClient {
    /// Calls an endpoint by its position in the schema. A cached image is returned at once: the completion queue would cost more than the copy.
    #[napi]
    pub fn call<'env>(
        &self,
        env: &'env Env,
        call: f64,
        timeout_ms: Option<f64>,
        cancel: Option<ClassInstance<'_, AbortHandle>>,
        endpoint: u32,
        params: String,
    ) -> napi::Result<Option<BufferSlice<'env>>> {
        let endpoint = endpoint_at(endpoint);
        if endpoint.returns_qr_code() {
            return self.qr_code(env, call, timeout_ms, cancel, endpoint, params);
        }
        let client = self.client.get();
        self.run(env, call, cancel, async move {
            let timeout = timeout(timeout_ms, Some(endpoint.clone()))?;
            let client = client?;
            Box::pin(client.api(&endpoint, &params, timeout)).await.map(outcome)
        })?;
        Ok(None)
    }

    /// The cached image of a QR code. Makes no request and never waits.
    #[napi]
    pub fn cached<'env>(
        &self,
        env: &'env Env,
        endpoint: u32,
        params: String,
    ) -> napi::Result<Option<BufferSlice<'env>>> {
        let client = self.client.open();
        let request =
            client.as_ref().ok().and_then(|client| client.qr_code_request(&endpoint_at(endpoint), &params).ok());
        request.map_or(Ok(None), |request| cached(env, &client, &request))
    }

    #[napi]
    pub fn get_access_token(
        &self,
        env: &Env,
        call: f64,
        timeout_ms: Option<f64>,
        cancel: Option<ClassInstance<'_, AbortHandle>>,
        force: bool,
    ) -> napi::Result<()> {
        let client = self.client.get();
        self.run(env, call, cancel, async move {
            let (access_token, expires) = client?.access_token(force, timeout(timeout_ms, None)?).await?;
            let expires_at = expires.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as f64;
            Ok(Outcome::Token(GrantedToken { access_token, expires_at }))
        })
    }

    /// Fetches a token unless there is a good one. Without tokens there is nothing to do.
    #[napi]
    pub fn ready(
        &self,
        env: &Env,
        call: f64,
        timeout_ms: Option<f64>,
        cancel: Option<ClassInstance<'_, AbortHandle>>,
    ) -> napi::Result<()> {
        let client = self.client.get();
        self.run(env, call, cancel, async move {
            client?.ready(timeout(timeout_ms, None)?).await?;
            Ok(Outcome::Json("null".to_owned()))
        })
    }

    /// Calls any API. `method` is `GET` or `POST`, `query` names and values in turn, `body` JSON.
    #[napi]
    #[allow(clippy::too_many_arguments, reason = "JavaScript hands over one by one what it has checked")]
    pub fn request(
        &self,
        env: &Env,
        call: f64,
        timeout_ms: Option<f64>,
        cancel: Option<ClassInstance<'_, AbortHandle>>,
        path: String,
        method: String,
        query: Vec<String>,
        body: Option<String>,
        retries: Option<f64>,
    ) -> napi::Result<()> {
        let client = self.client.get();
        self.run(env, call, cancel, async move {
            let method = if method == "GET" { Method::Get } else { Method::Post };
            let request = apis::request::build(&path, method, pairs(&query), body);
            send(&*client?, request, timeout_ms, retries).await
        })
    }

    #[napi]
    pub fn invalidate_access_token(&self, access_token: String) {
        if let Ok(client) = self.client.get() {
            client.invalidate(&access_token);
        }
    }

    #[napi]
    pub fn stats(&self) -> NativeStats {
        let stats = self.client.stats();
        NativeStats {
            requests: stats.requests as f64,
            images: stats.images as f64,
            image_bytes: stats.image_bytes as f64,
            replays: stats.replays as f64,
            refreshes: stats.refreshes as f64,
            errors: stats.errors.into_iter().map(|(name, count)| (name, count as f64)).collect(),
            token_age_ms: stats.token_age.map(|age| age.as_millis() as f64),
            redis: stats.redis_is_up.map(|up| if up { "up" } else { "down" }),
            lifetime_quota: stats.usage.map(|usage| NativeLifetimeQuota {
                used: usage.used,
                limit: lifetime_quota::LIMIT,
                timestamp_ms: usage.at.wall.as_millis() as f64,
            }),
            cache: stats.cache.map(|cache| NativeCacheStats {
                hits: cache.hits as f64,
                disk_hits: cache.disk_hits as f64,
                redis_hits: cache.redis_hits as f64,
                store_hits: cache.store_hits as f64,
                coalesced: cache.coalesced as f64,
                misses: cache.misses as f64,
                entries: cache.entries as f64,
                size_bytes: cache.size_bytes as f64,
                disk_bytes: cache.disk_bytes.map(|bytes| bytes as f64),
            }),
        }
    }

    /// Refuses every later call.
    #[napi]
    pub fn close(&self) {
        if let Ok(client) = self.client.get() {
            client.close();
        }
    }

    /// Ends the running calls, which `close` waits for no longer.
    #[napi]
    pub fn cut_off(&self) {
        self.runner.cut_off();
    }

    /// Ends when what has been fetched is where the cache writes it behind the calls.
    #[napi]
    pub fn flush(&self, env: &Env, call: f64) -> napi::Result<()> {
        let client = self.client.get();
        self.runner.run(env, call, None, Ok(()), async move {
            client?.flush().await;
            Ok(Outcome::Json("null".to_owned()))
        })
    }

    /// Drops the client, after the calls before `close` have ended.
    #[napi]
    pub fn dispose(&self) {
        self.client.dispose();
    }

    fn qr_code<'env>(
        &self,
        env: &'env Env,
        call: f64,
        timeout_ms: Option<f64>,
        cancel: Option<ClassInstance<'_, AbortHandle>>,
        endpoint: Endpoint,
        params: String,
    ) -> napi::Result<Option<BufferSlice<'env>>> {
        let client = self.client.open();
        let timeout = timeout(timeout_ms, Some(endpoint.clone()));
        // Without a cache the parameters are parsed on another thread, which spares the JavaScript thread the work.
        let with_cache = client.as_ref().ok().filter(|client| client.has_cache() && timeout.is_ok());
        let request = with_cache.map(|client| client.qr_code_request(&endpoint, &params));
        if let Some(Ok(request)) = &request
            && let Some(image) = cached(env, &client, request)?
        {
            return Ok(Some(image));
        }
        self.run(env, call, cancel, async move {
            let (client, timeout) = (client?, timeout?);
            let request = request.unwrap_or_else(|| client.qr_code_request(&endpoint, &params))?;
            // Boxed, so that the JavaScript thread does not move kilobytes of unused state.
            Box::pin(client.qr_code(&request, timeout)).await.map(Outcome::Image)
        })?;
        Ok(None)
    }

    fn run(
        &self,
        env: &Env,
        call: f64,
        cancel: Option<ClassInstance<'_, AbortHandle>>,
        work: impl Future<Output = Result<Outcome>> + Send + 'static,
    ) -> napi::Result<()> {
        self.runner.run(env, call, cancel, self.client.open().map(drop), work)
    }
}

/// The cached image of a QR code, if the client is open.
fn cached<'env>(
    env: &'env Env,
    client: &Result<Arc<Client>>,
    request: &QrCodeRequest,
) -> napi::Result<Option<BufferSlice<'env>>> {
    let image = client.as_ref().ok().and_then(|client| client.cached(request));
    image.map(|image| BufferSlice::copy_from(env, image)).transpose()
}

/// The endpoint at a position in `lib/endpoints.json`. Behind the last there is `Endpoint::Other`, whose parameters are rejected.
pub(super) fn endpoint_at(index: u32) -> Endpoint {
    Endpoint::KNOWN.get(index as usize).cloned().unwrap_or_else(|| Endpoint::from_path("", Method::Post))
}

/// The request of a QR code, or the error of its parameters.
pub(super) fn parse_qr_code(endpoint: &Endpoint, params: &str) -> Result<QrCodeRequest> {
    QrCodeRequest::parse(endpoint, params)
        .map_err(|invalid| Error::Params { endpoint: Some(endpoint.clone()), invalid })
}

/// Drops the client at `dispose()` and keeps its last stats: the garbage collector would free the client late, because it does not
/// know how much memory and how many connections the client holds.
struct Handle(Mutex<Result<Arc<Client>, Stats>>);

impl Handle {
    fn new(client: Client) -> Self {
        Self(Mutex::new(Ok(Arc::new(client))))
    }

    fn get(&self) -> Result<Arc<Client>> {
        self.0.lock().as_ref().map(Arc::clone).map_err(|_| Error::Closed)
    }

    /// The client, if it still takes calls.
    fn open(&self) -> Result<Arc<Client>> {
        let client = self.get()?;
        client.check_open().map(|()| client)
    }

    fn stats(&self) -> Stats {
        self.0.lock().as_ref().map_or_else(Stats::clone, |client| client.stats())
    }

    fn dispose(&self) {
        let mut client = self.0.lock();
        if let Ok(open) = &*client {
            open.dispose();
            *client = Err(open.stats());
        }
    }
}

/// Names and values, which JavaScript hands over in turn.
pub(super) fn pairs(query: &[String]) -> Vec<(String, String)> {
    query.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

/// A call of any API, of a client or of a platform.
pub(super) async fn send(
    client: &Client,
    request: Result<ApiRequest, InvalidParam>,
    timeout_ms: Option<f64>,
    retries: Option<f64>,
) -> Result<Outcome> {
    let invalid = |invalid| Error::Params { endpoint: None, invalid };
    let request = request.map_err(invalid)?;
    let retries = retries.map(checked_retries).transpose().map_err(invalid)?;
    let timeout = timeout(timeout_ms, Some(request.endpoint.clone()))?;
    Box::pin(client.request(&request, None, timeout, retries)).await.map(outcome)
}

/// The outcome of a call that succeeded.
fn outcome((body, kind): (Body, AnswerKind)) -> Outcome {
    match kind {
        AnswerKind::Image => Outcome::Image(body),
        AnswerKind::Json(text) => Outcome::Json(text),
    }
}
