//! The minute of a whole fleet, counted in Redis.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use redis::Value;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::Full;
use crate::error::{Budget, Error, Result};
use crate::link::{Scripts, Step, down};

const TAKE_TURNS: &str = include_str!("take_turns.lua");
const PAUSE: &str = include_str!("pause.lua");

/// Turns fetched at once: for all who wait here, and not so many that a crash would cost the fleet its minute.
const AT_ONCE: u32 = 100;
/// Turns that nobody took in this time belong to a second that is over.
const FRESH: Duration = Duration::from_secs(1);

/// Those who wait while one asks Redis get what it brings, so that a burst costs a few scripts and not one each.
pub struct FleetMinute(Arc<Shared>);

struct Shared {
    scripts: Arc<dyn Scripts>,
    /// `<keyPrefix>{appid:mode:print}`, as for the token.
    place: String,
    waiting: AtomicU32,
    /// Calls that had no turn: retries and replays.
    owed: AtomicU32,
    stock: Arc<Mutex<Stock>>,
}

struct Stock {
    turns: u32,
    fetched: Instant,
    /// No turn before this, and why.
    full: Option<(Instant, Budget)>,
}

impl FleetMinute {
    pub fn new(scripts: Arc<dyn Scripts>, place: String) -> Self {
        let stock = Arc::new(Mutex::new(Stock { turns: 0, fetched: Instant::now(), full: None }));
        Self(Arc::new(Shared { scripts, place, waiting: AtomicU32::new(0), owed: AtomicU32::new(0), stock }))
    }

    /// Takes a turn, or says how long there is none. Takes no longer than Redis may.
    pub async fn take(&self, rate: u32) -> Result<Option<Full>> {
        let _waiting = Waiting::among(&self.0.waiting);
        timeout(self.0.scripts.timeout(), self.take_next(rate)).await.unwrap_or_else(|_| Err(down("too slow")))
    }

    pub fn note(&self) {
        self.0.owed.fetch_add(1, Ordering::Relaxed);
    }

    pub async fn pause(&self) -> Result<Duration> {
        let step = Step::new(PAUSE, vec![format!("{}:pause", self.0.place)]);
        let Value::Int(left) = self.0.scripts.run(step).await? else { return Err(strange()) };
        Ok(Duration::from_millis(left.unsigned_abs()))
    }

    async fn take_next(&self, rate: u32) -> Result<Option<Full>> {
        let mut stock = self.0.stock.clone().lock_owned().await;
        if let Some(outcome) = stock.take() {
            return Ok(outcome);
        }
        // What Redis gives is for all who wait, so it is fetched even if the one who asks goes away.
        let shared = self.0.clone();
        let fetched = tokio::spawn(async move {
            *stock = shared.fetch(rate).await?;
            Ok(stock.take().unwrap_or_default())
        });
        fetched.await.unwrap_or_else(|_| Err(down("interrupted")))
    }
}

impl Stock {
    /// A turn, or how long there is none; nothing if Redis has to be asked.
    fn take(&mut self) -> Option<Option<Full>> {
        let now = Instant::now();
        if let Some((until, budget)) = self.full.filter(|&(until, _)| now < until) {
            return Some(Some(Full { budget, wait: until - now }));
        }
        if self.turns == 0 || now > self.fetched + FRESH {
            return None;
        }
        self.turns -= 1;
        Some(None)
    }
}

impl Shared {
    async fn fetch(&self, rate: u32) -> Result<Stock> {
        let wanted = self.waiting.load(Ordering::Relaxed).clamp(1, AT_ONCE);
        let owed = self.owed.swap(0, Ordering::Relaxed);
        let keys = ["minute", "pause"].map(|name| format!("{}:{name}", self.place)).to_vec();
        let step = Step::new(TAKE_TURNS, keys).arg(rate).arg(wanted).arg(owed);
        let answer = self.scripts.run(step).await.inspect_err(|_| {
            self.owed.fetch_add(owed, Ordering::Relaxed);
        })?;
        let Value::Array(row) = answer else { return Err(strange()) };
        let [Value::Int(turns), Value::Int(wait), Value::Int(paused)] = row[..] else { return Err(strange()) };
        let fetched = Instant::now();
        let turns = u32::try_from(turns).map_err(|_| strange())?;
        let budget = if paused > 0 { Budget::MinuteFull } else { Budget::FleetPerMinute };
        let full = (turns == 0).then(|| (fetched + Duration::from_millis(wait.unsigned_abs()), budget));
        Ok(Stock { turns, fetched, full })
    }
}

fn strange() -> Error {
    down("an answer of no known form")
}

/// Counts one who waits, until it does no longer.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn among(waiting: &'a AtomicU32) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
