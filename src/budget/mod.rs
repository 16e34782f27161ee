//! The minute budget of `getUnlimitedQRCode`: WeChat counts 5000 calls a minute, whichever process makes them.
//! <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getunlimitedqrcode.html>

pub mod fleet;
pub mod window;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::deadline::Deadline;
use crate::error::{Budget, Error, Result};
use crate::event::{Channel, Event, Voice};
use crate::wechat::endpoint::Endpoint;
use fleet::FleetMinute;
use window::Minute;

/// Who may call, and when. With a fleet its count decides, and while that is out of reach this process's own.
pub struct Turns {
    /// `None` is no limit.
    pub rate: Option<u32>,
    pub here: Arc<Minute>,
    pub fleet: Option<FleetMinute>,
    pub voice: Voice,
}

/// Why there is no turn now, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Full {
    budget: Budget,
    wait: Duration,
}

impl Turns {
    /// Waits for a turn; without one inside the deadline fails at once and says when there is one. Gives whether it
    /// waited.
    pub async fn turn(&self, endpoint: &Endpoint, deadline: &Deadline) -> Result<bool> {
        let mut waited = false;
        while let Some(Full { budget, wait }) = self.take().await {
            if wait >= deadline.left() {
                let exhausted = |event| Event { reason: Some(budget.name()), wait: Some(wait), ..event };
                self.voice.tell(Channel::Request, "budget.exhausted", exhausted);
                return Err(Error::Budget { endpoint: endpoint.clone(), budget, wait });
            }
            waited = true;
            sleep(wait).await;
        }
        Ok(waited)
    }

    /// Counts a call that does not wait: a retry or a replay of one that had its turn.
    pub fn note(&self) {
        self.here.note();
        if let Some(fleet) = &self.fleet {
            fleet.note();
        }
    }

    /// WeChat says that the minute is full, whatever was counted here. Gives the time until the next one.
    pub async fn pause(&self) -> Duration {
        let here = self.here.pause();
        match &self.fleet {
            Some(fleet) => fleet.pause().await.unwrap_or(here),
            None => here,
        }
    }

    async fn take(&self) -> Option<Full> {
        if let Some(wait) = self.here.paused() {
            return Some(Full { budget: Budget::MinuteFull, wait });
        }
        let Some(rate) = self.rate else {
            self.here.note();
            return None;
        };
        let Some(fleet) = &self.fleet else {
            return self.here.take(rate).map(|wait| Full { budget: Budget::PerMinute, wait });
        };
        match fleet.take(rate).await {
            Ok(None) => {
                self.here.note();
                None
            }
            Ok(full) => full,
            Err(_) => self.here.take(rate).map(|wait| Full { budget: Budget::PerMinute, wait }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::{BoxFuture, join_all};
    use redis::Value;

    use super::*;
    use crate::link::{Scripts, Step, down};

    /// A Redis that has so many turns left and takes so long.
    struct Fleet {
        turns: AtomicUsize,
        takes: Duration,
        up: bool,
        runs: AtomicUsize,
        owed: AtomicUsize,
    }

    fn number(arg: &[u8]) -> usize {
        String::from_utf8_lossy(arg).parse().unwrap()
    }

    impl Scripts for Fleet {
        fn run(&self, step: Step) -> BoxFuture<'_, Result<Value>> {
            Box::pin(async move {
                self.runs.fetch_add(1, Ordering::Relaxed);
                sleep(self.takes).await;
                if !self.up {
                    return Err(down("gone"));
                }
                if step.args.is_empty() {
                    return Ok(Value::Int(30_000));
                }
                self.owed.fetch_add(number(&step.args[2]), Ordering::Relaxed);
                let given = number(&step.args[1]).min(self.turns.load(Ordering::Relaxed));
                self.turns.fetch_sub(given, Ordering::Relaxed);
                let wait = if given == 0 { 20_000 } else { 0 };
                Ok(Value::Array(vec![Value::Int(given as i64), Value::Int(wait), Value::Int(0)]))
            })
        }

        fn recovered(&self) -> BoxFuture<'_, ()> {
            Box::pin(async {})
        }

        fn is_up(&self) -> bool {
            self.up
        }

        fn timeout(&self) -> Duration {
            Duration::from_millis(250)
        }

        fn invite(&self, _: std::sync::Weak<dyn crate::link::Guest>) {}
    }

    fn fleet(turns: usize, takes: u64, up: bool) -> Arc<Fleet> {
        Arc::new(Fleet { turns: turns.into(), takes: Duration::from_millis(takes), up, runs: 0.into(), owed: 0.into() })
    }

    fn turns(rate: u32, fleet: Option<&Arc<Fleet>>) -> Turns {
        let voice = Voice { hub: Arc::default(), appid: "wx".into(), mode: None };
        let fleet = fleet.map(|fleet| FleetMinute::new(fleet.clone(), "p".into()));
        Turns { rate: Some(rate), here: Arc::default(), fleet, voice }
    }

    async fn turn(turns: &Turns, seconds: u64) -> Result<bool> {
        let endpoint = Endpoint::GetUnlimitedQrCode;
        turns.turn(&endpoint, &Deadline::new(Duration::from_secs(seconds), Some(endpoint.clone()))).await
    }

    fn budget(result: Result<bool>) -> Option<(Budget, u64)> {
        match result {
            Err(Error::Budget { budget, wait, .. }) => Some((budget, wait.as_secs_f64().round() as u64)),
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
        assert_eq!(budget(turn(&turns, 10).await), Some((Budget::FleetPerMinute, 20)));
        assert_eq!(budget(turn(&turns, 10).await), Some((Budget::FleetPerMinute, 20)));
        assert_eq!(redis.runs.load(Ordering::Relaxed), 2, "it is known for how long");
        redis.turns.store(1, Ordering::Relaxed);
        assert!(matches!(turn(&turns, 30).await, Ok(true)));
    }

    #[tokio::test(start_paused = true)]
    async fn without_the_fleet_each_process_counts_for_itself_with_what_it_has_used() {
        let redis = fleet(2, 1, true);
        let turns = turns(3, Some(&redis));
        assert!(turn(&turns, 10).await.is_ok() && turn(&turns, 10).await.is_ok());
        let gone = Turns { fleet: Some(FleetMinute::new(fleet(0, 0, false), "p".into())), ..turns };
        assert!(turn(&gone, 10).await.is_ok());
        assert_eq!(budget(turn(&gone, 10).await).map(|(budget, _)| budget), Some(Budget::PerMinute));
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
    async fn retries_are_counted_with_the_next_turn() {
        let redis = fleet(10, 1, true);
        let turns = turns(5000, Some(&redis));
        turns.note();
        turns.note();
        turn(&turns, 10).await.unwrap();
        turn(&turns, 10).await.unwrap();
        assert_eq!(redis.owed.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_minute_that_wechat_calls_full_is_waited_for() {
        let turns = Turns { rate: None, ..turns(1, None) };
        assert!(turn(&turns, 10).await.is_ok());
        let left = turns.pause().await;
        assert!(left <= Duration::from_secs(60));
        let error = turn(&turns, 0).await;
        assert_eq!(budget(error).map(|(budget, _)| budget), Some(Budget::MinuteFull));
        let begun = tokio::time::Instant::now();
        assert!(matches!(turn(&turns, 61).await, Ok(true)));
        assert!(begun.elapsed().abs_diff(left) < Duration::from_millis(50));
        assert!(matches!(turn(&turns, 0).await, Ok(false)), "it is over");
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
