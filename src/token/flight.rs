//! One refresh: a task that no caller owns and any number of callers await. A caller that goes away takes nothing
//! with it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::TokenCache;
use super::clock::Clock;
use super::source::{Ask, Source};
use super::state::{Errand, Fetched, Order, Token};
use super::store::{Acquired, Store};
use crate::deadline::Deadline;
use crate::error::{Budget, Error, Result, WaitedFor};
use crate::wechat::endpoint::Endpoint;

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
    fn land(mut self, result: Result<Fetched>) {
        self.touch_down(result);
    }

    fn touch_down(&mut self, result: Result<Fetched>) {
        self.landed = true;
        let outcome = self.cache.landed(self.flight, result);
        self.progress.send_modify(|progress| progress.outcome = Some(outcome));
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

async fn fly(landing: &Landing, source: &dyn Source, errand: &Errand) -> Result<Fetched> {
    let deadline = Deadline::new(source.limit(), source.endpoint());
    let report = |error| landing.report(error);
    let trip = Trip { source, store: &*landing.cache.store, clock: &*landing.cache.clock, deadline, report: &report };
    let last_failure = || landing.progress.borrow().last_failure.clone();
    let waiting_for = landing.progress.borrow().waiting_for;
    deadline.hold(waiting_for, last_failure, trip.run(errand)).await?
}

struct Trip<'a> {
    source: &'a dyn Source,
    store: &'a dyn Store,
    clock: &'a dyn Clock,
    deadline: Deadline,
    report: &'a (dyn Fn(Error) + Send + Sync),
}

impl Trip<'_> {
    async fn run(&self, errand: &Errand) -> Result<Fetched> {
        let fetched = match errand {
            Errand::Forced => self.forced().await?,
            Errand::Ordinary { refused } => {
                if let Acquired::Token(fetched) = self.store.acquire(refused.as_ref().map(|(token, _)| token)).await? {
                    return Ok(fetched);
                }
                self.ordinary(refused.as_ref()).await?
            }
        };
        self.store.publish(&fetched).await?;
        Ok(fetched)
    }

    async fn ordinary(&self, refused: Option<&(Token, i64)>) -> Result<Fetched> {
        let fetched = self.fetch(false, refused).await?;
        match refused {
            Some((token, _)) if token.expose() == secrecy::ExposeSecret::expose_secret(&fetched.value) => {
                Ok(self.force_instead_of(token).await.unwrap_or(fetched))
            }
            _ => Ok(fetched),
        }
    }

    /// WeChat hands out the very token that its API refused. A forced refresh gets another one, if there is one left
    /// in the budget; without it the old one stands, and the API's refusal goes to the caller.
    async fn force_instead_of(&self, token: &Token) -> Option<Fetched> {
        let now = self.clock.now();
        let old_enough = now.mono >= token.first_seen().mono + TOO_YOUNG_TO_FORCE;
        if !self.source.may_repeat() || !old_enough || self.store.spend_forced(now).await.ok()?.is_some() {
            return None;
        }
        self.fetch(true, None).await.ok()
    }

    async fn forced(&self) -> Result<Fetched> {
        // A provider's forced refreshes are its own business.
        if let Some(endpoint) = self.source.endpoint() {
            self.spend(endpoint).await?;
        }
        self.fetch(true, None).await
    }

    async fn spend(&self, endpoint: Endpoint) -> Result<()> {
        match self.store.spend_forced(self.clock.now()).await? {
            None => Ok(()),
            Some(wait) => Err(Error::Budget { endpoint, budget: Budget::ForcedRefresh, wait }),
        }
    }

    async fn fetch(&self, forced: bool, refused: Option<&(Token, i64)>) -> Result<Fetched> {
        let asked = self.clock.now();
        let refused = refused.map(|(token, errcode)| (token, *errcode));
        let ask = Ask { forced, refused, deadline: self.deadline, report: self.report };
        let given = self.source.fetch(ask).await?;
        Ok(Fetched { value: given.value, expires_in: given.expires_in, asked, ahead: given.ahead })
    }
}
