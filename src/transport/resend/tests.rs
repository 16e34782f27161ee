use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::deadline::Deadline;
use crate::error::{Error, NetworkErrorKind, Result};
use crate::event::attempt::testing::RecordingSink;
use crate::event::attempt::{self, Ending, Recorder};
use crate::event::testing::RecordingListener;
use crate::event::{Event, EventKind, Listener, RequestEvent};
use crate::transport::tests::{POLICY, Server, ServerAction, ask, ask_within, transport};
use crate::transport::{HttpRequest, RetryPolicy, SentCounter, Transport};
use crate::wechat::answer::read_image;
use crate::wechat::endpoint::Endpoint;
use crate::wechat::image::tests::jpeg;

/// Connections in the pool.
const N: usize = 8;
/// A call with a single try.
const ONE_TRY: RetryPolicy = RetryPolicy { retries: 0, ..POLICY };

/// A TCP proxy that can forget its connections: it swallows what comes on them, and closes none.
struct Network {
    url: url::Url,
    state: watch::Sender<State>,
    connections: Arc<Mutex<usize>>,
}

#[derive(Clone, Copy, Default)]
struct State {
    /// Counts how often everything was forgotten: connections from before are dead.
    forgotten: u32,
    /// Whether new connections are refused.
    refuses: bool,
}

impl Network {
    async fn before(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (to, state) = (format!("127.0.0.1:{}", server.url.port().unwrap()), watch::Sender::new(State::default()));
        let (connections, seen) = (Arc::new(Mutex::new(0)), state.clone());
        let count = connections.clone();
        tokio::spawn(async move {
            let mut listener = Some(listener);
            let mut changes = seen.subscribe();
            loop {
                if changes.borrow_and_update().refuses {
                    drop(listener.take());
                    changes.wait_for(|state| !state.refuses).await.unwrap();
                }
                if listener.is_none() {
                    listener = Some(TcpListener::bind(address).await.unwrap());
                }
                tokio::select! {
                    accepted = listener.as_ref().unwrap().accept() => {
                        *count.lock() += 1;
                        tokio::spawn(carry(accepted.unwrap().0, to.clone(), seen.subscribe()));
                    }
                    _ = changes.changed() => {}
                }
            }
        });
        Self { url: format!("http://{address}").parse().unwrap(), state, connections }
    }

    fn forget(&self) {
        self.state.send_modify(|state| state.forgotten += 1);
    }

    fn refuse(&self, refuses: bool) {
        self.state.send_modify(|state| state.refuses = refuses);
    }

    fn connections(&self) -> usize {
        *self.connections.lock()
    }
}

async fn carry(client: TcpStream, to: String, state: watch::Receiver<State>) {
    let server = TcpStream::connect(to).await.unwrap();
    let born = state.borrow().forgotten;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::join!(pump(from_client, to_server, &state, born), pump(from_server, to_client, &state, born));
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    state: &watch::Receiver<State>,
    born: u32,
) {
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        if state.borrow().forgotten == born {
            let _ = to.write_all(&piece[..length]).await;
        }
    }
    if state.borrow().forgotten == born {
        let _ = to.shutdown().await;
    }
}

/// A transport with `n` idle connections.
async fn filled(network: &Network, n: usize) -> Transport {
    let transport = transport(&[&network.url]);
    while network.connections() < n {
        for answer in join_all((0..n).map(|_| ask(&transport, POLICY))).await {
            answer.unwrap();
        }
    }
    transport
}

/// A server that answers soon, behind a network.
async fn quick() -> (Server, Network) {
    let server = Server::start([ServerAction::Answer(200, jpeg())]).await;
    let network = Network::before(&server).await;
    (server, network)
}

/// A call with so much time has a share of 3 s, and gives up the first request after 6 s.
const PATIENT: Duration = Duration::from_secs(20);
/// A picture after that share.
const LATE: ServerAction = ServerAction::Late(Duration::from_secs(4));

/// How many more requests are sent twice needlessly before the host counts as slow, which it does then.
fn needless_until_slow(transport: &Transport) -> usize {
    let host = transport.hosts.by_preference()[0];
    let is_quick = || host.idle_share(Duration::from_secs(10)) == Some(Duration::from_millis(1500));
    std::iter::from_fn(|| is_quick().then(|| host.record_needless())).count()
}

/// A server that answers soon once, so that a connection is idle, and then follows `script`.
async fn then(script: impl IntoIterator<Item = ServerAction>) -> (Server, Network, Transport) {
    let server = Server::start([ServerAction::Answer(200, jpeg())].into_iter().chain(script)).await;
    let network = Network::before(&server).await;
    let transport = transport(&[&network.url]);
    ask(&transport, POLICY).await.unwrap();
    (server, network, transport)
}

/// The endings of the requests that `transport` sends from now on.
fn recorded(transport: &Transport) -> Arc<RecordingListener> {
    let recorder = Arc::new(RecordingListener::default());
    let listener: Arc<dyn Listener> = recorder.clone();
    transport.events.bus.add(listener);
    recorder
}

/// Why requests failed.
fn failures(recorder: &RecordingListener) -> Vec<NetworkErrorKind> {
    let kind = |event: &Event| match &event.kind {
        EventKind::Request(RequestEvent::Error { error: Error::Network { kind, .. }, .. }) => Some(*kind),
        _ => None,
    };
    recorder.0.lock().iter().filter_map(kind).collect()
}

#[tokio::test]
async fn dead_connections_cost_calls_one_after_the_other_one_share_once() {
    let (server, network) = quick().await;
    let transport = filled(&network, N).await;
    let (requests, connections, recorder) = (server.count(), network.connections(), recorded(&transport));
    network.forget();
    for _ in 0..N {
        assert_eq!(ask(&transport, ONE_TRY).await.unwrap(), jpeg());
    }
    assert_eq!(failures(&recorder), [NetworkErrorKind::IdleConnection]);
    assert_eq!((server.count() - requests, network.connections() - connections), (N, 1));
}

#[tokio::test]
async fn dead_connections_cost_concurrent_calls_one_share_each() {
    let (server, network) = quick().await;
    let transport = filled(&network, N).await;
    let (requests, recorder) = (server.count(), recorded(&transport));
    network.forget();
    for answer in join_all((0..N).map(|_| ask(&transport, ONE_TRY))).await {
        assert_eq!(answer.unwrap(), jpeg());
    }
    assert_eq!(failures(&recorder), [NetworkErrorKind::IdleConnection; N]);
    assert_eq!(server.count() - requests, N);
}

#[tokio::test]
async fn the_time_of_one_attempt_is_shared_with_the_second_request() {
    let (_server, network) = quick().await;
    let transport = filled(&network, 1).await;
    network.forget();
    let attempt_timeout = Some(Duration::from_secs(4));
    ask_within(&transport, RetryPolicy { attempt_timeout, ..ONE_TRY }, Duration::from_secs(60)).await.unwrap();
}

#[tokio::test]
async fn the_first_request_counts_as_sent_and_fails_in_an_event_and_to_the_caller() {
    let (_server, network) = quick().await;
    let transport = filled(&network, 1).await;
    let recorder = recorded(&transport);
    network.forget();
    let (sent, reported) = (SentCounter::default(), Mutex::new(Vec::new()));
    let call = HttpRequest {
        endpoint: Endpoint::GetQrCode,
        query: &[],
        body: Some("{}".into()),
        secrets: &[],
        sent: Some(&sent),
        on_used: None,
    };
    let deadline = Deadline::new(Duration::from_secs(10), None);
    let on_retry = |error| reported.lock().push(error);
    transport.send_with_retries(&call, POLICY, &deadline, &on_retry, read_image).await.unwrap();
    assert_eq!(sent.count(), 2);
    let events = recorder.0.lock();
    let [failed, answered] = &events[..] else { panic!("{events:?}") };
    let EventKind::Request(RequestEvent::Error { request: first, error, status: None }) = &failed.kind else {
        panic!("{failed:?}")
    };
    let EventKind::Request(RequestEvent::Ok { request: second, .. }) = &answered.kind else { panic!("{answered:?}") };
    assert!(first.duration > second.duration);
    for error in [error, &reported.lock()[0]] {
        let Error::Network { kind: NetworkErrorKind::IdleConnection, detail, .. } = error else { panic!("{error:?}") };
        assert_eq!(detail, "no answer within 1500 ms on a connection that had been idle");
        assert!(error.is_transient() && error.is_of_idle_connection());
    }
    assert_eq!(reported.lock().len(), 1);
}

#[tokio::test]
async fn what_is_not_repeatable_is_sent_once() {
    let (server, network) = quick().await;
    let transport = filled(&network, 1).await;
    let requests = server.count();
    network.forget();
    let attempt_timeout = Some(Duration::from_secs(2));
    let once = RetryPolicy { retries: 0, attempt_timeout, repeatable: false };
    let error = ask(&transport, once).await.unwrap_err();
    assert!(matches!(error, Error::Network { kind: NetworkErrorKind::ResponseTimeout, .. }), "{error:?}");
    assert_eq!(server.count(), requests);
}

#[tokio::test]
async fn a_new_connection_has_the_whole_time() {
    let server = Server::start([LATE]).await;
    ask(&transport(&[&server.url]), POLICY).await.unwrap();
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_late_answer_on_an_idle_connection_counts_and_the_second_request_is_aborted() {
    let (server, _network, transport) = then([LATE]).await;
    let recorder = recorded(&transport);
    ask_within(&transport, POLICY, PATIENT).await.unwrap();
    assert_eq!(server.count(), 3);
    assert_eq!(recorder.take(), [("request.abort", None), ("request.ok", None)]);
    assert_eq!(needless_until_slow(&transport), 19, "of 20");
}

#[tokio::test]
async fn a_slow_host_gets_few_requests_twice() {
    let (server, _network, transport) = then([LATE]).await;
    needless_until_slow(&transport);
    ask_within(&transport, POLICY, PATIENT).await.unwrap();
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn a_late_answer_counts_when_a_new_connection_is_refused() {
    let (server, network, transport) = then([LATE]).await;
    network.refuse(true);
    ask_within(&transport, ONE_TRY, PATIENT).await.unwrap();
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn a_host_that_is_gone_for_a_while_is_waited_for_by_the_retries() {
    let (server, network) = quick().await;
    let transport = filled(&network, N).await;
    let requests = server.count();
    network.forget();
    network.refuse(true);
    let back = async {
        tokio::time::sleep(Duration::from_millis(2500)).await;
        network.refuse(false);
    };
    let (answer, ()) = tokio::join!(ask(&transport, POLICY), back);
    answer.unwrap();
    assert_eq!(server.count(), requests + 1);
}

#[tokio::test]
async fn a_host_that_is_gone_is_an_error_that_says_so() {
    let (_server, network) = quick().await;
    let transport = filled(&network, 1).await;
    network.forget();
    network.refuse(true);
    let recorder = recorded(&transport);
    let error = ask(&transport, ONE_TRY).await.unwrap_err();
    assert!(matches!(error, Error::Network { kind: NetworkErrorKind::Unreachable, .. }), "{error:?}");
    assert_eq!(failures(&recorder), [NetworkErrorKind::IdleConnection, NetworkErrorKind::Unreachable]);
}

#[tokio::test]
async fn a_first_request_that_is_reset_late_leaves_the_answer_to_the_second() -> Result<()> {
    let (server, _network, transport) =
        then([ServerAction::LateReset(Duration::from_secs(4)), ServerAction::Late(Duration::from_secs(3))]).await;
    let recorder = recorded(&transport);
    ask_within(&transport, ONE_TRY, PATIENT).await?;
    assert_eq!(server.count(), 3);
    assert_eq!(failures(&recorder), [NetworkErrorKind::ConnectionClosed]);
    Ok(())
}

#[tokio::test]
async fn an_idle_connection_that_was_closed_costs_nothing() {
    let server = Server::start([ServerAction::AnswerAndClose]).await;
    let transport = transport(&[&server.url]);
    let recorder = recorded(&transport);
    for _ in 0..4 {
        ask(&transport, POLICY).await.unwrap();
    }
    assert_eq!(server.count(), 4);
    assert!(!failures(&recorder).contains(&NetworkErrorKind::IdleConnection));
}

#[tokio::test]
async fn a_caller_who_leaves_aborts_the_second_request() {
    let (server, _network, transport) = then([ServerAction::Hang]).await;
    let recorder = recorded(&transport);
    let leaves = async {
        while server.count() < 3 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        answer = ask(&transport, POLICY) => panic!("{answer:?}"),
        () = leaves => {}
    }
    let code = Some("ERR_WXA_NETWORK");
    assert_eq!(recorder.take(), [("request.error", code), ("request.abort", None)]);
}

/// Records the attempts of `work`, each as what tells them apart.
fn attempts_of(work: impl Future) -> impl Future<Output = Vec<(u32, Option<bool>, Option<u16>, &'static str)>> {
    let sink = Arc::new(RecordingSink::default());
    let work = Box::pin(attempt::recorded(Some(Recorder::new(1, None, sink.clone())), work));
    async move {
        work.await;
        let told = sink.attempts.lock();
        let ending = |ending: &Ending| match ending {
            Ending::Answered => "answered",
            Ending::Failed(error) => error.code(),
            Ending::GivenUp => "given up",
        };
        told.iter().map(|one| (one.resend_count, one.connection_reused, one.status, ending(&one.ending))).collect()
    }
}

#[tokio::test]
async fn both_requests_are_recorded_each_with_its_own_connection() {
    let (_server, network) = quick().await;
    let transport = filled(&network, 1).await;
    network.forget();
    let both = [(0, Some(true), None, "ERR_WXA_NETWORK"), (1, Some(false), Some(200), "answered")];
    assert_eq!(attempts_of(ask(&transport, ONE_TRY)).await, both);
    assert_eq!(attempts_of(ask(&transport, ONE_TRY)).await, [(0, Some(true), Some(200), "answered")]);
}

#[tokio::test]
async fn a_request_that_is_given_up_is_recorded_with_what_is_known_of_it() {
    let (_server, _network, transport) = then([LATE]).await;
    let late = attempts_of(ask_within(&transport, POLICY, PATIENT)).await;
    assert_eq!(late, [(1, Some(false), None, "given up"), (0, Some(true), Some(200), "answered")]);
}

#[tokio::test]
async fn a_request_without_a_connection_is_recorded_as_one() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://{address}").parse().unwrap();
    let refused = attempts_of(ask(&transport(&[&url]), ONE_TRY)).await;
    assert_eq!(refused, [(0, None, None, "ERR_WXA_NETWORK")]);
}
