//! Clients of one account on different routes to WeChat, and the lock in the store.

use super::*;

/// A route without answers, and one that works.
fn two_routes(well: Arc<Upstream>) -> (Arc<dyn TokenSource>, Arc<dyn TokenSource>) {
    let dead = Upstream::new(false);
    dead.hangs.store(true, Ordering::Relaxed);
    (dead.by(RouteId::nth(1)), well.by(RouteId::nth(2)))
}

#[tokio::test(start_paused = true)]
async fn callers_on_a_working_route_wait_briefly_for_a_dead_one() {
    let (cache, (dead, well)) = (cache(), two_routes(Upstream::new(false).gives("T1")));
    let (short, long) = (deadline(1), deadline(10));
    let (on_dead, on_well) = tokio::join!(
        join_all((0..20).map(|_| cache.get(&dead, &short))),
        join_all((0..20).map(|_| async {
            let token = cache.get(&well, &long).await;
            (token, long.remaining())
        })),
    );
    for (token, left) in on_well {
        assert_eq!(token.unwrap().expose(), "T1");
        assert!(left >= Duration::from_millis(10_000 - 250 - 150), "{left:?}");
    }
    assert!(on_dead.iter().all(|token| matches!(token, Err(Error::Timeout { .. }))));
    assert_eq!(cache.get(&dead, &deadline(1)).await.unwrap().expose(), "T1", "what was fetched is for all");
}

#[tokio::test(start_paused = true)]
async fn two_working_routes_make_one_request() {
    let (cache, upstream) = (cache(), Upstream::new(false).gives("T1"));
    let routes = [1, 2, 3].map(|n| upstream.clone().by(RouteId::nth(n)));
    let soon = deadline(10);
    let tokens = join_all((0..300).map(|n| cache.get(&routes[n % 3], &soon))).await;
    assert!(tokens.iter().all(|token| token.as_ref().is_ok_and(|token| token.expose() == "T1")));
    assert_eq!(upstream.count(), 1);
}

fn recorded() -> (Arc<TokenCache>, Arc<RecordingStore>) {
    let store = Arc::new(RecordingStore::default());
    let clock = Clock::manual(EPOCH);
    let events = EventSource::new(Arc::default(), "wx", None);
    (TokenCache::new(RefreshPolicy::STABLE, clock, store.clone(), events, Fingerprinter::with_random_key()), store)
}

#[tokio::test(start_paused = true)]
async fn callers_do_not_wait_for_a_lock_held_by_a_dead_route_of_their_process() {
    let ((cache, _), (dead, well)) = (recorded(), two_routes(Upstream::new(false).gives("T1")));
    let (short, long) = (deadline(8), deadline(10));
    let finds = async {
        assert_eq!(cache.get(&well, &long).await.unwrap().expose(), "T1");
        assert!(long.remaining() >= Duration::from_millis(10_000 - 250 - 150), "{:?}", long.remaining());
    };
    assert!(tokio::join!(cache.get(&dead, &short), finds).0.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_lock_is_released_after_a_network_failure_and_kept_while_wechat_is_busy() {
    for (error, steps) in [
        (unreachable as fn() -> Error, &["acquire", "release", "acquire", "publish"][..]),
        (busy, &["acquire", "acquire", "publish"]),
    ] {
        let (cache, store) = recorded();
        let upstream = Upstream::new(false).fails(error).gives("T1");
        upstream.retries.store(4, Ordering::Relaxed);
        assert_eq!(get(&cache, &upstream).await.unwrap(), "T1");
        assert_eq!((upstream.count(), &store.steps.lock()[..]), (2, steps));
    }
}

#[tokio::test(start_paused = true)]
async fn reconnections_during_a_comparison_lead_to_one_more() {
    let (cache, store) = recorded();
    let handle = cache.attach();
    get(&cache, &Upstream::new(false).gives("T1")).await.unwrap();
    for pause in [0, 60, 0] {
        sleep(Duration::from_secs(pause)).await;
        store.steps.lock().clear();
        for _ in 0..50 {
            cache.clone().on_reconnect();
        }
        sleep(Duration::from_secs(30)).await;
        assert_eq!(store.steps.lock()[..], ["peek", "peek"]);
    }
    drop(handle);
    store.steps.lock().clear();
    cache.clone().on_reconnect();
    sleep(Duration::from_secs(30)).await;
    assert!(store.steps.lock().is_empty(), "no client uses the cache");
}
