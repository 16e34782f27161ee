//! The native half of `WxaPlatform`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use napi::bindgen_prelude::{ClassInstance, Either, Env};
use napi_derive::napi;
use parking_lot::Mutex;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use super::abort::AbortHandle;
use super::client::{NativeClient, pairs, send};
use super::code_store::CodeStoreHandle;
use super::completions::{CompletionQueueHandle, GrantedToken, Outcome};
use super::environment::Environment;
use super::failure::{Failure, failures};
use super::options;
use super::platform_store::StoreFn;
use super::run::{CallRunner, bug, timeout};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::options::platform::{OpenPlatform, check_imported};
use crate::platform::push::PushBody;
use crate::platform::{AuthorizationPage, Platform};
use crate::wechat::endpoint::Endpoint;

#[napi]
pub struct NativePlatform {
    /// `None` after `release`.
    open: Mutex<Option<Arc<OpenPlatform>>>,
    runner: CallRunner,
}

#[napi(object, object_from_js = false)]
pub struct NativePlatformStats {
    pub requests: f64,
    pub refreshes: f64,
    /// Milliseconds since the last ticket came.
    pub ticket_age_ms: Option<f64>,
    pub ticket_refused: bool,
    pub token_age_ms: Option<f64>,
    /// `up` or `down`.
    pub store: &'static str,
    /// Records that wait to be saved.
    pub unsaved: f64,
    /// `up` or `down`.
    pub redis: Option<&'static str>,
}

/// A longer body is refused. No more of it is copied than shows that it is too long.
const MAX_PUSH_BYTES: usize = (64 << 10) + 1;

/// What `authorizationUrl` takes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageOptions {
    redirect_uri: String,
    auth_type: Option<u32>,
    biz_appid: Option<String>,
    #[serde(default)]
    mobile: bool,
}

/// A platform, or why its options, which are JSON, do not make one.
#[napi(ts_return_type = "NativePlatform | Array<Failure>")]
pub(super) fn open_platform(
    env: &Env,
    queue: &CompletionQueueHandle,
    options: String,
    #[napi(ts_arg_type = "(request: StoreRequest) => Promise<StoreAnswer>")] store: Option<StoreFn>,
) -> napi::Result<Either<NativePlatform, Vec<Failure>>> {
    let Environment { closing, requests, .. } = Environment::current(env)?;
    let opened = || {
        // The tasks of the platform run where calls run.
        napi::bindgen_prelude::within_runtime_if_available(|| options::read_platform(options, store)?.open(requests))
    };
    match catch_unwind(AssertUnwindSafe(opened)) {
        Ok(Ok(open)) => Ok(Either::A(NativePlatform {
            open: Mutex::new(Some(Arc::new(open))),
            runner: CallRunner::new(closing, queue.completions()),
        })),
        Ok(Err(error)) => Ok(Either::B(failures(&error))),
        Err(_) => Err(bug("the constructor")),
    }
}

#[napi]
impl NativePlatform {
    /// The client of a merchant, or why its options do not make one.
    #[napi(ts_return_type = "NativeClient | Array<Failure>")]
    pub fn client(
        &self,
        appid: String,
        options: String,
        store: Option<ClassInstance<'_, CodeStoreHandle>>,
    ) -> napi::Result<Either<NativeClient, Vec<Failure>>> {
        let made = || self.get()?.client(&appid, &options::read_merchant(&options, store.as_deref())?);
        match catch_unwind(AssertUnwindSafe(made)) {
            Ok(Ok(client)) => Ok(Either::A(NativeClient::new(client, self.runner.child()))),
            Ok(Err(error)) => Ok(Either::B(failures(&error))),
            Err(_) => Err(bug("client()")),
        }
    }

    /// Takes a push: gives its event. `query` are names and values in turn. Of the body there is `raw`, or the text of `<Encrypt>`.
    #[napi]
    #[allow(clippy::too_many_arguments, reason = "JavaScript hands over one by one what it has checked")]
    pub fn receive_push(
        &self,
        env: &Env,
        call: f64,
        query: Vec<String>,
        raw: Option<&[u8]>,
        encrypt: Option<String>,
    ) -> napi::Result<()> {
        let open = self.get();
        let raw = raw.map(|raw| raw[..raw.len().min(MAX_PUSH_BYTES)].to_vec());
        let is_open = open.as_ref().map_err(Clone::clone).and_then(|open| open.platform.component.check_open());
        self.runner.run(env, call, None, is_open, async move {
            let open = open?;
            let body = match &raw {
                Some(raw) => PushBody::Raw(raw),
                None => PushBody::Encrypt(encrypt.as_deref().unwrap_or_default()),
            };
            let event = open.read_push(&pairs(&query), body)?;
            Box::pin(open.platform.receive(&event)).await?;
            Ok(Outcome::Json(event.to_json().to_string()))
        })
    }

    /// Exchanges an authorization code: gives `{ appid, permissions }`.
    #[napi]
    pub fn complete_authorization(
        &self,
        env: &Env,
        call: f64,
        timeout_ms: Option<f64>,
        cancel: Option<ClassInstance<'_, AbortHandle>>,
        code: String,
    ) -> napi::Result<()> {
        self.run(env, call, timeout_ms, cancel, Endpoint::QueryAuth, move |platform, deadline| async move {
            let (appid, permissions) = platform.complete_authorization(&code.into(), &deadline).await?;
            Ok(Outcome::Json(json!({ "appid": appid, "permissions": permissions }).to_string()))
        })
    }

    #[napi]
    pub fn import_authorizer(
        &self,
        env: &Env,
        call: f64,
        timeout_ms: Option<f64>,
        cancel: Option<ClassInstance<'_, AbortHandle>>,
        appid: String,
        refresh_token: String,
    ) -> napi::Result<()> {
        let refresh_token = SecretString::from(refresh_token);
        self.run(env, call, timeout_ms, cancel, Endpoint::AuthorizerToken, move |platform, _| async move {
            check_imported(&appid, &refresh_token)?;
            platform.import_authorizer(&appid, refresh_token).await.map(|()| done())
        })
    }

    #[napi]
    pub fn remove_authorizer(
        &self,
        env: &Env,
        call: f64,
        timeout_ms: Option<f64>,
        cancel: Option<ClassInstance<'_, AbortHandle>>,
        appid: String,
    ) -> napi::Result<()> {
        self.run(env, call, timeout_ms, cancel, Endpoint::AuthorizerToken, move |platform, _| async move {
            platform.remove_authorizer(&appid).await.map(|()| done())
        })
    }

    /// The URL of the page on which a merchant authorises, as JSON. `page` is JSON whose types JavaScript has checked.
    #[napi]
    pub fn authorization_url(
        &self,
        env: &Env,
        call: f64,
        timeout_ms: Option<f64>,
        cancel: Option<ClassInstance<'_, AbortHandle>>,
        page: String,
    ) -> napi::Result<()> {
        self.run(env, call, timeout_ms, cancel, Endpoint::CreatePreauthcode, move |platform, deadline| async move {
            let PageOptions { redirect_uri, auth_type, biz_appid, mobile } = options::parsed(&page)?;
            let page = AuthorizationPage { redirect_uri, auth_type, biz_appid, mobile };
            platform
                .authorization_url(&page, &deadline)
                .await
                .map(|url| Outcome::Json(json!({ "url": url }).to_string()))
        })
    }

    /// A page of WeChat's list: `{ total, authorizers: [{ appid, authorizedAt }] }`.
    #[napi]
    pub fn authorizers(
        &self,
        env: &Env,
        call: f64,
        timeout_ms: Option<f64>,
        cancel: Option<ClassInstance<'_, AbortHandle>>,
        offset: u32,
    ) -> napi::Result<()> {
        self.run(env, call, timeout_ms, cancel, Endpoint::GetAuthorizerList, move |platform, deadline| async move {
            let (total, listed) = platform.authorizer_list(offset as usize, &deadline).await?;
            let authorizers: Vec<_> = listed
                .iter()
                .map(|one| json!({ "appid": one.appid, "authorizedAt": one.authorized_at * 1000 }))
                .collect();
            Ok(Outcome::Json(json!({ "total": total, "authorizers": authorizers }).to_string()))
        })
    }

    #[napi]
    pub fn get_component_access_token(
        &self,
        env: &Env,
        call: f64,
        timeout_ms: Option<f64>,
        cancel: Option<ClassInstance<'_, AbortHandle>>,
    ) -> napi::Result<()> {
        self.run(env, call, timeout_ms, cancel, Endpoint::ComponentToken, move |platform, deadline| async move {
            let (access_token, expires) = platform.component.access_token(false, Some(deadline.remaining())).await?;
            let expires_at = expires.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as f64;
            Ok(Outcome::Token(GrantedToken { access_token, expires_at }))
        })
    }

    #[napi]
    pub fn start_push_ticket(
        &self,
        env: &Env,
        call: f64,
        timeout_ms: Option<f64>,
        cancel: Option<ClassInstance<'_, AbortHandle>>,
    ) -> napi::Result<()> {
        self.run(env, call, timeout_ms, cancel, Endpoint::StartPushTicket, move |platform, deadline| async move {
            platform.start_push_ticket(&deadline).await.map(|()| done())
        })
    }

    /// Calls any API of the platform. `body` is JSON.
    #[napi]
    #[allow(clippy::too_many_arguments, reason = "JavaScript hands over one by one what it has checked")]
    pub fn request(
        &self,
        env: &Env,
        call: f64,
        timeout_ms: Option<f64>,
        cancel: Option<ClassInstance<'_, AbortHandle>>,
        path: String,
        query: Vec<String>,
        body: Option<String>,
        retries: Option<f64>,
    ) -> napi::Result<()> {
        let open = self.get();
        let is_open = open.as_ref().map_err(Clone::clone).and_then(|open| open.platform.component.check_open());
        self.runner.run(env, call, cancel, is_open, async move {
            let platform = open?.platform.clone();
            let request = platform.request(&path, pairs(&query), body);
            send(&platform.component, request, timeout_ms, retries).await
        })
    }

    #[napi]
    pub fn stats(&self) -> Option<NativePlatformStats> {
        let open = self.get().ok()?;
        let core = &open.platform.core;
        let stats = open.platform.component.stats();
        let ticket = core.tickets.shown();
        let age = |since: u64| Duration::from_secs(core.seconds().saturating_sub(since)).as_millis() as f64;
        let up = |up: bool| if up { "up" } else { "down" };
        Some(NativePlatformStats {
            requests: stats.requests as f64,
            refreshes: stats.refreshes as f64,
            ticket_age_ms: ticket.as_ref().map(|ticket| age(ticket.received_at)),
            ticket_refused: ticket.is_some_and(|ticket| ticket.refused),
            token_age_ms: stats.token_age.map(|age| age.as_millis() as f64),
            store: up(core.records.is_up()),
            unsaved: core.records.unsaved() as f64,
            redis: stats.redis_is_up.map(up),
        })
    }

    /// Refuses every later call, also of merchants' clients.
    #[napi]
    pub fn close(&self) {
        if let Ok(open) = self.get() {
            open.close();
        }
    }

    /// Ends the running calls, also those of merchants' clients, which `close` waits for no longer.
    #[napi]
    pub fn cut_off(&self) {
        self.runner.cut_off();
    }

    /// Ends when the codes of merchants that have been fetched are where their caches write them behind the calls.
    #[napi]
    pub fn flush(&self, env: &Env, call: f64) -> napi::Result<()> {
        let open = self.get();
        self.runner.run(env, call, None, Ok(()), async move {
            open?.flush().await;
            Ok(done())
        })
    }

    /// Ends after the calls before `close`: when it is done, the file of the store is free.
    #[napi]
    pub fn release(&self, env: &Env, call: f64) -> napi::Result<()> {
        let open = self.open.lock().take();
        self.runner.run_last(env, call, async move {
            if let Some(open) = open {
                open.platform.release().await;
            }
            Ok(done())
        })
    }

    fn get(&self) -> Result<Arc<OpenPlatform>> {
        self.open.lock().clone().ok_or(Error::PlatformClosed)
    }

    fn run<Running>(
        &self,
        env: &Env,
        call: f64,
        timeout_ms: Option<f64>,
        cancel: Option<ClassInstance<'_, AbortHandle>>,
        endpoint: Endpoint,
        work: impl FnOnce(Arc<Platform>, Deadline) -> Running + Send + 'static,
    ) -> napi::Result<()>
    where
        Running: Future<Output = Result<Outcome>> + Send + 'static,
    {
        let work = move |platform, deadline| -> BoxFuture<'static, _> { Box::pin(work(platform, deadline)) };
        self.run_boxed(env, call, timeout_ms, cancel, endpoint, Box::new(work))
    }

    /// Not generic, so that it is compiled once.
    fn run_boxed(
        &self,
        env: &Env,
        call: f64,
        timeout_ms: Option<f64>,
        cancel: Option<ClassInstance<'_, AbortHandle>>,
        endpoint: Endpoint,
        work: Work,
    ) -> napi::Result<()> {
        let open = self.get();
        let is_open = open.as_ref().map_err(Clone::clone).and_then(|open| open.platform.component.check_open());
        self.runner.run(env, call, cancel, is_open, async move {
            let open = open?;
            let timeout = timeout(timeout_ms, Some(endpoint.clone()))?.unwrap_or_else(|| open.timeout());
            let deadline = Deadline::new(timeout, Some(endpoint));
            work(open.platform.clone(), deadline).await
        })
    }
}

/// What a call of a platform does within its time.
type Work = Box<dyn FnOnce(Arc<Platform>, Deadline) -> BoxFuture<'static, Result<Outcome>> + Send>;

/// The outcome of a call that gives nothing.
fn done() -> Outcome {
    Outcome::Json("null".to_owned())
}
