mod deadlines;
mod fleet;
mod preparation;
mod rejection;
mod routes;
mod upstream;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use proptest::prelude::*;
use tokio::time::{Instant, advance, sleep};

use super::TokenCache;
use super::fingerprint::Fingerprinter;
use super::source::TokenSource;
use super::state::RefreshPolicy;
use super::store::LocalStore;
use crate::clock::Clock;
use crate::deadline::Deadline;
use crate::error::{Error, Result, TimeoutPhase};
use crate::event::testing::RecordingListener;
use crate::event::{EventKind, EventSource, TokenEvent};
use crate::keys::RouteId;
use crate::redis::ReconnectListener;
use crate::wechat::endpoint::Endpoint;
use upstream::{EPOCH, RecordingStore, Upstream, bad_secret, busy, unreachable};

fn cache() -> Arc<TokenCache> {
    cache_with_clock().0
}

fn cache_with_listener() -> (Arc<TokenCache>, Arc<RecordingListener>) {
    let (cache, listener) = (cache(), Arc::new(RecordingListener::default()));
    cache.events.bus.add(listener.clone());
    (cache, listener)
}

/// The events since the last call.
fn reported(listener: &RecordingListener) -> Vec<(&'static str, Option<&'static str>)> {
    listener.take()
}

fn cache_with_clock() -> (Arc<TokenCache>, Clock) {
    cache_of(None)
}

fn cache_of(mode: Option<&'static str>) -> (Arc<TokenCache>, Clock) {
    let clock = Clock::manual(EPOCH);
    let events = EventSource::new(Arc::default(), "wx", mode);
    (
        TokenCache::new(
            RefreshPolicy::STABLE,
            clock.clone(),
            Arc::new(LocalStore::default()),
            events,
            Fingerprinter::with_random_key(),
        ),
        clock,
    )
}

fn deadline(seconds: u64) -> Deadline {
    Deadline::new(Duration::from_secs(seconds), Some(Endpoint::GetUnlimitedQrCode))
}

async fn get(cache: &Arc<TokenCache>, upstream: &Arc<Upstream>) -> Result<String> {
    cache.get(&upstream.source(), &deadline(10)).await.map(|token| token.expose().to_owned())
}

async fn get_many(cache: &Arc<TokenCache>, upstream: &Arc<Upstream>, callers: usize) -> Vec<Result<String>> {
    join_all((0..callers).map(|_| get(cache, upstream))).await
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_callers_of_a_cold_cache_make_one_request() {
    let (cache, upstream) = (cache(), Upstream::new(false).gives("T1"));
    let tokens = get_many(&cache, &upstream, 10_000).await;
    assert!(tokens.iter().all(|token| token.as_deref().ok() == Some("T1")));
    assert_eq!(upstream.count(), 1);
}

#[test]
fn callers_on_many_threads_make_one_request() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    for _ in 0..20 {
        let (cache, upstream) = (cache(), Upstream::new(false).gives("T1"));
        let calls: Vec<_> = (0..200)
            .map(|_| {
                let (cache, upstream) = (cache.clone(), upstream.clone());
                runtime.spawn(async move { get(&cache, &upstream).await })
            })
            .collect();
        for call in calls {
            assert_eq!(runtime.block_on(call).unwrap().unwrap(), "T1");
        }
        assert_eq!(upstream.count(), 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Cancelled at every await point: before its first poll, while the flight is under way, when it has landed.
    #[test]
    fn a_cancelled_leader_does_not_cancel_the_refresh(ms in 0u64..200, followers in 1usize..20) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (cache, upstream) = (cache(), Upstream::new(false).gives("T1"));
            {
                let mut leader = pin!(get(&cache, &upstream));
                let _ = leader.as_mut().now_or_never();
                tokio::select! { _ = leader => {}, () = sleep(Duration::from_millis(ms)) => {} }
            }
            let tokens = get_many(&cache, &upstream, followers).await;
            assert!(tokens.iter().all(|token| token.as_deref().ok() == Some("T1")));
            assert_eq!(upstream.count(), 1);
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_valid_token_is_served_at_once_while_its_refresh_hangs() {
    let (cache, upstream) = (cache(), Upstream::new(false).gives("T1"));
    get(&cache, &upstream).await.unwrap();
    upstream.hangs.store(true, Ordering::Relaxed);
    advance(Duration::from_secs(6980)).await;
    for _ in 0..200 {
        assert_eq!(get(&cache, &upstream).now_or_never().expect("no waiting").unwrap(), "T1");
        advance(Duration::from_secs(1)).await;
    }
    assert!((2..20).contains(&upstream.count()), "{} requests", upstream.count());
}

#[tokio::test(start_paused = true)]
async fn a_failing_refresh_is_invisible_and_the_token_stays() {
    let upstream = Upstream::new(false).gives("T1");
    let upstream = (0..40).fold(upstream, |upstream, _| upstream.fails(unreachable)).gives("T2");
    let cache = cache();
    get(&cache, &upstream).await.unwrap();
    advance(Duration::from_secs(6980)).await;
    for _ in 0..195 {
        assert_eq!(get(&cache, &upstream).await.unwrap(), "T1");
        sleep(Duration::from_secs(1)).await;
    }
    assert!(upstream.count() > 3, "it was tried again");
}

#[tokio::test(start_paused = true)]
async fn a_failing_refresh_and_the_stale_token_served_meanwhile_are_reported() {
    let upstream = Upstream::new(false).gives("T1").fails(unreachable).gives("T2");
    let (cache, listener) = cache_with_listener();
    get(&cache, &upstream).await.unwrap();
    assert_eq!(reported(&listener), [("refresh.start", Some("missing")), ("refresh.ok", None)]);
    advance(Duration::from_secs(6980)).await;
    get(&cache, &upstream).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let unreachable = Some("ERR_WXA_NETWORK");
    let failed =
        [("refresh.start", Some("expiring")), ("refresh.error", unreachable), ("token.served_stale", unreachable)];
    assert_eq!(reported(&listener), failed);
    advance(Duration::from_secs(230)).await;
    get(&cache, &upstream).await.unwrap();
    assert_eq!(reported(&listener), [("refresh.start", Some("expired")), ("refresh.ok", None)]);
}

#[tokio::test(start_paused = true)]
async fn a_token_replaced_before_its_expiry_is_reported_as_external_and_a_renewed_one_is_not() {
    for (age, elsewhere) in [(100, true), (7150, false)] {
        let upstream = Upstream::new(false).gives("T1").gives("T2");
        let (cache, listener) = cache_with_listener();
        let token = cache.get(&upstream.source(), &deadline(10)).await.unwrap();
        advance(Duration::from_secs(age)).await;
        cache.replace(&token, 40001, &upstream.source(), &deadline(10)).await.unwrap();
        let names: Vec<_> = reported(&listener).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names.contains(&"token.replaced_externally"), elsewhere, "{names:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn with_classic_tokens_another_system_is_only_likely() {
    let mut messages = Vec::new();
    for mode in ["stable", "classic"] {
        let (upstream, (cache, _)) = (Upstream::new(false).gives("T1").gives("T2"), cache_of(Some(mode)));
        let listener = Arc::<RecordingListener>::default();
        cache.events.bus.add(listener.clone());
        let token = cache.get(&upstream.source(), &deadline(10)).await.unwrap();
        cache.replace(&token, 40001, &upstream.source(), &deadline(10)).await.unwrap();
        messages.extend(listener.0.lock().iter().filter_map(|event| match event.kind {
            EventKind::Token(TokenEvent::ReplacedExternally { message, .. }) => Some(message),
            _ => None,
        }));
    }
    let [stable, classic] = messages[..] else { panic!("one for each: {messages:?}") };
    assert!(classic.contains("likely") && !stable.contains("likely"), "{messages:?}");
}

#[tokio::test(start_paused = true)]
async fn waiting_callers_share_the_error_and_the_next_attempt_follows_a_pause() {
    let upstream = Upstream::new(false);
    let upstream = (0..8).fold(upstream, |upstream, _| upstream.fails(unreachable)).gives("T1");
    let (cache, source, long) = (cache(), upstream.source(), deadline(1000));
    for round in 1..=8 {
        let errors = join_all((0..50).map(|_| cache.get(&source, &long))).await;
        assert!(errors.iter().all(|error| matches!(error, Err(Error::Network { .. }))));
        assert_eq!(upstream.count(), round);
    }
    cache.get(&source, &long).await.unwrap();
    // Full jitter: each pause is a random part of 0.5 s, 1 s, 2 s, ... and all eight together are not near nothing.
    let pauses: Duration = upstream.gaps().iter().map(|gap| *gap - Duration::from_millis(150)).sum();
    assert!(pauses > Duration::from_secs(5) && pauses < Duration::from_secs(124), "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_reaches_all_callers_for_a_minute_and_recovers_without_a_restart() {
    let (cache, upstream) = (cache(), Upstream::new(false).fails(bad_secret).fails(bad_secret).gives("T1"));
    for _ in 0..59 {
        let errors = get_many(&cache, &upstream, 20).await;
        assert!(
            errors.iter().all(|error| matches!(error, Err(Error::Api { refusal, .. }) if refusal.errcode == 40125))
        );
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(upstream.count(), 1);
    sleep(Duration::from_secs(1)).await;
    get_many(&cache, &upstream, 20).await;
    assert_eq!(upstream.count(), 2, "one prober");
    sleep(Duration::from_secs(60)).await;
    assert_eq!(get(&cache, &upstream).await.unwrap(), "T1");
}

#[tokio::test(start_paused = true)]
async fn the_refresh_stops_with_the_last_client_and_the_next_client_starts_another() {
    let (cache, upstream) = (cache(), Upstream::new(false));
    upstream.hangs.store(true, Ordering::Relaxed);
    let (first, second) = (cache.attach(), cache.attach());
    let waiting = tokio::spawn({
        let (cache, upstream) = (cache.clone(), upstream.clone());
        async move { get(&cache, &upstream).await }
    });
    sleep(Duration::from_secs(1)).await;
    drop(first);
    sleep(Duration::from_secs(1)).await;
    assert!(!upstream.was_dropped.load(Ordering::Relaxed), "another client is still there");
    drop(second);
    assert!(matches!(waiting.await.unwrap(), Err(Error::Closed)));
    assert!(upstream.was_dropped.load(Ordering::Relaxed));
    upstream.hangs.store(false, Ordering::Relaxed);
    let upstream = upstream.gives("T1");
    assert_eq!(get(&cache, &upstream).await.unwrap(), "T1");
}

#[tokio::test(start_paused = true)]
async fn a_new_client_does_not_join_the_cancelled_refresh_of_the_last_one() {
    let (cache, upstream) = (cache(), Upstream::new(false));
    upstream.hangs.store(true, Ordering::Relaxed);
    let last = cache.attach();
    assert!(get(&cache, &upstream).now_or_never().is_none(), "in the air");
    sleep(Duration::from_secs(1)).await;
    drop(last);
    upstream.hangs.store(false, Ordering::Relaxed);
    let (_next, upstream) = (cache.attach(), upstream.gives("T1"));
    assert_eq!(get(&cache, &upstream).await.unwrap(), "T1");
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_source_fails_all_waiting_callers() {
    let (cache, upstream) = (cache(), Upstream::new(false).then(|| panic!("on purpose")).gives("T1"));
    assert!(get_many(&cache, &upstream, 3).await.iter().all(Result::is_err));
    assert_eq!(get(&cache, &upstream).await.unwrap(), "T1");
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_is_counted_from_before_the_request_was_sent() {
    let (cache, upstream) = (cache(), Upstream::new(false).gives("T1"));
    sleep(Duration::from_secs(5)).await;
    let token = cache.get(&upstream.source(), &deadline(10)).await.unwrap();
    assert_eq!(cache.now().mono, Duration::from_millis(5150));
    assert_eq!(token.expires().mono, Duration::from_secs(5 + 7200));
}

#[tokio::test(start_paused = true)]
async fn wall_clock_jumps_cost_at_most_one_request_each() {
    let upstream = Upstream::new(false).gives("T1").gives("T2");
    let (cache, clock) = cache_with_clock();
    get(&cache, &upstream).await.unwrap();
    clock.shift_wall(3_600_000);
    assert_eq!(get(&cache, &upstream).await.unwrap(), "T1");
    clock.shift_wall(-3_600_000);
    assert_eq!(get(&cache, &upstream).await.unwrap(), "T1");
    assert_eq!(upstream.count(), 1);
    sleep(Duration::from_secs(20)).await;
    clock.shift_wall(7_200_000);
    assert_eq!(get(&cache, &upstream).await.unwrap(), "T2");
    assert_eq!(upstream.count(), 2);
}
