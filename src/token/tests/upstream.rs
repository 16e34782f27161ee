//! What the tests of the cache stand on: a WeChat with a script.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

use crate::clock::Timestamp;
use crate::error::{Error, NetworkErrorKind, Result};
use crate::keys::RouteId;
use crate::redis::ReconnectListener;
use crate::token::source::{SourceToken, TokenRequest, TokenSource};
use crate::token::state::{ReceivedToken, Token};
use crate::token::store::{Acquired, Lease, LocalStore, StoredToken, TokenStore};
use crate::wechat::answer::Refusal;
use crate::wechat::endpoint::Endpoint;

/// The wall time at which a test begins.
pub(crate) const EPOCH: Duration = Duration::from_secs(1_000_000);

type Answer = Box<dyn FnOnce() -> Result<(&'static str, i64)> + Send>;

/// A WeChat that takes 150 ms and answers from a script, its last line for ever.
pub(crate) struct Upstream {
    script: Mutex<VecDeque<Answer>>,
    arrivals: Mutex<Vec<Instant>>,
    pub(crate) forced: AtomicUsize,
    pub(crate) was_dropped: AtomicBool,
    pub(crate) hangs: AtomicBool,
    /// How often a request is made again.
    pub(crate) retries: AtomicU32,
    repeats: bool,
}

impl Upstream {
    pub(crate) fn new(repeats: bool) -> Arc<Self> {
        Arc::new(Self {
            script: Mutex::default(),
            arrivals: Mutex::default(),
            forced: AtomicUsize::new(0),
            was_dropped: AtomicBool::new(false),
            hangs: AtomicBool::new(false),
            retries: AtomicU32::new(0),
            repeats,
        })
    }

    pub(crate) fn then(
        self: Arc<Self>,
        answer: impl FnOnce() -> Result<(&'static str, i64)> + Send + 'static,
    ) -> Arc<Self> {
        self.script.lock().push_back(Box::new(answer));
        self
    }

    pub(crate) fn gives(self: Arc<Self>, token: &'static str) -> Arc<Self> {
        self.then(move || Ok((token, 7200)))
    }

    pub(crate) fn fails(self: Arc<Self>, error: fn() -> Error) -> Arc<Self> {
        self.then(move || Err(error()))
    }

    pub(crate) fn count(&self) -> usize {
        self.arrivals.lock().len()
    }

    pub(crate) fn gaps(&self) -> Vec<Duration> {
        self.arrivals.lock().windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    pub(crate) fn source(self: &Arc<Self>) -> Arc<dyn TokenSource> {
        self.clone()
    }

    /// The same WeChat on another route.
    pub(crate) fn by(self: Arc<Self>, route: RouteId) -> Arc<dyn TokenSource> {
        Arc::new(ByRoute(self, route))
    }
}

struct ByRoute(Arc<Upstream>, RouteId);

impl TokenSource for ByRoute {
    fn endpoint(&self) -> Option<Endpoint> {
        self.0.endpoint()
    }

    fn route(&self) -> RouteId {
        self.1
    }

    fn repeats_tokens(&self) -> bool {
        self.0.repeats_tokens()
    }

    fn works_without_store(&self) -> bool {
        true
    }

    fn timeout(&self) -> Duration {
        self.0.timeout()
    }

    fn fetch<'a>(&'a self, request: TokenRequest<'a>) -> BoxFuture<'a, Result<SourceToken>> {
        self.0.fetch(request)
    }
}

struct DropFlag<'a>(&'a AtomicBool);

impl Drop for DropFlag<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl TokenSource for Upstream {
    fn retries(&self) -> u32 {
        self.retries.load(Ordering::Relaxed)
    }

    fn endpoint(&self) -> Option<Endpoint> {
        Some(Endpoint::StableToken)
    }

    fn repeats_tokens(&self) -> bool {
        self.repeats
    }

    fn works_without_store(&self) -> bool {
        true
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(15)
    }

    fn fetch<'a>(&'a self, request: TokenRequest<'a>) -> BoxFuture<'a, Result<SourceToken>> {
        Box::pin(async move {
            let _drop_flag = DropFlag(&self.was_dropped);
            self.arrivals.lock().push(Instant::now());
            self.forced.fetch_add(usize::from(request.forced), Ordering::Relaxed);
            sleep(Duration::from_millis(150)).await;
            if self.hangs.load(Ordering::Relaxed) {
                (request.on_retry)(unreachable());
                std::future::pending::<()>().await;
            }
            let answer = self.script.lock().pop_front().expect("a line of the script");
            let (value, life) = answer()?;
            Ok(SourceToken { value: value.into(), expires_in: Some(life), refresh_early: true })
        })
    }
}

pub(crate) fn unreachable() -> Error {
    let endpoint = Endpoint::StableToken;
    Error::Network {
        endpoint,
        kind: NetworkErrorKind::Unreachable,
        host: "h".into(),
        proxy: None,
        detail: "refused".into(),
    }
}

pub(crate) fn bad_secret() -> Error {
    let refusal = Refusal { errcode: 40125, errmsg: "invalid appsecret".into(), rid: None, hint: None };
    Error::Api { endpoint: Endpoint::StableToken, refusal, subject: None }
}

pub(crate) fn busy() -> Error {
    let refusal = Refusal { errcode: -1, errmsg: "system error".into(), rid: None, hint: None };
    Error::Api { endpoint: Endpoint::StableToken, refusal, subject: None }
}

/// A store whose lock is held until it is released, and that records its calls.
#[derive(Default)]
pub(crate) struct RecordingStore {
    local: LocalStore,
    owner_of_lock: Mutex<String>,
    pub(crate) steps: Mutex<Vec<&'static str>>,
}

impl TokenStore for RecordingStore {
    fn acquire<'a>(
        &'a self,
        owner: &'a str,
        seen: Option<&'a str>,
        rejected: bool,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Acquired>> {
        self.steps.lock().push("acquire");
        let mut owner_of_lock = self.owner_of_lock.lock();
        if !owner_of_lock.is_empty() && *owner_of_lock != owner {
            return Box::pin(async { Ok(Acquired::Wait(Duration::from_secs(8))) });
        }
        *owner_of_lock = owner.to_owned();
        self.local.acquire(owner, seen, rejected, now)
    }

    fn publish<'a>(
        &'a self,
        owner: &'a str,
        lease: &'a Lease,
        fetched: &'a ReceivedToken,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<ReceivedToken>>> {
        self.steps.lock().push("publish");
        self.local.publish(owner, lease, fetched, now)
    }

    fn release<'a>(
        &'a self,
        owner: &'a str,
        seen: Option<&'a str>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<ReceivedToken>>> {
        self.steps.lock().push("release");
        self.owner_of_lock.lock().clear();
        self.local.release(owner, seen, now)
    }

    fn peek<'a>(&'a self, current: &'a Token, now: Timestamp) -> BoxFuture<'a, Result<StoredToken>> {
        Box::pin(async move {
            self.steps.lock().push("peek");
            sleep(Duration::from_secs(1)).await;
            self.local.peek(current, now).await
        })
    }

    fn take_forced_refresh<'a>(&'a self, owner: &'a str, now: Timestamp) -> BoxFuture<'a, Result<Option<Duration>>> {
        self.local.take_forced_refresh(owner, now)
    }

    fn take_forced_refresh_locally(&self, now: Timestamp) -> Option<Duration> {
        self.local.take_forced_refresh_locally(now)
    }

    fn subscribe(&self, _: Weak<dyn ReconnectListener>) {}

    fn recovered(&self) -> BoxFuture<'_, ()> {
        self.local.recovered()
    }

    fn is_up(&self) -> Option<bool> {
        self.local.is_up()
    }

    fn max_lock_wait(&self) -> Duration {
        Duration::from_secs(9)
    }

    fn max_caller_delay(&self) -> Duration {
        self.local.max_caller_delay()
    }
}
