//! Sources that need something from elsewhere before they fetch.

use std::sync::atomic::{AtomicBool, AtomicUsize};

use futures_util::future::BoxFuture;

use super::*;
use crate::error::TicketError;
use crate::redis::fake::FakeRedis;
use crate::token::redis_store::{LOCK_TTL, RedisTokenStore};
use crate::token::source::{SourceToken, TokenRequest};

/// A source that prepares for so long, and whose first fetches fail for want of something new.
struct Prepared {
    takes: Duration,
    refusals: AtomicUsize,
    preparations: AtomicUsize,
    fetches: AtomicUsize,
    fails: AtomicBool,
}

impl Prepared {
    fn new(takes: Duration, refusals: usize) -> Arc<Self> {
        Arc::new(Self {
            takes,
            refusals: refusals.into(),
            preparations: 0.into(),
            fetches: 0.into(),
            fails: false.into(),
        })
    }
}

fn missing() -> Error {
    Error::Ticket(Box::new(TicketError { last_push: None, refusal: None }))
}

impl TokenSource for Prepared {
    fn endpoint(&self) -> Option<Endpoint> {
        Some(Endpoint::AuthorizerToken)
    }

    fn repeats_tokens(&self) -> bool {
        false
    }

    fn works_without_store(&self) -> bool {
        false
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(6)
    }

    fn preparation_timeout(&self) -> Duration {
        Duration::from_secs(900)
    }

    fn prepare<'a>(&'a self, on_wait: &'a (dyn Fn(Error) + Send + Sync)) -> Option<BoxFuture<'a, Result<()>>> {
        Some(Box::pin(async move {
            self.preparations.fetch_add(1, Ordering::Relaxed);
            on_wait(missing());
            sleep(self.takes).await;
            if self.fails.load(Ordering::Relaxed) { Err(busy()) } else { Ok(()) }
        }))
    }

    fn prepares_again_after(&self, error: &Error) -> bool {
        matches!(error, Error::Ticket(_))
    }

    fn fetch<'a>(&'a self, _: TokenRequest<'a>) -> BoxFuture<'a, Result<SourceToken>> {
        Box::pin(async move {
            self.fetches.fetch_add(1, Ordering::Relaxed);
            if self.refusals.load(Ordering::Relaxed) > 0 {
                self.refusals.fetch_sub(1, Ordering::Relaxed);
                return Err(missing());
            }
            Ok(SourceToken { value: "T1".into(), expires_in: Some(7200), refresh_early: true })
        })
    }
}

fn process(redis: &Arc<FakeRedis>) -> Arc<TokenCache> {
    let clock = Clock::manual(EPOCH);
    let events = EventSource::new(Arc::default(), "wx1", Some("authorizer"));
    let store = RedisTokenStore::new(redis.clone(), &"s3cret".into(), "{wx1:authorizer:f}".into(), events.clone());
    let policy = RefreshPolicy::CLASSIC.for_fleet();
    TokenCache::new(policy, clock, Arc::new(store), events, Fingerprinter::with_random_key())
}

async fn token(cache: &Arc<TokenCache>, source: &Arc<Prepared>, seconds: u64) -> Result<String> {
    let source: Arc<dyn TokenSource> = source.clone();
    cache.get(&source, &deadline(seconds)).await.map(|token| token.expose().to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_long_preparation_does_not_hold_the_lock_of_the_fleet() {
    let redis = Arc::<FakeRedis>::default();
    let [slow, quick] = [(); 2].map(|()| process(&redis));
    let waits = Prepared::new(10 * LOCK_TTL, 0);
    let waiting = tokio::spawn({
        let (slow, waits) = (slow.clone(), waits.clone());
        async move { token(&slow, &waits, 600).await }
    });
    sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    assert_eq!(token(&quick, &Prepared::new(Duration::ZERO, 0), 600).await.unwrap(), "T1");
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(waiting.await.unwrap().unwrap(), "T1");
    assert_eq!(waits.fetches.load(Ordering::Relaxed), 0, "the other process had a token by then");
}

#[tokio::test(start_paused = true)]
async fn a_caller_learns_what_is_missing_when_its_time_is_up_and_a_later_one_gets_the_token() {
    let cache = cache();
    let source = Prepared::new(Duration::from_secs(60), 0);
    let (short, long) = tokio::join!(token(&cache, &source, 10), token(&cache, &source, 100));
    assert!(matches!(short, Err(Error::Ticket(_))));
    assert_eq!(long.unwrap(), "T1");
    assert_eq!(source.fetches.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_failed_for_want_of_something_new_is_repeated_when_that_is_there() {
    let redis = Arc::<FakeRedis>::default();
    let (cache, source) = (process(&redis), Prepared::new(2 * LOCK_TTL, 2));
    assert_eq!(token(&cache, &source, 600).await.unwrap(), "T1");
    let counts = [&source.preparations, &source.fetches].map(|count| count.load(Ordering::Relaxed));
    assert_eq!(counts, [3, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_preparation_that_fails_is_the_error_of_all_and_leaves_no_lock() {
    let redis = Arc::<FakeRedis>::default();
    let (cache, source) = (process(&redis), Prepared::new(Duration::from_millis(10), 0));
    source.fails.store(true, Ordering::Relaxed);
    let calls = join_all((0..10).map(|_| token(&cache, &source, 1))).await;
    assert!(calls.iter().all(|call| matches!(call, Err(Error::Api { .. }))), "{calls:?}");
    assert_eq!(source.fetches.load(Ordering::Relaxed), 0);
    assert_eq!(token(&process(&redis), &Prepared::new(Duration::ZERO, 0), 1).await.unwrap(), "T1");
}

#[tokio::test(start_paused = true)]
async fn what_one_process_forgets_no_lock_owner_stores_again() {
    let redis = Arc::<FakeRedis>::default();
    let [one, other] = [(); 2].map(|()| process(&redis));
    let source = Prepared::new(Duration::ZERO, 0);
    token(&one, &source, 1).await.unwrap();
    one.forget(None).await.unwrap();
    token(&other, &source, 1).await.unwrap();
    assert_eq!(source.fetches.load(Ordering::Relaxed), 2, "nothing was left in Redis");
    let upstream = Upstream::new(false).gives("T2");
    let late = process(&redis);
    one.forget(None).await.unwrap();
    other.forget_here(None);
    let (begun, ()) = tokio::join!(get(&late, &upstream), async {
        sleep(Duration::from_millis(100)).await;
        one.forget(None).await.unwrap();
    });
    begun.unwrap();
    token(&other, &source, 1).await.unwrap();
    assert_eq!(source.fetches.load(Ordering::Relaxed), 3, "the late owner stored nothing");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_forgotten_leaves_the_lock_to_who_is_fetching() {
    let redis = Arc::<FakeRedis>::default();
    let [one, late] = [(); 2].map(|()| process(&redis));
    let (source, upstream) = (Prepared::new(Duration::ZERO, 0), Upstream::new(false).gives("T2"));
    let (begun, waited) = tokio::join!(get(&late, &upstream), async {
        sleep(Duration::from_millis(100)).await;
        one.forget(None).await.unwrap();
        let begun = Instant::now();
        token(&one, &source, 1).await.unwrap();
        begun.elapsed()
    });
    begun.unwrap();
    // Two fetches at once would make each other's token void. One takes 150 ms.
    assert!(waited >= Duration::from_millis(50), "{waited:?}");
}
