//! A client, and the calls that it takes.

mod send;
mod stats;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::cache::{CacheOutcome, QrCodeCache};
use crate::clock::Clock;
use crate::deadline::Deadline;
use crate::error::explanation::Bilingual;
use crate::error::invalid::InvalidParam;
use crate::error::{Error, Result};
use crate::event::attempt;
use crate::lifetime_quota::LifetimeQuota;
use crate::rate_limit::RateLimiter;
use crate::redact;
use crate::token::source::TokenSource;
use crate::token::state::Token;
use crate::token::{CacheHandle, TokenCache};
use crate::transport::{Transport, block_in_place_if_large};
use crate::wechat::answer::{AnswerKind, Scalar, read_image, scalars_of};
use crate::wechat::apis::{self, ApiCall, Context};
use crate::wechat::body::Body;
use crate::wechat::endpoint::Endpoint;
use crate::wechat::errcode;
use crate::wechat::qr_code::QrCodeRequest;
use crate::wechat::request::ApiRequest;
pub(crate) use send::TimedRequest;
pub(crate) use stats::{Counters, Stats};

/// The Rust side of one `new WxaCode(...)`: its account, its transport, its limits and its counters.
pub(crate) struct Client {
    /// The appid by which WeChat counts the calls.
    pub(crate) appid: Arc<str>,
    pub(crate) transport: Arc<Transport>,
    pub(crate) tokens: Option<Tokens>,
    pub(crate) qr_codes: Option<Arc<QrCodeCache>>,
    pub(crate) from_appid: Option<String>,
    pub(crate) timeout: Duration,
    pub(crate) retries: u32,
    pub(crate) rate_limiter: RateLimiter,
    pub(crate) lifetime_quota: Arc<LifetimeQuota>,
    pub(crate) stats: Counters,
    pub(crate) clock: Clock,
    pub(crate) closed: AtomicBool,
    /// Set when the platform of a merchant's client is closed.
    pub(crate) owner_closed: Option<Arc<AtomicBool>>,
}

/// The client's token cache and token source. A client inside WeChat's cloud needs none.
pub(crate) struct Tokens {
    cache: Arc<TokenCache>,
    source: Arc<dyn TokenSource>,
    /// Dropped by `dispose`.
    handle: Mutex<Option<CacheHandle>>,
}

impl Tokens {
    /// Keeps the token cache in use until `dispose`.
    pub(crate) fn new(cache: Arc<TokenCache>, source: Arc<dyn TokenSource>) -> Self {
        let handle = Mutex::new(Some(cache.attach()));
        Self { cache, source, handle }
    }
}

impl Client {
    /// Whether calls are still taken.
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.owner_closed.as_ref().is_some_and(|closed| closed.load(Ordering::Acquire)) {
            return Err(Error::PlatformClosed);
        }
        if self.closed.load(Ordering::Acquire) { Err(Error::Closed) } else { Ok(()) }
    }

    /// Whether the client has a cache.
    pub(crate) fn has_cache(&self) -> bool {
        self.qr_codes.is_some()
    }

    /// The request of a QR code. `params` is JSON in the caller's spelling.
    pub(crate) fn qr_code_request(&self, endpoint: &Endpoint, params: &str) -> Result<Arc<QrCodeRequest>> {
        let request = match &self.qr_codes {
            Some(qr_codes) => qr_codes.request(endpoint, params),
            None => QrCodeRequest::parse(endpoint, params).map(Arc::new),
        };
        request.map_err(|invalid| Error::Params { endpoint: Some(endpoint.clone()), invalid })
    }

    /// The image of a QR code from memory. Never waits.
    pub(crate) fn cached(&self, request: &QrCodeRequest) -> Option<Bytes> {
        let image = self.qr_codes.as_ref()?.cached(request.identity())?;
        self.stats.found(CacheOutcome::Memory);
        Some(image)
    }

    /// The image of a QR code: from the cache, or fetched.
    pub(crate) async fn qr_code(self: &Arc<Self>, request: &QrCodeRequest, timeout: Option<Duration>) -> Result<Body> {
        let deadline = Deadline::new(timeout.unwrap_or(self.timeout), Some(request.endpoint().clone()));
        let image = match &self.qr_codes {
            None => self.fetch(&request.api_request(), &deadline).await.inspect(|_| attempt::found("wechat")),
            Some(qr_codes) => self.get_or_fetch(qr_codes, request, &deadline).await.map(Body::from),
        };
        let error = image.inspect_err(|error| self.stats.error(error));
        error.map_err(|error| error.with_subject(request.page().as_deref(), &self.transport.secrets().redactor(&[])))
    }

    /// Calls an API by its endpoint. `params` is JSON in the caller's spelling.
    pub(crate) async fn api(
        &self,
        endpoint: &Endpoint,
        params: &str,
        timeout: Option<Duration>,
    ) -> Result<(Body, AnswerKind)> {
        let now = self.clock.wall().as_secs_f64();
        let invalid = |invalid| Error::Params { endpoint: Some(endpoint.clone()), invalid };
        let call = apis::call(endpoint, params, &Context { appid: &self.appid, now });
        let ApiCall { request, expected_field } = call.map_err(invalid)?;
        // WeChat allows ten of these calls a month.
        let retries = (*endpoint == Endpoint::ClearQuota).then_some(0);
        let (body, kind) = self.request(&request, Some(expected_field), timeout, retries).await?;
        let kind = match kind {
            AnswerKind::Json(_) if *endpoint == Endpoint::GetRid => {
                AnswerKind::Json(block_in_place_if_large(body.len(), || self.redacted_call(&body.contiguous())))
            }
            kind => kind,
        };
        Ok((body, kind))
    }

    /// WeChat's record of a call holds its tokens and secrets, which may be of any client.
    fn redacted_call(&self, answer: &[u8]) -> String {
        const MAX_CHARS: usize = 16 << 10;
        let redactor = self.transport.secrets().redactor(&[]);
        let mut request = serde_json::Map::new();
        for (name, scalar) in scalars_of(answer, "request", MAX_CHARS) {
            let value = match scalar {
                Scalar::Text(text) => redactor.redact(&text).into(),
                Scalar::Number(number) => number.into(),
            };
            request.insert(name, value);
        }
        serde_json::json!({ "request": request }).to_string()
    }

    /// Calls any API, and gives the response with its kind. `expected_field` is a field that the response has to have; without it
    /// any response of WeChat's is accepted.
    pub(crate) async fn request(
        &self,
        request: &ApiRequest,
        expected_field: Option<&'static str>,
        timeout: Option<Duration>,
        retries: Option<u32>,
    ) -> Result<(Body, AnswerKind)> {
        let deadline = Deadline::new(timeout.unwrap_or(self.timeout), Some(request.endpoint.clone()));
        let retries = retries.unwrap_or(self.retries);
        let call = TimedRequest { request, deadline: &deadline, retries, attempt_timeout: None };
        self.request_within(&call, expected_field).await
    }

    /// The same until a deadline.
    pub(crate) async fn request_within(
        &self,
        call: &TimedRequest<'_>,
        expected_field: Option<&'static str>,
    ) -> Result<(Body, AnswerKind)> {
        self.learn_secrets(call.request);
        let answer = self.send_within_rate_limit(call, &|body| AnswerKind::read(body, expected_field)).await;
        answer.inspect_err(|error| self.stats.error(error))
    }

    /// Other APIs take secrets that are not ours: a value under the name of a secret is redacted from all responses.
    fn learn_secrets(&self, request: &ApiRequest) {
        if !matches!(request.endpoint, Endpoint::Other { .. }) {
            return;
        }
        let secrets = self.transport.secrets();
        let query =
            request.query.iter().filter(|(name, _)| redact::is_secret_name(name)).map(|(_, value)| value.as_str());
        let body = request.body.as_deref().and_then(|body| std::str::from_utf8(body).ok()).unwrap_or_default();
        query.chain(redact::named_values(body)).for_each(|secret| secrets.add_request_secret(secret));
    }

    /// A token, for calls that the caller makes by itself.
    pub(crate) async fn access_token(&self, force: bool, timeout: Option<Duration>) -> Result<(String, SystemTime)> {
        self.lifetime_quota.ask_fleet();
        let Tokens { cache, source, .. } = self.tokens.as_ref().ok_or_else(no_token)?;
        let deadline = Deadline::new(timeout.unwrap_or(self.timeout), source.endpoint());
        let token = match force {
            false => cache.get(source, &deadline).await?,
            true => cache.force(source, &deadline).await?,
        };
        Ok((token.expose().to_owned(), token.expires().wall_time(cache.now())))
    }

    /// Fetches a token unless there is a good one.
    pub(crate) async fn ready(&self, timeout: Option<Duration>) -> Result<()> {
        if self.tokens.is_some() {
            self.access_token(false, timeout).await?;
        }
        Ok(())
    }

    /// The token of a call that is not made here.
    pub(crate) async fn token(&self, deadline: &Deadline) -> Result<Token> {
        let Tokens { cache, source, .. } = self.tokens.as_ref().ok_or_else(no_token)?;
        cache.get(source, deadline).await
    }

    /// Another API refused this token: the token is invalidated if it is the present one.
    pub(crate) fn invalidate(&self, access_token: &str) {
        if let Some(tokens) = &self.tokens {
            // Only the token is known, and not the errcode of the other API.
            tokens.cache.invalidate(access_token, errcode::INVALID_CREDENTIAL);
        }
    }

    /// Waits until what has been fetched so far is where the cache writes it behind the calls.
    pub(crate) async fn flush(&self) {
        if let Some(qr_codes) = &self.qr_codes {
            qr_codes.flush().await;
        }
    }

    /// Refuses every later call.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Drops the handle of the account's token cache, when the last call has ended.
    pub(crate) fn dispose(&self) {
        if let Some(tokens) = &self.tokens {
            tokens.handle.lock().take();
        }
    }

    async fn fetch(&self, request: &ApiRequest, deadline: &Deadline) -> Result<Body> {
        self.lifetime_quota.ask_fleet();
        let call = TimedRequest { request, deadline, retries: self.retries, attempt_timeout: None };
        let (image, _) =
            self.send_within_rate_limit(&call, &|body| read_image(body).map(|_| AnswerKind::Image)).await?;
        self.stats.image(image.len());
        Ok(image)
    }

    async fn get_or_fetch(
        self: &Arc<Self>,
        qr_codes: &Arc<QrCodeCache>,
        request: &QrCodeRequest,
        deadline: &Deadline,
    ) -> Result<Bytes> {
        let fetch = || {
            let (client, request, deadline) = (self.clone(), request.api_request(), deadline.clone());
            // Boxed for the cache, which moves it through several futures of its own.
            Box::pin(async move { client.fetch(&request, &deadline).await.map(|image| image.to_bytes()) })
        };
        let (image, found) = qr_codes.get(request.identity().clone(), self.transport.route(), deadline, fetch).await?;
        self.stats.found(found);
        attempt::found(match found {
            CacheOutcome::Memory => "memory",
            CacheOutcome::Disk => "disk",
            CacheOutcome::Redis => "redis",
            CacheOutcome::Store => "store",
            CacheOutcome::Coalesced => "joined",
            CacheOutcome::Miss => "wechat",
        });
        Ok(image)
    }
}

fn no_token() -> Error {
    let invalid = InvalidParam::new(
        "token",
        None,
        Bilingual::new("token 为 'none' 时没有 access_token", "with token 'none' there is no access token"),
        Bilingual::new(
            "需要 access_token 时，用 token: 'stable' 并传入 secret",
            "If you need an access token, pass token: 'stable' and a secret",
        ),
    );
    Error::Params { endpoint: None, invalid }
}

#[cfg(test)]
mod tests;
