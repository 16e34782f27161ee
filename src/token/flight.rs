//! One refresh: a task that no caller owns and any number of callers await. A caller that goes away takes nothing
//! with it.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::TokenCache;
use super::source::{Ask, Source};
use super::state::{Brought, Errand, Fetched, Order, Token};
use super::store::{Acquired, Lease, Store};
use crate::backoff::{backoff, poll_pause};
use crate::deadline::Deadline;
use crate::error::{Error, ExceededLimit, Result, WaitedFor};
use crate::event::{Channel, Event};
use crate::seal::random;

/// A token younger than this that is refused was refused by the API's own fault: forcing another one would not help.
const TOO_YOUNG_TO_FORCE: Duration = Duration::from_secs(30);

/// A token that was refused with less life than this may simply have ended by WeChat's clock.
const WORTH_WONDERING: Duration = Duration::from_secs(60);

/// What a flight may take beside waiting and fetching.
const SLACK: Duration = Duration::from_secs(1);

/// What those who wait can see.
pub struct Progress {
    waiting_for: WaitedFor,
    last_failure: Option<Error>,
    outcome: Option<Result<Token>>,
}

impl Progress {
    fn new(source: &dyn Source) -> Self {
        let waiting_for = if source.endpoint().is_some() { WaitedFor::Token } else { WaitedFor::Provider };
        Self { waiting_for, last_failure: None, outcome: None }
    }
}

pub type Watch = watch::Receiver<Progress>;

/// A flight that the state has ordered. It is started once, or lands at once with an error.
pub struct Flight {
    landing: Landing,
    source: Arc<dyn Source>,
    errand: Errand,
    stop: CancellationToken,
}

impl Flight {
    pub fn new(
        cache: &Arc<TokenCache>,
        source: Arc<dyn Source>,
        order: Order,
        stop: CancellationToken,
    ) -> (Self, Watch) {
        let (progress, watch) = watch::channel(Progress::new(&*source));
        let landing = Landing {
            cache: cache.clone(),
            flight: order.flight,
            begun: Instant::now(),
            progress,
            landed: AtomicBool::new(false),
        };
        (Self { landing, source, errand: order.errand, stop }, watch)
    }

    pub fn errand(&self) -> &Errand {
        &self.errand
    }

    pub fn start(self) {
        let Self { landing, source, errand, stop } = self;
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = fly(&landing, &*source, &errand) => {}
            }
        });
    }
}

/// The token that a flight brings, or its error, or the caller's own deadline with the flight's last failure as cause.
pub async fn join(mut watch: Watch, deadline: &Deadline) -> Result<Token> {
    let failures = watch.clone();
    let outcome = async {
        let progress = watch.wait_for(|progress| progress.outcome.is_some()).await;
        progress.ok().and_then(|progress| progress.outcome.clone()).unwrap_or(Err(Error::Closed))
    };
    let waiting_for = failures.borrow().waiting_for;
    deadline.hold(waiting_for, || failures.borrow().last_failure.clone(), outcome).await?
}

/// Sees to it that a flight lands however it ends: a task that is dropped or panics must not leave callers waiting
/// for ever.
struct Landing {
    cache: Arc<TokenCache>,
    flight: u64,
    begun: Instant,
    progress: watch::Sender<Progress>,
    landed: AtomicBool,
}

impl Landing {
    fn land(&self, result: Result<Brought>, origin: Origin) {
        self.landed.store(true, Ordering::Relaxed);
        let outcome = self.cache.landed(self.flight, result, origin, self.begun.elapsed());
        self.progress.send_modify(|progress| progress.outcome = Some(outcome));
    }

    /// Waits for `work` until the deadline, which then tells of the last failure.
    async fn within<T>(&self, deadline: &Deadline, work: impl Future<Output = T>) -> Result<T> {
        let waiting_for = self.progress.borrow().waiting_for;
        deadline.hold(waiting_for, || self.progress.borrow().last_failure.clone(), work).await
    }

    fn report(&self, error: Error) {
        self.progress.send_modify(|progress| progress.last_failure = Some(error));
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if !self.landed.load(Ordering::Relaxed) {
            self.land(Err(Error::Closed), Origin::Source);
        }
    }
}

/// Flies, hands over what is due to the fleet, and lands: callers are not kept waiting for a store that is slow.
async fn fly(landing: &Landing, source: &dyn Source, errand: &Errand) {
    let store = &*landing.cache.store;
    let deadline = Deadline::new(store.patience() + source.limit() + SLACK, source.endpoint());
    let trip =
        Trip { source, store, landing, attempt: random(), fetch_by: OnceLock::new(), alone: AtomicBool::new(false) };
    let Home { result, origin, handover, courtesy } = match landing.within(&deadline, trip.run(errand)).await {
        Ok(home) => home,
        Err(timeout) => Home { handover: Handover::Release(None), ..Home::with(Err(timeout), Origin::Source) },
    };
    let mut handing = pin!(trip.hand_over(handover));
    match tokio::time::timeout(courtesy, &mut handing).await {
        Ok(Some(other)) if !errand.is_refused(&other) => landing.land(Ok(Brought::Token(other)), Origin::Fleet),
        Ok(_) => landing.land(result, origin),
        Err(_) => {
            landing.land(result, origin);
            if let Some(other) = handing.await {
                landing.cache.offer(other, landing.begun.elapsed());
            }
        }
    }
}

/// Who fetched a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This process, at WeChat or at the provider.
    Source,
    /// Another process of the fleet.
    Fleet,
}

/// What a flight comes home with, and what it still owes the fleet.
struct Home {
    result: Result<Brought>,
    origin: Origin,
    handover: Handover,
    /// How long those who wait may be kept for the handover's sake.
    courtesy: Duration,
}

enum Handover {
    Nothing,
    /// As its leader.
    Publish(Lease, Fetched),
    Release(Option<Token>),
    /// It was fetched alone, because the store did not answer: it may have made this process leader all the same, and
    /// others wait for that.
    Share(Fetched),
}

impl Home {
    fn with(result: Result<Brought>, origin: Origin) -> Self {
        Self { result, origin, handover: Handover::Nothing, courtesy: Duration::ZERO }
    }
}

struct Trip<'a> {
    source: &'a dyn Source,
    store: &'a dyn Store,
    landing: &'a Landing,
    attempt: String,
    /// One for all requests of the trip: the lock lives hardly longer.
    fetch_by: OnceLock<Deadline>,
    /// The store did not answer, and what others do is not known.
    alone: AtomicBool,
}

/// Who goes to WeChat: this process with a lease or, where the store cannot be asked, without; or nobody need.
enum Turn {
    Mine(Lease, Duration),
    Alone,
    Taken(Fetched),
    Stands,
}

impl Trip<'_> {
    /// Tries again what may pass. Between two attempts others of the fleet have their turn: what failed may be this
    /// process's way alone. Where WeChat itself was busy it would be so for them, too.
    async fn run(&self, errand: &Errand) -> Home {
        let mut failures = 0;
        loop {
            let home = self.attempt(errand).await;
            let Some((error, pause)) = self.pause_after(errand, &home, failures) else { return home };
            if error.is_of_the_route()
                && let Ok(Some(other)) = self.hand(&home.handover).await
            {
                return Home::with(Ok(Brought::Token(other)), Origin::Fleet);
            }
            self.landing.report(error);
            tokio::time::sleep(pause).await;
            failures += 1;
        }
    }

    /// How long until the next attempt, if there is one.
    fn pause_after(&self, errand: &Errand, home: &Home, failures: u32) -> Option<(Error, Duration)> {
        let error = home.result.as_ref().err().filter(|error| error.is_passing())?;
        let pause = backoff(failures, fastrand::f64());
        let may = matches!(errand, Errand::Ordinary { .. }) && failures < self.source.retries();
        let left = self.fetch_by.get().map_or(Duration::ZERO, Deadline::left);
        (may && pause < left).then(|| (error.clone(), pause))
    }

    async fn attempt(&self, errand: &Errand) -> Home {
        match errand {
            Errand::Forced { held } => self.lead(held.as_ref(), false, self.fetch_forced()).await,
            Errand::Ordinary { held, refused } => {
                let refused = held.as_ref().zip(*refused);
                self.lead(held.as_ref(), refused.is_some(), self.fetch_other(refused)).await
            }
        }
    }

    /// Fetches when it is this process's turn, unless somebody else has brought a token.
    async fn lead(&self, seen: Option<&Token>, refused: bool, fetch: impl Future<Output = Result<Fetched>>) -> Home {
        let (lease, courtesy) = match self.turn(seen, refused).await {
            Ok(Turn::Mine(lease, courtesy)) => (Some(lease), courtesy),
            Ok(Turn::Alone) => {
                self.alone.store(true, Ordering::Relaxed);
                (None, Duration::ZERO)
            }
            Ok(Turn::Taken(fetched)) => return Home::with(Ok(Brought::Token(fetched)), Origin::Fleet),
            Ok(Turn::Stands) => return Home::with(Ok(Brought::Nothing), Origin::Fleet),
            // The question may have made this process leader before its answer got lost.
            Err(error) => {
                let handover = Handover::Release(seen.cloned());
                return Home { handover, ..Home::with(Err(error), Origin::Source) };
            }
        };
        let fetched = fetch.await;
        let handover = match (&fetched, lease) {
            (Ok(fetched), Some(lease)) => Handover::Publish(lease, fetched.clone()),
            (Ok(fetched), None) => Handover::Share(fetched.clone()),
            (Err(_), _) => Handover::Release(seen.cloned()),
        };
        Home { result: fetched.map(Brought::Token), origin: Origin::Source, handover, courtesy }
    }

    /// Waits no longer than for one who has died: then there is still time to fetch.
    async fn turn(&self, seen: Option<&Token>, refused: bool) -> Result<Turn> {
        let patience = Deadline::new(self.store.patience(), self.source.endpoint());
        match self.landing.within(&patience, self.queue(seen, refused)).await {
            Ok(turn) => turn,
            Err(_) if self.source.may_go_alone() => Ok(Turn::Alone),
            Err(timeout) => Err(timeout),
        }
    }

    /// Waits until it is this process's turn or until somebody else has brought a token.
    async fn queue(&self, seen: Option<&Token>, refused: bool) -> Result<Turn> {
        let mut polls = 0;
        loop {
            let asked = Instant::now();
            match self.store.acquire(&self.attempt, seen.map(Token::expose), refused, self.landing.cache.now()).await {
                Ok(Acquired::Lead(lease)) => {
                    if polls > 0 {
                        self.tell("lock.takeover", |event| event);
                    }
                    return Ok(Turn::Mine(lease, self.store.courtesy().saturating_sub(asked.elapsed())));
                }
                Ok(Acquired::Token(fetched)) => return Ok(Turn::Taken(fetched)),
                Ok(Acquired::Stands) => return Ok(Turn::Stands),
                // For a flight on another route of this very process, most likely, which gets nowhere.
                Ok(Acquired::Wait(_))
                    if self.source.may_go_alone() && self.landing.cache.is_second(self.landing.flight) =>
                {
                    return Ok(Turn::Alone);
                }
                Ok(Acquired::Wait(left)) => {
                    if polls == 0 {
                        self.tell("lock.wait", |event| Event { max_wait: Some(left), ..event });
                    }
                    tokio::time::sleep(poll_pause(polls, fastrand::f64()).min(left)).await;
                    polls += 1;
                }
                Err(_) if self.source.may_go_alone() => return Ok(Turn::Alone),
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives the fleet what it is due. Whoever was overtaken meanwhile gets what the other one has brought.
    async fn hand_over(&self, handover: Handover) -> Option<Fetched> {
        self.landing.cache.patiently(|| self.hand(&handover)).await.flatten()
    }

    async fn hand(&self, handover: &Handover) -> Result<Option<Fetched>> {
        let now = self.landing.cache.now();
        match handover {
            Handover::Nothing => Ok(None),
            Handover::Publish(lease, fetched) => self.store.publish(&self.attempt, lease, fetched, now).await,
            Handover::Release(seen) => self.store.release(&self.attempt, seen.as_ref().map(Token::expose), now).await,
            Handover::Share(fetched) => self.landing.cache.share(&self.attempt, fetched).await,
        }
    }

    async fn fetch_other(&self, refused: Option<(&Token, i64)>) -> Result<Fetched> {
        let fetched = self.fetch(false, refused).await?;
        let Some((token, errcode)) = refused else { return Ok(fetched) };
        if fetched.is(token) {
            return Ok(self.force_instead_of(token).await.unwrap_or(fetched));
        }
        let now = self.landing.cache.now();
        let alone = self.alone.load(Ordering::Relaxed);
        if self.source.endpoint().is_some() && !alone && token.expires().left(now) > WORTH_WONDERING {
            self.landing.cache.tell_changed_elsewhere(token, errcode);
        }
        Ok(fetched)
    }

    /// WeChat hands out the very token that its API refused. A forced refresh gets another one, if there is one left
    /// in the budget; without it the old one stands, and the API's refusal goes to the caller.
    async fn force_instead_of(&self, token: &Token) -> Option<Fetched> {
        let now = self.landing.cache.now();
        let old_enough = now.mono >= token.first_seen().mono + TOO_YOUNG_TO_FORCE;
        if !self.source.may_repeat() || !old_enough {
            return None;
        }
        if let Some(wait) = self.store.spend_forced(&self.attempt, now).await.ok()? {
            self.landing.cache.tell_forced_exhausted(wait);
            return None;
        }
        self.fetch(true, None).await.ok()
    }

    async fn fetch_forced(&self) -> Result<Fetched> {
        // A provider's forced refreshes are its own business.
        if let Some(endpoint) = self.source.endpoint() {
            let now = self.landing.cache.now();
            let spent = match self.store.spend_forced(&self.attempt, now).await {
                Err(_) if self.source.may_go_alone() => self.store.spend_forced_alone(now),
                said => said?,
            };
            if let Some(wait) = spent {
                self.landing.cache.tell_forced_exhausted(wait);
                return Err(Error::RateLimit { endpoint, limit: ExceededLimit::ForcedRefresh, wait });
            }
        }
        self.fetch(true, None).await
    }

    async fn fetch(&self, forced: bool, refused: Option<(&Token, i64)>) -> Result<Fetched> {
        let asked = self.landing.cache.now();
        let deadline = self.fetch_by.get_or_init(|| Deadline::new(self.source.limit(), self.source.endpoint()));
        let report = |error| self.landing.report(error);
        let ask = Ask { forced, refused, deadline: deadline.clone(), report: &report };
        let fetched = async {
            let given = self.source.fetch(ask).await?;
            Ok(Fetched { value: given.value, expires_in: given.expires_in, asked, ahead: given.ahead })
        };
        self.landing.within(deadline, fetched).await?
    }

    fn tell(&self, name: &'static str, fill: impl FnOnce(Event) -> Event) {
        self.landing.cache.voice.tell(Channel::Redis, name, fill);
    }
}
