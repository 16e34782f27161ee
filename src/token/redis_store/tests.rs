use tokio::time::advance;

use super::super::state::{RefreshPolicy, State};
use super::*;
use crate::event::EventBus;
use crate::event::testing::RecordingListener;
use crate::redis::fake::{FakeRedis, ReconnectionCounter};

const KEYS: &str = "p:{wx1:stable:f}";
const NOW: Timestamp = Timestamp { mono: Duration::from_secs(100), wall: Duration::from_secs(1_700_000_000) };

/// The store of one process, with what it emits.
fn store(redis: &Arc<FakeRedis>) -> (RedisTokenStore, Arc<RecordingListener>) {
    let (bus, recorder) = (Arc::<EventBus>::default(), Arc::<RecordingListener>::default());
    bus.add(recorder.clone());
    let events = EventSource::new(bus, "wx1", Some("stable"));
    (RedisTokenStore::new(redis.clone(), &"s3cret".into(), KEYS.to_owned(), events), recorder)
}

fn fetched(value: &str, seconds: i64) -> ReceivedToken {
    ReceivedToken { value: value.into(), expires_in: Some(seconds), requested_at: NOW, refresh_early: true }
}

/// What a process holds that has fetched this.
fn holding(fetched: ReceivedToken) -> Token {
    State::new(RefreshPolicy::STABLE).adopt_if_newer(fetched, 0.0).expect("a first token")
}

/// `lock`, `wait <ms>`, `unchanged` or `token <value> <seconds>`.
fn shown(acquired: Result<Acquired>) -> String {
    match acquired {
        Ok(Acquired::Lock(_)) => "lock".to_owned(),
        Ok(Acquired::Wait(time)) => format!("wait {}", time.as_millis()),
        Ok(Acquired::Unchanged) => "unchanged".to_owned(),
        Ok(Acquired::Token(token)) => shown_token(Some(token)),
        Err(error) => error.to_string(),
    }
}

fn shown_token(token: Option<ReceivedToken>) -> String {
    let token = token.map(|token| format!("token {} {}", token.value.expose_secret(), token.expires_in.unwrap_or(0)));
    token.unwrap_or_default()
}

async fn lock(store: &RedisTokenStore, owner: &str, seen: Option<&str>) -> Lease {
    match store.acquire(owner, seen, false, NOW).await {
        Ok(Acquired::Lock(lease)) => lease,
        other => panic!("{}", shown(other)),
    }
}

/// The store after one process has shared a token.
async fn shared(redis: &Arc<FakeRedis>, value: &str, seconds: i64) -> (RedisTokenStore, Arc<RecordingListener>) {
    let (store, heard) = store(redis);
    let lease = lock(&store, "first", None).await;
    assert!(store.publish("first", &lease, &fetched(value, seconds), NOW).await.unwrap().is_none());
    (store, heard)
}

#[tokio::test(start_paused = true)]
async fn one_process_gets_the_lock_and_the_others_wait_for_its_token() {
    let redis = Arc::<FakeRedis>::default();
    let [(first, _), (second, _)] = [(), ()].map(|()| store(&redis));
    let lease = lock(&first, "a", None).await;
    assert_eq!(shown(first.acquire("a", None, false, NOW).await), "lock", "the same owner");
    let left = LOCK_TTL - Duration::from_millis(1) * 2;
    assert_eq!(shown(second.acquire("b", None, false, NOW).await), format!("wait {}", left.as_millis()));
    assert!(first.publish("a", &lease, &fetched("T", 7200), NOW).await.unwrap().is_none());
    assert_eq!(shown(second.acquire("b", None, false, NOW).await), "token T 7199");
    assert_eq!(shown(second.acquire("b", Some("T"), false, NOW).await), "lock", "another than the one that it has");
    assert!(!redis.database().holds(b"s3cret") && redis.database().fields(&format!("{KEYS}:token")).len() == 4);
    assert_eq!(first.max_lock_wait(), LOCK_TTL + Duration::from_secs(1));
    assert_eq!(first.max_caller_delay(), redis.timeout());
}

#[tokio::test(start_paused = true)]
async fn a_token_is_shared_for_what_is_left_of_its_life() {
    let redis = Arc::<FakeRedis>::default();
    let (store, _) = store(&redis);
    let lease = lock(&store, "a", None).await;
    let late = NOW.after(Duration::from_secs(10));
    store.publish("a", &lease, &fetched("T", 7200), late).await.unwrap();
    assert_eq!(shown(store.acquire("b", None, false, NOW).await), "token T 7189");
}

#[tokio::test(start_paused = true)]
async fn a_released_lock_goes_to_the_next_owner() {
    let redis = Arc::<FakeRedis>::default();
    let (store, _) = store(&redis);
    lock(&store, "a", None).await;
    assert_eq!(shown_token(store.release("a", None, NOW).await.unwrap()), "");
    let lease = lock(&store, "b", None).await;
    store.publish("b", &lease, &fetched("T", 7200), NOW).await.unwrap();
    assert_eq!(shown_token(store.release("a", None, NOW).await.unwrap()), "token T 7199");
    assert_eq!(shown_token(store.release("a", Some("T"), NOW).await.unwrap()), "", "the one that it has");
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_is_too_late_gets_the_token_of_the_next_one() {
    let redis = Arc::<FakeRedis>::default();
    let (store, _) = store(&redis);
    let late = lock(&store, "a", None).await;
    advance(LOCK_TTL).await;
    let lease = lock(&store, "b", None).await;
    store.publish("b", &lease, &fetched("T2", 7200), NOW).await.unwrap();
    assert_eq!(shown_token(store.publish("a", &late, &fetched("T1", 7200), NOW).await.unwrap()), "token T2 7199");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_about_to_expire_is_neither_shared_nor_taken_over() {
    let redis = Arc::<FakeRedis>::default();
    let (store, _) = shared(&redis, "T", 60).await;
    advance(Duration::from_secs(30)).await;
    lock(&store, "b", None).await;
    assert_eq!(shown(store.acquire("c", None, false, NOW).await), "token T 29", "while another process fetches");
    advance(Duration::from_secs(14)).await;
    let holding = holding(fetched("other", 7200));
    assert!(matches!(store.peek(&holding, NOW).await, Ok(StoredToken::Same)));
    assert_eq!(shown_token(store.release("d", None, NOW).await.unwrap()), "");
}

#[tokio::test(start_paused = true)]
async fn a_rejected_token_is_taken_away_once_in_a_while() {
    let redis = Arc::<FakeRedis>::default();
    let (store, _) = shared(&redis, "T", 7200).await;
    let lease = match store.acquire("b", Some("T"), true, NOW).await {
        Ok(Acquired::Lock(lease)) => lease,
        other => panic!("{}", shown(other)),
    };
    store.publish("b", &lease, &fetched("T", 7200), NOW).await.unwrap();
    assert_eq!(shown(store.acquire("c", Some("T"), true, NOW).await), "unchanged");
    advance(COOLDOWN).await;
    assert_eq!(shown(store.acquire("d", Some("T"), true, NOW).await), "lock");
}

#[tokio::test(start_paused = true)]
async fn a_process_compares_its_token_with_the_shared_one() {
    let redis = Arc::<FakeRedis>::default();
    let (holding, (empty, _)) = (holding(fetched("T", 7200)), store(&redis));
    assert!(matches!(empty.peek(&holding, NOW).await, Ok(StoredToken::Missing)));
    let (store, _) = shared(&redis, "T", 7200).await;
    assert!(matches!(store.peek(&holding, NOW).await, Ok(StoredToken::Same)));
    let other = self::holding(fetched("other", 7200));
    let Ok(StoredToken::Token(theirs)) = store.peek(&other, NOW).await else { panic!("another token") };
    assert_eq!(shown_token(Some(theirs)), "token T 7199");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_opened_is_replaced_and_reported() {
    let redis = Arc::<FakeRedis>::default();
    let (store, heard) = shared(&redis, "T", 7200).await;
    redis.database().put_field("token", "value", "torn");
    assert!(matches!(store.peek(&holding(fetched("other", 7200)), NOW).await, Ok(StoredToken::Missing)));
    assert_eq!(shown_token(store.release("c", None, NOW).await.unwrap()), "");
    assert_eq!(heard.take(), []);
    assert_eq!(shown(store.acquire("b", None, false, NOW).await), "lock");
    assert_eq!(heard.take(), [("redis.corrupt", None)]);
}

#[tokio::test(start_paused = true)]
async fn a_key_of_another_kind_is_replaced_and_reported() {
    let redis = Arc::<FakeRedis>::default();
    let (store, heard) = store(&redis);
    redis.database().put(&format!("{KEYS}:token"), "not a hash");
    assert_eq!(shown(store.acquire("a", None, false, NOW).await), "lock");
    assert_eq!(heard.take(), [("redis.corrupt", None)]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_to_one_account_is_no_outage_and_holds_its_next_update_for_two_seconds() {
    let redis = Arc::<FakeRedis>::default();
    let (store, _) = store(&redis);
    assert_eq!(store.is_up(), Some(true));
    redis.fail_with(Some("NOPERM this user has no permissions to access one of the keys"));
    assert!(store.acquire("a", None, false, NOW).await.is_err());
    assert_eq!((store.is_up(), redis.is_up()), (Some(false), true));
    let began = Instant::now();
    store.recovered().await;
    assert_eq!(began.elapsed(), RETRY_DELAY);
    redis.fail_with(None);
    lock(&store, "a", None).await;
    assert_eq!(store.is_up(), Some(true));
    let began = Instant::now();
    store.recovered().await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    redis.set_up(false);
    assert!(store.acquire("b", None, false, NOW).await.is_err());
    assert_eq!(store.is_up(), Some(false));
    redis.set_up(true);
    assert_eq!(store.is_up(), Some(true), "an outage ends without a call of this account");
}

#[tokio::test(start_paused = true)]
async fn a_fleet_forces_a_refresh_every_30_seconds_and_ten_times_a_day() {
    let redis = Arc::<FakeRedis>::default();
    let [(first, _), (second, _)] = [(), ()].map(|()| store(&redis));
    let taken = async |store: &RedisTokenStore, owner: &str| store.take_forced_refresh(owner, NOW).await.unwrap();
    assert_eq!(taken(&first, "0").await, None);
    assert_eq!(taken(&first, "0").await, None, "the same owner");
    assert_eq!(taken(&second, "x").await, Some(FORCED_INTERVAL - Duration::from_millis(2)));
    for owner in 1..FORCED_PER_DAY {
        advance(FORCED_INTERVAL).await;
        assert_eq!(taken(&second, &owner.to_string()).await, None);
    }
    advance(FORCED_INTERVAL).await;
    let wait = taken(&first, "x").await.expect("no more of them");
    assert!(wait > Duration::from_secs(23 * 3600) && wait < DAY, "{wait:?}");
    assert_eq!(first.take_forced_refresh_locally(NOW), None, "by its own count");
    assert_eq!(first.take_forced_refresh_locally(NOW), Some(FORCED_INTERVAL));
}

#[tokio::test(start_paused = true)]
async fn a_cache_hears_of_every_reconnection() {
    let redis = Arc::<FakeRedis>::default();
    let (store, _) = store(&redis);
    let heard = ReconnectionCounter::subscribed(|counter| store.subscribe(counter));
    redis.reconnect();
    redis.reconnect();
    assert_eq!(heard.count(), 2);
}

#[test]
fn a_reply_of_no_known_form_is_an_error() {
    let text = |text: &str| Value::BulkString(text.into());
    for (word, row) in [
        ("lock", vec![]),
        ("lock", vec![text("e")]),
        ("lock", vec![text("e"), Value::Nil]),
        ("wait", vec![text("1")]),
        ("other", vec![]),
    ] {
        assert!(acquired(word, &row).is_err(), "{word} {row:?}");
    }
    assert_eq!(shown(acquired("wait", &[Value::Int(-1)])), format!("wait {}", LOCK_TTL.as_millis()));
    let Ok(Acquired::Lock(lease)) = acquired("lock", &[Value::SimpleString("e".into()), Value::Int(7)]) else {
        panic!("a lease")
    };
    assert_eq!((lease.epoch.as_str(), lease.generation.as_str()), ("e", "7"));
}
