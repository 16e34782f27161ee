//! The token cache: one token for all callers of the process, fetched once, early, and by nobody in particular.

pub mod clock;
pub mod fingerprint;
pub mod redis_store;
pub mod refresh;
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
use crate::event::{Channel, Event, EventSource};
use crate::identity::RouteId;
use crate::redact::Secrets;
use crate::redis::ReconnectListener;
use crate::seal::random;
use clock::{Clock, Now};
use fingerprint::Fingerprinter;
use refresh::{Origin, Refresh, Watch};
use source::TokenSource;
use state::{
    Decision, FetchedToken, Invalidation, RefreshKind, RefreshOutcome, RefreshPolicy, RefreshRequest, State, Token,
};
use store::{Acquired, StoredToken, TokenStore};

/// The state machine with its in_flight. Shared by all clients that ask the same WeChat for the same account's token.
pub struct TokenCache {
    clock: Arc<dyn Clock>,
    store: Arc<dyn TokenStore>,
    events: EventSource,
    fingerprinter: Fingerprinter,
    /// Of all clients that share this cache.
    secrets: Arc<Secrets>,
    inner: Mutex<Inner>,
    refreshes: AtomicU64,
}

struct Inner {
    state: State,
    /// In the air, by number.
    in_flight: HashMap<u64, Watch>,
    /// Ends them when the last member has gone.
    stop: CancellationToken,
    handles: usize,
}

/// What is left to do for a caller once the lock is free again.
enum NextAction {
    Have(Token),
    /// And compare it with the fleet's.
    Compare(Token),
    /// For the refresh that begins with this caller.
    Lead(Watch),
    Join(Watch),
    /// For a refresh on another route, no longer than this. If it fails, ask again.
    JoinFor(Duration, Watch),
    /// Then ask again, after this time at the latest.
    After(Option<Duration>, Watch),
    Pause(Duration, Error),
    Fail(Error),
}

impl TokenCache {
    pub fn new(
        policy: RefreshPolicy,
        clock: Arc<dyn Clock>,
        store: Arc<dyn TokenStore>,
        events: EventSource,
        fingerprinter: Fingerprinter,
    ) -> Arc<Self> {
        let inner =
            Inner { state: State::new(policy), in_flight: HashMap::new(), stop: CancellationToken::new(), handles: 0 };
        let (secrets, inner, refreshes) = (Arc::default(), Mutex::new(inner), AtomicU64::new(0));
        let cache = Self { clock, store, events, fingerprinter, secrets, inner, refreshes };
        let cache = Arc::new(cache);
        let guest: Weak<dyn ReconnectListener> = Arc::downgrade(&(cache.clone() as Arc<dyn ReconnectListener>));
        cache.store.subscribe(guest);
        cache
    }

    /// A token. While one is valid this never waits.
    pub async fn get(self: &Arc<Self>, source: &Arc<dyn TokenSource>, deadline: &Deadline) -> Result<Token> {
        self.obtain(source, deadline, State::on_request).await
    }

    /// Another token than the present one, out of the budget of forced refreshes.
    pub async fn force(self: &Arc<Self>, source: &Arc<dyn TokenSource>, deadline: &Deadline) -> Result<Token> {
        self.obtain(source, deadline, State::on_forced_request).await
    }

    /// An API refused `token`. Gives another one to replay with, or none if there is none to be had now.
    pub async fn replace(
        self: &Arc<Self>,
        token: &Token,
        errcode: i64,
        source: &Arc<dyn TokenSource>,
        deadline: &Deadline,
    ) -> Result<Option<Token>> {
        if self.invalidate(token.expose(), errcode) == Invalidation::Suppressed {
            return Ok(None);
        }
        let other = self.get(source, deadline).await?;
        Ok(Some(other).filter(|other| !other.is(token)))
    }

    /// An API refused this token; it is given up only if it is the present one.
    pub fn invalidate(&self, value: &str, errcode: i64) -> Invalidation {
        let now = self.clock.now();
        let (verdict, present) = {
            let mut inner = self.inner.lock();
            (inner.state.on_refused(value, errcode, now), inner.state.present().cloned())
        };
        let ignored = |reason| {
            self.events.emit(Channel::Token, "token.invalidate_ignored", |event| Event {
                fingerprint: Some(self.fingerprinter.of(value)),
                errcode: Some(errcode),
                reason: Some(reason),
                ..event
            });
        };
        match (verdict, &present) {
            (Invalidation::Invalidated, Some(token)) => {
                self.emit_token("token.invalidated", token, |event| Event { errcode: Some(errcode), ..event });
            }
            (Invalidation::Suppressed, _) => ignored("cooldown"),
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

    fn overlaps_older_refresh(&self, refresh: u64) -> bool {
        self.inner.lock().state.overlaps_older_refresh(refresh)
    }

    /// How many tokens this process has fetched.
    pub fn refreshes(&self) -> u64 {
        self.refreshes.load(Ordering::Relaxed)
    }

    /// Whether its token lies in a store that a fleet shares.
    pub fn is_shared(&self) -> bool {
        self.store.is_up().is_some()
    }

    pub fn attach(self: &Arc<Self>) -> CacheHandle {
        self.inner.lock().handles += 1;
        CacheHandle(self.clone())
    }

    async fn obtain(
        self: &Arc<Self>,
        source: &Arc<dyn TokenSource>,
        deadline: &Deadline,
        ask: fn(&mut State, Now, RouteId) -> Decision,
    ) -> Result<Token> {
        loop {
            let landed = match self.next_action(source, ask) {
                NextAction::Have(token) => return Ok(token),
                NextAction::Compare(token) => {
                    self.compare_in_background(token.clone());
                    return Ok(token);
                }
                NextAction::Lead(refresh) => return refresh::join(refresh, deadline).await,
                NextAction::Join(refresh) => match refresh::join(refresh, deadline).await {
                    // The refresh's time, which began before this call's.
                    Err(timeout @ Error::Timeout { .. }) => Some(Err(timeout)),
                    landed => return landed,
                },
                NextAction::JoinFor(limit, refresh) => {
                    match within(Some(limit), refresh::join(refresh, deadline)).await {
                        Some(Ok(token)) => return Ok(token),
                        failed => failed,
                    }
                }
                NextAction::After(limit, refresh) => within(limit, refresh::join(refresh, deadline)).await,
                NextAction::Fail(error) => return Err(error),
                NextAction::Pause(pause, error) if pause >= deadline.left() => return Err(error),
                NextAction::Pause(pause, _) => {
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

    fn next_action(
        self: &Arc<Self>,
        source: &Arc<dyn TokenSource>,
        ask: fn(&mut State, Now, RouteId) -> Decision,
    ) -> NextAction {
        let (step, refresh) = self.decide(source, ask);
        // Not under the lock: a runtime that is ending drops a refresh at once, and that lands it, under the lock.
        if let Some(refresh) = refresh {
            self.emit_start(refresh.kind(), matches!(step, NextAction::Have(_)));
            refresh.start();
        }
        step
    }

    fn decide(
        self: &Arc<Self>,
        source: &Arc<dyn TokenSource>,
        ask: fn(&mut State, Now, RouteId) -> Decision,
    ) -> (NextAction, Option<Refresh>) {
        let now = self.clock.now();
        let mut inner = self.inner.lock();
        let decision = ask(&mut inner.state, now, source.route());
        let mut prepare = |request: RefreshRequest| {
            let (number, stop) = (request.id, inner.stop.clone());
            let (refresh, watch) = Refresh::new(self, source.clone(), request, stop);
            inner.in_flight.insert(number, watch);
            refresh
        };
        let left = |until: Duration| until.saturating_sub(now.mono);
        let (step, number, refresh): (Box<dyn FnOnce(Watch) -> NextAction>, _, _) = match decision {
            Decision::Serve { token, compare: true, .. } => return (NextAction::Compare(token), None),
            Decision::Serve { token, refresh, .. } => return (NextAction::Have(token), refresh.map(prepare)),
            Decision::Backoff { at, error } => return (NextAction::Pause(left(at), error), None),
            Decision::Fail(error) => return (NextAction::Fail(error), None),
            Decision::Join { refresh, start: Some(order), .. } => {
                (Box::new(NextAction::Lead), refresh, Some(prepare(order)))
            }
            Decision::Join { refresh, until: None, .. } => (Box::new(NextAction::Join), refresh, None),
            Decision::Join { refresh, until: Some(until), .. } => {
                (Box::new(move |watch| NextAction::JoinFor(left(until), watch)), refresh, None)
            }
            Decision::RetryAfterRefresh { refresh, until } => {
                (Box::new(move |watch| NextAction::After(until.map(left), watch)), refresh, None)
            }
        };
        (inner.in_flight.get(&number).cloned().map_or(NextAction::Fail(Error::Closed), step), refresh)
    }

    fn finish_refresh(
        &self,
        refresh: u64,
        result: Result<RefreshOutcome>,
        origin: Origin,
        took: Duration,
    ) -> Result<Token> {
        let now = self.clock.now();
        let brought = matches!(result, Ok(RefreshOutcome::Token(_)));
        if brought && origin == Origin::Source {
            self.refreshes.fetch_add(1, Ordering::Relaxed);
        }
        let (outcome, stale) = {
            let mut inner = self.inner.lock();
            inner.in_flight.remove(&refresh);
            let outcome = inner.state.on_refresh_done(refresh, result, now, fastrand::f64());
            (outcome, inner.state.present().filter(|_| inner.state.is_usable(now)).cloned())
        };
        if let Ok(token) = &outcome {
            self.secrets.learn_token(token.expose());
        }
        match &outcome {
            Ok(token) if brought => self.emit_token("refresh.ok", token, |event| Event {
                source: Some(self.source_name(origin)),
                took: Some(took),
                left: Some(token.expires().left(now)),
                ..event
            }),
            Ok(token) => {
                self.emit_token("refresh.ok", token, |event| Event {
                    source: Some("unchanged"),
                    took: Some(took),
                    ..event
                });
            }
            Err(error) => self.emit_failure(error, stale, now, took),
        }
        outcome
    }

    /// Another process' token takes the place of the present one, if it is later.
    fn offer(&self, fetched: FetchedToken, took: Duration) {
        let adopted = self.inner.lock().state.offer(fetched, fastrand::f64());
        if let Some(token) = adopted {
            self.secrets.learn_token(token.expose());
            self.emit_token("refresh.ok", &token, |event| Event {
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
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// What passes between this process and the fleet.
impl TokenCache {
    /// Adopts what the fleet has, or gives the fleet what it has lost. Nobody waits for it.
    fn compare_in_background(self: &Arc<Self>, held: Token) {
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
        let theirs = match self.store.peek(held, now).await {
            Ok(StoredToken::Token(theirs)) if !self.supersedes(&ours, &theirs) => Some(theirs),
            Ok(StoredToken::Token(_) | StoredToken::Missing) => {
                let attempt = random();
                self.retry_until_stored(|| self.share(&attempt, &ours)).await.flatten()
            }
            Ok(StoredToken::Same) | Err(_) => None,
        };
        if let Some(theirs) = theirs {
            self.offer(theirs, self.now().mono.saturating_sub(now.mono));
        }
    }

    /// Whether what the fleet has is to give way. In doubt it stays, so that all come to the same.
    fn supersedes(&self, ours: &FetchedToken, theirs: &FetchedToken) -> bool {
        ours.expires_after(theirs) || self.inner.lock().state.was_rejected(theirs)
    }

    /// Does what the fleet is due as soon as the store answers, and again where that failed: others may be waiting for it.
    /// In the end locks end by themselves, and a later comparison shares the token.
    async fn retry_until_stored<T, NextAction: Future<Output = Result<T>>>(
        &self,
        step: impl Fn() -> NextAction,
    ) -> Option<T> {
        let done = async {
            loop {
                self.store.recovered().await;
                if let Ok(done) = step().await {
                    return done;
                }
                tokio::time::sleep(RETRY_DELAY).await;
            }
        };
        tokio::time::timeout(self.store.max_lock_wait(), done).await.ok()
    }

    /// Puts a token where none or an older one is, or gives the one that stands there.
    async fn share(&self, attempt: &str, ours: &FetchedToken) -> Result<Option<FetchedToken>> {
        let now = self.now();
        let mut acquired = self.store.acquire(attempt, None, false, now).await?;
        if let Acquired::Token(theirs) = &acquired {
            if theirs.value.expose_secret() == ours.value.expose_secret() {
                return Ok(None);
            }
            if !self.supersedes(ours, theirs) {
                return Ok(Some(theirs.clone()));
            }
            // Asking for another one than what stands there gives the right to replace it.
            acquired = self.store.acquire(attempt, Some(theirs.value.expose_secret()), false, now).await?;
        }
        match acquired {
            Acquired::Lead(lease) => self.store.publish(attempt, &lease, ours, now).await,
            Acquired::Token(_) | Acquired::Wait(_) | Acquired::Unchanged => Ok(None),
        }
    }
}

/// The store may have come back empty, and whoever is new would fetch what is here.
impl ReconnectListener for TokenCache {
    fn on_reconnect(self: Arc<Self>) {
        let now = self.now();
        let held = {
            let inner = self.inner.lock();
            inner.state.present().filter(|_| inner.handles > 0 && inner.state.is_usable(now)).cloned()
        };
        if let Some(held) = held {
            self.compare_in_background(held);
        }
    }
}

/// What is told.
impl TokenCache {
    fn source_name(&self, origin: Origin) -> &'static str {
        match (origin, self.events.mode) {
            (Origin::Fleet, _) => "redis",
            (Origin::Source, Some("provider")) => "provider",
            (Origin::Source, _) => "wechat",
        }
    }

    fn emit_token(&self, name: &'static str, token: &Token, fill: impl FnOnce(Event) -> Event) {
        self.events.emit(Channel::Token, name, |event| {
            let fingerprint = Some(self.fingerprinter.of(token.expose()));
            fill(Event { generation: Some(token.generation()), fingerprint, ..event })
        });
    }

    fn emit_start(&self, kind: &RefreshKind, serving: bool) {
        let (held, reason) = match kind {
            RefreshKind::Forced { held } => (held, "forced"),
            RefreshKind::Ordinary { held, refused: Some(_) } => (held, "rejected"),
            RefreshKind::Ordinary { held: None, .. } => (&None, "missing"),
            RefreshKind::Ordinary { held, .. } => (held, if serving { "expiring" } else { "expired" }),
        };
        match held {
            Some(held) => self.emit_token("refresh.start", held, |event| Event { reason: Some(reason), ..event }),
            None => self.events.emit(Channel::Token, "refresh.start", |event| Event { reason: Some(reason), ..event }),
        }
    }

    fn emit_failure(&self, error: &Error, stale: Option<Token>, now: Now, took: Duration) {
        if let Error::Closed = error {
            return;
        }
        let failure = |event| Event { error: Some(error.clone()), took: Some(took), ..event };
        self.events.emit(Channel::Token, "refresh.error", failure);
        if let Some(token) = stale {
            let left = Some(token.expires().left(now));
            self.emit_token("token.served_stale", &token, |event| Event { error: Some(error.clone()), left, ..event });
        }
    }

    fn emit_forced_exhausted(&self, wait: Duration) {
        let exhausted =
            |event| Event { reason: Some(ExceededLimit::ForcedRefresh.name()), retry_after: Some(wait), ..event };
        self.events.emit(Channel::Token, "rate_limit.exceeded", exhausted);
    }

    /// A token ended before its time, WeChat has another one, and nobody here asked for that.
    fn emit_changed_elsewhere(&self, token: &Token, errcode: i64) {
        let message = if self.events.mode == Some("classic") { MAYBE_ELSEWHERE } else { CHANGED_ELSEWHERE };
        self.emit_token("token.replaced_externally", token, |event| Event {
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
pub struct CacheHandle(Arc<TokenCache>);

impl std::ops::Deref for CacheHandle {
    type Target = Arc<TokenCache>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Drop for CacheHandle {
    fn drop(&mut self) {
        let mut inner = self.0.inner.lock();
        inner.handles -= 1;
        if inner.handles == 0 {
            // Forgotten at once: whoever comes next starts a refresh of its own and does not join a dying one.
            inner.in_flight.clear();
            inner.state.forget_refreshes();
            let stop = std::mem::take(&mut inner.stop);
            drop(inner);
            stop.cancel();
        }
    }
}

#[cfg(test)]
mod tests;
