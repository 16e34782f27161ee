//! A process: a runtime with a separate clock, the crate's token cache, and callers.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, advance, sleep_until, timeout};
use wxacode::clock::Clock;
use wxacode::deadline::Deadline;
use wxacode::error::{Error, TimeoutPhase};
use wxacode::event::EventSource;
use wxacode::keys::{Account, Mode, RedisConfig};
use wxacode::redis::DEFAULT_TIMEOUT;
use wxacode::token::fingerprint::Fingerprinter;
use wxacode::token::redis_store::RedisTokenStore;
use wxacode::token::source::TokenSource;
use wxacode::token::state::{RefreshPolicy, Token};
use wxacode::token::{CacheHandle, TokenCache};
use wxacode::wechat::endpoint::Endpoint;

use crate::client;
use crate::simulation::{Millis, SECRET};
use crate::source::SimulatedSource;
use crate::wire::{Message, Outbox};

/// The default `timeoutMs`.
pub(crate) const CALL: Millis = 10_000;

/// A call of the process.
#[derive(Clone, Debug)]
pub(crate) struct CallRequest {
    pub(crate) call: u64,
    /// Whether it requests another token than the present one.
    pub(crate) forced: bool,
    /// The time after which the caller cancels it.
    pub(crate) aborted: Option<Millis>,
    /// The token that the process served last.
    pub(crate) served: Option<String>,
}

/// The outcome of a call and the times of its parts.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) request: CallRequest,
    pub(crate) begun: Millis,
    pub(crate) ended: Millis,
    pub(crate) waits: Vec<Millis>,
    pub(crate) outcome: Outcome,
}

#[derive(Debug)]
pub(crate) enum Outcome {
    /// The API accepted the token (0) or rejected the last one (its errcode).
    Answered(i64),
    Failed(Error),
    Aborted,
}

impl From<Result<i64, Error>> for Outcome {
    fn from(result: Result<i64, Error>) -> Self {
        result.map_or_else(Self::Failed, Self::Answered)
    }
}

/// What a process did until it paused.
#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) at: Millis,
    pub(crate) messages: Vec<Message>,
    pub(crate) reports: Vec<Report>,
}

pub(crate) struct Process {
    runtime: Runtime,
    start: Instant,
    /// The simulation's time at the start, plus the time that the process was suspended.
    begun: Millis,
    /// Runs with the process's runtime; faults set its wall time.
    clock: Clock,
    outbox: Arc<Outbox>,
    cache: Arc<TokenCache>,
    source: Arc<dyn TokenSource>,
    member: Option<CacheHandle>,
    callers: Vec<Caller>,
}

struct Caller {
    request: CallRequest,
    begun: Millis,
    work: BoxFuture<'static, (Vec<Millis>, Outcome)>,
}

/// The Unix time at which a simulation starts.
const EPOCH: Duration = Duration::from_secs(1_700_000_000);

impl Process {
    pub(crate) fn start(mode: Mode, now: Millis) -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        let entered = runtime.enter();
        let start = Instant::now();
        let clock = Clock::manual(EPOCH + millis(now));
        let outbox = Arc::<Outbox>::default();
        let cache = cache(mode, clock.clone(), &outbox);
        let source = Arc::new(SimulatedSource { mode, outbox: outbox.clone() });
        drop(entered);
        let member = Some(cache.attach());
        Self { runtime, start, begun: now, clock, outbox, cache, source, member, callers: Vec::new() }
    }

    /// Runs until `time`, until it sends a message or until a call completes.
    pub(crate) fn run(&mut self, time: Millis) -> Progress {
        let Self { runtime, start, begun, outbox, callers, .. } = self;
        let mut reports = Vec::new();
        let at = runtime.block_on(tokio::task::unconstrained(async {
            let mut alarm = pin!(sleep_until(*start + millis(time - *begun)));
            std::future::poll_fn(|context| {
                let at = *begun + start.elapsed().as_millis() as Millis;
                reports.extend(poll_callers(callers, context, at));
                match Pin::new(&**outbox).poll(context) {
                    Poll::Pending if reports.is_empty() => alarm.as_mut().poll(context),
                    _ => Poll::Ready(()),
                }
            })
            .await;
            *begun + start.elapsed().as_millis() as Millis
        }));
        Progress { at, messages: self.outbox.take(), reports }
    }

    /// The time of the process, as a time of the simulation.
    pub(crate) fn now(&self) -> Millis {
        let _entered = self.runtime.enter();
        self.begun + self.start.elapsed().as_millis() as Millis
    }

    /// Whether anything can happen without a new call.
    pub(crate) fn is_active(&self) -> bool {
        !self.callers.is_empty() || self.tasks() > 0
    }

    pub(crate) fn tasks(&self) -> usize {
        self.runtime.metrics().num_alive_tasks()
    }

    pub(crate) fn current(&self) -> Option<Token> {
        self.cache.current()
    }

    /// The remaining lifetime of the present token by the clocks of this process.
    pub(crate) fn left(&self) -> Option<Millis> {
        let _entered = self.runtime.enter();
        let token = self.cache.current()?;
        Some(token.expires().left(self.cache.now()).as_millis() as Millis)
    }

    pub(crate) fn call(&mut self, request: CallRequest) {
        let begun = self.now();
        let work = Box::pin(work(self.cache.clone(), self.source.clone(), self.outbox.clone(), request.clone()));
        self.callers.push(Caller { request, begun, work });
    }

    /// Ends a pause at `now`, during which the clock went on. Messages that arrived are read before timers fire.
    pub(crate) fn wake(&mut self, now: Millis) {
        let slept = millis(now - self.now());
        self.runtime.block_on(advance(slept));
    }

    /// Ends a suspension at `now`, during which the monotonic clock stood still.
    pub(crate) fn wake_from_suspend(&mut self, now: Millis) {
        let slept = now - self.now();
        self.begun += slept;
        self.clock.shift_wall(slept as i64);
    }

    pub(crate) fn set_wall_clock(&mut self, by: i64) {
        self.clock.shift_wall(by);
    }

    /// Closes the last client.
    pub(crate) fn leave(&mut self) {
        self.member = None;
    }

    pub(crate) fn rejoin(&mut self) {
        self.member = Some(self.cache.attach());
    }
}

fn cache(mode: Mode, clock: Clock, outbox: &Arc<Outbox>) -> Arc<TokenCache> {
    let secret = SECRET.into();
    let meeting =
        RedisConfig { url: "redis://sim".into(), ca: None, timeout: DEFAULT_TIMEOUT, key_prefix: "wxacode:".into() };
    let account = Account {
        appid: "wx0123456789abcdef".into(),
        mode,
        secret: SECRET.into(),
        bases: vec!["https://api.weixin.qq.com".into()],
        redis: Some(meeting),
    };
    let rules = match mode {
        Mode::Stable => RefreshPolicy::STABLE,
        Mode::Classic => RefreshPolicy::CLASSIC,
    };
    let events = EventSource::new(Arc::default(), account.appid.as_str(), Some(mode.name()));
    let place = account.key_prefix().expect("it has a meeting");
    let store = RedisTokenStore::new(client::client(outbox.clone()), &secret, place, events.clone());
    TokenCache::new(rules.for_fleet(), clock, Arc::new(store), events, Fingerprinter::new(&secret))
}

/// Polls all callers in the order of their calls, so that a seed determines the run.
fn poll_callers(callers: &mut Vec<Caller>, context: &mut Context<'_>, at: Millis) -> Vec<Report> {
    let mut reports = Vec::new();
    callers.retain_mut(|caller| match caller.work.as_mut().poll(context) {
        Poll::Pending => true,
        Poll::Ready((waits, outcome)) => {
            let Caller { request, begun, .. } = caller;
            reports.push(Report { request: request.clone(), begun: *begun, ended: at, waits, outcome });
            false
        }
    });
    reports
}

async fn work(
    cache: Arc<TokenCache>,
    source: Arc<dyn TokenSource>,
    outbox: Arc<Outbox>,
    request: CallRequest,
) -> (Vec<Millis>, Outcome) {
    let mut waits = Vec::new();
    let call = call(&cache, &source, &outbox, request.forced, &mut waits);
    let outcome = match request.aborted {
        None => call.await.into(),
        Some(time) => timeout(millis(time), call).await.map_or(Outcome::Aborted, Outcome::from),
    };
    (waits, outcome)
}

/// The steps of the crate's client: a token, the API, and one replay with another token.
async fn call(
    cache: &Arc<TokenCache>,
    source: &Arc<dyn TokenSource>,
    outbox: &Outbox,
    forced: bool,
    waits: &mut Vec<Millis>,
) -> Result<i64, Error> {
    let deadline = Deadline::new(millis(CALL), Some(Endpoint::GetUnlimitedQrCode));
    let begun = Instant::now();
    let token = match forced {
        false => cache.get(source, &deadline).await,
        true => cache.force(source, &deadline).await,
    };
    waits.push(begun.elapsed().as_millis() as Millis);
    let token = token?;
    let errcode = api(outbox, &token, &deadline).await?;
    if errcode == 0 {
        return Ok(0);
    }
    let begun = Instant::now();
    let other = cache.replace(&token, errcode, source, &deadline).await;
    waits.push(begun.elapsed().as_millis() as Millis);
    match other? {
        Some(other) => api(outbox, &other, &deadline).await,
        None => Ok(errcode),
    }
}

async fn api(outbox: &Outbox, token: &Token, deadline: &Deadline) -> Result<i64, Error> {
    let token = token.expose().to_owned();
    deadline.timeout(TimeoutPhase::Answer, || None, outbox.ask(|reply| Message::Api { token, reply })).await
}

fn millis(time: Millis) -> Duration {
    Duration::from_millis(time)
}
