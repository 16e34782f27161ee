//! One refresh: a task that no caller owns and any number of callers await. A caller that leaves does not cancel it.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::cache::TokenCache;
use super::progress::{ProgressReceiver, RefreshGuard};
use super::source::{TokenRequest, TokenSource};
use super::state::{ReceivedToken, RefreshKind, RefreshOutcome, RefreshRequest, Token};
use super::store::{Acquired, Lease, TokenStore};
use crate::backoff::{backoff, poll_pause};
use crate::clock;
use crate::deadline::Deadline;
use crate::error::{Error, ExceededLimit, Result};
use crate::event::RedisEvent;
use crate::seal::random_id;
use crate::task;

/// When a younger token is rejected, the API is at fault: a forced refresh would not help.
const MIN_AGE_TO_FORCE: Duration = Duration::from_secs(30);

/// A rejected token with less time left may simply have expired by WeChat's clock.
const EXPECTED_EXPIRY_WINDOW: Duration = Duration::from_secs(60);

/// The time that a refresh may take besides waiting and fetching.
const REFRESH_OVERHEAD: Duration = Duration::from_secs(1);

/// A refresh that the state has requested. It is started once, or fails at once.
pub(crate) struct Refresh {
    guard: RefreshGuard,
    source: Arc<dyn TokenSource>,
    kind: RefreshKind,
    stop: CancellationToken,
}

impl Refresh {
    /// The refresh that `request` describes, and the receiver for its callers. `stop` cancels it.
    pub(crate) fn new(
        cache: &Arc<TokenCache>,
        source: Arc<dyn TokenSource>,
        request: RefreshRequest,
        stop: CancellationToken,
    ) -> (Self, ProgressReceiver) {
        let (guard, receiver) = RefreshGuard::new(cache.clone(), request.id, &*source);
        (Self { guard, source, kind: request.kind, stop }, receiver)
    }

    /// What the refresh is for.
    pub(crate) fn kind(&self) -> &RefreshKind {
        &self.kind
    }

    /// Begins, as a task that no caller owns. Its requests belong to the call that starts it, unless that has a token already.
    pub(crate) fn start(self, in_background: bool) {
        let Self { guard, source, kind, stop } = self;
        let work = async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = run(&guard, &*source, &kind) => {}
            }
        };
        if in_background {
            task::spawn_in_background(work);
        } else {
            task::spawn_for_call(work);
        }
    }
}

/// Fetches a token, updates the store, and finishes: callers wait for a slow store no longer than `max_caller_delay`.
async fn run(guard: &RefreshGuard, source: &dyn TokenSource, kind: &RefreshKind) {
    let store = &*guard.cache.store;
    let limit = source.preparation_timeout() + store.max_lock_wait() + source.timeout() + REFRESH_OVERHEAD;
    let deadline = Deadline::new(limit, source.endpoint());
    let refresh = RefreshRun {
        source,
        store,
        guard,
        owner: random_id(),
        fetch_deadline: Mutex::new(None),
        without_store: AtomicBool::new(false),
    };
    let RefreshResult { result, origin, update, max_caller_delay } =
        match guard.within(&deadline, refresh.run(kind)).await {
            Ok(outcome) => outcome,
            Err(timeout) => RefreshResult {
                update: StoreUpdate::Release(None),
                ..RefreshResult::with(Err(timeout), Origin::Source)
            },
        };
    let mut updating = pin!(refresh.update_store(update));
    match tokio::time::timeout(max_caller_delay, &mut updating).await {
        Ok(Some(other)) if !kind.is_rejected(&other) => guard.finish(Ok(RefreshOutcome::Token(other)), Origin::Fleet),
        Ok(_) => guard.finish(result, origin),
        Err(_) => {
            guard.finish(result, origin);
            if let Some(other) = updating.await {
                guard.cache.adopt_if_newer(other, guard.begun.elapsed());
            }
        }
    }
}

/// Which process fetched a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This process, at WeChat or at the provider.
    Source,
    /// Another process of the fleet.
    Fleet,
}

/// The result of a refresh, and the store update that is still to be made.
struct RefreshResult {
    result: Result<RefreshOutcome>,
    origin: Origin,
    update: StoreUpdate,
    /// How long the callers may wait for the update.
    max_caller_delay: Duration,
}

enum StoreUpdate {
    Nothing,
    /// Under the lease of the lock.
    Publish(Lease, ReceivedToken),
    Release(Option<Token>),
    /// Acquires the lock and publishes a token that was fetched without a lease, because the store did not answer. The store may
    /// have given this process the lock all the same, and other processes wait for it.
    AcquireAndPublish(ReceivedToken),
}

impl RefreshResult {
    fn with(result: Result<RefreshOutcome>, origin: Origin) -> Self {
        Self { result, origin, update: StoreUpdate::Nothing, max_caller_delay: Duration::ZERO }
    }
}

struct RefreshRun<'a> {
    source: &'a dyn TokenSource,
    store: &'a dyn TokenStore,
    guard: &'a RefreshGuard,
    owner: String,
    /// The deadline of all requests under the lock, which expires soon after it.
    fetch_deadline: Mutex<Option<Deadline>>,
    /// Whether the store did not answer, so that it is unknown what other processes do.
    without_store: AtomicBool,
}

/// The result of waiting for the lock: fetch with a lease, fetch without one because the store does not answer, or do not
/// fetch.
enum LockOutcome {
    Acquired(Lease, Duration),
    WithoutStore,
    Token(ReceivedToken),
    Unchanged,
}

impl RefreshRun<'_> {
    /// Repeats an attempt that failed for a transient reason. When the failure may concern only this process's route, it releases
    /// the lock in between, so that another process can try. A busy WeChat would be busy for the others too.
    async fn run(&self, kind: &RefreshKind) -> RefreshResult {
        let mut failures = 0;
        loop {
            let outcome = match self.prepare().await {
                Ok(()) => self.attempt(kind).await,
                // The attempt before may have left the lock to this process.
                Err(error) => RefreshResult {
                    update: if failures == 0 {
                        StoreUpdate::Nothing
                    } else {
                        StoreUpdate::Release(kind.current().cloned())
                    },
                    ..RefreshResult::with(Err(error), Origin::Source)
                },
            };
            if let Some(error) = outcome.result.as_ref().err().filter(|error| self.source.prepares_again_after(error)) {
                self.guard.set_last_failure(error.clone());
                if let Ok(Some(other)) = self.apply(&outcome.update).await {
                    return RefreshResult::with(Ok(RefreshOutcome::Token(other)), Origin::Fleet);
                }
                *self.fetch_deadline.lock() = None;
                continue;
            }
            let Some((error, pause)) = self.pause_after(kind, &outcome, failures) else { return outcome };
            if error.is_route_specific()
                && let Ok(Some(other)) = self.apply(&outcome.update).await
            {
                return RefreshResult::with(Ok(RefreshOutcome::Token(other)), Origin::Fleet);
            }
            self.guard.set_last_failure(error);
            tokio::time::sleep(pause).await;
            failures += 1;
        }
    }

    /// How long until the next attempt, if there is one.
    fn pause_after(&self, kind: &RefreshKind, outcome: &RefreshResult, failures: u32) -> Option<(Error, Duration)> {
        let error = outcome.result.as_ref().err().filter(|error| error.is_transient())?;
        let pause = backoff(failures, fastrand::f64());
        let may = !matches!(kind, RefreshKind::Force { .. }) && failures < self.source.retries();
        let left = self.fetch_deadline.lock().as_ref().map_or(Duration::ZERO, Deadline::remaining);
        (may && pause < left).then(|| (error.clone(), pause))
    }

    async fn prepare(&self) -> Result<()> {
        let on_wait = |error| self.guard.set_last_failure(error);
        match self.source.prepare(&on_wait) {
            None => Ok(()),
            Some(prepared) => {
                let deadline = Deadline::new(self.source.preparation_timeout(), self.source.endpoint());
                self.guard.within(&deadline, prepared).await?
            }
        }
    }

    async fn attempt(&self, kind: &RefreshKind) -> RefreshResult {
        let (current, rejected) = (kind.current(), kind.rejected());
        match kind {
            RefreshKind::Force { .. } => self.refresh_with_lock(current, false, self.fetch_forced()).await,
            RefreshKind::Renew { .. } | RefreshKind::Replace { .. } => {
                self.refresh_with_lock(current, rejected.is_some(), self.fetch_other(rejected)).await
            }
        }
    }

    /// Fetches when this process has the lock, unless another one has brought a token.
    async fn refresh_with_lock(
        &self,
        seen: Option<&Token>,
        rejected: bool,
        fetch: impl Future<Output = Result<ReceivedToken>>,
    ) -> RefreshResult {
        let (lease, max_caller_delay) = match self.acquire_lock(seen, rejected).await {
            Ok(LockOutcome::Acquired(lease, max_caller_delay)) => (Some(lease), max_caller_delay),
            Ok(LockOutcome::WithoutStore) => {
                self.without_store.store(true, Ordering::Relaxed);
                (None, Duration::ZERO)
            }
            Ok(LockOutcome::Token(fetched)) => {
                return RefreshResult::with(Ok(RefreshOutcome::Token(fetched)), Origin::Fleet);
            }
            Ok(LockOutcome::Unchanged) => return RefreshResult::with(Ok(RefreshOutcome::Unchanged), Origin::Fleet),
            // The store may have given the lock before its reply was lost.
            Err(error) => {
                let update = StoreUpdate::Release(seen.cloned());
                return RefreshResult { update, ..RefreshResult::with(Err(error), Origin::Source) };
            }
        };
        let fetched = fetch.await;
        let update = match (&fetched, lease) {
            (Ok(fetched), Some(lease)) => StoreUpdate::Publish(lease, fetched.clone()),
            (Ok(fetched), None) => StoreUpdate::AcquireAndPublish(fetched.clone()),
            (Err(_), _) => StoreUpdate::Release(seen.cloned()),
        };
        RefreshResult { result: fetched.map(RefreshOutcome::Token), origin: Origin::Source, update, max_caller_delay }
    }

    /// Waits no longer than the lock of a dead process lasts: then there is still time to fetch.
    async fn acquire_lock(&self, seen: Option<&Token>, rejected: bool) -> Result<LockOutcome> {
        let max_lock_wait = Deadline::new(self.store.max_lock_wait(), self.source.endpoint());
        match self.guard.within(&max_lock_wait, self.wait_for_lock(seen, rejected)).await {
            Ok(outcome) => outcome,
            Err(_) if self.source.works_without_store() => Ok(LockOutcome::WithoutStore),
            Err(timeout) => Err(timeout),
        }
    }

    /// Waits until this process has the lock or another one has brought a token.
    async fn wait_for_lock(&self, seen: Option<&Token>, rejected: bool) -> Result<LockOutcome> {
        let mut polls = 0;
        loop {
            let started = clock::monotonic();
            match self.store.acquire(&self.owner, seen.map(Token::expose), rejected, self.guard.cache.now()).await {
                Ok(Acquired::Lock(lease)) => {
                    if polls > 0 {
                        self.guard.cache.events.redis(|| RedisEvent::LockTakeover);
                    }
                    return Ok(LockOutcome::Acquired(
                        lease,
                        self.store.max_caller_delay().saturating_sub(started.elapsed()),
                    ));
                }
                Ok(Acquired::Token(fetched)) => return Ok(LockOutcome::Token(fetched)),
                Ok(Acquired::Unchanged) => return Ok(LockOutcome::Unchanged),
                // Most likely a refresh of this process on another route has the lock, and is stuck.
                Ok(Acquired::Wait(_))
                    if self.source.works_without_store()
                        && self.guard.cache.overlaps_older_refresh(self.guard.refresh_id) =>
                {
                    return Ok(LockOutcome::WithoutStore);
                }
                Ok(Acquired::Wait(left)) => {
                    if polls == 0 {
                        self.guard.cache.events.redis(|| RedisEvent::LockWait { max_wait: left });
                    }
                    tokio::time::sleep(poll_pause(polls, fastrand::f64()).min(left)).await;
                    polls += 1;
                }
                Err(_) if self.source.works_without_store() => return Ok(LockOutcome::WithoutStore),
                Err(error) => return Err(error),
            }
        }
    }

    /// Updates the store. Returns the stored token if another process has brought a later one meanwhile.
    async fn update_store(&self, update: StoreUpdate) -> Option<ReceivedToken> {
        self.guard.cache.retry_until_stored(|| self.apply(&update)).await.flatten()
    }

    async fn apply(&self, update: &StoreUpdate) -> Result<Option<ReceivedToken>> {
        let now = self.guard.cache.now();
        match update {
            StoreUpdate::Nothing => Ok(None),
            StoreUpdate::Publish(lease, fetched) => self.store.publish(&self.owner, lease, fetched, now).await,
            StoreUpdate::Release(seen) => self.store.release(&self.owner, seen.as_ref().map(Token::expose), now).await,
            StoreUpdate::AcquireAndPublish(fetched) => self.guard.cache.acquire_and_publish(&self.owner, fetched).await,
        }
    }

    async fn fetch_other(&self, rejected: Option<(&Token, i64)>) -> Result<ReceivedToken> {
        let fetched = self.fetch(false, rejected).await?;
        let Some((token, errcode)) = rejected else { return Ok(fetched) };
        if fetched.is(token) {
            return Ok(self.force_instead_of(token).await.unwrap_or(fetched));
        }
        let now = self.guard.cache.now();
        let without_store = self.without_store.load(Ordering::Relaxed);
        if self.source.endpoint().is_some() && !without_store && token.expires().left(now) > EXPECTED_EXPIRY_WINDOW {
            self.guard.cache.emit_replaced_externally(token, errcode);
        }
        Ok(fetched)
    }

    /// Forces a refresh, because WeChat gave the token again that its API rejected. Returns `None` if no forced refresh is left
    /// today: the old token stays, and the caller gets the rejection.
    async fn force_instead_of(&self, token: &Token) -> Option<ReceivedToken> {
        let now = self.guard.cache.now();
        let old_enough = now.mono >= token.first_seen().mono + MIN_AGE_TO_FORCE;
        if !self.source.repeats_tokens() || !old_enough {
            return None;
        }
        if let Some(wait) = self.store.take_forced_refresh(&self.owner, now).await.ok()? {
            self.guard.cache.emit_forced_exhausted(wait);
            return None;
        }
        self.fetch(true, None).await.ok()
    }

    async fn fetch_forced(&self) -> Result<ReceivedToken> {
        // A provider counts forced refreshes itself.
        if let Some(endpoint) = self.source.endpoint() {
            let now = self.guard.cache.now();
            let spent = match self.store.take_forced_refresh(&self.owner, now).await {
                Err(_) if self.source.works_without_store() => self.store.take_forced_refresh_locally(now),
                said => said?,
            };
            if let Some(wait) = spent {
                self.guard.cache.emit_forced_exhausted(wait);
                return Err(Error::RateLimit { endpoint, limit: ExceededLimit::ForcedRefresh, wait });
            }
        }
        self.fetch(true, None).await
    }

    async fn fetch(&self, forced: bool, rejected: Option<(&Token, i64)>) -> Result<ReceivedToken> {
        let requested_at = self.guard.cache.now();
        let deadline = {
            let new = || Deadline::new(self.source.timeout(), self.source.endpoint());
            self.fetch_deadline.lock().get_or_insert_with(new).clone()
        };
        let on_retry = |error: Error| {
            if !error.is_of_idle_connection() {
                self.guard.set_last_failure(error);
            }
        };
        let request = TokenRequest { forced, rejected, deadline: deadline.clone(), on_retry: &on_retry };
        let fetched = async {
            let given = self.source.fetch(request).await?;
            Ok(ReceivedToken {
                value: given.value,
                expires_in: given.expires_in,
                requested_at,
                refresh_early: given.refresh_early,
            })
        };
        self.guard.within(&deadline, fetched).await?
    }
}
