//! Processes that share a token through Redis, in the cases that are worth a test of their own; `tests/fleet` has the others.

use super::*;
use crate::error::ExceededLimit;
use crate::redis::fake::FakeRedis;
use crate::token::redis_store::RedisTokenStore;
use crate::token::state::ReceivedToken;

fn process(redis: &Arc<FakeRedis>) -> Arc<TokenCache> {
    let clock = Clock::manual(EPOCH);
    let events = EventSource::new(Arc::default(), "wx1", Some("stable"));
    let store = RedisTokenStore::new(redis.clone(), &"s3cret".into(), "{wx1:stable:f}".into(), events.clone());
    TokenCache::new(RefreshPolicy::STABLE.for_fleet(), clock, Arc::new(store), events, Fingerprinter::with_random_key())
}

/// What another process would fetch now.
fn fetched(cache: &TokenCache, value: &str, seconds: i64) -> ReceivedToken {
    let requested_at = cache.now();
    ReceivedToken { value: value.into(), expires_in: Some(seconds), requested_at, refresh_early: true }
}

#[tokio::test(start_paused = true)]
async fn processes_that_start_together_or_later_make_one_request() {
    let (redis, upstream) = (Arc::<FakeRedis>::default(), Upstream::new(false).gives("T1"));
    let fleet = [(); 3].map(|()| process(&redis));
    let tokens = join_all(fleet.iter().map(|process| get(process, &upstream))).await;
    assert!(tokens.iter().all(|token| token.as_deref().ok() == Some("T1")));
    assert_eq!(get(&process(&redis), &upstream).await.unwrap(), "T1");
    assert_eq!(upstream.count(), 1);
    assert_eq!(fleet.map(|process| process.refreshes()).iter().sum::<u64>(), 1, "the others had it from Redis");
}

#[tokio::test(start_paused = true)]
async fn a_stored_token_stays_unless_ours_is_later() {
    let redis = Arc::<FakeRedis>::default();
    let [one, other] = [(), ()].map(|()| process(&redis));
    let mut stored = Vec::new();
    for (owner, value, seconds) in [
        ("a", "first", 3600),
        ("b", "first", 3600),
        ("c", "earlier", 1800),
        ("d", "the same end", 3601),
        ("e", "later", 7200),
    ] {
        let kept = one.acquire_and_publish(owner, &fetched(&one, value, seconds)).await.unwrap();
        let kept = kept.map(|kept| secrecy::ExposeSecret::expose_secret(&kept.value).to_owned());
        let shared = get(&process(&redis), &Upstream::new(false)).await.unwrap();
        stored.push((kept, shared));
    }
    let kept = || Some("first".to_owned());
    let expected = [(None, "first"), (None, "first"), (kept(), "first"), (kept(), "first"), (None, "later")];
    assert_eq!(stored, expected.map(|(kept, shared)| (kept, shared.to_owned())));
    assert_eq!(get(&other, &Upstream::new(false)).await.unwrap(), "later");
}

#[tokio::test(start_paused = true)]
async fn a_redis_that_came_back_empty_gets_the_token_of_a_process() {
    let (redis, upstream) = (Arc::<FakeRedis>::default(), Upstream::new(false).gives("T1"));
    let cache = process(&redis);
    let _client = cache.attach();
    get(&cache, &upstream).await.unwrap();
    redis.database().clear();
    cache.clone().on_reconnect();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(get(&process(&redis), &upstream).await.unwrap(), "T1");
    assert_eq!(upstream.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn after_an_outage_a_process_takes_the_later_token_of_the_others() {
    let (redis, upstream) = (Arc::<FakeRedis>::default(), Upstream::new(false).then(|| Ok(("T1", 3600))));
    let cache = process(&redis);
    let _client = cache.attach();
    get(&cache, &upstream).await.unwrap();
    let other = process(&redis);
    other.acquire_and_publish("other", &fetched(&other, "T2", 7200)).await.unwrap();
    cache.clone().on_reconnect();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(get(&cache, &upstream).await.unwrap(), "T2");
    assert_eq!((upstream.count(), cache.refreshes()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn without_redis_a_process_fetches_for_itself_and_shares_later() {
    let (redis, upstream) = (Arc::<FakeRedis>::default(), Upstream::new(false).gives("T1").gives("T2"));
    let cache = process(&redis);
    let _client = cache.attach();
    redis.set_up(false);
    assert_eq!(get(&cache, &upstream).await.unwrap(), "T1");
    assert_eq!(cache.store_is_up(), Some(false));
    redis.set_up(true);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(get(&process(&redis), &upstream).await.unwrap(), "T1");
    assert_eq!((upstream.count(), cache.store_is_up()), (1, Some(true)));
}

#[tokio::test(start_paused = true)]
async fn a_fleet_counts_its_forced_refreshes_together() {
    let redis = Arc::<FakeRedis>::default();
    let upstream = Upstream::new(false).gives("T1").gives("T2").gives("T3");
    let [one, other] = [(), ()].map(|()| process(&redis));
    get(&one, &upstream).await.unwrap();
    get(&other, &upstream).await.unwrap();
    let force = async |cache: &Arc<TokenCache>| cache.force(&upstream.source(), &deadline(10)).await;
    assert_eq!(force(&one).await.unwrap().expose(), "T2");
    assert_eq!(force(&other).await.unwrap().expose(), "T2", "another than its own");
    let refused = force(&other).await.err().unwrap();
    assert!(matches!(refused, Error::RateLimit { limit: ExceededLimit::ForcedRefresh, .. }), "{refused}");
    advance(Duration::from_secs(30)).await;
    assert_eq!(force(&other).await.unwrap().expose(), "T3");
}

#[tokio::test(start_paused = true)]
async fn an_event_says_where_a_token_came_from() {
    let (redis, upstream) = (Arc::<FakeRedis>::default(), Upstream::new(false).gives("T1").gives("T2"));
    let caches = [process(&redis), process(&redis), cache_of(Some("provider")).0];
    let mut sources = Vec::new();
    for cache in caches {
        let listener = Arc::<RecordingListener>::default();
        cache.events.bus.add(listener.clone());
        get(&cache, &upstream).await.unwrap();
        sources.extend(listener.0.lock().iter().filter_map(|event| match &event.kind {
            EventKind::Token(TokenEvent::RefreshOk { source, token, expires_in, .. }) => {
                assert!(token.number == 1 && expires_in.is_some_and(|left| left > Duration::from_secs(7000)));
                Some(*source)
            }
            _ => None,
        }));
    }
    assert_eq!(sources, ["wechat", "redis", "provider"]);
}
