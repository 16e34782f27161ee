//! The token cache: one token for all callers of the process, fetched once, early, and by nobody in particular.

pub mod clock;
pub mod fingerprint;
pub mod flight;
pub mod redis;
pub mod source;
pub mod state;
pub mod store;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;

use crate::deadline::Deadline;
use crate::error::{Error, ExceededLimit, Result};
use crate::event::{Channel, Event, Voice};
use crate::identity::RouteId;
use crate::link::Guest;
use crate::redact::Secrets;
use crate::seal::random;
use clock::{Clock, Now};
use fingerprint::Prints;
use flight::{Flight, Origin, Watch};
use source::Source;
use state::{Brought, Decision, Errand, Fetched, Order, Rules, State, Token, Verdict};
use store::{Acquired, Seen, Store};

/// The state machine with its flights. Shared by all clients that ask the same WeChat for the same account's token.
pub struct TokenCache {
    clock: Arc<dyn Clock>,
    store: Arc<dyn Store>,
    voice: Voice,
    prints: Prints,
    /// Of all clients that share this cache.
    secrets: Arc<Secrets>,
    inner: Mutex<Inner>,
    refreshes: AtomicU64,
}

struct Inner {
    state: State,
    /// In the air, by number.
    flights: HashMap<u64, Watch>,
    /// Ends them when the last member has gone.
    stop: CancellationToken,
    members: usize,
}

/// What is left to do for a caller once the lock is free again.
enum Step {
    Have(Token),
    /// And compare it with the fleet's.
    Compare(Token),
    /// For the flight that begins with this caller.
    Lead(Watch),
    Join(Watch),
    /// For a flight on another route, no longer than this. If it fails, ask again.
    JoinFor(Duration, Watch),
    /// Then ask again, after this time at the latest.
    After(Option<Duration>, Watch),
    Pause(Duration, Error),
    Fail(Error),
}

impl TokenCache {
    pub fn new(rules: Rules, clock: Arc<dyn Clock>, store: Arc<dyn Store>, voice: Voice, prints: Prints) -> Arc<Self> {
        let inner =
            Inner { state: State::new(rules), flights: HashMap::new(), stop: CancellationToken::new(), members: 0 };
        let (secrets, inner, refreshes) = (Arc::default(), Mutex::new(inner), AtomicU64::new(0));
        let cache = Self { clock, store, voice, prints, secrets, inner, refreshes };
        let cache = Arc::new(cache);
        let guest: Weak<dyn Guest> = Arc::downgrade(&(cache.clone() as Arc<dyn Guest>));
        cache.store.invite(guest);
        cache
    }

    /// A token. While one is valid this never waits.
    pub async fn get(self: &Arc<Self>, source: &Arc<dyn Source>, deadline: &Deadline) -> Result<Token> {
        self.follow(source, deadline, State::ask).await
    }

    /// Another token than the present one, out of the budget of forced refreshes.
    pub async fn force(self: &Arc<Self>, source: &Arc<dyn Source>, deadline: &Deadline) -> Result<Token> {
        self.follow(source, deadline, State::ask_forced).await
    }

    /// An API refused `token`. Gives another one to replay with, or none if there is none to be had now.
    pub async fn replace(
        self: &Arc<Self>,
        token: &Token,
        errcode: i64,
        source: &Arc<dyn Source>,
        deadline: &Deadline,
    ) -> Result<Option<Token>> {
        if self.refused(token.expose(), errcode) == Verdict::Believe {
            return Ok(None);
        }
        let other = self.get(source, deadline).await?;
        Ok(Some(other).filter(|other| !other.is(token)))
    }

    /// An API refused this token; it is given up only if it is the present one.
    pub fn refused(&self, value: &str, errcode: i64) -> Verdict {
        let now = self.clock.now();
        let (verdict, present) = {
            let mut inner = self.inner.lock();
            (inner.state.refused(value, errcode, now), inner.state.present().cloned())
        };
        let ignored = |reason| {
            self.voice.tell(Channel::Token, "token.invalidate_ignored", |event| Event {
                fingerprint: Some(self.prints.of(value)),
                errcode: Some(errcode),
                reason: Some(reason),
                ..event
            });
        };
        match (verdict, &present) {
            (Verdict::GivenUp, Some(token)) => {
                self.tell_token("token.invalidated", token, |event| Event { errcode: Some(errcode), ..event });
            }
            (Verdict::Believe, _) => ignored("cooldown"),
            _ => ignored("already_replaced"),
        }
        verdict
    }

    /// What no answer to a client of this account may show.
    pub fn secrets(&self) -> Arc<Secrets> {
        self.secrets.clone()
    }

    /// The time by this cache's clocks.
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// The token in use and its end, for statistics.
    pub fn present(&self) -> Option<Token> {
        self.inner.lock().state.present().cloned()
    }

    /// Whether the fleet's store answers; `None` without a fleet.
    pub fn store_is_up(&self) -> Option<bool> {
        self.store.is_up()
    }

    fn is_second(&self, flight: u64) -> bool {
        self.inner.lock().state.is_second(flight)
    }

    /// How many tokens this process has fetched.
    pub fn refreshes(&self) -> u64 {
        self.refreshes.load(Ordering::Relaxed)
    }

    /// Whether its token lies in a store that a fleet shares.
    pub fn is_shared(&self) -> bool {
        self.store.is_up().is_some()
    }

    pub fn join(self: &Arc<Self>) -> Member {
        self.inner.lock().members += 1;
        Member(self.clone())
    }

    async fn follow(
        self: &Arc<Self>,
        source: &Arc<dyn Source>,
        deadline: &Deadline,
        ask: fn(&mut State, Now, RouteId) -> Decision,
    ) -> Result<Token> {
        loop {
            let landed = match self.step(source, ask) {
                Step::Have(token) => return Ok(token),
                Step::Compare(token) => {
                    self.compare_beside(token.clone());
                    return Ok(token);
                }
                Step::Lead(flight) => return flight::join(flight, deadline).await,
                Step::Join(flight) => match flight::join(flight, deadline).await {
                    // The flight's time, which began before this call's.
                    Err(timeout @ Error::Timeout { .. }) => Some(Err(timeout)),
                    landed => return landed,
                },
                Step::JoinFor(limit, flight) => match within(Some(limit), flight::join(flight, deadline)).await {
                    Some(Ok(token)) => return Ok(token),
                    failed => failed,
                },
                Step::After(limit, flight) => within(limit, flight::join(flight, deadline)).await,
                Step::Fail(error) => return Err(error),
                Step::Pause(pause, error) if pause >= deadline.left() => return Err(error),
                Step::Pause(pause, _) => {
                    tokio::time::sleep(pause).await;
                    None
                }
            };
            if let Some(Err(error)) = landed
                && deadline.left().is_zero()
            {
                return Err(error);
            }
        }
    }

    fn step(self: &Arc<Self>, source: &Arc<dyn Source>, ask: fn(&mut State, Now, RouteId) -> Decision) -> Step {
        let (step, flight) = self.decide(source, ask);
        // Not under the lock: a runtime that is ending drops a flight at once, and that lands it, under the lock.
        if let Some(flight) = flight {
            self.tell_start(flight.errand(), matches!(step, Step::Have(_)));
            flight.start();
        }
        step
    }

    fn decide(
        self: &Arc<Self>,
        source: &Arc<dyn Source>,
        ask: fn(&mut State, Now, RouteId) -> Decision,
    ) -> (Step, Option<Flight>) {
        let now = self.clock.now();
        let mut inner = self.inner.lock();
        let decision = ask(&mut inner.state, now, source.route());
        let mut prepare = |order: Order| {
            let (number, stop) = (order.flight, inner.stop.clone());
            let (flight, watch) = Flight::new(self, source.clone(), order, stop);
            inner.flights.insert(number, watch);
            flight
        };
        let left = |until: Duration| until.saturating_sub(now.mono);
        let (step, number, flight): (Box<dyn FnOnce(Watch) -> Step>, _, _) = match decision {
            Decision::Serve { token, compare: true, .. } => return (Step::Compare(token), None),
            Decision::Serve { token, refresh, .. } => return (Step::Have(token), refresh.map(prepare)),
            Decision::Pause { at, error } => return (Step::Pause(left(at), error), None),
            Decision::Refuse(error) => return (Step::Fail(error), None),
            Decision::Join { flight, start: Some(order), .. } => (Box::new(Step::Lead), flight, Some(prepare(order))),
            Decision::Join { flight, until: None, .. } => (Box::new(Step::Join), flight, None),
            Decision::Join { flight, until: Some(until), .. } => {
                (Box::new(move |watch| Step::JoinFor(left(until), watch)), flight, None)
            }
            Decision::After { flight, until } => {
                (Box::new(move |watch| Step::After(until.map(left), watch)), flight, None)
            }
        };
        (inner.flights.get(&number).cloned().map_or(Step::Fail(Error::Closed), step), flight)
    }

    fn landed(&self, flight: u64, result: Result<Brought>, origin: Origin, took: Duration) -> Result<Token> {
        let now = self.clock.now();
        let brought = matches!(result, Ok(Brought::Token(_)));
        if brought && origin == Origin::Source {
            self.refreshes.fetch_add(1, Ordering::Relaxed);
        }
        let (outcome, stale) = {
            let mut inner = self.inner.lock();
            inner.flights.remove(&flight);
            let outcome = inner.state.landed(flight, result, now, fastrand::f64());
            (outcome, inner.state.present().filter(|_| inner.state.is_usable(now)).cloned())
        };
        if let Ok(token) = &outcome {
            self.secrets.learn_token(token.expose());
        }
        match &outcome {
            Ok(token) if brought => self.tell_token("refresh.ok", token, |event| Event {
                source: Some(self.source_name(origin)),
                took: Some(took),
                left: Some(token.expires().left(now)),
                ..event
            }),
            Ok(token) => {
                self.tell_token("refresh.ok", token, |event| Event {
                    source: Some("unchanged"),
                    took: Some(took),
                    ..event
                });
            }
            Err(error) => self.tell_failure(error, stale, now, took),
        }
        outcome
    }

    /// Another process' token takes the place of the present one, if it is later.
    fn offer(&self, fetched: Fetched, took: Duration) {
        let adopted = self.inner.lock().state.offer(fetched, fastrand::f64());
        if let Some(token) = adopted {
            self.secrets.learn_token(token.expose());
            self.tell_token("refresh.ok", &token, |event| Event {
                source: Some("redis"),
                took: Some(took),
                left: Some(token.expires().left(self.now())),
                ..event
            });
        }
    }
}

/// What `work` gives, unless it takes longer than this.
async fn within<T>(limit: Option<Duration>, work: impl Future<Output = T>) -> Option<T> {
    match limit {
        Some(limit) => tokio::time::timeout(limit, work).await.ok(),
        None => Some(work.await),
    }
}

/// When a step for the fleet has failed.
const AGAIN: Duration = Duration::from_millis(100);

/// What passes between this process and the fleet.
impl TokenCache {
    /// Adopts what the fleet has, or gives the fleet what it has lost. Nobody waits for it.
    fn compare_beside(self: &Arc<Self>, held: Token) {
        let (cache, stop) = (self.clone(), self.inner.lock().stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = cache.compare(&held) => {}
            }
        });
    }

    async fn compare(&self, held: &Token) {
        let now = self.now();
        let ours = held.as_fetched(now);
        let theirs = match self.store.look(held, now).await {
            Ok(Seen::Token(theirs)) if !self.is_later(&ours, &theirs) => Some(theirs),
            Ok(Seen::Token(_) | Seen::Nothing) => {
                let attempt = random();
                self.patiently(|| self.share(&attempt, &ours)).await.flatten()
            }
            Ok(Seen::Same) | Err(_) => None,
        };
        if let Some(theirs) = theirs {
            self.offer(theirs, self.now().mono.saturating_sub(now.mono));
        }
    }

    /// Whether what the fleet has is to give way. In doubt it stays, so that all come to the same.
    fn is_later(&self, ours: &Fetched, theirs: &Fetched) -> bool {
        ours.outlives(theirs) || self.inner.lock().state.gave_up(theirs)
    }

    /// Does what the fleet is due as soon as the store answers, and again where that failed: others may be waiting for it.
    /// In the end locks end by themselves, and a later comparison shares the token.
    async fn patiently<T, Step: Future<Output = Result<T>>>(&self, step: impl Fn() -> Step) -> Option<T> {
        let done = async {
            loop {
                self.store.recovered().await;
                if let Ok(done) = step().await {
                    return done;
                }
                tokio::time::sleep(AGAIN).await;
            }
        };
        tokio::time::timeout(self.store.patience(), done).await.ok()
    }

    /// Puts a token where none or an older one is, or gives the one that stands there.
    async fn share(&self, attempt: &str, ours: &Fetched) -> Result<Option<Fetched>> {
        let now = self.now();
        let mut acquired = self.store.acquire(attempt, None, false, now).await?;
        if let Acquired::Token(theirs) = &acquired {
            if theirs.value.expose_secret() == ours.value.expose_secret() {
                return Ok(None);
            }
            if !self.is_later(ours, theirs) {
                return Ok(Some(theirs.clone()));
            }
            // Asking for another one than what stands there gives the right to replace it.
            acquired = self.store.acquire(attempt, Some(theirs.value.expose_secret()), false, now).await?;
        }
        match acquired {
            Acquired::Lead(lease) => self.store.publish(attempt, &lease, ours, now).await,
            Acquired::Token(_) | Acquired::Wait(_) | Acquired::Stands => Ok(None),
        }
    }
}

/// The store may have come back empty, and whoever is new would fetch what is here.
impl Guest for TokenCache {
    fn store_is_back(self: Arc<Self>) {
        let now = self.now();
        let held = {
            let inner = self.inner.lock();
            inner.state.present().filter(|_| inner.members > 0 && inner.state.is_usable(now)).cloned()
        };
        if let Some(held) = held {
            self.compare_beside(held);
        }
    }
}

/// What is told.
impl TokenCache {
    fn source_name(&self, origin: Origin) -> &'static str {
        match (origin, self.voice.mode) {
            (Origin::Fleet, _) => "redis",
            (Origin::Source, Some("provider")) => "provider",
            (Origin::Source, _) => "wechat",
        }
    }

    fn tell_token(&self, name: &'static str, token: &Token, fill: impl FnOnce(Event) -> Event) {
        self.voice.tell(Channel::Token, name, |event| {
            let fingerprint = Some(self.prints.of(token.expose()));
            fill(Event { generation: Some(token.generation()), fingerprint, ..event })
        });
    }

    fn tell_start(&self, errand: &Errand, serving: bool) {
        let (held, reason) = match errand {
            Errand::Forced { held } => (held, "forced"),
            Errand::Ordinary { held, refused: Some(_) } => (held, "rejected"),
            Errand::Ordinary { held: None, .. } => (&None, "missing"),
            Errand::Ordinary { held, .. } => (held, if serving { "expiring" } else { "expired" }),
        };
        match held {
            Some(held) => self.tell_token("refresh.start", held, |event| Event { reason: Some(reason), ..event }),
            None => self.voice.tell(Channel::Token, "refresh.start", |event| Event { reason: Some(reason), ..event }),
        }
    }

    fn tell_failure(&self, error: &Error, stale: Option<Token>, now: Now, took: Duration) {
        if let Error::Closed = error {
            return;
        }
        let failure = |event| Event { error: Some(error.clone()), took: Some(took), ..event };
        self.voice.tell(Channel::Token, "refresh.error", failure);
        if let Some(token) = stale {
            let left = Some(token.expires().left(now));
            self.tell_token("token.served_stale", &token, |event| Event { error: Some(error.clone()), left, ..event });
        }
    }

    fn tell_forced_exhausted(&self, wait: Duration) {
        let exhausted =
            |event| Event { reason: Some(ExceededLimit::ForcedRefresh.name()), retry_after: Some(wait), ..event };
        self.voice.tell(Channel::Token, "rate_limit.exceeded", exhausted);
    }

    /// A token ended before its time, WeChat has another one, and nobody here asked for that.
    fn tell_changed_elsewhere(&self, token: &Token, errcode: i64) {
        let message = if self.voice.mode == Some("classic") { MAYBE_ELSEWHERE } else { CHANGED_ELSEWHERE };
        self.tell_token("token.replaced_externally", token, |event| Event {
            errcode: Some(errcode),
            message: Some(message.to_owned()),
            ..event
        });
    }
}

/// Every classic request makes another token, so that WeChat's answer does not show who was first.
const MAYBE_ELSEWHERE: &str = "most likely another system shares this appid: WeChat refused the access token before its \
    time and nobody here had asked for another. Let every system use token 'stable', or give each environment an appid of \
    its own. | 很可能另有系统在使用同一个 appid：令牌提前失效，而这里没有换过。请都改用 stable_token，或每个环境使用各自的 appid。";

const CHANGED_ELSEWHERE: &str = "another system shares this appid: WeChat replaced the access token before its time and \
    nobody here asked for it. Let it use token 'stable' too, or give every environment an appid of its own. | \
    另有系统在使用同一个 appid：令牌提前被换掉，而不是这里换的。请让它也用 stable_token，或每个环境使用各自的 appid。";

/// A client that uses the cache. When the last one goes, its refresh ends; the token stays for the next one.
pub struct Member(Arc<TokenCache>);

impl std::ops::Deref for Member {
    type Target = Arc<TokenCache>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut inner = self.0.inner.lock();
        inner.members -= 1;
        if inner.members == 0 {
            // Forgotten at once: whoever comes next starts a flight of its own and does not join a dying one.
            inner.flights.clear();
            inner.state.forget_flights();
            let stop = std::mem::take(&mut inner.stop);
            drop(inner);
            stop.cancel();
        }
    }
}

#[cfg(test)]
mod tests;
