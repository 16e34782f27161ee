//! A process: a runtime with a separate clock, the crate's token cache, and callers.

use std::sync::Arc;

use tokio::time::{Instant, timeout};
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
use crate::machine::{Ended, Machine, Progress, millis};
use crate::simulation::{Millis, SECRET};
use crate::source::SimulatedSource;
use crate::wire::{Message, TokenOutbox};

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

/// The end of a call, before its times are known.
pub(crate) type CallEnd = (CallRequest, Vec<Millis>, Outcome);

impl From<Ended<CallEnd>> for Report {
    fn from(Ended { begun, ended, result: (request, waits, outcome) }: Ended<CallEnd>) -> Self {
        Self { request, begun, ended, waits, outcome }
    }
}

pub(crate) struct Process {
    machine: Machine<Message, CallEnd>,
    cache: Arc<TokenCache>,
    source: Arc<dyn TokenSource>,
    member: Option<CacheHandle>,
}

impl Process {
    pub(crate) fn start(mode: Mode, now: Millis) -> Self {
        let machine = Machine::new(now);
        let (clock, outbox) = (machine.clock.clone(), machine.outbox.clone());
        let cache = machine.enter(|| cache(mode, clock, &outbox));
        let member = Some(cache.attach());
        Self { machine, cache, source: Arc::new(SimulatedSource { mode, outbox }), member }
    }

    /// Runs until `time`, until it sends a message or until a call completes.
    pub(crate) fn run(&mut self, time: Millis) -> Progress<Message, CallEnd> {
        self.machine.run(time)
    }

    /// Whether anything can happen without a new call.
    pub(crate) fn is_active(&self) -> bool {
        self.machine.is_active()
    }

    pub(crate) fn tasks(&self) -> usize {
        self.machine.tasks()
    }

    pub(crate) fn current(&self) -> Option<Token> {
        self.cache.current()
    }

    /// The remaining lifetime of the present token by the clocks of this process.
    pub(crate) fn left(&self) -> Option<Millis> {
        self.machine.enter(|| {
            let token = self.cache.current()?;
            Some(token.expires().left(self.cache.now()).as_millis() as Millis)
        })
    }

    pub(crate) fn call(&mut self, request: CallRequest) {
        let (cache, source, outbox) = (self.cache.clone(), self.source.clone(), self.machine.outbox.clone());
        self.machine.call(Box::pin(work(cache, source, outbox, request)));
    }

    /// Ends a pause at `now`, during which the clock went on.
    pub(crate) fn wake(&mut self, now: Millis) {
        self.machine.wake(now);
    }

    /// Ends a suspension at `now`, during which the monotonic clock stood still.
    pub(crate) fn wake_from_suspend(&mut self, now: Millis) {
        self.machine.wake_from_suspend(now);
    }

    pub(crate) fn set_wall_clock(&mut self, by: i64) {
        self.machine.clock.shift_wall(by);
    }

    /// Closes the last client.
    pub(crate) fn leave(&mut self) {
        self.member = None;
    }

    pub(crate) fn rejoin(&mut self) {
        self.member = Some(self.cache.attach());
    }
}

fn cache(mode: Mode, clock: Clock, outbox: &Arc<TokenOutbox>) -> Arc<TokenCache> {
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

async fn work(
    cache: Arc<TokenCache>,
    source: Arc<dyn TokenSource>,
    outbox: Arc<TokenOutbox>,
    request: CallRequest,
) -> CallEnd {
    let mut waits = Vec::new();
    let call = call(&cache, &source, &outbox, request.forced, &mut waits);
    let outcome = match request.aborted {
        None => call.await.into(),
        Some(time) => timeout(millis(time), call).await.map_or(Outcome::Aborted, Outcome::from),
    };
    (request, waits, outcome)
}

/// The steps of the crate's client: a token, the API, and one replay with another token.
async fn call(
    cache: &Arc<TokenCache>,
    source: &Arc<dyn TokenSource>,
    outbox: &TokenOutbox,
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

async fn api(outbox: &TokenOutbox, token: &Token, deadline: &Deadline) -> Result<i64, Error> {
    let token = token.expose().to_owned();
    deadline.timeout(TimeoutPhase::Answer, || None, outbox.ask(|reply| Message::Api { token, reply })).await
}
