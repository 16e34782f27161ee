//! Replies of Redis: the bytes are those of the wire.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use redis::Value;
use wxacode::cache::{KeySpace, Limits, QrCodeCache, RedisQrCodes, Tiers};
use wxacode::clock::Clock;
use wxacode::deadline::Deadline;
use wxacode::error::Result;
use wxacode::event::EventSource;
use wxacode::keys::RouteId;
use wxacode::rate_limit::redis::RedisRateLimiter;
use wxacode::redis::{ReconnectListener, ScriptCall, ScriptRunner, unavailable};
use wxacode::token::redis_store::RedisTokenStore;
use wxacode::token::state::ReceivedToken;
use wxacode::token::store::{Lease, TokenStore};

pub(crate) fn run(bytes: &[u8]) {
    let mut replies = Vec::new();
    let mut rest = bytes;
    // At most some replies, each used once.
    while let (Ok(value), true) = (redis::parse_redis_value(rest), replies.len() < 8) {
        replies.push(value);
        let Some(next) = rest.iter().skip(1).position(|&byte| byte == b'~') else { break };
        rest = &rest[next + 2..];
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(ask(Arc::new(Replies { replies, next: AtomicUsize::new(0) })));
}

/// Returns one reply after another, and then none.
struct Replies {
    replies: Vec<Value>,
    next: AtomicUsize,
}

impl ScriptRunner for Replies {
    fn run(&self, _: ScriptCall) -> BoxFuture<'_, Result<Value>> {
        let reply = self.replies.get(self.next.fetch_add(1, Ordering::Relaxed)).cloned();
        Box::pin(async { reply.ok_or_else(|| unavailable("no more")) })
    }

    fn recovered(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    fn is_up(&self) -> bool {
        true
    }

    fn timeout(&self) -> Duration {
        Duration::from_millis(250)
    }

    fn subscribe(&self, _: Weak<dyn ReconnectListener>) {}
}

fn events() -> EventSource {
    EventSource::new(Arc::default(), "wx0123456789abcdef", None)
}

async fn ask(replies: Arc<Replies>) {
    let again = || replies.next.store(0, Ordering::Relaxed);
    let secret = "an-app-secret-of-some-length".into();
    let now = Clock::default().now();
    let store = RedisTokenStore::new(replies.clone(), &secret, "place".to_owned(), events());
    let fetched =
        ReceivedToken { value: "token".into(), expires_in: Some(7200), requested_at: now, refresh_early: true };
    let _ = store.acquire("a", Some("seen"), true, now).await;
    again();
    let _ = store.publish("a", &Lease::default(), &fetched, now).await;
    again();
    let _ = store.release("a", None, now).await;
    again();
    let _ = store.take_forced_refresh("a", now).await;
    again();
    let minute = RedisRateLimiter::new(replies.clone(), "place".to_owned());
    let _ = (minute.try_acquire(5000).await, minute.pause().await);
    again();
    let place = KeySpace { prefix: String::new(), account: "account".to_owned() };
    let codes = RedisQrCodes::new(replies.clone(), &secret, place, events(), None, 1 << 20);
    let limits =
        Limits { max_bytes: 1 << 20, ttl: None, redis_max_entry_bytes: Some(1 << 20), disk: None, store: None };
    let cache = Arc::new(QrCodeCache::new(&limits, Tiers { redis: Some(codes), ..Tiers::default() }));
    let deadline = Deadline::new(Duration::from_secs(10), None);
    let image = cache.get(vec![1], RouteId::default(), &deadline, || async { Ok("image".into()) }).await;
    assert!(image.is_ok_and(|(image, _)| image == "image"), "a code cannot be forged without the AppSecret");
}
