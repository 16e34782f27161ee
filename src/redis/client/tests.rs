use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use redis::make_extension_error;
use tokio::runtime::Handle;
use tokio::time::advance;

use super::super::cluster::SlotMap;
use super::super::fake::ReconnectionCounter;
use super::super::fake::server::Server;
use super::*;
use crate::error::RedisErrorKind;
use crate::event::Event;
use crate::event::testing::RecordingListener;

const LIMIT: Duration = Duration::from_secs(60);

fn client(url: &str, events: &Arc<EventBus>) -> Arc<RedisClient> {
    RedisClient::open(url, None, LIMIT, events.clone()).ok().unwrap()
}

fn call(key: &str) -> ScriptCall {
    ScriptCall::new("return 1", vec![key.to_owned()])
}

#[tokio::test]
async fn the_connection_closes_when_the_last_client_is_dropped() {
    let mut server = Server::start(["+OK"]).await;
    let client = client(&server.url(), &Arc::default());
    let other = client.clone();
    client.run(call("a")).await.unwrap();
    assert_eq!(*server.connected.borrow(), 1);
    drop(client);
    other.run(call("a")).await.unwrap();
    drop(other);
    timeout(LIMIT, server.connected.wait_for(|count| *count == 0)).await.expect("it stays").unwrap();
}

#[tokio::test]
async fn an_unused_redis_that_is_down_is_not_probed() {
    let mut server = Server::start(["-LOADING Redis is loading"]).await;
    let events = Arc::<EventBus>::default();
    let client = client(&server.url(), &events);
    assert!(client.run(call("a")).await.is_err() && !client.is_up());
    assert_eq!(events.warnings.take().len(), 1);
    drop(client);
    // The server and what is left of its connections.
    let only_the_server = async {
        server.connected.wait_for(|count| *count == 0).await.unwrap();
        while Handle::current().metrics().num_alive_tasks() > 1 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LIMIT, only_the_server).await.expect("somebody still looks");
}

#[tokio::test]
async fn a_refusal_of_one_account_is_no_outage_for_the_others() {
    for answer in ["-NOPERM no access to one of the keys", "-WRONGTYPE Operation against a key"] {
        let server = Server::start([answer]).await;
        let events = Arc::<EventBus>::default();
        let listener = recorder(&events);
        let client = client(&server.url(), &events);
        for _ in 0..3 {
            let refused = client.run(call("p:{wx1:stable:f}:token")).await;
            assert!(matches!(refused, Err(Error::Redis { kind, .. }) if kind != RedisErrorKind::Down));
            assert!(client.is_up());
        }
        // Reported once for each account.
        let _ = client.run(call("p:{wx2:stable:f}:token")).await;
        let appid = |event: &Event| match &event.kind {
            EventKind::Redis(RedisEvent::AccountError { appid, .. }) => appid.clone(),
            other => panic!("{other:?}"),
        };
        let heard = listener.0.lock().iter().map(appid).collect::<Vec<_>>();
        assert_eq!(heard, ["wx1", "wx2"]);
        assert_eq!(events.warnings.take().len(), 1);
        // A probe counts it as an answer, whichever account the key belongs to.
        client.on_failure("a time-out", "p:{wx1:stable:f}:token", Instant::now());
        timeout(LIMIT, client.recovered()).await.expect("it stays down");
    }
}

/// What Redis replies, after so many milliseconds.
type Reply = (u64, Result<Value, BackendError>);

/// A Redis with these replies. It never answers what is left.
#[derive(Default)]
struct Scripted {
    replies: Mutex<VecDeque<Reply>>,
    /// For probes.
    probes: Mutex<VecDeque<Reply>>,
    /// Whether it is a cluster that moves the keys of all requests.
    migrating: AtomicBool,
    resets: AtomicUsize,
    slots: SlotMap,
}

impl Backend for Scripted {
    async fn attempt(&self, call: &ScriptCall, context: &AttemptContext<'_>) -> Result<Value, BackendError> {
        context.migrating.store(self.migrating.load(Ordering::Relaxed), Ordering::Relaxed);
        let replies = if call.script == PROBE { &self.probes } else { &self.replies };
        let reply = replies.lock().pop_front();
        let Some((delay, result)) = reply else { return std::future::pending().await };
        sleep(Duration::from_millis(delay)).await;
        result
    }

    fn reset(&self) {
        self.resets.fetch_add(1, Ordering::Relaxed);
    }

    fn name(&self) -> &str {
        "scripted"
    }

    fn slots(&self) -> &SlotMap {
        &self.slots
    }
}

fn scripted(replies: impl IntoIterator<Item = Reply>) -> Arc<RedisClient<Scripted>> {
    scripted_with(replies, &Arc::default())
}

fn scripted_with(replies: impl IntoIterator<Item = Reply>, events: &Arc<EventBus>) -> Arc<RedisClient<Scripted>> {
    let backend = Scripted { replies: Mutex::new(replies.into_iter().collect()), ..Scripted::default() };
    RedisClient::with_backend(backend, DEFAULT_TIMEOUT, events.clone())
}

fn refused(code: &str) -> Result<Value, BackendError> {
    Err(BackendError::Reply(make_extension_error(code.into(), None)))
}

fn read_only() -> Result<Value, BackendError> {
    refused("READONLY")
}

fn recorder(events: &Arc<EventBus>) -> Arc<RecordingListener> {
    let recorder = Arc::<RecordingListener>::default();
    events.add(recorder.clone());
    recorder
}

#[tokio::test(start_paused = true)]
async fn a_reply_to_a_request_from_before_a_failure_does_not_close_the_breaker() {
    let client = scripted([(100, Ok(Value::Nil)), (10, read_only())]);
    let (read, write) = tokio::join!(client.run(call("a")), client.run(call("a")));
    assert!(read.is_ok() && write.is_err());
    assert!(!client.is_up());
    assert!(client.run(call("a")).await.is_err(), "refused, for there is no reply left");
}

#[tokio::test(start_paused = true)]
async fn connections_and_redirections_are_dropped_once_for_each_outage() {
    let client = scripted([(10, read_only()), (20, read_only())]);
    let _ = tokio::join!(client.run(call("a")), client.run(call("a")));
    assert_eq!(client.backend.resets.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_background_request_has_two_seconds_and_a_foreground_request_its_timeout() {
    let client = scripted([(1900, Ok(Value::Nil))]);
    assert!(client.run(call("a").background()).await.is_ok());
    let client = scripted([(251, Ok(Value::Nil))]);
    let began = Instant::now();
    assert!(client.run(call("a")).await.is_err());
    assert_eq!(began.elapsed(), client.timeout());
    assert!(!client.is_up(), "a time-out is an outage");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_a_cluster_moves_for_long_is_refused_for_a_moment_and_no_outage() {
    let client = scripted([]);
    client.backend.migrating.store(true, Ordering::Relaxed);
    assert!(client.run(call("{a}:1")).await.is_err() && client.is_up());
    client.backend.replies.lock().extend([(0, Ok(Value::Nil)), (0, Ok(Value::Nil))]);
    assert!(client.run(call("{a}:2")).await.is_err(), "it is not sent");
    assert!(client.run(call("{b}:1")).await.is_ok());
    advance(Duration::from_secs(1)).await;
    assert!(client.run(call("{a}:2")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_reported_when_it_begins_and_when_it_ends() {
    let events = Arc::<EventBus>::default();
    let heard = recorder(&events);
    let client = scripted_with([(0, read_only())], &events);
    let reconnections = ReconnectionCounter::subscribed(|counter| client.subscribe(counter));
    client.backend.probes.lock().extend([(0, read_only()), (0, Ok(Value::Nil)), (0, Ok(Value::Nil))]);
    let began = Instant::now();
    assert!(client.run(call("a")).await.is_err());
    let [warning] = &events.warnings.take()[..] else { panic!("one warning") };
    assert!(warning.contains("Redis at scripted cannot be used (READONLY)"), "{warning}");
    assert_eq!(heard.take(), [("redis.down", None)]);
    timeout(LIMIT, client.recovered()).await.expect("it stays down");
    assert_eq!(reconnections.count(), 1);
    let up = |event: &Event| match &event.kind {
        EventKind::Redis(RedisEvent::Up { host, outage }) => (host.clone(), *outage),
        other => panic!("{other:?}"),
    };
    assert_eq!(heard.0.lock().iter().map(up).collect::<Vec<_>>(), [("scripted".to_owned(), began.elapsed())]);
    advance(Duration::from_secs(60)).await;
    client.backend.replies.lock().push_back((0, read_only()));
    let _ = client.run(call("a")).await;
    assert_eq!(events.warnings.take().len(), 1, "the next outage");
}

#[tokio::test(start_paused = true)]
async fn a_client_goes_on_with_its_outage_until_a_write_succeeds_within_the_time_of_a_request() {
    let client = scripted([(0, read_only())]);
    let connects = (0, Ok(Value::Nil));
    let late = (251, Ok(Value::Nil));
    client.backend.probes.lock().extend([
        (0, read_only()),
        connects,
        late,
        (249, Ok(Value::Nil)),
        (249, Ok(Value::Nil)),
    ]);
    assert!(client.run(call("a")).await.is_err());
    timeout(LIMIT, client.recovered()).await.expect("it stays down");
    assert!(client.is_up() && client.backend.probes.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_client_has_no_outage() {
    let events = Arc::<EventBus>::default();
    let down = || async {
        let client = scripted_with([(0, read_only())], &events);
        let _ = client.run(call("a")).await;
        (client, events.warnings.take().len())
    };
    let (first, warnings) = down().await;
    assert_eq!(warnings, 1);
    drop(scripted_with([], &events));
    advance(Duration::from_secs(60)).await;
    let (second, warnings) = down().await;
    assert_eq!(warnings, 0, "the outage of the first goes on");
    drop((first, second));
    advance(Duration::from_secs(60)).await;
    assert_eq!(down().await.1, 1, "another outage");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_one_account_is_reported_once_a_minute_while_it_goes_on() {
    let events = Arc::<EventBus>::default();
    let heard = recorder(&events);
    let client = scripted_with((0..5).map(|_| (0, refused("NOPERM"))), &events);
    let mut reports = Vec::new();
    for pause in [0, 59_999, 1, 59_999, 1] {
        advance(Duration::from_millis(pause)).await;
        let _ = client.run(call("{wx1:stable:f}:token")).await;
        reports.push(heard.take().len());
    }
    assert_eq!(reports, [1, 0, 1, 0, 1]);
}
