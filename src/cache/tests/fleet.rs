//! QR codes of several processes that share a Redis.

use tokio::time::advance;

use super::*;
use crate::event::testing::RecordingListener;
use crate::event::{EventBus, EventSource};
use crate::redis::fake::FakeRedis;

/// How a process is set up.
struct Setup {
    ttl: Option<Duration>,
    secret: &'static str,
    max_entry_bytes: usize,
    bus: Arc<EventBus>,
}

impl Default for Setup {
    fn default() -> Self {
        Self { ttl: None, secret: "s", max_entry_bytes: 1 << 20, bus: Arc::default() }
    }
}

impl Setup {
    fn start(self, redis: &Arc<FakeRedis>) -> Arc<QrCodeCache> {
        let Self { ttl, secret, max_entry_bytes, bus } = self;
        let key_space = KeySpace { prefix: "p:".into(), account: "wx:id".into() };
        let events = EventSource::new(bus, "wx", Some("stable"));
        let qr_codes = RedisQrCodes::new(redis.clone(), &secret.into(), key_space, events, ttl, max_entry_bytes);
        Arc::new(QrCodeCache::new(&Limits { ttl, ..limits() }, Tiers { redis: Some(qr_codes), ..Tiers::default() }))
    }
}

fn process(redis: &Arc<FakeRedis>) -> Arc<QrCodeCache> {
    Setup::default().start(redis)
}

fn processes(redis: &Arc<FakeRedis>, count: usize) -> Vec<Arc<QrCodeCache>> {
    (0..count).map(|_| process(redis)).collect()
}

/// The keys of a QR code and of its lock.
fn keys(process: &QrCodeCache, name: &str) -> [String; 2] {
    process.redis.as_ref().unwrap().keys(&identity(name))
}

/// The keys in Redis that hold a QR code.
fn stored(redis: &FakeRedis) -> Vec<String> {
    redis.database().keys().into_iter().filter(|key| key.ends_with(":code")).collect()
}

#[tokio::test(start_paused = true)]
async fn processes_share_one_request_for_the_same_code() {
    let (redis, wechat) = (Arc::new(FakeRedis::default()), WeChat::answering_after(SECOND));
    let (fleet, deadline) = (processes(&redis, 8), seconds(10));
    let calls = fleet.iter().flat_map(|process| (0..5).map(|_| wechat.qr_code(process, "a", &deadline)));
    let found: Vec<_> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
    let count = |place| found.iter().filter(|found| **found == place).count();
    assert_eq!(wechat.requests(), 1);
    assert_eq!((count(CacheOutcome::Miss), count(CacheOutcome::Redis), count(CacheOutcome::Coalesced)), (1, 7, 32));
}

#[tokio::test(start_paused = true)]
async fn followers_wait_for_a_slow_leader_for_a_fifth_of_their_deadline() {
    for (latency, requests, max_time) in [(19, 1, 20), (50, 3, 71)] {
        let (redis, wechat) = (Arc::new(FakeRedis::default()), WeChat::answering_after(latency * SECOND));
        let (fleet, deadline) = (processes(&redis, 3), seconds(100));
        let begun = Instant::now();
        let found = join_all(fleet.iter().map(|process| wechat.qr_code(process, "a", &deadline))).await;
        assert!(found.iter().all(Result::is_ok));
        assert_eq!(wechat.requests(), requests);
        assert!(begun.elapsed() < max_time * SECOND, "{:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_fails_or_is_cancelled_releases_its_lock_at_once() {
    let (redis, wechat) = (Arc::new(FakeRedis::default()), WeChat::answering_after(SECOND));
    let (fleet, deadline) = (processes(&redis, 2), seconds(10));
    wechat.fails.store(true, Ordering::Relaxed);
    assert!(wechat.qr_code(&fleet[0], "a", &deadline).await.is_err());
    assert!(timeout(SECOND / 2, wechat.qr_code(&fleet[0], "b", &deadline)).await.is_err());
    wechat.fails.store(false, Ordering::Relaxed);
    let begun = Instant::now();
    for name in ["a", "b"] {
        assert_eq!(wechat.qr_code(&fleet[1], name, &deadline).await.unwrap(), CacheOutcome::Miss);
    }
    assert!(begun.elapsed() < SECOND * 5 / 2, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_follower_of_a_dead_leader_makes_its_own_request() {
    let (redis, wechat) = (Arc::new(FakeRedis::default()), WeChat::answering_after(SECOND));
    let survivor = process(&redis);
    let [_, lock] = keys(&survivor, "a");
    redis.database().put(&lock, "the dead leader");
    let begun = Instant::now();
    assert_eq!(wechat.qr_code(&survivor, "a", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
    assert!((2 * SECOND..SECOND * 7 / 2).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_lock_without_an_expiry_gets_one_and_the_first_follower_after_it_leads() {
    let (redis, wechat) = (Arc::new(FakeRedis::default()), WeChat::answering_after(SECOND));
    let fleet = processes(&redis, 2);
    redis.database().put(&keys(&fleet[0], "a")[1], "the dead leader");
    let (begun, deadline) = (Instant::now(), seconds(60));
    let found = join_all(fleet.iter().map(|process| wechat.qr_code(process, "a", &deadline))).await;
    assert!(found.iter().all(Result::is_ok));
    assert_eq!(wechat.requests(), 1);
    assert!((7 * SECOND..8 * SECOND).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_leader_holds_its_lock_while_it_waits_for_wechat_and_releases_it_with_the_code() {
    let (redis, wechat) = (Arc::new(FakeRedis::default()), WeChat::answering_after(20 * SECOND));
    let leader = process(&redis);
    let [qr_code, lock] = keys(&leader, "a");
    let deadline = seconds(60);
    let watch = async {
        let mut owners = Vec::new();
        for _ in 0..19 {
            sleep(SECOND).await;
            owners.push(redis.database().text(&lock).expect("a lock"));
        }
        owners.dedup();
        owners
    };
    let (found, owners) = tokio::join!(wechat.qr_code(&leader, "a", &deadline), watch);
    assert_eq!((found.unwrap(), owners.len()), (CacheOutcome::Miss, 1));
    sleep(SECOND / 10).await;
    assert_eq!(redis.database().keys(), [qr_code], "the code is stored and the lock is gone");
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_lost_its_lock_leaves_the_lock_of_its_successor() {
    let redis = Arc::new(FakeRedis::default());
    let leader = process(&redis);
    let [qr_code, lock] = keys(&leader, "a");
    for fails in [false, true] {
        let wechat = WeChat { fails: Arc::new(fails.into()), ..WeChat::answering_after(SECOND * 3 / 2) };
        let deadline = seconds(10);
        let replaced = async {
            sleep(SECOND).await;
            redis.database().put(&lock, "the successor");
        };
        let (found, ()) = tokio::join!(wechat.qr_code(&leader, "a", &deadline), replaced);
        assert_eq!(found.is_err(), fails);
        sleep(SECOND / 10).await;
        assert_eq!(redis.database().text(&lock).as_deref(), Some("the successor"));
        assert_eq!(redis.database().bytes(&qr_code).is_some(), !fails);
        redis.database().clear();
        *leader.memory.lock() = Memory::new(1 << 20, None);
    }
}

#[tokio::test(start_paused = true)]
async fn processes_make_their_own_requests_while_redis_is_down() {
    let (redis, wechat) = (Arc::new(FakeRedis::default()), WeChat::answering_after(SECOND));
    let both = processes(&redis, 2);
    redis.set_up(false);
    for process in &both {
        assert_eq!(wechat.qr_code(process, "a", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
        assert_eq!(wechat.qr_code(process, "a", &seconds(10)).await.unwrap(), CacheOutcome::Memory);
    }
}

#[tokio::test(start_paused = true)]
async fn a_qr_code_in_redis_is_sealed_with_the_secret_of_its_account() {
    let (redis, wechat) = (Arc::new(FakeRedis::default()), WeChat::answering_after(SECOND));
    let (ours, others) = (process(&redis), Setup { secret: "t", ..Setup::default() }.start(&redis));
    wechat.qr_code(&ours, "scene=c4nary", &seconds(10)).await.unwrap();
    sleep(SECOND).await;
    let keys = stored(&redis);
    let [key] = &keys[..] else { panic!("{keys:?}") };
    assert!(key.starts_with("p:{wx:id:code:") && !key.contains("c4nary"), "{key}");
    assert!(!redis.database().holds(&jpeg()[..4]));
    assert_eq!(wechat.qr_code(&others, "scene=c4nary", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
    // An image that is not sealed is no QR code, and is replaced.
    for key in stored(&redis) {
        redis.database().put(&key, jpeg());
    }
    let fresh = process(&redis);
    assert_eq!(wechat.qr_code(&fresh, "scene=c4nary", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
    sleep(SECOND).await;
    let fresh = process(&redis);
    assert_eq!(
        wechat.qr_code(&fresh, "scene=c4nary", &seconds(10)).await.unwrap(),
        CacheOutcome::Redis,
        "a sealed code replaced it"
    );
}

#[tokio::test(start_paused = true)]
async fn an_image_over_the_size_limit_is_not_stored_in_redis_and_its_lock_is_released() {
    let (redis, wechat) = (Arc::new(FakeRedis::default()), WeChat::answering_after(SECOND));
    for _ in 0..2 {
        let process = Setup { max_entry_bytes: jpeg().len() - 1, ..Setup::default() }.start(&redis);
        let begun = Instant::now();
        assert_eq!(wechat.qr_code(&process, "a", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
        assert!(begun.elapsed() < SECOND * 3 / 2);
    }
    assert!(stored(&redis).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_qr_code_expires_at_the_same_time_in_redis_and_in_memory() {
    let (redis, wechat) = (Arc::new(FakeRedis::default()), WeChat::answering_after(Duration::ZERO));
    let ttl = Some(10 * SECOND);
    let [first, second] = [(); 2].map(|()| Setup { ttl, ..Setup::default() }.start(&redis));
    wechat.qr_code(&first, "a", &seconds(5)).await.unwrap();
    sleep(SECOND).await;
    advance(5 * SECOND).await;
    assert_eq!(wechat.qr_code(&second, "a", &seconds(5)).await.unwrap(), CacheOutcome::Redis);
    advance(6 * SECOND).await;
    assert_eq!(wechat.qr_code(&second, "a", &seconds(5)).await.unwrap(), CacheOutcome::Miss);
}

/// The results of 14 processes that request one code at once, and how long they took.
async fn crowd(wechat: &WeChat, max_entry_bytes: usize) -> (Vec<Result<CacheOutcome>>, Duration) {
    let redis = Arc::new(FakeRedis::default());
    let crowd: Vec<_> = (0..14).map(|_| Setup { max_entry_bytes, ..Setup::default() }.start(&redis)).collect();
    let (begun, deadline) = (Instant::now(), seconds(10));
    let results = join_all(crowd.iter().map(|process| wechat.qr_code(process, "a", &deadline))).await;
    (results, begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_parameters_reaches_every_waiting_process_after_one_request() {
    let wechat = WeChat { refuses: Some(41030), ..WeChat::answering_after(SECOND * 9 / 10) };
    let (results, took) = crowd(&wechat, 1 << 20).await;
    for result in results {
        let Err(Error::Api { endpoint, refusal, .. }) = result else { panic!("{result:?}") };
        assert_eq!((endpoint, refusal.errcode), (Endpoint::GetUnlimitedQrCode, 41030));
        assert_eq!((refusal.errmsg.as_str(), refusal.rid.as_deref()), ("invalid page", Some("1-2-3")));
    }
    assert_eq!(wechat.requests(), 1);
    assert!(took < SECOND * 6 / 5, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn followers_make_their_own_requests_at_once_when_the_leader_has_no_qr_code_for_them() {
    // A refusal of the account, a failure, an image over the size limit.
    let refused = WeChat { refuses: Some(45009), ..WeChat::answering_after(SECOND) };
    let failing = WeChat { fails: Arc::new(true.into()), ..WeChat::answering_after(SECOND) };
    for (wechat, max_entry_bytes) in [(refused, 1 << 20), (failing, 1 << 20), (WeChat::answering_after(SECOND), 10)] {
        let (results, took) = crowd(&wechat, max_entry_bytes).await;
        assert_eq!((results.len(), wechat.requests()), (14, 14));
        assert!(took < SECOND * 5 / 2, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_does_not_reach_a_process_that_asks_later() {
    let (redis, wechat) =
        (Arc::new(FakeRedis::default()), WeChat { refuses: Some(41030), ..WeChat::answering_after(SECOND) });
    let both = processes(&redis, 2);
    assert!(wechat.qr_code(&both[0], "a", &seconds(10)).await.is_err());
    let mended = WeChat::answering_after(SECOND);
    assert_eq!(mended.qr_code(&both[1], "a", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
}

#[tokio::test(start_paused = true)]
async fn a_forged_or_replayed_result_of_a_leader_is_ignored() {
    let (redis, refusing) =
        (Arc::new(FakeRedis::default()), WeChat { refuses: Some(41030), ..WeChat::answering_after(SECOND) });
    let (leader, other) = (process(&redis), process(&redis));
    assert!(refusing.qr_code(&leader, "a", &seconds(10)).await.is_err());
    sleep(SECOND / 10).await;
    let [_, lock] = keys(&other, "a");
    let replayed = redis.database().bytes(&lock).expect("a result").to_vec();
    let forged = [b"!".to_vec(), [b"!", &[b'x'; 32][..], b"sealed by another"].concat(), vec![b'!'; 4000]];
    for result in forged.into_iter().chain([replayed]) {
        // The process waits for another leader, and then the result replaces the lock.
        redis.database().put(&lock, [b'y'; 32]);
        let (wechat, deadline, begun) = (WeChat::answering_after(SECOND), seconds(10), Instant::now());
        let waits = wechat.qr_code(&other, "a", &deadline);
        let replaced = async {
            sleep(SECOND / 2).await;
            redis.database().put(&lock, result);
        };
        let (found, ()) = tokio::join!(waits, replaced);
        assert_eq!(found.unwrap(), CacheOutcome::Miss);
        assert!(begun.elapsed() < 2 * SECOND);
        sleep(SECOND).await;
        redis.database().clear();
        *other.memory.lock() = Memory::new(1 << 20, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stuck_leader_delays_followers_for_a_fifth_of_their_deadline_and_leads_no_more() {
    let (redis, well) = (Arc::new(FakeRedis::default()), WeChat::answering_after(SECOND / 5));
    let (stuck, healthy) = (process(&redis), process(&redis));
    let nowhere = WeChat::answering_after(1000 * SECOND);
    let limit = seconds(10);
    let lost = |name| {
        let (stuck, nowhere, limit) = (stuck.clone(), nowhere.clone(), limit.clone());
        async move {
            let fetch = || {
                let (request, limit) = (nowhere.request(), limit.clone());
                async move { limit.timeout(TimeoutPhase::Answer, || None, request).await? }
            };
            stuck.get(identity(name), RouteId::default(), &limit, fetch).await
        }
    };
    tokio::spawn(lost("a"));
    sleep(SECOND / 10).await;
    let begun = Instant::now();
    assert_eq!(well.qr_code(&healthy, "a", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
    assert!(begun.elapsed() < SECOND * 5 / 2, "{:?}", begun.elapsed());
    // The code is in Redis from now on, while the stuck leader still has the lock.
    sleep(SECOND / 10).await;
    let third = process(&redis);
    assert_eq!(well.qr_code(&third, "a", &seconds(10)).await.unwrap(), CacheOutcome::Redis);
    // Once its request failed, the stuck process leads no more.
    sleep(10 * SECOND).await;
    tokio::spawn(lost("b"));
    sleep(SECOND / 10).await;
    let begun = Instant::now();
    assert_eq!(well.qr_code(&healthy, "b", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
    assert!(begun.elapsed() < SECOND / 2, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_process_leads_again_after_its_first_successful_request() {
    let (redis, wechat) = (Arc::new(FakeRedis::default()), WeChat::answering_after(SECOND));
    let [first, second] = [(); 2].map(|()| process(&redis));
    wechat.fails.store(true, Ordering::Relaxed);
    assert!(wechat.qr_code(&first, "a", &seconds(10)).await.is_err());
    wechat.fails.store(false, Ordering::Relaxed);
    assert_eq!(wechat.qr_code(&first, "b", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
    let (deadline, before) = (seconds(10), wechat.requests());
    let leads = wechat.qr_code(&first, "c", &deadline);
    let follows = async {
        sleep(SECOND / 10).await;
        wechat.qr_code(&second, "c", &deadline).await
    };
    let (led, followed) = tokio::join!(leads, follows);
    assert_eq!((led.unwrap(), followed.unwrap()), (CacheOutcome::Miss, CacheOutcome::Redis));
    assert_eq!(wechat.requests(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_redis_delays_each_of_many_qr_codes_by_one_timeout_at_most() {
    for latency in [20, 100, 240] {
        let redis = Arc::new(FakeRedis::with_latency(Duration::from_millis(latency)));
        let wechat = WeChat::answering_after(SECOND);
        let process = process(&redis);
        let (begun, deadline) = (Instant::now(), seconds(10));
        let names: Vec<_> = (0..600).map(|n| n.to_string()).collect();
        let found = join_all(names.iter().map(|name| wechat.qr_code(&process, name, &deadline))).await;
        assert!(found.iter().all(|found| *found.as_ref().unwrap() == CacheOutcome::Miss));
        assert!(begun.elapsed() <= SECOND + Duration::from_millis(260), "{:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_for_another_process_is_reported_in_events_and_in_the_timeout_error() {
    let (redis, wechat) = (Arc::new(FakeRedis::default()), WeChat::answering_after(SECOND));
    let (bus, listener) = (Arc::<EventBus>::default(), Arc::new(RecordingListener::default()));
    bus.add(listener.clone());
    let process = Setup { bus, ..Setup::default() }.start(&redis);
    redis.database().put(&keys(&process, "a")[1], [b'x'; 32]);
    let (long, short) = (seconds(10), seconds(1));
    let (found, hasty) = tokio::join!(wechat.qr_code(&process, "a", &long), wechat.qr_code(&process, "a", &short));
    assert_eq!(found.unwrap(), CacheOutcome::Miss);
    let Err(error @ Error::Timeout { waited_for: TimeoutPhase::Peer, .. }) = hasty else { panic!("{hasty:?}") };
    let text = error.to_string();
    assert!(text.contains("another process") && !text.contains("DNS"), "{text}");
    let heard = listener.take();
    assert_eq!(heard, [("qr_code_lock.wait", None), ("qr_code_lock.skip", Some("timeout"))]);
}
