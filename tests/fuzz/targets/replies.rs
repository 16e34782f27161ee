//! What Redis answers: the bytes are replies as they come over the wire.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use redis::Value;
use wxacode::budget::fleet::FleetMinute;
use wxacode::cache::{CodeCache, FleetCodes, Limits, Place};
use wxacode::deadline::Deadline;
use wxacode::error::Result;
use wxacode::event::Voice;
use wxacode::identity::RouteId;
use wxacode::link::{Guest, Scripts, Step, down};
use wxacode::token::clock::{Clock, SystemClock};
use wxacode::token::redis::Redis;
use wxacode::token::state::Fetched;
use wxacode::token::store::{Lease, Store};

pub fn run(bytes: &[u8]) {
    let mut replies = Vec::new();
    let mut rest = bytes;
    // At most some, and none is asked for twice.
    while let (Ok(value), true) = (redis::parse_redis_value(rest), replies.len() < 8) {
        replies.push(value);
        let Some(next) = rest.iter().skip(1).position(|&byte| byte == b'~') else { break };
        rest = &rest[next + 2..];
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(ask(Arc::new(Replies { replies, next: AtomicUsize::new(0) })));
}

/// Gives one after the other, and then nothing.
struct Replies {
    replies: Vec<Value>,
    next: AtomicUsize,
}

impl Scripts for Replies {
    fn run(&self, _: Step) -> BoxFuture<'_, Result<Value>> {
        let reply = self.replies.get(self.next.fetch_add(1, Ordering::Relaxed)).cloned();
        Box::pin(async { reply.ok_or_else(|| down("no more")) })
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

    fn invite(&self, _: Weak<dyn Guest>) {}
}

fn voice() -> Voice {
    Voice { hub: Arc::default(), appid: "wx0123456789abcdef".into(), mode: None }
}

async fn ask(replies: Arc<Replies>) {
    let again = || replies.next.store(0, Ordering::Relaxed);
    let secret = "an-app-secret-of-some-length".into();
    let now = SystemClock::default().now();
    let store = Redis::new(replies.clone(), &secret, "place".to_owned(), voice());
    let fetched = Fetched { value: "token".into(), expires_in: Some(7200), asked: now, ahead: true };
    let _ = store.acquire("a", Some("seen"), true, now).await;
    again();
    let _ = store.publish("a", &Lease::default(), &fetched, now).await;
    again();
    let _ = store.release("a", None, now).await;
    again();
    let _ = store.spend_forced("a", now).await;
    again();
    let minute = FleetMinute::new(replies.clone(), "place".to_owned());
    let _ = (minute.take(5000).await, minute.pause().await);
    again();
    let place = Place { prefix: String::new(), account: "account".to_owned() };
    let codes = FleetCodes::new(replies.clone(), &secret, place, voice(), None, 1 << 20);
    let limits = Limits { max_bytes: 1 << 20, ttl: None, fleet: Some(1 << 20) };
    let cache = Arc::new(CodeCache::new(&limits, Some(codes)));
    let deadline = Deadline::new(Duration::from_secs(10), None);
    let image = cache.get(vec![1], RouteId::default(), &deadline, || async { Ok("image".into()) }).await;
    assert!(image.is_ok_and(|(image, _)| image == "image"), "nobody without the AppSecret makes a code");
}
