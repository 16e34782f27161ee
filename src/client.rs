//! One call: parameters -> token -> transport -> answer, and the single replay with another token.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

use crate::budget::Turns;
use crate::deadline::Deadline;
use crate::error::{Error, Result, WaitedFor};
use crate::token::source::Source;
use crate::token::state::Token;
use crate::token::{Member, TokenCache};
use crate::transport::body::Body;
use crate::transport::{Call, Effort, Transport};
use crate::wechat::answer::read_image;
use crate::wechat::endpoint::Endpoint;
use crate::wechat::explanation::Text;
use crate::wechat::params::{Code, Invalid};

pub struct Client {
    pub(crate) transport: Arc<Transport>,
    pub(crate) tokens: Option<Tokens>,
    pub(crate) from_appid: Option<String>,
    pub(crate) timeout: Duration,
    pub(crate) retries: u32,
    pub(crate) turns: Turns,
    pub(crate) stats: Counters,
    pub(crate) closed: AtomicBool,
}

/// Where the client's token is kept and where it comes from. A client inside WeChat's cloud needs none.
pub struct Tokens {
    cache: Arc<TokenCache>,
    source: Arc<dyn Source>,
    /// Given up by `leave`.
    member: Mutex<Option<Member>>,
}

impl Tokens {
    pub fn new(cache: Arc<TokenCache>, source: Arc<dyn Source>) -> Self {
        let member = Mutex::new(Some(cache.join()));
        Self { cache, source, member }
    }
}

/// What `stats()` gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    pub requests: u64,
    pub images: u64,
    pub bytes: u64,
    pub replays: u64,
    pub refreshes: u64,
    /// How often a call failed, by errcode or by our own code.
    pub errors: BTreeMap<String, u64>,
    /// How long ago the present token was first handed out.
    pub token_age: Option<Duration>,
    /// Whether the fleet's store answers; `None` without one.
    pub store_is_up: Option<bool>,
}

#[derive(Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    images: AtomicU64,
    bytes: AtomicU64,
    replays: AtomicU64,
    errors: Mutex<BTreeMap<String, u64>>,
}

impl Client {
    /// Whether calls are still taken.
    pub fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) { Err(Error::Closed) } else { Ok(()) }
    }

    /// The picture of a code.
    pub async fn code(&self, code: &Code, timeout: Option<Duration>) -> Result<Body> {
        let endpoint = code.endpoint();
        let body = code.body().map_err(|invalid| Error::Params { endpoint: Some(endpoint), invalid })?;
        let deadline = Deadline::new(timeout.unwrap_or(self.timeout), Some(endpoint));
        let image = self.image_in_turn(endpoint, body.into(), &deadline).await;
        self.stats.count(&image);
        image
    }

    /// A token, for calls of the caller's own.
    pub async fn access_token(&self, force: bool, timeout: Option<Duration>) -> Result<(String, SystemTime)> {
        let Tokens { cache, source, .. } = self.tokens.as_ref().ok_or_else(no_token)?;
        let deadline = Deadline::new(timeout.unwrap_or(self.timeout), source.endpoint());
        let token = match force {
            false => cache.get(source, &deadline).await?,
            true => cache.force(source, &deadline).await?,
        };
        Ok((token.expose().to_owned(), token.expires().wall_time(cache.now())))
    }

    /// Another API refused this token; it is given up if it is the present one.
    pub fn invalidate(&self, access_token: &str) {
        if let Some(tokens) = &self.tokens {
            tokens.cache.refused(access_token, INVALID_CREDENTIAL);
        }
    }

    pub fn stats(&self) -> Stats {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let cache = self.tokens.as_ref().map(|tokens| &tokens.cache);
        let age = |token: Token, cache: &TokenCache| cache.now().mono.saturating_sub(token.first_seen().mono);
        Stats {
            requests: load(&self.stats.requests),
            images: load(&self.stats.images),
            bytes: load(&self.stats.bytes),
            replays: load(&self.stats.replays),
            refreshes: cache.map_or(0, |cache| cache.refreshes()),
            errors: self.stats.errors.lock().clone(),
            store_is_up: cache.and_then(|cache| cache.store_is_up()),
            token_age: cache.and_then(|cache| Some(age(cache.present()?, cache))),
        }
    }

    /// No further calls from now on.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Gives up the account's token cache, when the last call has ended.
    pub fn leave(&self) {
        if let Some(tokens) = &self.tokens {
            tokens.member.lock().take();
        }
    }

    /// A minute that is full by WeChat's count is waited for, where the deadline allows it.
    async fn image_in_turn(&self, endpoint: Endpoint, body: bytes::Bytes, deadline: &Deadline) -> Result<Body> {
        loop {
            match self.image(endpoint, body.clone(), deadline).await {
                Err(error) if error.minute_is_full() && self.turns.pause().await < deadline.left() => {}
                image => return image,
            }
        }
    }

    async fn image(&self, endpoint: Endpoint, body: bytes::Bytes, deadline: &Deadline) -> Result<Body> {
        let Some(tokens) = &self.tokens else {
            self.turn(endpoint, deadline).await?;
            return self.ask(endpoint, body, None, deadline).await;
        };
        let Tokens { cache, source, .. } = tokens;
        // At the same time, so that a slow Redis is paid for once.
        let (mut token, waited) = tokio::try_join!(cache.get(source, deadline), self.turn(endpoint, deadline))?;
        if waited {
            token = cache.get(source, deadline).await?;
        }
        let answer = self.ask(endpoint, body.clone(), Some(&token), deadline).await;
        let Some(errcode) = answer.as_ref().err().and_then(Error::refused_token) else { return answer };
        match cache.replace(&token, errcode, source, deadline).await? {
            Some(other) => {
                self.stats.replays.fetch_add(1, Ordering::Relaxed);
                self.note(endpoint);
                self.ask(endpoint, body, Some(&other), deadline).await
            }
            None => answer,
        }
    }

    /// Waits for a turn where WeChat counts them by the minute. Gives whether it waited.
    async fn turn(&self, endpoint: Endpoint, deadline: &Deadline) -> Result<bool> {
        if !endpoint.counts_by_the_minute() {
            return Ok(false);
        }
        self.turns.turn(endpoint, deadline).await
    }

    fn note(&self, endpoint: Endpoint) {
        if endpoint.counts_by_the_minute() {
            self.turns.note();
        }
    }

    async fn ask(
        &self,
        endpoint: Endpoint,
        body: bytes::Bytes,
        token: Option<&Token>,
        deadline: &Deadline,
    ) -> Result<Body> {
        let token = token.map(Token::expose);
        let query = match (token, &self.from_appid) {
            (Some(token), _) => Some(("access_token", token)),
            (None, Some(appid)) => Some(("from_appid", appid.as_str())),
            (None, None) => None,
        };
        let call = Call { endpoint, query: query.as_slice(), body: Some(body), secrets: token.as_slice() };
        let effort = Effort { retries: self.retries, attempt: None, repeatable: true };
        self.stats.requests.fetch_add(1, Ordering::Relaxed);
        let last_failure = Mutex::new(None);
        let report = |error| {
            self.note(endpoint);
            self.stats.requests.fetch_add(1, Ordering::Relaxed);
            *last_failure.lock() = Some(error);
        };
        let last = || last_failure.lock().take();
        let exchange = self.transport.exchange(&call, effort, deadline, &report, read_image);
        let (image, _) = deadline.hold(WaitedFor::Answer, last, exchange).await??;
        Ok(image)
    }
}

/// What another API's refusal is taken for, where only the token is known.
const INVALID_CREDENTIAL: i64 = 40001;

fn no_token() -> Error {
    let invalid = Invalid::new(
        "token",
        None,
        Text::new("token 为 'none' 时没有 access_token", "with token 'none' there is no access token"),
        Text::new(
            "需要令牌时用 token: 'stable' 并提供 secret",
            "For a token make the client with token: 'stable' and a secret",
        ),
    );
    Error::Params { endpoint: None, invalid }
}

impl Counters {
    fn count(&self, image: &Result<Body>) {
        match image {
            Ok(image) => {
                self.images.fetch_add(1, Ordering::Relaxed);
                self.bytes.fetch_add(image.len() as u64, Ordering::Relaxed);
            }
            Err(Error::Provider(_)) => {}
            Err(error) => {
                let name = match error {
                    Error::Api { refusal, .. } => refusal.errcode.to_string(),
                    other => other.code().to_owned(),
                };
                *self.errors.lock().entry(name).or_default() += 1;
            }
        }
    }
}
