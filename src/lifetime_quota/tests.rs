use tokio::time::advance;

use super::*;
use crate::event::testing::RecordingListener;
use crate::event::{Event, EventBus, EventKind};
use crate::redis::fake::FakeRedis;

const SECOND: Duration = Duration::from_secs(1);

fn shared() -> SharedUsage {
    SharedUsage::new(Clock::manual(Duration::from_secs(1_700_000_000)))
}

impl SharedUsage {
    /// Records an answer that took `duration`; gives what is known then.
    fn told(&self, used: u32, duration: Duration) -> u32 {
        self.accept(used, self.clock.mono().saturating_sub(duration));
        self.known.lock().unwrap().used
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_overtaken_changes_nothing_and_a_later_request_may_tell_less() {
    let usage = shared();
    advance(10 * SECOND).await;
    assert_eq!(usage.told(70, SECOND), 70);
    advance(SECOND).await;
    assert_eq!(usage.told(69, 2 * SECOND), 70, "it began before 70 was told");
    assert_eq!(usage.told(69, SECOND), 70, "it began when 70 was told");
    assert_eq!(usage.told(72, 9 * SECOND), 72, "more is more, whenever it began");
    advance(2 * SECOND).await;
    assert_eq!(usage.told(3, SECOND), 3, "the number has fallen");
}

#[tokio::test(start_paused = true)]
async fn the_fleet_knows_better_if_it_knows_more_or_was_told_later() {
    let usage = shared();
    advance(100 * SECOND).await;
    let adopt = |used, age: Duration| {
        usage.adopt(used, age);
        let Usage { used, at } = usage.known.lock().unwrap();
        (used, (usage.clock.now().wall - at.wall).as_secs())
    };
    assert_eq!(adopt(50, 30 * SECOND), (50, 30));
    assert_eq!(adopt(40, 31 * SECOND), (50, 30));
    assert_eq!(adopt(40, 29 * SECOND), (40, 29));
    assert_eq!(adopt(60, 90 * SECOND), (60, 90));
}

#[test]
fn thresholds_are_those_of_the_whole_quota() {
    let of = [0, 49_999, 50_000, 79_999, 80_000, 90_000, 95_000, 98_999, 99_000, 100_000, 999_999_999].map(threshold);
    let expected = [0, 0, 50, 50, 80, 90, 95, 95, 99, 99, 99].map(|percent| (percent > 0).then_some(percent));
    assert_eq!(of, expected);
}

/// The quota of one process, and what it tells.
struct Process {
    quota: Arc<LifetimeQuota>,
    told: Arc<RecordingListener>,
}

impl Process {
    fn new(redis: &Arc<FakeRedis>) -> Self {
        let (bus, told) = (Arc::<EventBus>::default(), Arc::<RecordingListener>::default());
        bus.add(told.clone());
        let usage = RedisUsage::new(redis.clone(), "p");
        let quota = LifetimeQuota::new(Arc::new(shared()), Some(usage), EventSource::new(bus, "wx", None));
        Self { quota, told }
    }

    /// Records an answer that took `duration`, and waits for Redis. Gives the percentages that were told, and what is known.
    async fn record(&self, used: u32, duration: Duration) -> (Vec<u32>, u32) {
        self.quota.record(used, duration);
        tokio::time::sleep(SECOND).await;
        let told = std::mem::take(&mut *self.told.0.lock());
        let percent = |event: &Event| match event.kind {
            EventKind::Request(RequestEvent::LifetimeQuotaReached { percent, .. }) => percent,
            _ => 0,
        };
        (told.iter().map(percent).collect(), self.quota.usage().unwrap().used)
    }
}

#[tokio::test(start_paused = true)]
async fn one_process_of_a_fleet_tells_a_threshold_and_no_other_one_tells_it_again() {
    let redis = Arc::new(FakeRedis::with_latency(Duration::from_millis(5)));
    let [first, second] = [Process::new(&redis), Process::new(&redis)];
    advance(10 * SECOND).await;
    assert_eq!(first.record(81_000, SECOND).await, (vec![80], 81_000));
    assert_eq!(second.record(82_000, SECOND).await, (vec![], 82_000), "it knew nothing, and the fleet did");
    assert_eq!(first.record(90_000, SECOND).await, (vec![90], 90_000));
    assert_eq!(second.record(89_000, 3 * SECOND).await, (vec![], 90_000), "another process was told more meanwhile");
    assert_eq!(second.record(70_000, SECOND / 2).await, (vec![], 70_000), "the number has fallen");
    assert_eq!(first.record(80_500, SECOND / 2).await, (vec![80], 80_500));
}

#[tokio::test(start_paused = true)]
async fn without_redis_each_process_tells_what_it_knows() {
    let redis = Arc::new(FakeRedis::with_latency(Duration::from_millis(5)));
    let process = Process::new(&redis);
    redis.set_up(false);
    assert_eq!(process.record(50_000, SECOND).await, (vec![50], 50_000));
    assert_eq!(process.record(60_000, SECOND).await, (vec![], 60_000));
    redis.set_up(true);
    for damaged in [("used", "many"), ("at", "-1"), ("used", "-5")] {
        redis.database().put_field("p:usage", damaged.0, damaged.1);
        let (_, known) = process.record(60_001, SECOND).await;
        assert_eq!((known, redis.database().field("p:usage", "used").as_deref()), (60_001, Some("60001")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_asks_its_fleet_once() {
    let redis = Arc::new(FakeRedis::with_latency(Duration::from_millis(5)));
    Process::new(&redis).record(71_234, SECOND).await;
    let other = Process::new(&redis);
    let runs = redis.runs();
    for _ in 0..3 {
        other.quota.ask_fleet();
        tokio::time::sleep(SECOND).await;
    }
    assert_eq!((other.quota.usage().map(|usage| usage.used), redis.runs() - runs), (Some(71_234), 1));
}
