mod fleet;
mod tiers;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::wechat::answer::Refusal;
use crate::wechat::endpoint::Endpoint;
use crate::wechat::image::tests::jpeg;

const SECOND: Duration = Duration::from_secs(1);

fn limits() -> Limits {
    Limits { max_bytes: 1 << 20, ttl: None, redis_max_entry_bytes: None, disk: None, store: None }
}

fn local_cache() -> Arc<QrCodeCache> {
    Arc::new(QrCodeCache::new(&limits(), Tiers::default()))
}

fn identity(name: &str) -> Identity {
    name.as_bytes().into()
}

fn seconds(seconds: u64) -> Deadline {
    Deadline::new(Duration::from_secs(seconds), Some(Endpoint::GetUnlimitedQrCode))
}

fn refusal(errcode: i64) -> Error {
    let refusal = Refusal { errcode, errmsg: "invalid page".into(), rid: Some("1-2-3".into()), hint: None };
    Error::Api { endpoint: Endpoint::GetUnlimitedQrCode, refusal, subject: None }
}

/// A WeChat that answers after a fixed time and counts requests.
#[derive(Clone, Default)]
struct WeChat {
    latency: Duration,
    requests: Arc<AtomicUsize>,
    answered: Arc<AtomicUsize>,
    fails: Arc<AtomicBool>,
    refuses: Option<i64>,
}

impl WeChat {
    fn answering_after(latency: Duration) -> Self {
        Self { latency, ..Self::default() }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    fn request(&self) -> impl Future<Output = Result<Bytes>> + Send + 'static + use<> {
        let me = self.clone();
        async move {
            me.requests.fetch_add(1, Ordering::Relaxed);
            sleep(me.latency).await;
            me.answered.fetch_add(1, Ordering::Relaxed);
            match me.refuses {
                Some(errcode) => Err(refusal(errcode)),
                None if me.fails.load(Ordering::Relaxed) => Err(Error::Closed),
                None => Ok(jpeg().into()),
            }
        }
    }

    async fn qr_code(&self, cache: &Arc<QrCodeCache>, name: &str, deadline: &Deadline) -> Result<CacheOutcome> {
        cache.get(identity(name), RouteId::default(), deadline, || self.request()).await.map(|(_, found)| found)
    }
}

#[tokio::test(start_paused = true)]
async fn callers_on_different_routes_do_not_share_a_request() {
    let (cache, dead, well) = (local_cache(), WeChat::answering_after(60 * SECOND), WeChat::answering_after(SECOND));
    let (short, long) = (seconds(5), seconds(10));
    let waits = timeout(5 * SECOND, cache.get(identity("a"), RouteId::nth(1), &short, || dead.request()));
    let finds = async {
        let (_, found) = cache.get(identity("a"), RouteId::nth(2), &long, || well.request()).await.unwrap();
        assert_eq!((found, long.remaining()), (CacheOutcome::Miss, 9 * SECOND));
    };
    assert!(tokio::join!(waits, finds).0.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_repeated_request_is_answered_from_memory() {
    let (cache, wechat) = (local_cache(), WeChat::answering_after(SECOND));
    assert_eq!(wechat.qr_code(&cache, "a", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
    assert_eq!(wechat.qr_code(&cache, "a", &seconds(10)).await.unwrap(), CacheOutcome::Memory);
    assert_eq!(cache.cached(&identity("a")).unwrap(), jpeg());
    assert_eq!(wechat.qr_code(&cache, "b", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
    assert_eq!(wechat.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn concurrent_callers_share_one_request() {
    let (cache, wechat) = (local_cache(), WeChat::answering_after(SECOND));
    let deadline = seconds(10);
    let found = join_all((0..100).map(|_| wechat.qr_code(&cache, "a", &deadline))).await;
    assert_eq!(wechat.requests(), 1);
    let count = |place| found.iter().filter(|found| *found.as_ref().unwrap() == place).count();
    assert_eq!((count(CacheOutcome::Miss), count(CacheOutcome::Coalesced)), (1, 99));
}

#[tokio::test(start_paused = true)]
async fn an_error_reaches_every_waiting_caller_and_is_not_cached() {
    let (cache, wechat) = (local_cache(), WeChat::answering_after(SECOND));
    wechat.fails.store(true, Ordering::Relaxed);
    let deadline = seconds(10);
    let found = join_all((0..10).map(|_| wechat.qr_code(&cache, "a", &deadline))).await;
    assert!(found.iter().all(Result::is_err));
    assert_eq!(wechat.requests(), 1);
    wechat.fails.store(false, Ordering::Relaxed);
    assert_eq!(wechat.qr_code(&cache, "a", &deadline).await.unwrap(), CacheOutcome::Miss);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_caller_does_not_disturb_the_others() {
    // The first caller, or another.
    for cancelled in [0, 3] {
        let (cache, wechat) = (local_cache(), WeChat::answering_after(SECOND));
        let deadline = seconds(10);
        let callers = (0..5).map(|n| {
            let call = wechat.qr_code(&cache, "a", &deadline);
            timeout(if n == cancelled { SECOND / 2 } else { 5 * SECOND }, call)
        });
        let ended = join_all(callers).await;
        assert_eq!(ended.iter().filter(|end| end.is_err()).count(), 1);
        assert!(ended.into_iter().flatten().all(|found| found.is_ok()));
        assert_eq!(wechat.requests(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_request_stops_when_its_last_caller_is_cancelled() {
    let (cache, wechat) = (local_cache(), WeChat::answering_after(SECOND));
    let deadline = seconds(10);
    let callers = (0..3).map(|_| timeout(SECOND / 2, wechat.qr_code(&cache, "a", &deadline)));
    assert!(join_all(callers).await.iter().all(Result::is_err));
    sleep(5 * SECOND).await;
    assert_eq!((wechat.requests(), wechat.answered.load(Ordering::Relaxed)), (1, 0));
    assert!(cache.in_flight.is_empty());
    assert_eq!(wechat.qr_code(&cache, "a", &deadline).await.unwrap(), CacheOutcome::Miss);
}

#[tokio::test(start_paused = true)]
async fn a_caller_after_the_last_cancellation_starts_a_new_request() {
    let (cache, wechat) = (local_cache(), WeChat::answering_after(SECOND));
    let deadline = seconds(10);
    let mut first = Box::pin(wechat.qr_code(&cache, "a", &deadline));
    assert!(first.as_mut().now_or_never().is_none());
    drop(first);
    // The first flight has not noticed yet that it has no caller.
    assert_eq!(wechat.qr_code(&cache, "a", &deadline).await.unwrap(), CacheOutcome::Miss);
    assert!(cache.in_flight.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_follower_with_a_later_deadline_starts_a_new_request_when_the_leader_times_out() {
    let (cache, wechat) = (local_cache(), WeChat::answering_after(3 * SECOND));
    let (short, long) = (seconds(1), seconds(10));
    // Every request is bounded by the deadline of the caller that started it.
    let hasty = cache.get(identity("a"), RouteId::default(), &short, || {
        let (request, short) = (wechat.request(), short.clone());
        async move { short.timeout(TimeoutPhase::Answer, || None, request).await? }
    });
    let (hasty, patient) = tokio::join!(hasty, wechat.qr_code(&cache, "a", &long));
    assert!(matches!(hasty, Err(Error::Timeout { .. })));
    assert_eq!(patient.unwrap(), CacheOutcome::Miss);
    assert_eq!(wechat.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_follower_waits_until_its_own_deadline_at_most() {
    let (cache, wechat) = (local_cache(), WeChat::answering_after(5 * SECOND));
    let (long, short) = (seconds(10), seconds(1));
    let begun = Instant::now();
    let follower = async {
        let result = wechat.qr_code(&cache, "a", &short).await;
        (result, begun.elapsed())
    };
    let (leader, (result, took)) = tokio::join!(wechat.qr_code(&cache, "a", &long), follower);
    assert!(leader.is_ok());
    assert!(matches!(result, Err(Error::Timeout { .. })) && took < 2 * SECOND, "{took:?}");
}

#[tokio::test]
async fn the_end_of_an_abandoned_request_leaves_its_successor_in_place() {
    let (requests, key) = (Arc::<SingleFlight>::default(), (RouteId::nth(1), identity("a")));
    let join = || requests.join(&key, |_| std::future::pending());
    let (abandoned, leads) = join();
    drop(abandoned);
    let (successor, leads_too) = join();
    assert!(leads && leads_too);
    // The abandoned one ends.
    tokio::task::yield_now().await;
    let (other, leads) = join();
    assert!(!leads && Arc::ptr_eq(&other, &successor));
}
