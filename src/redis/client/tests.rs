use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use redis::make_extension_error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use super::super::cluster::SlotMap;
use super::*;
use crate::error::RedisFault;
use crate::event::Event;

const LIMIT: Duration = Duration::from_secs(60);

/// A Redis that answers all commands alike, and counts those that are connected.
async fn server(answer: &'static str) -> (String, watch::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let (connected, count) = watch::channel(0);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let connected = connected.clone();
            tokio::spawn(async move {
                connected.send_modify(|count| *count += 1);
                let mut bytes = [0; 4096];
                while let Ok(length @ 1..) = socket.read(&mut bytes).await {
                    // Arrays begin with a star, and nothing in these tests holds another one.
                    let commands = bytes[..length].iter().filter(|byte| **byte == b'*').count();
                    if socket.write_all(answer.repeat(commands).as_bytes()).await.is_err() {
                        break;
                    }
                }
                connected.send_modify(|count| *count -= 1);
            });
        }
    });
    (url, count)
}

fn client(url: &str, events: &Arc<EventBus>) -> Arc<RedisClient> {
    RedisClient::open(url, None, LIMIT, events.clone()).ok().unwrap()
}

fn call(key: &str) -> ScriptCall {
    ScriptCall::new("return 1", vec![key.to_owned()])
}

#[tokio::test]
async fn the_connection_closes_when_the_last_client_is_dropped() {
    let (url, mut count) = server("+OK\r\n").await;
    let client = client(&url, &Arc::default());
    let other = client.clone();
    client.run(call("a")).await.unwrap();
    assert_eq!(*count.borrow(), 1);
    drop(client);
    other.run(call("a")).await.unwrap();
    drop(other);
    timeout(LIMIT, count.wait_for(|count| *count == 0)).await.expect("it stays").unwrap();
}

#[tokio::test]
async fn an_unused_redis_that_is_down_is_not_probed() {
    let (url, mut count) = server("-LOADING Redis is loading\r\n").await;
    let events = Arc::<EventBus>::default();
    let client = client(&url, &events);
    assert!(client.run(call("a")).await.is_err() && !client.is_up());
    assert_eq!(events.warnings.take().len(), 1);
    drop(client);
    // The server and what is left of its connections.
    let only_the_server = async {
        count.wait_for(|count| *count == 0).await.unwrap();
        while Handle::current().metrics().num_alive_tasks() > 1 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LIMIT, only_the_server).await.expect("somebody still looks");
}

#[tokio::test]
async fn a_refusal_of_one_account_is_no_outage_for_the_others() {
    for answer in ["-NOPERM no access to one of the keys\r\n", "-WRONGTYPE Operation against a key\r\n"] {
        let (url, _) = server(answer).await;
        let events = Arc::<EventBus>::default();
        let listener = Arc::new(crate::event::testing::RecordingListener::default());
        events.add(listener.clone());
        let client = client(&url, &events);
        for _ in 0..3 {
            let refused = client.run(call("p:{wx1:stable:f}:token")).await;
            assert!(matches!(refused, Err(Error::Redis { fault, .. }) if fault != RedisFault::Down));
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

/// A Redis whose replies take so long and are so; it never answers a probe.
#[derive(Default)]
struct Scripted {
    replies: Mutex<VecDeque<(u64, Result<Value, RedisFailure>)>>,
    resets: AtomicUsize,
    slots: SlotMap,
}

impl Backend for Scripted {
    async fn attempt(&self, call: &ScriptCall, _: &Attempt<'_>) -> Result<Value, RedisFailure> {
        let reply = if call.script == PROBE { None } else { self.replies.lock().pop_front() };
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

fn scripted(replies: impl IntoIterator<Item = (u64, Result<Value, RedisFailure>)>) -> Arc<RedisClient<Scripted>> {
    let backend = Scripted { replies: Mutex::new(replies.into_iter().collect()), ..Scripted::default() };
    RedisClient::with_backend(backend, DEFAULT_TIMEOUT, Arc::default())
}

fn read_only() -> Result<Value, RedisFailure> {
    Err(RedisFailure::Answer(make_extension_error("READONLY".into(), None)))
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
    assert_eq!(began.elapsed(), DEFAULT_TIMEOUT);
}
