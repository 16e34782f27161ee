//! The rate limit of `getUnlimitedQRCode`: WeChat counts 5000 calls a minute, whichever process makes them.
//! <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getunlimitedqrcode.html>

pub mod corrections;
pub mod shared;
pub mod window;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::sleep;

use crate::deadline::Deadline;
use crate::error::{Error, ExceededLimit, Result};
use crate::event::{EventSource, RequestEvent};
use crate::transport::SentCounter;
use crate::wechat::endpoint::Endpoint;
use corrections::CountedAt;
use shared::SharedRateLimiter;
use window::SlidingWindow;

/// Gives permits. In a fleet its count decides, and while that is out of reach this process's own.
///
/// A request that leaves spends a permit. Only clients that WeChat has accepted share the app's window: a client with the
/// appid and no good token counts for itself.
pub struct RateLimiter {
    /// `None` is no limit.
    rate: Option<u32>,
    /// Of all clients of this process that make codes for the app.
    app: Arc<SlidingWindow>,
    /// Of this client, until WeChat has accepted it.
    own: SlidingWindow,
    accepted: AtomicBool,
    fleet: Option<SharedRateLimiter>,
    events: EventSource,
}

/// Why there is no permit now, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Exhausted {
    limit: ExceededLimit,
    wait: Duration,
}

/// Whether to ask Redis: a call waits for a slow Redis once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fleet {
    Answers,
    IsOutOfReach,
}

impl RateLimiter {
    /// `accepted`: its token comes from WeChat itself, so that without one nothing is sent.
    pub fn new(
        rate: Option<u32>,
        app: Arc<SlidingWindow>,
        accepted: bool,
        fleet: Option<SharedRateLimiter>,
        events: EventSource,
    ) -> Self {
        Self { rate, app, own: SlidingWindow::default(), accepted: accepted.into(), fleet, events }
    }

    /// Fetches permits from Redis ahead of `turn`, so that a call can wait for its token at the same time. Takes none.
    pub async fn prepare(&self) -> Fleet {
        let (Some(rate), Some(fleet)) = (self.rate, &self.fleet) else { return Fleet::Answers };
        match fleet.prepare(rate).await {
            Ok(()) => Fleet::Answers,
            Err(_) => Fleet::IsOutOfReach,
        }
    }

    /// Waits for a permit. If there is none before the deadline, fails at once and says when there will be.
    pub async fn turn(&self, endpoint: &Endpoint, deadline: &Deadline, fleet: Fleet) -> Result<Permit<'_>> {
        let mut waited = false;
        loop {
            let Exhausted { limit, wait } = match self.take(fleet).await {
                Ok(Taken { second, fleet }) => return Ok(Permit::new(self, second, fleet, waited)),
                Err(full) => full,
            };
            if wait >= deadline.left() {
                self.events.request(|| RequestEvent::RateLimitExceeded { limit, retry_after: wait });
                return Err(Error::RateLimit { endpoint: endpoint.clone(), limit, wait });
            }
            waited = true;
            sleep(wait).await;
        }
    }

    /// WeChat took this client's token.
    pub fn accept(&self) {
        if !self.accepted.load(Ordering::Relaxed) {
            self.accepted.store(true, Ordering::Relaxed);
        }
    }

    /// WeChat says that the minute is full, whatever was counted here. Gives the time until the next one.
    pub async fn pause(&self) -> Duration {
        let here = self.app.pause();
        match &self.fleet {
            Some(fleet) => fleet.pause().await.unwrap_or(here),
            None => here,
        }
    }

    async fn take(&self, reach: Fleet) -> Result<Taken, Exhausted> {
        if let Some(wait) = self.app.paused() {
            return Err(Exhausted { limit: ExceededLimit::WeChat, wait });
        }
        let Some(rate) = self.rate else { return Ok(Taken { second: self.minute().note(), fleet: None }) };
        let asked = match &self.fleet {
            Some(fleet) if reach == Fleet::Answers => fleet.take(rate).await.ok(),
            _ => None,
        };
        match asked {
            Some(answer) => answer.map(|counted| Taken { second: self.minute().note(), fleet: Some(counted) }),
            None => {
                let here = |wait| Exhausted { limit: ExceededLimit::Process, wait };
                self.minute().take(rate).map(|second| Taken { second, fleet: None }).map_err(here)
            }
        }
    }

    fn minute(&self) -> &SlidingWindow {
        if self.accepted.load(Ordering::Relaxed) { &self.app } else { &self.own }
    }

    /// Counts a request that had no permit: a retry or a replay.
    fn note(&self) {
        self.minute().note();
        if let Some(fleet) = &self.fleet {
            fleet.note();
        }
    }
}

/// Where a permit is counted.
struct Taken {
    second: u64,
    fleet: Option<CountedAt>,
}

/// The right to one request. The first request that leaves spends it, further ones are counted without one, and if none
/// leaves it is given back.
pub struct Permit<'a> {
    turns: &'a RateLimiter,
    second: u64,
    /// Whether it was taken from the app's window.
    accepted: bool,
    fleet: Option<CountedAt>,
    pub waited: bool,
    sent: SentCounter,
    counted: AtomicU32,
}

impl<'a> Permit<'a> {
    fn new(turns: &'a RateLimiter, second: u64, fleet: Option<CountedAt>, waited: bool) -> Self {
        let accepted = turns.accepted.load(Ordering::Relaxed);
        Self { turns, second, accepted, fleet, waited, sent: SentCounter::default(), counted: AtomicU32::new(1) }
    }

    /// Counts the requests that leave.
    pub fn sent(&self) -> &SentCounter {
        &self.sent
    }

    /// Counts what has left without a permit so far.
    pub fn settle(&self) {
        let left = self.sent.count();
        for _ in self.counted.fetch_max(left, Ordering::Relaxed)..left {
            self.turns.note();
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.settle();
        let RateLimiter { app, own, accepted, fleet, .. } = self.turns;
        if self.sent.count() > 0 {
            // WeChat has accepted the client meanwhile: this call counts for the app too.
            if !self.accepted && accepted.load(Ordering::Relaxed) {
                app.note();
            }
            return;
        }
        let minute = if self.accepted { app } else { own };
        minute.give_back(self.second);
        if let Some((fleet, counted)) = fleet.as_ref().zip(self.fleet) {
            fleet.give_back(counted);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

    use futures_util::future::{BoxFuture, join_all};
    use redis::Value;

    use super::Fleet as Reach;
    use super::*;
    use crate::redis::{ScriptCall, ScriptRunner, unavailable};

    /// A Redis that has so many turns left and takes so long.
    struct Fleet {
        turns: AtomicI64,
        takes: Duration,
        up: AtomicBool,
        runs: AtomicUsize,
        /// The sum of what was put right.
        corrected: AtomicI64,
    }

    fn number(arg: &[u8]) -> i64 {
        String::from_utf8_lossy(arg).parse().unwrap()
    }

    impl ScriptRunner for Fleet {
        fn run(&self, step: ScriptCall) -> BoxFuture<'_, Result<Value>> {
            Box::pin(async move {
                self.runs.fetch_add(1, Ordering::Relaxed);
                sleep(self.takes).await;
                if !self.is_up() {
                    return Err(unavailable("gone"));
                }
                if step.args.is_empty() {
                    return Ok(Value::Int(30_000));
                }
                let corrections: i64 = step.args[2..].chunks_exact(2).map(|pair| number(&pair[1])).sum();
                self.corrected.fetch_add(corrections, Ordering::Relaxed);
                let turns = (self.turns.load(Ordering::Relaxed) - corrections).max(0);
                let given = number(&step.args[1]).min(turns);
                self.turns.store(turns - given, Ordering::Relaxed);
                let wait = if given == 0 { 20_000 } else { 0 };
                Ok(Value::Array([given, wait, 0, 1_000_000].map(Value::Int).into()))
            })
        }

        fn recovered(&self) -> BoxFuture<'_, ()> {
            Box::pin(async {})
        }

        fn is_up(&self) -> bool {
            self.up.load(Ordering::Relaxed)
        }

        fn timeout(&self) -> Duration {
            Duration::from_millis(250)
        }

        fn subscribe(&self, _: std::sync::Weak<dyn crate::redis::ReconnectListener>) {}
    }

    fn fleet(turns: i64, takes: u64, up: bool) -> Arc<Fleet> {
        Arc::new(Fleet {
            turns: turns.into(),
            takes: Duration::from_millis(takes),
            up: up.into(),
            runs: 0.into(),
            corrected: 0.into(),
        })
    }

    fn turns(rate: u32, fleet: Option<&Arc<Fleet>>) -> RateLimiter {
        let fleet = fleet.map(|fleet| SharedRateLimiter::new(fleet.clone(), "p".into()));
        RateLimiter::new(Some(rate), Arc::default(), true, fleet, events())
    }

    fn events() -> EventSource {
        EventSource::new(Arc::default(), "wx", None)
    }

    /// Takes a turn without sending anything.
    async fn take(turns: &RateLimiter, seconds: u64) -> Result<Permit<'_>> {
        let endpoint = Endpoint::GetUnlimitedQrCode;
        let deadline = Deadline::new(Duration::from_secs(seconds), Some(endpoint.clone()));
        turns.turn(&endpoint, &deadline, Reach::Answers).await
    }

    /// Takes a turn and sends a request. Gives whether it waited.
    async fn turn(turns: &RateLimiter, seconds: u64) -> Result<bool> {
        let turn = take(turns, seconds).await?;
        turn.sent().leave();
        Ok(turn.waited)
    }

    fn exceeded(result: Result<bool>) -> Option<(ExceededLimit, u64)> {
        match result {
            Err(Error::RateLimit { limit, wait, .. }) => Some((limit, wait.as_secs_f64().round() as u64)),
            _ => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_asks_redis_a_few_times_and_takes_exactly_its_turns() {
        let redis = fleet(1000, 1, true);
        let turns = turns(5000, Some(&redis));
        let results = join_all((0..90).map(|_| turn(&turns, 10))).await;
        assert!(results.iter().all(|result| matches!(result, Ok(false))));
        assert_eq!(redis.turns.load(Ordering::Relaxed), 1000 - 90);
        assert!(redis.runs.load(Ordering::Relaxed) <= 2, "{:?}", redis.runs);
    }

    #[tokio::test(start_paused = true)]
    async fn when_the_fleet_has_none_left_a_call_waits_or_fails_at_once() {
        let redis = fleet(1, 1, true);
        let turns = turns(5000, Some(&redis));
        assert!(turn(&turns, 10).await.is_ok());
        assert_eq!(exceeded(turn(&turns, 10).await), Some((ExceededLimit::Redis, 20)));
        assert_eq!(exceeded(turn(&turns, 10).await), Some((ExceededLimit::Redis, 20)));
        assert_eq!(redis.runs.load(Ordering::Relaxed), 2, "it is known for how long");
        redis.turns.store(1, Ordering::Relaxed);
        assert!(matches!(turn(&turns, 30).await, Ok(true)));
    }

    #[tokio::test(start_paused = true)]
    async fn without_the_fleet_each_process_counts_for_itself_with_what_it_has_used() {
        let redis = fleet(2, 1, true);
        let turns = turns(3, Some(&redis));
        assert!(turn(&turns, 10).await.is_ok() && turn(&turns, 10).await.is_ok());
        let gone = RateLimiter { fleet: Some(SharedRateLimiter::new(fleet(0, 0, false), "p".into())), ..turns };
        assert!(turn(&gone, 10).await.is_ok());
        assert_eq!(exceeded(turn(&gone, 10).await).map(|(limit, _)| limit), Some(ExceededLimit::Process));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_redis_costs_each_call_one_timeout_at_most() {
        let turns = turns(5000, Some(&fleet(1000, 200, true)));
        let begun = tokio::time::Instant::now();
        join_all((0..150).map(|_| turn(&turns, 10))).await;
        assert!(begun.elapsed() <= Duration::from_millis(250), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn turns_that_a_slow_redis_gives_are_used_and_not_thrown_away() {
        let redis = fleet(5000, 180, true);
        let turns = turns(5000, Some(&redis));
        for _ in 0..10 {
            join_all((0..64).map(|_| turn(&turns, 10))).await;
        }
        assert!(redis.turns.load(Ordering::Relaxed) >= 5000 - 640 - 100, "{:?} left", redis.turns);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_is_counted_once_for_each_request_that_leaves() {
        let redis = fleet(10, 1, true);
        let turns = turns(5000, Some(&redis));
        let call = take(&turns, 10).await.unwrap();
        for _ in 0..3 {
            call.sent().leave();
            call.settle();
        }
        sleep(Duration::from_secs(2)).await;
        assert_eq!(redis.corrected.load(Ordering::Relaxed), 2, "the first has the turn, and nobody has to ask");
        drop(call);
        sleep(Duration::from_secs(2)).await;
        assert_eq!(redis.turns.load(Ordering::Relaxed), 10 - 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_minute_that_wechat_calls_full_is_waited_for() {
        let turns = RateLimiter::new(None, Arc::default(), true, None, events());
        assert!(turn(&turns, 10).await.is_ok());
        let left = turns.pause().await;
        assert!(left <= Duration::from_secs(60));
        let error = turn(&turns, 0).await;
        assert_eq!(exceeded(error).map(|(limit, _)| limit), Some(ExceededLimit::WeChat));
        let begun = tokio::time::Instant::now();
        assert!(matches!(turn(&turns, 61).await, Ok(true)));
        assert!(begun.elapsed().abs_diff(left) < Duration::from_millis(50));
        assert!(matches!(turn(&turns, 0).await, Ok(false)), "it is over");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_sends_nothing_costs_no_turn() {
        let redis = fleet(60, 1, true);
        for redis in [None, Some(&redis)] {
            let turns = turns(60, redis);
            for pause in [0, 0, 3, 0, 3] {
                let calls = join_all((0..60).map(|_| take(&turns, 10))).await;
                assert!(calls.iter().all(Result::is_ok), "60 wait for something, and nothing leaves");
                assert!(take(&turns, 0).await.is_err(), "and no more");
                drop(calls);
                sleep(Duration::from_secs(pause)).await;
            }
            assert!(turn(&turns, 0).await.is_ok());
        }
        sleep(Duration::from_secs(3)).await;
        assert_eq!(redis.turns.load(Ordering::Relaxed), 59, "the fleet has them back, whether or not anybody asks");
    }

    #[tokio::test(start_paused = true)]
    async fn turns_that_were_fetched_ahead_and_that_nobody_took_go_back_by_themselves() {
        let redis = fleet(1000, 1, true);
        let turns = turns(5000, Some(&redis));
        join_all((0..60).map(|_| turns.prepare())).await;
        assert_eq!(redis.turns.load(Ordering::Relaxed), 1000 - 60, "no token came, and nothing was sent");
        sleep(Duration::from_secs(3)).await;
        assert_eq!(redis.turns.load(Ordering::Relaxed), 1000);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_sent_while_redis_was_down_is_owed_for_a_minute_and_no_longer() {
        for (outage, owed) in [(30, 200), (61, 0)] {
            let redis = fleet(1000, 0, true);
            redis.up.store(false, Ordering::Relaxed);
            let turns = turns(1000, Some(&redis));
            for _ in 0..100 {
                let call = take(&turns, 10).await.unwrap();
                (0..3).for_each(|_| call.sent().leave());
            }
            sleep(Duration::from_secs(outage)).await;
            redis.up.store(true, Ordering::Relaxed);
            turn(&turns, 10).await.unwrap();
            assert_eq!(redis.corrected.load(Ordering::Relaxed), owed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_not_been_accepted_spends_nobodys_minute() {
        let app = Arc::<SlidingWindow>::default();
        let [good, unknown] =
            [true, false].map(|accepted| RateLimiter::new(Some(5), app.clone(), accepted, None, events()));
        for _ in 0..5 {
            turn(&unknown, 0).await.unwrap();
        }
        assert_eq!(exceeded(turn(&unknown, 0).await).map(|(limit, _)| limit), Some(ExceededLimit::Process), "its own");
        for _ in 0..5 {
            turn(&good, 0).await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_call_by_which_wechat_accepts_a_client_counts_for_the_app() {
        let app = Arc::<SlidingWindow>::default();
        let turns = RateLimiter::new(Some(2), app.clone(), false, None, events());
        let call = take(&turns, 0).await.unwrap();
        call.sent().leave();
        turns.accept();
        drop(call);
        assert!(turn(&turns, 0).await.is_ok());
        assert!(turn(&turns, 0).await.is_err(), "two of two");
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_gives_up_waiting_leaves_the_others_alone() {
        let redis = fleet(1000, 100, true);
        let turns = turns(5000, Some(&redis));
        let first = tokio::time::timeout(Duration::from_millis(50), turn(&turns, 10));
        let (first, second) = tokio::join!(first, turn(&turns, 10));
        assert!(first.is_err() && second.is_ok());
    }
}
