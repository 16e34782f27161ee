//! One refresh: a task that no caller owns and any number of callers await. A caller that goes away takes nothing
//! with it.

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::TokenCache;
use super::redis::random;
use super::source::{Ask, Source};
use super::state::{Brought, Errand, Fetched, Order, Token};
use super::store::{Acquired, GivenUp, Lease, Seen};
use crate::deadline::Deadline;
use crate::error::{Budget, Error, Result, WaitedFor};

/// The longest that anybody fetches while others wait for it.
pub const LEAD_LIMIT: Duration = Duration::from_secs(8);

/// A token younger than this that is refused was refused by the API's own fault: forcing another one would not help.
const TOO_YOUNG_TO_FORCE: Duration = Duration::from_secs(30);

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
        let landing = Landing { cache: cache.clone(), flight: order.flight, progress, landed: false };
        (Self { landing, source, errand: order.errand, stop }, watch)
    }

    pub fn start(self) {
        let Self { landing, source, errand, stop } = self;
        tokio::spawn(async move {
            let result = tokio::select! {
                result = fly(&landing, &*source, &errand) => result,
                () = stop.cancelled() => Err(Error::Closed),
            };
            landing.land(result);
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
    progress: watch::Sender<Progress>,
    landed: bool,
}

impl Landing {
    fn land(mut self, result: Result<Brought>) {
        self.touch_down(result);
    }

    fn touch_down(&mut self, result: Result<Brought>) {
        self.landed = true;
        let outcome = self.cache.landed(self.flight, result);
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
        if !self.landed {
            self.touch_down(Err(Error::Closed));
        }
    }
}

async fn fly(landing: &Landing, source: &dyn Source, errand: &Errand) -> Result<Brought> {
    let limit = source.limit() + landing.cache.store.patience();
    let deadline = Deadline::new(limit, source.endpoint());
    let trip = Trip { source, landing, attempt: random() };
    landing.within(&deadline, trip.run(errand)).await?
}

struct Trip<'a> {
    source: &'a dyn Source,
    landing: &'a Landing,
    attempt: String,
}

/// Who goes to WeChat: this process with a lease or, where the store cannot be asked, without; or nobody need.
enum Turn {
    Mine(Option<Lease>),
    Taken(Fetched),
    Stands,
}

impl Trip<'_> {
    async fn run(&self, errand: &Errand) -> Result<Brought> {
        match errand {
            Errand::Recheck { held } => self.recheck(held).await,
            Errand::Forced { held } => self.forced(held.as_ref()).await,
            Errand::Ordinary { held, refused } => self.ordinary(held.as_ref(), *refused).await,
        }
    }

    async fn ordinary(&self, held: Option<&Token>, refused: Option<i64>) -> Result<Brought> {
        let refused = held.zip(refused);
        if let Some((token, _)) = refused
            && let Some(GivenUp::Cooling) = self.shared(self.landing.cache.store.give_up(token).await)?
        {
            return Ok(Brought::Nothing);
        }
        match self.turn(held, refused.is_some()).await? {
            Turn::Stands => Ok(Brought::Nothing),
            Turn::Taken(fetched) => Ok(Brought::Token(fetched)),
            Turn::Mine(lease) => self.lead(lease, held, self.fetch_other(refused)).await.map(Brought::Token),
        }
    }

    async fn forced(&self, held: Option<&Token>) -> Result<Brought> {
        match self.turn(held, false).await? {
            Turn::Stands => Ok(Brought::Nothing),
            Turn::Taken(fetched) => Ok(Brought::Token(fetched)),
            Turn::Mine(lease) => self.lead(lease, held, self.fetch_forced()).await.map(Brought::Token),
        }
    }

    /// Adopts what the fleet has, or gives the fleet what it has lost.
    async fn recheck(&self, held: &Token) -> Result<Brought> {
        match self.landing.cache.store.look(held, self.landing.cache.clock.now()).await? {
            Seen::Same => Ok(Brought::Nothing),
            Seen::Token(fetched) => Ok(Brought::Token(fetched)),
            Seen::Nothing => {
                if let Acquired::Lead(lease) =
                    self.landing.cache.store.acquire(&self.attempt, None, false, self.landing.cache.clock.now()).await?
                {
                    let now = self.landing.cache.clock.now();
                    self.landing.cache.store.publish(&self.attempt, &lease, &held.as_fetched(now), now).await?;
                }
                Ok(Brought::Nothing)
            }
        }
    }

    /// Waits until it is this process's turn or until somebody else has brought a token.
    async fn turn(&self, seen: Option<&Token>, refused: bool) -> Result<Turn> {
        let mut polls = 0;
        loop {
            match self.shared(
                self.landing.cache.store.acquire(&self.attempt, seen, refused, self.landing.cache.clock.now()).await,
            )? {
                None => return Ok(Turn::Mine(None)),
                Some(Acquired::Lead(lease)) => return Ok(Turn::Mine(Some(lease))),
                Some(Acquired::Token(fetched)) => return Ok(Turn::Taken(fetched)),
                Some(Acquired::Stands) => return Ok(Turn::Stands),
                Some(Acquired::Wait(left)) => {
                    tokio::time::sleep(poll_pause(polls, fastrand::f64()).min(left)).await;
                    polls += 1;
                }
            }
        }
    }

    /// Fetches as the fleet's leader. Whoever was overtaken meanwhile gets what the other one brought.
    async fn lead(
        &self,
        lease: Option<Lease>,
        seen: Option<&Token>,
        fetch: impl Future<Output = Result<Fetched>>,
    ) -> Result<Fetched> {
        let fetched = fetch.await;
        let Some(lease) = lease else { return fetched };
        match fetched {
            Ok(fetched) => {
                let later = self
                    .landing
                    .cache
                    .store
                    .publish(&self.attempt, &lease, &fetched, self.landing.cache.clock.now())
                    .await;
                Ok(later.ok().flatten().unwrap_or(fetched))
            }
            // Should the release fail, the lock ends by itself.
            Err(error) => {
                let other = self.landing.cache.store.release(&self.attempt, seen, self.landing.cache.clock.now()).await;
                other.ok().flatten().ok_or(error)
            }
        }
    }

    /// What the store says; `None` when it cannot be asked and this process may go on without it.
    fn shared<T>(&self, said: Result<T>) -> Result<Option<T>> {
        match said {
            Ok(said) => Ok(Some(said)),
            Err(_) if self.source.may_go_alone() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn fetch_other(&self, refused: Option<(&Token, i64)>) -> Result<Fetched> {
        let fetched = self.fetch(false, refused).await?;
        match refused {
            Some((token, _)) if token.expose() == fetched.value.expose_secret() => {
                Ok(self.force_instead_of(token).await.unwrap_or(fetched))
            }
            _ => Ok(fetched),
        }
    }

    /// WeChat hands out the very token that its API refused. A forced refresh gets another one, if there is one left
    /// in the budget; without it the old one stands, and the API's refusal goes to the caller.
    async fn force_instead_of(&self, token: &Token) -> Option<Fetched> {
        let now = self.landing.cache.clock.now();
        let old_enough = now.mono >= token.first_seen().mono + TOO_YOUNG_TO_FORCE;
        if !self.source.may_repeat() || !old_enough || self.landing.cache.store.spend_forced(now).await.ok()?.is_some()
        {
            return None;
        }
        self.fetch(true, None).await.ok()
    }

    async fn fetch_forced(&self) -> Result<Fetched> {
        // A provider's forced refreshes are its own business.
        if let Some(endpoint) = self.source.endpoint()
            && let Some(wait) = self.landing.cache.store.spend_forced(self.landing.cache.clock.now()).await?
        {
            return Err(Error::Budget { endpoint, budget: Budget::ForcedRefresh, wait });
        }
        self.fetch(true, None).await
    }

    async fn fetch(&self, forced: bool, refused: Option<(&Token, i64)>) -> Result<Fetched> {
        let asked = self.landing.cache.clock.now();
        let deadline = Deadline::new(self.source.limit(), self.source.endpoint());
        let report = |error| self.landing.report(error);
        let ask = Ask { forced, refused, deadline, report: &report };
        let fetched = async {
            let given = self.source.fetch(ask).await?;
            Ok(Fetched { value: given.value, expires_in: given.expires_in, asked, ahead: given.ahead })
        };
        self.landing.within(&deadline, fetched).await?
    }
}

/// Followers look again after 10 to 20 ms, then ever more slowly up to 100 to 200 ms: quick enough not to be felt,
/// and a hundred processes are still only some hundred commands a second. Pub/sub would need a second connection for
/// each process and would lose what is said while that one is down.
fn poll_pause(polls: u32, dice: f64) -> Duration {
    Duration::from_millis(20)
        .saturating_mul(2u32.saturating_pow(polls))
        .min(Duration::from_millis(200))
        .mul_f64(0.5 + dice / 2.0)
}
