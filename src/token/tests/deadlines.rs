//! Calls and refreshes that run out of time.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_caller_does_not_wait_for_a_pause_beyond_its_deadline() {
    let (cache, upstream) = (cache(), Upstream::new(false).fails(unreachable).gives("T1"));
    get(&cache, &upstream).await.unwrap_err();
    let started = Instant::now();
    let short = Deadline::new(Duration::from_nanos(1), None);
    assert!(matches!(cache.get(&upstream.source(), &short).await, Err(Error::Network { .. })));
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(get(&cache, &upstream).await.unwrap(), "T1");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_caller_wins_and_its_error_has_the_last_failure_as_cause() {
    let (cache, upstream) = (cache(), Upstream::new(false));
    upstream.hangs.store(true, Ordering::Relaxed);
    let started = Instant::now();
    match cache.get(&upstream.source(), &deadline(2)).await {
        Err(Error::Timeout { waited_for: TimeoutPhase::Token, endpoint, cause: Some(cause), .. }) => {
            assert_eq!(endpoint, Some(Endpoint::GetUnlimitedQrCode));
            assert!(matches!(*cause, Error::Network { .. }));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(started.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_stops_when_upstream_never_answers() {
    let (cache, upstream) = (cache(), Upstream::new(false));
    upstream.hangs.store(true, Ordering::Relaxed);
    let error = cache.get(&upstream.source(), &deadline(3600)).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { cause: Some(_), .. }), "it tells of the last failure: {error}");
    assert!(upstream.was_dropped.load(Ordering::Relaxed), "its request is dropped");
}

#[tokio::test(start_paused = true)]
async fn a_forced_refresh_past_its_deadline_neither_waits_nor_sends_a_request() {
    let (cache, upstream) = (cache(), Upstream::new(true));
    upstream.hangs.store(true, Ordering::Relaxed);
    let (source, started) = (upstream.source(), Instant::now());
    let (_member, ordinary) = (cache.attach(), deadline(100));
    let first = cache.get(&source, &ordinary);
    let short = Deadline::new(Duration::from_millis(200), None);
    let forced = async {
        let error = cache.force(&source, &short).await.unwrap_err();
        assert_eq!((error.code(), started.elapsed()), ("ERR_WXA_TIMEOUT", Duration::from_millis(200)));
    };
    let _ = tokio::join!(first, forced);
    assert_eq!(upstream.forced.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_with_time_left_starts_another_refresh_when_the_joined_one_times_out() {
    let (cache, upstream) = (cache(), Upstream::new(false).gives("T1"));
    upstream.hangs.store(true, Ordering::Relaxed);
    let (long, source) = (deadline(60), upstream.source());
    let first = cache.get(&source, &long);
    let second = async {
        // The refresh has 15 s, as after a sleep that used up all of them but one.
        sleep(Duration::from_secs(14)).await;
        upstream.hangs.store(false, Ordering::Relaxed);
        get(&cache, &upstream).await
    };
    let (first, second) = tokio::join!(first, second);
    assert!(matches!(first, Err(Error::Timeout { .. })));
    assert_eq!(second.unwrap(), "T1");
}
