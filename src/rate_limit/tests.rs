use futures_util::future::join_all;
use tokio::time::Instant;

use super::*;
use crate::clock::Clock;
use crate::redis::fake::FakeRedis;

fn redis(latency: u64) -> Arc<FakeRedis> {
    Arc::new(FakeRedis::with_latency(Duration::from_millis(latency)))
}

/// The limiter of one process, which WeChat has accepted.
fn limiter(rate: u32, redis: Option<&Arc<FakeRedis>>) -> RateLimiter {
    let redis_limiter = redis.map(|redis| RedisRateLimiter::new(redis.clone(), "p".into()));
    RateLimiter::new(Some(rate), window(), true, redis_limiter, events())
}

/// An empty window, at second 20 of a minute.
fn window() -> Arc<SlidingWindow> {
    Arc::new(SlidingWindow::new(Clock::manual(Duration::from_secs(1_700_000_000))))
}

fn events() -> EventSource {
    EventSource::new(Arc::default(), "wx", None)
}

/// Acquires a permit and sends nothing.
async fn acquire(limiter: &RateLimiter, seconds: u64) -> Result<Permit<'_>> {
    let endpoint = Endpoint::GetUnlimitedQrCode;
    let deadline = Deadline::new(Duration::from_secs(seconds), Some(endpoint.clone()));
    limiter.acquire(&endpoint, &deadline, RedisAvailability::Reachable).await
}

/// Acquires a permit and sends a request. Returns whether it waited.
async fn send(limiter: &RateLimiter, seconds: u64) -> Result<bool> {
    let permit = acquire(limiter, seconds).await?;
    permit.sent().increment();
    Ok(permit.waited)
}

/// The limit that a call exceeded, and the seconds until the next permit.
fn exceeded(result: Result<bool>) -> Option<(ExceededLimit, u64)> {
    match result {
        Err(Error::RateLimit { limit, wait, .. }) => Some((limit, wait.as_secs_f64().round() as u64)),
        _ => None,
    }
}

/// The permits that Redis counts in the present minute.
fn counted(redis: &FakeRedis) -> u32 {
    redis.database().fields("p:minute").iter().map(|(_, count)| count.parse::<u32>().unwrap()).sum()
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_calls_runs_few_scripts_and_takes_one_permit_each() {
    let redis = redis(1);
    let limiter = limiter(5000, Some(&redis));
    let results = join_all((0..90).map(|_| send(&limiter, 10))).await;
    assert!(results.iter().all(|result| matches!(result, Ok(false))));
    assert_eq!(counted(&redis), 90);
    assert!(redis.runs() <= 2, "{} runs", redis.runs());
}

#[tokio::test(start_paused = true)]
async fn processes_share_the_permits_of_a_minute() {
    let redis = redis(1);
    let fleet = [(); 3].map(|()| limiter(10, Some(&redis)));
    let calls = fleet.iter().flat_map(|limiter| (0..8).map(|_| send(limiter, 10)));
    let results = join_all(calls).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 10);
    assert_eq!(counted(&redis), 10);
    for result in results.into_iter().filter(Result::is_err) {
        assert_eq!(exceeded(result), Some((ExceededLimit::Redis, 60)));
    }
}

#[tokio::test(start_paused = true)]
async fn without_permits_in_redis_a_call_waits_or_fails_at_once() {
    let redis = redis(1);
    let limiter = limiter(1, Some(&redis));
    assert!(send(&limiter, 10).await.is_ok());
    assert_eq!(exceeded(send(&limiter, 10).await), Some((ExceededLimit::Redis, 60)));
    assert_eq!(exceeded(send(&limiter, 10).await), Some((ExceededLimit::Redis, 60)));
    assert_eq!(redis.runs(), 2, "the limiter remembers the wait");
    let begun = Instant::now();
    assert!(matches!(send(&limiter, 61).await, Ok(true)));
    assert!(begun.elapsed().as_secs_f64() > 59.0, "{:?}", begun.elapsed());
    assert_eq!(counted(&redis), 1, "the first permit is a minute old");
}

#[tokio::test(start_paused = true)]
async fn without_redis_a_process_counts_its_own_calls_and_those_it_made_before() {
    let redis = redis(1);
    let limiter = limiter(3, Some(&redis));
    assert!(send(&limiter, 10).await.is_ok() && send(&limiter, 10).await.is_ok());
    redis.set_up(false);
    assert!(send(&limiter, 10).await.is_ok());
    assert_eq!(exceeded(send(&limiter, 10).await).map(|(limit, _)| limit), Some(ExceededLimit::Process));
}

#[tokio::test(start_paused = true)]
async fn an_error_of_redis_leaves_the_count_to_the_process() {
    let redis = redis(1);
    let limiter = limiter(1, Some(&redis));
    redis.fail_with(Some("OOM command not allowed when used memory > 'maxmemory'."));
    assert!(send(&limiter, 10).await.is_ok());
    assert_eq!(exceeded(send(&limiter, 10).await).map(|(limit, _)| limit), Some(ExceededLimit::Process));
    redis.fail_with(None);
    assert!(send(&limiter, 10).await.is_ok(), "Redis counted none");
}

#[tokio::test(start_paused = true)]
async fn a_slow_redis_costs_each_call_one_timeout_at_most() {
    let limiter = limiter(5000, Some(&redis(200)));
    let begun = Instant::now();
    join_all((0..150).map(|_| send(&limiter, 10))).await;
    assert!(begun.elapsed() <= Duration::from_millis(250), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn permits_from_a_slow_redis_are_used() {
    let redis = redis(180);
    let limiter = limiter(5000, Some(&redis));
    for _ in 0..10 {
        join_all((0..64).map(|_| send(&limiter, 10))).await;
    }
    assert!(counted(&redis) <= 640 + 100, "{} counted", counted(&redis));
}

#[tokio::test(start_paused = true)]
async fn a_call_counts_once_for_each_request_it_sends() {
    let redis = redis(1);
    let limiter = limiter(5000, Some(&redis));
    let permit = acquire(&limiter, 10).await.unwrap();
    for _ in 0..3 {
        permit.sent().increment();
        permit.record_extra();
    }
    assert_eq!(counted(&redis), 1);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(counted(&redis), 3, "without another call");
    drop(permit);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(counted(&redis), 3);
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_the_next_minute_when_wechat_says_that_this_one_is_full() {
    let limiter = RateLimiter::new(None, window(), true, None, events());
    assert!(send(&limiter, 10).await.is_ok());
    let left = limiter.pause().await;
    assert_eq!(left, Duration::from_secs(40));
    let error = send(&limiter, 0).await;
    assert_eq!(exceeded(error).map(|(limit, _)| limit), Some(ExceededLimit::WeChat));
    let begun = Instant::now();
    assert!(matches!(send(&limiter, 61).await, Ok(true)));
    assert!(begun.elapsed().abs_diff(left) < Duration::from_millis(50));
    assert!(matches!(send(&limiter, 0).await, Ok(false)), "the pause is over");
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_for_every_process_until_the_next_minute_of_redis() {
    let redis = redis(1);
    let [first, second] = [(); 2].map(|()| limiter(5000, Some(&redis)));
    // The fake Redis starts at second 20 of a minute.
    assert_eq!(first.pause().await.as_secs_f64().round(), 40.0);
    assert_eq!(redis.database().text("p:pause").as_deref(), Some("1"));
    assert_eq!(exceeded(send(&second, 10).await), Some((ExceededLimit::WeChat, 40)));
    assert_eq!(counted(&redis), 0);
    sleep(Duration::from_secs(40)).await;
    assert!(redis.database().text("p:pause").is_none());
    assert!(matches!(send(&second, 10).await, Ok(false)));
}

#[tokio::test(start_paused = true)]
async fn a_pause_without_an_expiry_lasts_a_minute() {
    let redis = redis(1);
    redis.database().put("p:pause", "1");
    let limiter = limiter(5000, Some(&redis));
    assert_eq!(exceeded(send(&limiter, 10).await), Some((ExceededLimit::WeChat, 60)));
    assert!(matches!(send(&limiter, 61).await, Ok(true)));
}

#[tokio::test(start_paused = true)]
async fn foreign_values_in_the_minute_are_removed() {
    let redis = redis(1);
    redis.database().put("p:minute", "a text");
    let limiter = limiter(2, Some(&redis));
    assert!(send(&limiter, 10).await.is_ok());
    assert_eq!(counted(&redis), 1, "the text was replaced");
    // Neither a second nor a count, a second in the future, and one that is too old.
    for (field, value) in [("x", "1"), ("1700000000", "-3"), ("1800000000", "9"), ("1699999000", "9")] {
        redis.database().put_field("minute", field, value);
    }
    assert!(send(&limiter, 10).await.is_ok());
    assert_eq!(counted(&redis), 1, "the count of its second was replaced too");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_sends_nothing_costs_no_permit() {
    let redis = redis(1);
    for redis in [None, Some(&redis)] {
        let limiter = limiter(60, redis);
        for pause in [0, 0, 3, 0, 3] {
            let permits = join_all((0..60).map(|_| acquire(&limiter, 10))).await;
            assert!(permits.iter().all(Result::is_ok));
            assert!(acquire(&limiter, 0).await.is_err(), "all 60 are taken");
            drop(permits);
            sleep(Duration::from_secs(pause)).await;
        }
        assert!(send(&limiter, 0).await.is_ok());
    }
    sleep(Duration::from_secs(3)).await;
    assert_eq!(counted(&redis), 1, "Redis has the others back without another call");
}

#[tokio::test(start_paused = true)]
async fn prefetched_permits_go_back_when_no_call_takes_them() {
    let redis = redis(1);
    let limiter = limiter(5000, Some(&redis));
    join_all((0..60).map(|_| limiter.prefetch())).await;
    assert_eq!(counted(&redis), 60);
    sleep(Duration::from_secs(3)).await;
    assert_eq!(counted(&redis), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refund_whose_reply_is_lost_is_not_counted_twice() {
    let redis = redis(1);
    let [one, another] = [(); 2].map(|()| limiter(100, Some(&redis)));
    let sent = join_all((0..50).map(|_| send(&another, 10))).await;
    assert!(sent.iter().all(Result::is_ok));
    drop(join_all((0..20).map(|_| acquire(&one, 10))).await);
    redis.lose_replies(true);
    // Within this second the same second of Redis counts the permits of both processes.
    sleep(Duration::from_secs(3)).await;
    assert_eq!(counted(&redis), 50, "Redis has counted the refund");
    redis.lose_replies(false);
    send(&one, 10).await.unwrap();
    sleep(Duration::from_secs(3)).await;
    assert_eq!(counted(&redis), 51);
}

#[tokio::test(start_paused = true)]
async fn requests_sent_during_an_outage_are_reported_to_redis_for_a_minute() {
    for (outage, reported) in [(30, 200), (61, 0)] {
        let redis = redis(1);
        redis.set_up(false);
        let limiter = limiter(1000, Some(&redis));
        for _ in 0..100 {
            let permit = acquire(&limiter, 10).await.unwrap();
            (0..3).for_each(|_| permit.sent().increment());
        }
        sleep(Duration::from_secs(outage)).await;
        redis.set_up(true);
        send(&limiter, 10).await.unwrap();
        assert_eq!(counted(&redis), reported + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_wechat_has_not_accepted_uses_no_permit_of_the_app() {
    let app = window();
    let [accepted, unknown] =
        [true, false].map(|accepted| RateLimiter::new(Some(5), app.clone(), accepted, None, events()));
    for _ in 0..5 {
        send(&unknown, 0).await.unwrap();
    }
    assert_eq!(exceeded(send(&unknown, 0).await).map(|(limit, _)| limit), Some(ExceededLimit::Process));
    for _ in 0..5 {
        send(&accepted, 0).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_call_with_which_wechat_accepts_a_client_counts_for_the_app() {
    let app = window();
    let [limiter, other] =
        [false, true].map(|accepted| RateLimiter::new(Some(3), app.clone(), accepted, None, events()));
    let permit = acquire(&limiter, 0).await.unwrap();
    permit.sent().increment();
    limiter.mark_authenticated();
    drop(permit);
    for limiter in [&other, &limiter] {
        assert!(send(limiter, 0).await.is_ok());
    }
    assert!(send(&other, 0).await.is_err() && send(&limiter, 0).await.is_err(), "three of three are used");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_stops_waiting_does_not_disturb_the_others() {
    let redis = redis(100);
    let limiter = limiter(5000, Some(&redis));
    let first = tokio::time::timeout(Duration::from_millis(50), send(&limiter, 10));
    let (first, second) = tokio::join!(first, send(&limiter, 10));
    assert!(first.is_err() && second.is_ok());
}
