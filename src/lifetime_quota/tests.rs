use tokio::time::advance;

use super::*;

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
