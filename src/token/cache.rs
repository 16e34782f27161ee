//! The token cache of one account: all callers of the process share one token, and one background task refreshes it before
//! it expires.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Either;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::fingerprint::Fingerprinter;
use super::progress::{self, ProgressReceiver};
use super::refresh::{Origin, Refresh};
use super::source::TokenSource;
use super::state::{
    Decision, Invalidation, ReceivedToken, RefreshOutcome, RefreshPolicy, RefreshRequest, State, Token,
};
use super::store::TokenStore;
use super::sync::Comparison;
use crate::clock::{Clock, Timestamp};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::event::{EventSource, TokenEvent};
use crate::keys::RouteId;
use crate::redact::Secrets;
use crate::redis::ReconnectListener;

/// The token of one account, for all clients of this process that agree on the [`Account`](crate::keys::Account).
pub struct TokenCache {
    pub(super) clock: Clock,
    pub(super) store: Arc<dyn TokenStore>,
    pub(super) events: EventSource,
    pub(super) fingerprinter: Arc<Fingerprinter>,
    /// Of all clients that share this cache.
    pub(super) secrets: Arc<Secrets>,
    pub(super) inner: Mutex<Inner>,
    refreshes: AtomicU64,
}

/// What changes, behind one lock that no call holds while it waits.
pub(super) struct Inner {
    pub(super) state: State,
    /// The refreshes that run, by id.
    in_flight: HashMap<u64, ProgressReceiver>,
    pub(super) comparison: Comparison,
    /// Cancels refreshes and the comparison when the last handle is dropped.
    pub(super) stop: CancellationToken,
    handles: usize,
}

/// What a caller does next, once the lock is free again.
enum NextAction {
    /// Returns the token.
    Serve(Token),
    /// Returns the token, and has it compared with the store.
    ServeAndCompare(Token),
    /// Waits for the refresh that this caller has started.
    Started(ProgressReceiver),
    /// Waits for a refresh that runs already.
    Join(ProgressReceiver),
    /// Waits for a refresh on another route, no longer than this, and decides again if it fails.
    JoinFor(Duration, ProgressReceiver),
    /// Waits for a refresh to end, or for this time, and decides again.
    RetryAfter(Option<Duration>, ProgressReceiver),
    /// Waits and decides again, or fails with the error if its deadline comes first.
    Backoff(Duration, Error),
    Fail(Error),
}

impl TokenCache {
    /// An empty cache. It compares its token with `store` whenever that has reconnected.
    pub fn new(
        policy: RefreshPolicy,
        clock: Clock,
        store: Arc<dyn TokenStore>,
        events: EventSource,
        fingerprinter: impl Into<Arc<Fingerprinter>>,
    ) -> Arc<Self> {
        let inner = Inner {
            state: State::new(policy),
            in_flight: HashMap::new(),
            comparison: Comparison::Idle,
            stop: CancellationToken::new(),
            handles: 0,
        };
        let fingerprinter = fingerprinter.into();
        let (secrets, inner, refreshes) = (Arc::default(), Mutex::new(inner), AtomicU64::new(0));
        let cache = Self { clock, store, events, fingerprinter, secrets, inner, refreshes };
        let cache = Arc::new(cache);
        let listener: Weak<dyn ReconnectListener> = Arc::downgrade(&(cache.clone() as Arc<dyn ReconnectListener>));
        cache.store.subscribe(listener);
        cache
    }

    /// Returns a token. Does not wait while the current one is valid.
    ///
    /// # Errors
    ///
    /// What the refresh failed with, of this call or of a moment ago, or [`Error::Timeout`] at the deadline.
    pub async fn get(self: &Arc<Self>, source: &Arc<dyn TokenSource>, deadline: &Deadline) -> Result<Token> {
        self.obtain(source, deadline, State::on_request).await
    }

    /// Returns another token than the current one. Takes one of the forced refreshes of the day.
    ///
    /// # Errors
    ///
    /// As `get`, and [`Error::RateLimit`] when the forced refreshes of the day are used up or the last one was within 30 seconds.
    pub async fn force(self: &Arc<Self>, source: &Arc<dyn TokenSource>, deadline: &Deadline) -> Result<Token> {
        self.obtain(source, deadline, State::on_forced_request).await
    }

    /// Invalidates a token that an API rejected. Returns another one to repeat the request with, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// As `get`.
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

    /// Invalidates a token that an API rejected, if it is the current one.
    pub(crate) fn invalidate(&self, value: &str, errcode: i64) -> Invalidation {
        let now = self.clock.now();
        let (verdict, current) = {
            let mut inner = self.inner.lock();
            (inner.state.on_rejected(value, errcode, now), inner.state.current().cloned())
        };
        let ignored = |reason| {
            self.events.token(|| TokenEvent::InvalidateIgnored {
                reason,
                fingerprint: self.fingerprinter.of(value),
                errcode,
            });
        };
        match (verdict, &current) {
            (Invalidation::Invalidated, Some(token)) => {
                self.events.token(|| TokenEvent::Invalidated { token: self.label(token), errcode });
            }
            (Invalidation::Suppressed, _) => ignored("cooldown"),
            _ => ignored("already_replaced"),
        }
        verdict
    }

    /// The secrets to take out of errors of this account's clients.
    pub(crate) fn secrets(&self) -> Arc<Secrets> {
        self.secrets.clone()
    }

    /// The time by the clocks of this cache.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The current token, whatever its age, for statistics.
    pub fn current(&self) -> Option<Token> {
        self.inner.lock().state.current().cloned()
    }

    /// The current token, if it would be served and a client uses this cache.
    pub(super) fn usable(&self) -> Option<Token> {
        let (now, inner) = (self.now(), self.inner.lock());
        inner.state.current().filter(|_| inner.handles > 0 && inner.state.is_usable(now)).cloned()
    }

    /// Whether the shared store answers; `None` without one.
    pub(crate) fn store_is_up(&self) -> Option<bool> {
        self.store.is_up()
    }

    /// Whether a refresh is still running that began before this one.
    pub(super) fn overlaps_older_refresh(&self, refresh: u64) -> bool {
        self.inner.lock().state.overlaps_older_refresh(refresh)
    }

    /// How many tokens this process has fetched.
    pub(crate) fn refreshes(&self) -> u64 {
        self.refreshes.load(Ordering::Relaxed)
    }

    /// Whether the token is shared with other processes.
    pub(crate) fn is_in_redis(&self) -> bool {
        self.store.is_up().is_some()
    }

    /// Registers a client that uses this cache.
    pub fn attach(self: &Arc<Self>) -> CacheHandle {
        self.inner.lock().handles += 1;
        CacheHandle(self.clone())
    }

    async fn obtain(
        self: &Arc<Self>,
        source: &Arc<dyn TokenSource>,
        deadline: &Deadline,
        on_request: fn(&mut State, Timestamp, RouteId) -> Decision,
    ) -> Result<Token> {
        loop {
            let finished = match self.next_action(source, on_request) {
                NextAction::Serve(token) => return Ok(token),
                NextAction::ServeAndCompare(token) => {
                    self.compare_in_background();
                    return Ok(token);
                }
                NextAction::Started(refresh) => return progress::wait_for_refresh(refresh, deadline).await,
                NextAction::Join(refresh) => match progress::wait_for_refresh(refresh, deadline).await {
                    // The refresh ran out of its time, which began before this call's.
                    Err(timeout) if timeout.is_out_of_time() => Some(Err(timeout)),
                    finished => return finished,
                },
                NextAction::JoinFor(limit, refresh) => {
                    match within(Some(limit), progress::wait_for_refresh(refresh, deadline)).await {
                        Some(Ok(token)) => return Ok(token),
                        failed => failed,
                    }
                }
                NextAction::RetryAfter(limit, refresh) => {
                    within(limit, progress::wait_for_refresh(refresh, deadline)).await
                }
                NextAction::Fail(error) => return Err(error),
                NextAction::Backoff(pause, error) if !deadline.outlasts(pause) => return Err(error),
                NextAction::Backoff(pause, _) => {
                    tokio::time::sleep(pause).await;
                    None
                }
            };
            if let Some(Err(error)) = finished
                && deadline.remaining().is_zero()
            {
                return Err(error);
            }
        }
    }

    fn next_action(
        self: &Arc<Self>,
        source: &Arc<dyn TokenSource>,
        on_request: fn(&mut State, Timestamp, RouteId) -> Decision,
    ) -> NextAction {
        let (action, refresh) = self.decide(source, on_request);
        // Without the lock: a runtime that is shutting down drops a refresh at once, which finishes it and takes the lock.
        if let Some(refresh) = refresh {
            let in_background = matches!(action, NextAction::Serve(_));
            self.emit_start(refresh.kind(), in_background);
            refresh.start(in_background);
        }
        action
    }

    fn decide(
        self: &Arc<Self>,
        source: &Arc<dyn TokenSource>,
        on_request: fn(&mut State, Timestamp, RouteId) -> Decision,
    ) -> (NextAction, Option<Refresh>) {
        let now = self.clock.now();
        let mut inner = self.inner.lock();
        let decision = on_request(&mut inner.state, now, source.route());
        let mut prepare = |request: RefreshRequest| {
            let (id, stop) = (request.id, inner.stop.clone());
            let (refresh, receiver) = Refresh::new(self, source.clone(), request, stop);
            inner.in_flight.insert(id, receiver);
            refresh
        };
        let left = |until: Duration| until.saturating_sub(now.mono);
        let (wait, id, refresh): (Box<dyn FnOnce(ProgressReceiver) -> NextAction>, _, _) = match decision {
            Decision::Serve { token, compare: true, .. } => return (NextAction::ServeAndCompare(token), None),
            Decision::Serve { token, refresh, .. } => return (NextAction::Serve(token), refresh.map(prepare)),
            Decision::Backoff { at, error } => return (NextAction::Backoff(left(at), error), None),
            Decision::Fail(error) => return (NextAction::Fail(error), None),
            Decision::Join { refresh, start: Some(request), .. } => {
                (Box::new(NextAction::Started), refresh, Some(prepare(request)))
            }
            Decision::Join { refresh, until: None, .. } => (Box::new(NextAction::Join), refresh, None),
            Decision::Join { refresh, until: Some(until), .. } => {
                (Box::new(move |receiver| NextAction::JoinFor(left(until), receiver)), refresh, None)
            }
            Decision::RetryAfterRefresh { refresh, until } => {
                (Box::new(move |receiver| NextAction::RetryAfter(until.map(left), receiver)), refresh, None)
            }
        };
        (inner.in_flight.get(&id).cloned().map_or(NextAction::Fail(Error::Closed), wait), refresh)
    }

    /// Takes the result of a refresh into the state, and emits it. Returns the result for its callers.
    pub(super) fn finish_refresh(
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
            (outcome, inner.state.current().filter(|_| inner.state.is_usable(now)).cloned())
        };
        if let Ok(token) = &outcome {
            self.secrets.add_token(token.expose());
        }
        match &outcome {
            Ok(token) if brought => self.emit_refreshed(token, self.source_name(origin), took),
            Ok(token) => self.events.token(|| TokenEvent::RefreshOk {
                source: "unchanged",
                duration: took,
                token: self.label(token),
                expires_in: None,
            }),
            Err(error) => self.emit_failure(error, stale, now, took),
        }
        outcome
    }

    /// Adopts another process's token if it expires later than the current one.
    pub(super) fn adopt_if_newer(&self, fetched: ReceivedToken, took: Duration) {
        let adopted = self.inner.lock().state.adopt_if_newer(fetched, fastrand::f64());
        if let Some(token) = adopted {
            self.secrets.add_token(token.expose());
            self.emit_refreshed(&token, "redis", took);
        }
    }
}

/// The result of `work`, unless it takes longer than the limit.
fn within<T>(limit: Option<Duration>, work: impl Future<Output = T>) -> impl Future<Output = Option<T>> {
    match limit {
        Some(limit) => Either::Left(tokio::time::timeout(limit, work).map(Result::ok)),
        None => Either::Right(work.map(Some)),
    }
}

/// A client that uses the cache. When the last handle is dropped, refreshes stop; the token stays for the next client.
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
            // Forgotten at once: the next client starts a refresh and does not join one that was cancelled.
            inner.in_flight.clear();
            inner.comparison = Comparison::Idle;
            inner.state.forget_refreshes();
            let stop = std::mem::take(&mut inner.stop);
            drop(inner);
            stop.cancel();
        }
    }
}
