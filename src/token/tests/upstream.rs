//! What the tests of the cache stand on: a clock that is moved, and a WeChat with a script.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

use crate::error::{Error, Result, Trouble};
use crate::identity::RouteId;
use crate::token::clock::{Clock, Now};
use crate::token::source::{Ask, Given, Source};
use crate::wechat::answer::Refusal;
use crate::wechat::endpoint::Endpoint;

/// Moves with tokio's paused clock; the wall jumps as told.
pub struct TestClock {
    pub start: Instant,
    pub jump: AtomicU64,
}

impl Clock for TestClock {
    fn now(&self) -> Now {
        let mono = self.start.elapsed();
        Now { mono, wall: mono + Duration::from_secs(1_000_000 + self.jump.load(Ordering::Relaxed)) }
    }
}

type Answer = Box<dyn FnOnce() -> Result<(&'static str, i64)> + Send>;

/// A WeChat that takes 150 ms and answers from a script, its last line for ever.
pub struct Upstream {
    script: Mutex<VecDeque<Answer>>,
    arrivals: Mutex<Vec<Instant>>,
    pub forced: AtomicUsize,
    pub left: AtomicBool,
    pub hangs: AtomicBool,
    repeats: bool,
}

impl Upstream {
    pub fn new(repeats: bool) -> Arc<Self> {
        Arc::new(Self {
            script: Mutex::default(),
            arrivals: Mutex::default(),
            forced: AtomicUsize::new(0),
            left: AtomicBool::new(false),
            hangs: AtomicBool::new(false),
            repeats,
        })
    }

    pub fn then(self: Arc<Self>, answer: impl FnOnce() -> Result<(&'static str, i64)> + Send + 'static) -> Arc<Self> {
        self.script.lock().push_back(Box::new(answer));
        self
    }

    pub fn gives(self: Arc<Self>, token: &'static str) -> Arc<Self> {
        self.then(move || Ok((token, 7200)))
    }

    pub fn fails(self: Arc<Self>, error: fn() -> Error) -> Arc<Self> {
        self.then(move || Err(error()))
    }

    pub fn count(&self) -> usize {
        self.arrivals.lock().len()
    }

    pub fn gaps(&self) -> Vec<Duration> {
        self.arrivals.lock().windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    pub fn source(self: &Arc<Self>) -> Arc<dyn Source> {
        self.clone()
    }

    /// The same WeChat by another way.
    pub fn by(self: Arc<Self>, route: RouteId) -> Arc<dyn Source> {
        Arc::new(ByRoute(self, route))
    }
}

struct ByRoute(Arc<Upstream>, RouteId);

impl Source for ByRoute {
    fn endpoint(&self) -> Option<Endpoint> {
        self.0.endpoint()
    }

    fn route(&self) -> RouteId {
        self.1
    }

    fn may_repeat(&self) -> bool {
        self.0.may_repeat()
    }

    fn may_go_alone(&self) -> bool {
        true
    }

    fn limit(&self) -> Duration {
        self.0.limit()
    }

    fn fetch<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Result<Given>> {
        self.0.fetch(ask)
    }
}

struct Leaving<'a>(&'a AtomicBool);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Source for Upstream {
    fn endpoint(&self) -> Option<Endpoint> {
        Some(Endpoint::StableToken)
    }

    fn may_repeat(&self) -> bool {
        self.repeats
    }

    fn may_go_alone(&self) -> bool {
        true
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(15)
    }

    fn fetch<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Result<Given>> {
        Box::pin(async move {
            let _leaving = Leaving(&self.left);
            self.arrivals.lock().push(Instant::now());
            self.forced.fetch_add(usize::from(ask.forced), Ordering::Relaxed);
            sleep(Duration::from_millis(150)).await;
            if self.hangs.load(Ordering::Relaxed) {
                (ask.report)(unreachable());
                std::future::pending::<()>().await;
            }
            let answer = self.script.lock().pop_front().expect("a line of the script");
            let (value, life) = answer()?;
            Ok(Given { value: value.into(), expires_in: Some(life), ahead: true })
        })
    }
}

pub fn unreachable() -> Error {
    let endpoint = Endpoint::StableToken;
    Error::Network { endpoint, trouble: Trouble::Unreachable, host: "h".into(), proxy: None, detail: "refused".into() }
}

pub fn bad_secret() -> Error {
    let refusal = Refusal { errcode: 40125, errmsg: "invalid appsecret".into(), rid: None, hint: None };
    Error::Api { endpoint: Endpoint::StableToken, refusal }
}
