//! A client, and the calls that it takes.

mod send;
mod stats;

use std::ops::Deref;
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
use crate::rate_limit::RateLimiter;
use crate::redact;
use crate::token::source::TokenSource;
use crate::token::{CacheHandle, TokenCache};
use crate::transport::body::Body;
use crate::transport::{Transport, block_in_place_if_large};
use crate::wechat::answer::{AnswerKind, Scalar, read_image, scalars_of};
use crate::wechat::apis::{self, ApiCall, Context};
use crate::wechat::codes::QrCodeRequest;
use crate::wechat::endpoint::Endpoint;
use crate::wechat::errcode;
use crate::wechat::request::ApiRequest;
use send::TimedRequest;
pub(crate) use stats::{Counters, Stats};

/// What one `new WxaCode(...)` stands for: its account, its ways to WeChat, its limits and its counts.
pub(crate) struct Client {
    /// The appid by which WeChat counts the calls.
    pub(crate) appid: Arc<str>,
    pub(crate) transport: Arc<Transport>,
    pub(crate) tokens: Option<Tokens>,
    pub(crate) codes: Option<Arc<QrCodeCache>>,
    pub(crate) from_appid: Option<String>,
    pub(crate) timeout: Duration,
    pub(crate) retries: u32,
    pub(crate) rate_limiter: RateLimiter,
    pub(crate) stats: Counters,
    pub(crate) clock: Clock,
    pub(crate) closed: AtomicBool,
}

/// The client's token cache and token source. A client inside WeChat's cloud needs none.
pub(crate) struct Tokens {
    cache: Arc<TokenCache>,
    source: Arc<dyn TokenSource>,
    /// Given up by `leave`.
    member: Mutex<Option<CacheHandle>>,
}

impl Tokens {
    /// Keeps the token cache in use until `leave`.
    pub(crate) fn new(cache: Arc<TokenCache>, source: Arc<dyn TokenSource>) -> Self {
        let member = Mutex::new(Some(cache.attach()));
        Self { cache, source, member }
    }
}

/// The picture of a code.
pub(crate) enum Image {
    Fetched(Body),
    /// Shared with the cache and with other callers.
    Kept(Bytes),
}

impl Deref for Image {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Fetched(body) => body,
            Self::Kept(bytes) => bytes,
        }
    }
}

impl Client {
    /// Whether calls are still taken.
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) { Err(Error::Closed) } else { Ok(()) }
    }

    /// Whether the client has a cache.
    pub(crate) fn keeps_codes(&self) -> bool {
        self.codes.is_some()
    }

    /// The picture of a QR code from memory. Never waits.
    pub(crate) fn cached(&self, request: &QrCodeRequest) -> Option<Bytes> {
        let image = self.codes.as_ref()?.cached(request.identity())?;
        self.stats.found(CacheOutcome::Memory);
        Some(image)
    }

    /// The picture of a code.
    pub(crate) async fn code(self: &Arc<Self>, request: &QrCodeRequest, timeout: Option<Duration>) -> Result<Image> {
        let deadline = Deadline::new(timeout.unwrap_or(self.timeout), Some(request.endpoint().clone()));
        let image = match &self.codes {
            None => self.fetch(&request.question(), &deadline).await.map(Image::Fetched),
            Some(codes) => self.get_or_fetch(codes, request, &deadline).await.map(Image::Kept),
        };
        let error = image.inspect_err(|error| self.stats.error(error));
        error.map_err(|error| error.with_subject(request.page().as_deref(), &self.transport.secrets().redactor(&[])))
    }

    /// What an API that has a name here answers. `params` is JSON in the caller's spelling.
    pub(crate) async fn api(
        &self,
        endpoint: &Endpoint,
        params: &str,
        timeout: Option<Duration>,
    ) -> Result<(Body, AnswerKind)> {
        let now = self.clock.wall().as_secs_f64();
        let refused = |invalid| Error::Params { endpoint: Some(endpoint.clone()), invalid };
        let call = apis::call(endpoint, params, &Context { appid: &self.appid, now });
        let ApiCall { question, wanted } = call.map_err(refused)?;
        // One of ten a month.
        let retries = (*endpoint == Endpoint::ClearQuota).then_some(0);
        let (body, kind) = self.request(&question, Some(wanted), timeout, retries).await?;
        let kind = match kind {
            AnswerKind::Json(_) if *endpoint == Endpoint::GetRid => {
                AnswerKind::Json(block_in_place_if_large(body.len(), || self.redacted_call(&body)))
            }
            kind => kind,
        };
        Ok((body, kind))
    }

    /// WeChat's record of a call holds its tokens and secrets, which may be of any client.
    fn redacted_call(&self, answer: &[u8]) -> String {
        const LONGEST: usize = 16 << 10;
        let redactor = self.transport.secrets().redactor(&[]);
        let fields = scalars_of(answer, "request", LONGEST).into_iter().map(|(name, scalar)| {
            let value = match scalar {
                Scalar::Text(text) => redactor.redact(&text).into(),
                Scalar::Number(number) => number.into(),
            };
            (name, value)
        });
        serde_json::json!({ "request": fields.collect::<serde_json::Map<_, _>>() }).to_string()
    }

    /// What any API answers, and what kind of answer it is. `wanted` is a field that the answer has to have; without one any
    /// answer of WeChat's is accepted.
    pub(crate) async fn request(
        &self,
        question: &ApiRequest,
        wanted: Option<&'static str>,
        timeout: Option<Duration>,
        retries: Option<u32>,
    ) -> Result<(Body, AnswerKind)> {
        self.learn_secrets(question);
        let deadline = Deadline::new(timeout.unwrap_or(self.timeout), Some(question.endpoint.clone()));
        let call = TimedRequest { question, deadline: &deadline, retries: retries.unwrap_or(self.retries) };
        let answer = self.send_within_rate_limit(&call, &|body| AnswerKind::read(body, wanted)).await;
        answer.inspect_err(|error| self.stats.error(error))
    }

    /// Other APIs take secrets that are not ours: what a call carries under the name of one does not show in any answer.
    fn learn_secrets(&self, question: &ApiRequest) {
        if !matches!(question.endpoint, Endpoint::Other { .. }) {
            return;
        }
        let secrets = self.transport.secrets();
        let query =
            question.query.iter().filter(|(name, _)| redact::is_secret_name(name)).map(|(_, value)| value.as_str());
        let body = question.body.as_deref().and_then(|body| std::str::from_utf8(body).ok()).unwrap_or_default();
        query.chain(redact::named_values(body)).for_each(|secret| secrets.add_request_secret(secret));
    }

    /// A token, for calls that the caller makes by itself.
    pub(crate) async fn access_token(&self, force: bool, timeout: Option<Duration>) -> Result<(String, SystemTime)> {
        let Tokens { cache, source, .. } = self.tokens.as_ref().ok_or_else(no_token)?;
        let deadline = Deadline::new(timeout.unwrap_or(self.timeout), source.endpoint());
        let token = match force {
            false => cache.get(source, &deadline).await?,
            true => cache.force(source, &deadline).await?,
        };
        Ok((token.expose().to_owned(), token.expires().wall_time(cache.now())))
    }

    /// Another API refused this token; it is given up if it is the present one.
    pub(crate) fn invalidate(&self, access_token: &str) {
        if let Some(tokens) = &self.tokens {
            // Only the token is known, and not what the other API answered.
            tokens.cache.invalidate(access_token, errcode::INVALID_CREDENTIAL);
        }
    }

    /// No further calls from now on.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Gives up the account's token cache, when the last call has ended.
    pub(crate) fn leave(&self) {
        if let Some(tokens) = &self.tokens {
            tokens.member.lock().take();
        }
    }

    async fn fetch(&self, question: &ApiRequest, deadline: &Deadline) -> Result<Body> {
        let call = TimedRequest { question, deadline, retries: self.retries };
        let (image, _) =
            self.send_within_rate_limit(&call, &|body| read_image(body).map(|_| AnswerKind::Image)).await?;
        self.stats.image(image.len());
        Ok(image)
    }

    async fn get_or_fetch(
        self: &Arc<Self>,
        codes: &Arc<QrCodeCache>,
        request: &QrCodeRequest,
        deadline: &Deadline,
    ) -> Result<Bytes> {
        let ask = || {
            let (me, question, deadline) = (self.clone(), request.question(), deadline.clone());
            async move { me.fetch(&question, &deadline).await.map(|image| Bytes::copy_from_slice(&image)) }
        };
        let (image, found) = codes.get(request.identity().clone(), self.transport.route(), deadline, ask).await?;
        self.stats.found(found);
        Ok(image)
    }
}

fn no_token() -> Error {
    let invalid = InvalidParam::new(
        "token",
        None,
        Bilingual::new("token 为 'none' 时没有 access_token", "with token 'none' there is no access token"),
        Bilingual::new(
            "需要令牌时用 token: 'stable' 并提供 secret",
            "For a token make the client with token: 'stable' and a secret",
        ),
    );
    Error::Params { endpoint: None, invalid }
}

#[cfg(test)]
mod tests;
