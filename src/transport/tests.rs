use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::certificates::{Certificate, Claims};
use super::http_clients::{HttpClients, HttpSettings};
use super::*;
use crate::error::TimeoutPhase;
use crate::wechat::answer::{read_image, read_token};
use crate::wechat::image::tests::jpeg;

/// What the server does with a request.
#[derive(Clone)]
pub(crate) enum ServerAction {
    Answer(u16, Vec<u8>),
    /// A body whose end is the end of the connection.
    Endless(usize),
    /// Announces more than it sends.
    Cut,
    /// Announces so many bytes and sends none.
    Announce(usize),
    Reset,
    Close,
    Hang,
    /// A picture after so long.
    Late(Duration),
    /// A reset after so long.
    LateReset(Duration),
    /// A picture, and the end of the connection without a word of it in the head.
    AnswerAndClose,
}

/// A server that follows a script, its last act for ever, and remembers what arrived.
pub(crate) struct Server {
    pub(crate) url: url::Url,
    arrived: Arc<Mutex<Vec<(Instant, String)>>>,
}

impl Server {
    pub(crate) async fn start(script: impl IntoIterator<Item = ServerAction>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let script = Arc::new(Mutex::new(script.into_iter().collect::<VecDeque<_>>()));
        let arrived: Arc<Mutex<Vec<_>>> = Arc::default();
        let log = arrived.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, script.clone(), log.clone()));
            }
        });
        Self { url, arrived }
    }

    pub(crate) fn count(&self) -> usize {
        self.arrived.lock().unwrap().len()
    }

    fn gaps(&self) -> Vec<Duration> {
        self.arrived.lock().unwrap().windows(2).map(|pair| pair[1].0 - pair[0].0).collect()
    }

    /// The requests so far, each with its head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.arrived.lock().unwrap().iter().map(|(_, request)| request.clone()).collect()
    }

    fn first(&self) -> String {
        self.arrived.lock().unwrap()[0].1.clone()
    }
}

async fn serve(
    mut socket: TcpStream,
    script: Arc<Mutex<VecDeque<ServerAction>>>,
    log: Arc<Mutex<Vec<(Instant, String)>>>,
) {
    while let Some(request) = read_request(&mut socket).await {
        log.lock().unwrap().push((Instant::now(), request));
        let act = {
            let mut script = script.lock().unwrap();
            if script.len() > 1 { script.pop_front() } else { script.front().cloned() }
        };
        match act.expect("a script") {
            ServerAction::Answer(status, body) => {
                let head =
                    format!("HTTP/1.1 {status} X\r\nlocation: /elsewhere\r\ncontent-length: {}\r\n\r\n", body.len());
                let _ = socket.write_all(&[head.as_bytes(), &body].concat()).await;
            }
            ServerAction::Endless(bytes) => {
                let _ = socket.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await;
                let _ = socket.write_all(&vec![b'x'; bytes]).await;
                return;
            }
            ServerAction::Cut => {
                let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await;
                return;
            }
            ServerAction::Announce(bytes) => {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n");
                let _ = socket.write_all(head.as_bytes()).await;
                std::future::pending::<()>().await;
            }
            ServerAction::Reset => {
                socket.set_zero_linger().unwrap();
                return;
            }
            ServerAction::Close => return,
            ServerAction::Hang => std::future::pending().await,
            ServerAction::Late(wait) => {
                tokio::time::sleep(wait).await;
                let _ = socket.write_all(&picture()).await;
            }
            ServerAction::LateReset(wait) => {
                tokio::time::sleep(wait).await;
                socket.set_zero_linger().unwrap();
                return;
            }
            ServerAction::AnswerAndClose => {
                let _ = socket.write_all(&picture()).await;
                return;
            }
        }
    }
}

fn picture() -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", jpeg().len()).as_bytes(), &jpeg()].concat()
}

async fn read_request(socket: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(head) = memchr::memmem::find(&bytes, b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            if bytes.len() >= head + 4 + length {
                return Some(String::from_utf8(bytes).unwrap());
            }
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

pub(super) fn transport(bases: &[&url::Url]) -> Transport {
    with_pool(Arc::new(HttpClients::new(&HttpSettings::default()).unwrap()), bases)
}

fn with_pool(pool: Arc<HttpClients>, bases: &[&url::Url]) -> Transport {
    let bases = bases.iter().map(|&url| url.clone()).collect();
    let events = EventSource::new(Arc::default(), "wx", None);
    Transport { jitter: || 0.1, ..Transport::new(pool, bases, Arc::default(), events) }
}

pub(super) const POLICY: RetryPolicy = RetryPolicy { retries: 2, attempt_timeout: None, repeatable: true };

pub(super) async fn ask(transport: &Transport, policy: RetryPolicy) -> Result<Vec<u8>> {
    ask_within(transport, policy, Duration::from_secs(10)).await
}

pub(super) async fn ask_within(transport: &Transport, policy: RetryPolicy, limit: Duration) -> Result<Vec<u8>> {
    let call = HttpRequest {
        endpoint: Endpoint::GetQrCode,
        query: &[("access_token", "c4nary+/")],
        body: Some("{}".into()),
        secrets: &["c4nary+/"],
        sent: None,
    };
    let deadline = Deadline::new(limit, None);
    let send_with_retries = transport.send_with_retries(&call, policy, &deadline, &|_| {}, read_image);
    let result = deadline.timeout(TimeoutPhase::Answer, || None, send_with_retries).await.and_then(|result| result);
    if let Err(error) = &result {
        assert!(!format!("{error} {error:?}").contains("c4nary"), "{error:?}");
    }
    result.map(|(body, _)| body.contiguous().into_owned())
}

fn refusal(errcode: i64) -> ServerAction {
    ServerAction::Answer(
        200,
        format!(r#"{{"errcode":{errcode},"errmsg":"m access_token=c4nary%2B%2F c4nary+/"}}"#).into_bytes(),
    )
}

#[tokio::test]
async fn a_request_is_one_sized_body_with_the_token_in_the_query() {
    let server = Server::start([ServerAction::Answer(200, jpeg())]).await;
    assert_eq!(ask(&transport(&[&server.url]), POLICY).await.unwrap(), jpeg());
    let request = server.first().to_lowercase();
    assert!(request.starts_with("post /wxa/getwxacode?access_token=c4nary%2b%2f http/1.1\r\n"), "{request}");
    assert!(request.contains("content-length: 2\r\n") && request.ends_with("\r\n\r\n{}"), "{request}");
    assert!(!request.contains("transfer-encoding") && !request.contains("referer"), "{request}");
}

#[tokio::test]
async fn transient_failures_are_retried_and_refusals_are_not() {
    let html = ServerAction::Answer(502, b"<html>".to_vec());
    for (act, arrivals) in [
        (refusal(-1), 3),
        (ServerAction::Reset, 3),
        (ServerAction::Close, 3),
        (ServerAction::Cut, 3),
        (html, 3),
        (ServerAction::Answer(503, vec![]), 3),
        (refusal(41030), 1),
        (refusal(45009), 1),
        (ServerAction::Answer(404, b"<html>".to_vec()), 1),
        (ServerAction::Answer(200, b"<html> /?access_token=c4nary%2B%2F c4nary+/".to_vec()), 1),
        (ServerAction::Answer(200, jpeg()[..9].to_vec()), 1),
        (ServerAction::Answer(307, vec![]), 1),
    ] {
        let server = Server::start([act]).await;
        let transport = transport(&[&server.url]);
        ask(&transport, POLICY).await.unwrap_err();
        assert_eq!(server.count(), arrivals);
        ask(&transport, RetryPolicy { retries: 0, ..POLICY }).await.unwrap_err();
        assert_eq!(server.count(), arrivals + 1);
    }
}

#[tokio::test]
async fn a_successful_retry_returns_the_picture() {
    let server = Server::start([ServerAction::Reset, refusal(-1), ServerAction::Answer(200, jpeg())]).await;
    assert_eq!(ask(&transport(&[&server.url]), POLICY).await.unwrap(), jpeg());
    assert_eq!(server.count(), 3);
}

#[tokio::test]
async fn retries_wait_for_their_backoff() {
    let server = Server::start([ServerAction::Answer(503, vec![])]).await;
    let transport = Transport { jitter: || 1.0, ..transport(&[&server.url]) };
    ask(&transport, POLICY).await.unwrap_err();
    let gaps = server.gaps();
    assert!(gaps[0] >= Duration::from_millis(500) && gaps[1] >= Duration::from_secs(1), "{gaps:?}");
}

#[tokio::test]
async fn a_backoff_beyond_the_deadline_is_not_waited_for() {
    let server = Server::start([ServerAction::Answer(503, vec![])]).await;
    let transport = Transport { jitter: || 1.0, ..transport(&[&server.url]) };
    let started = Instant::now();
    let error = ask_within(&transport, POLICY, Duration::from_millis(450)).await.unwrap_err();
    assert_eq!(error.code(), "ERR_WXA_RESPONSE", "the real trouble, not a timeout: {error}");
    assert!(started.elapsed() < Duration::from_millis(450));
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn an_answer_over_8_mib_is_refused_with_or_without_a_content_length() {
    for act in [ServerAction::Announce(MAX_RESPONSE_BYTES + 1), ServerAction::Endless(MAX_RESPONSE_BYTES + 1)] {
        let server = Server::start([act]).await;
        match ask(&transport(&[&server.url]), POLICY).await {
            Err(Error::Response { problem: BadResponse::TooLarge, .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    let mut largest = jpeg();
    largest.resize(MAX_RESPONSE_BYTES, 0);
    let server = Server::start([ServerAction::Answer(200, largest.clone())]).await;
    assert_eq!(ask(&transport(&[&server.url]), POLICY).await.unwrap().len(), MAX_RESPONSE_BYTES);
}

#[tokio::test]
async fn an_unreachable_host_is_skipped_and_then_avoided() {
    let dead = { TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap() };
    let dead = format!("http://{dead}").parse().unwrap();
    let hanging = Server::start([ServerAction::Hang]).await;
    let good = Server::start([ServerAction::Answer(200, jpeg())]).await;

    let with_dead = transport(&[&dead, &good.url]);
    ask(&with_dead, RetryPolicy { retries: 0, ..POLICY }).await.unwrap();

    let with_hanging = transport(&[&hanging.url, &good.url]);
    for _ in 0..3 {
        ask_within(&with_hanging, RetryPolicy { retries: 0, ..POLICY }, Duration::from_millis(2100)).await.unwrap();
    }
    assert_eq!((hanging.count(), good.count()), (1, 4), "only the first call waited for the hanging host");
}

#[tokio::test]
async fn a_short_deadline_does_not_mark_a_host_as_unreachable() {
    let slow = Server::start([ServerAction::Hang, ServerAction::Answer(200, jpeg())]).await;
    let other = Server::start([ServerAction::Answer(200, jpeg())]).await;
    let transport = transport(&[&slow.url, &other.url]);
    ask_within(&transport, POLICY, Duration::from_millis(200)).await.unwrap();
    ask(&transport, POLICY).await.unwrap();
    assert_eq!((slow.count(), other.count()), (2, 1));
}

#[tokio::test]
async fn no_answer_makes_an_error_show_a_part_of_the_token() {
    for body in [
        r#"{"access_token":"c4nary","expires_in":72"#,
        r#"{"data":{"access_token":"c4nary"}}"#,
        r#"{"access_token":"c4nary c4nary"}"#,
        r#"{"errcode":40125,"errmsg":"not c4nary-token","access_token":"c4nary-token"}"#,
        "<html>c4nary",
        "c4nary",
    ] {
        let server = Server::start([ServerAction::Answer(200, body.into())]).await;
        let call = HttpRequest { endpoint: Endpoint::StableToken, query: &[], body: None, secrets: &[], sent: None };
        let deadline = Deadline::new(Duration::from_secs(10), None);
        let once = RetryPolicy { retries: 0, ..POLICY };
        let error = transport(&[&server.url])
            .send_with_retries(&call, once, &deadline, &|_| {}, read_token)
            .await
            .err()
            .unwrap();
        assert!(!format!("{error} {error:?}").contains("c4nary"), "{error:?}");
    }
}

#[tokio::test]
async fn a_host_that_answers_is_never_skipped() {
    let first = Server::start([refusal(41030)]).await;
    let second = Server::start([ServerAction::Answer(200, jpeg())]).await;
    let transport = transport(&[&first.url, &second.url]);
    ask(&transport, POLICY).await.unwrap_err();
    ask(&transport, POLICY).await.unwrap_err();
    assert_eq!((first.count(), second.count()), (2, 0));
}

#[tokio::test]
async fn a_request_that_must_not_be_repeated_is_sent_to_one_host() {
    let hanging = Server::start([ServerAction::Hang]).await;
    let other = Server::start([ServerAction::Answer(200, br#"{"access_token":"T","expires_in":7200}"#.to_vec())]).await;
    let transport = transport(&[&hanging.url, &other.url]);
    let once = RetryPolicy { retries: 0, attempt_timeout: Some(Duration::from_millis(200)), repeatable: false };
    let call = HttpRequest {
        endpoint: Endpoint::ClassicToken,
        query: &[("secret", "s")],
        body: None,
        secrets: &["s"],
        sent: None,
    };
    let deadline = Deadline::new(Duration::from_secs(10), None);
    let error = transport.send_with_retries(&call, once, &deadline, &|_| {}, read_token).await.err().unwrap();
    assert!(matches!(error, Error::Network { kind: NetworkErrorKind::ResponseTimeout, .. }), "{error}");
    assert_eq!((hanging.count(), other.count()), (1, 0));
}

#[tokio::test]
async fn the_last_client_closes_the_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: url::Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let pool = Arc::new(HttpClients::new(&HttpSettings::default()).unwrap());
    let [first, last] = [(), ()].map(|()| with_pool(pool.clone(), &[&url]));
    drop(pool);
    let answered = async |socket: &mut TcpStream| {
        read_request(socket).await.unwrap();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", jpeg().len());
        socket.write_all(&[head.as_bytes(), &jpeg()].concat()).await.unwrap();
    };
    let (mut socket, ()) = tokio::join!(
        async {
            let (mut socket, _) = listener.accept().await.unwrap();
            answered(&mut socket).await;
            answered(&mut socket).await;
            socket
        },
        async {
            ask(&first, POLICY).await.unwrap();
            drop(first);
            ask(&last, POLICY).await.unwrap();
        }
    );
    drop(last);
    // Long before it would have been closed for being idle.
    let end = tokio::time::timeout(Duration::from_secs(20), socket.read(&mut [0])).await;
    assert_eq!(end.expect("to be closed").unwrap(), 0);
}

#[tokio::test]
async fn the_target_of_a_redirect_is_shown_without_query_or_secret() {
    let server = Server::start([ServerAction::Answer(307, b"<html>".to_vec())]).await;
    let error = ask(&transport(&[&server.url]), POLICY).await.unwrap_err().to_string();
    assert!(error.contains(&format!("Location: {}elsewhere", server.url)), "{error}");
}

#[tokio::test]
async fn an_excerpt_does_not_cut_a_secret_in_two() {
    for padding in 90..125 {
        let page = format!("<{}c4nary+/", "x".repeat(padding));
        let server = Server::start([ServerAction::Answer(200, page.into_bytes())]).await;
        let error = ask(&transport(&[&server.url]), POLICY).await.unwrap_err();
        assert!(!error.to_string().contains("c4"), "{error}");
    }
}

/// How a request to `base` fails, through `proxy` if there is one.
async fn failure(base: &str, proxy: Option<&str>) -> (NetworkErrorKind, Option<String>, String) {
    let proxy = proxy.map(|url| proxy::Proxy::parse(url).unwrap());
    let pool = Arc::new(HttpClients::new(&HttpSettings { proxy, ca: None }).unwrap());
    let transport = with_pool(pool, &[&base.parse().unwrap()]);
    match ask(&transport, RetryPolicy { retries: 0, ..POLICY }).await {
        Err(Error::Network { kind, proxy, detail, .. }) => (kind, proxy, detail),
        other => panic!("{other:?}"),
    }
}

/// An address at which nothing listens.
async fn closed_port() -> String {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string()
}

/// The address of a server that answers every connection in plain HTTP; a proxy opens a tunnel to it before that.
async fn plain_text(is_proxy: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            if is_proxy {
                read_request(&mut socket).await;
                let _ = socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
                let _ = socket.read(&mut [0; 4096]).await;
            }
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            let _ = socket.read(&mut [0; 4096]).await;
        }
    });
    address
}

#[tokio::test]
async fn a_failed_connection_is_unresolved_refused_broken_or_without_tls() {
    let kind = async |base: String| failure(&base, None).await.0;
    assert_eq!(kind("http://nohost.invalid".into()).await, NetworkErrorKind::Dns);
    let (refused, proxy, detail) = failure(&format!("http://{}", closed_port().await), None).await;
    assert_eq!((refused, proxy), (NetworkErrorKind::Unreachable, None));
    assert!(detail.contains("refused"), "{detail}");
    let server = Server::start([ServerAction::Close]).await;
    assert_eq!(kind(server.url.to_string()).await, NetworkErrorKind::ConnectionClosed);
    assert_eq!(kind(format!("https://{}", plain_text(false).await)).await, NetworkErrorKind::Tls);
}

#[tokio::test]
async fn a_failure_before_the_tunnel_is_one_of_the_proxy() {
    use crate::error::ProxyErrorKind::{AuthRequired, ConnectRejected, Dns, Tls, Unreachable};
    let port = closed_port().await;
    for (action, kind, says) in [
        (ServerAction::Answer(407, Vec::new()), AuthRequired, "407"),
        (ServerAction::Answer(403, Vec::new()), ConnectRejected, "200"),
        (ServerAction::Close, ConnectRejected, "closed"),
    ] {
        let proxy = Server::start([action]).await;
        let (failed, name, detail) = failure("https://wechat.example", Some(proxy.url.as_str())).await;
        assert_eq!(failed, NetworkErrorKind::Proxy(kind));
        assert_eq!(name.unwrap(), format!("127.0.0.1:{}", proxy.url.port().unwrap()));
        assert!(detail.contains(says), "{detail}");
        assert!(proxy.first().starts_with("CONNECT wechat.example:443 "), "{}", proxy.first());
    }
    for base in ["https://wechat.example", "http://wechat.example"] {
        let failed = async |proxy: String| failure(base, Some(&proxy)).await.0;
        assert_eq!(failed(format!("http://{port}")).await, NetworkErrorKind::Proxy(Unreachable), "{base}");
        assert_eq!(failed("http://nohost.invalid".into()).await, NetworkErrorKind::Proxy(Dns), "{base}");
        assert_eq!(
            failed(format!("https://{}", plain_text(false).await)).await,
            NetworkErrorKind::Proxy(Tls),
            "{base}"
        );
    }
}

#[tokio::test]
async fn a_failure_behind_the_proxy_is_one_of_the_host() {
    let proxy = Server::start([ServerAction::Close]).await;
    let (failed, name, _) = failure("http://wechat.example", Some(proxy.url.as_str())).await;
    assert_eq!(failed, NetworkErrorKind::ConnectionClosed, "the request has been sent");
    assert!(name.is_some() && proxy.first().starts_with("POST http://wechat.example/wxa/getwxacode?"));
    let tunnel = format!("http://{}", plain_text(true).await);
    assert_eq!(failure("https://wechat.example", Some(&tunnel)).await.0, NetworkErrorKind::Tls);
}

#[tokio::test]
async fn a_time_out_of_the_attempt_says_how_long_it_was() {
    let server = Server::start([ServerAction::Hang]).await;
    let policy = RetryPolicy { retries: 0, attempt_timeout: Some(Duration::from_millis(20)), ..POLICY };
    match ask(&transport(&[&server.url]), policy).await {
        Err(Error::Network { kind: NetworkErrorKind::ResponseTimeout, detail, .. }) => {
            assert!(detail.contains("20 ms"), "{detail}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn clients_with_the_same_connections_have_the_same_route() {
    let pools = [(), ()].map(|()| Arc::new(HttpClients::new(&HttpSettings::default()).unwrap()));
    let route = |pool: &Arc<HttpClients>| with_pool(pool.clone(), &[]).route();
    assert_eq!(route(&pools[0]), route(&pools[0]));
    assert_ne!(route(&pools[0]), route(&pools[1]));
}

#[test]
fn a_large_response_is_read_beside_the_other_tasks_of_a_thread() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let reading = runtime.spawn(async {
        let (done, other_task) = std::sync::mpsc::channel();
        tokio::spawn(async move { done.send(()) });
        block_in_place_if_large(MAX_INLINE_BYTES + 1, || other_task.recv_timeout(Duration::from_secs(60)))
    });
    runtime.block_on(reading).unwrap().expect("the other task waits");
    assert_eq!(block_in_place_if_large(MAX_INLINE_BYTES + 1, || 7), 7, "without a runtime");
}

/// A listener that keeps the requests of a transport.
fn recorder(transport: &mut Transport) -> Arc<crate::event::testing::RecordingListener> {
    let (bus, recorder) = (Arc::<crate::event::EventBus>::default(), Arc::default());
    transport.events = EventSource::new(bus.clone(), "wx", None);
    let listener: Arc<crate::event::testing::RecordingListener> = recorder;
    bus.add(listener.clone());
    listener
}

#[tokio::test]
async fn every_request_ends_with_one_event() {
    let server = Server::start([ServerAction::Answer(200, jpeg()), refusal(41030), ServerAction::Hang]).await;
    let mut transport = transport(&[&server.url]);
    let heard = recorder(&mut transport);
    ask(&transport, POLICY).await.unwrap();
    assert_eq!(heard.take(), [("request.ok", None)]);
    ask(&transport, POLICY).await.unwrap_err();
    assert_eq!(heard.take(), [("request.error", Some("ERR_WXA_API"))]);
    ask_within(&transport, POLICY, Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(heard.take(), [("request.abort", None)]);
}

/// The port of a server with this certificate, which answers every request by a picture.
fn tls_server(certificate: &Certificate) -> u16 {
    use std::io::{Read, Write};
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let (chain, key) = (vec![certificate.der.clone()], certificate.key.clone_key().into());
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, socket.unwrap());
            // A request is short, and comes at once or not at all.
            if stream.read(&mut [0; 4096]).is_ok() {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", jpeg().len());
                let _ = stream.write_all(&[head.as_bytes(), &jpeg()].concat());
            }
        }
    });
    port
}

#[tokio::test]
async fn a_server_is_trusted_by_its_given_root_and_otherwise_the_error_says_why() {
    use crate::error::CertificateErrorKind::{CaUsedAsEndEntity, SelfSigned, UnknownIssuer};
    let server = Claims { subject: "server", host: Some("localhost"), is_authority: false };
    let root = Certificate::new(Claims { subject: "root", host: None, is_authority: true }, None);
    let signed = Certificate::new(server, Some(&root));
    let (self_signed, intermediate) =
        (Certificate::new(server, None), Certificate::new(Claims { is_authority: true, ..server }, Some(&root)));
    let fetched = async |certificate: &Certificate, ca: Option<Vec<u8>>| {
        let pool = Arc::new(HttpClients::new(&HttpSettings { proxy: None, ca }).unwrap());
        let url = format!("https://localhost:{}", tls_server(certificate)).parse().unwrap();
        ask(&with_pool(pool, &[&url]), RetryPolicy { retries: 0, ..POLICY }).await
    };
    assert_eq!(fetched(&signed, Some(root.pem())).await.unwrap(), jpeg());
    let mut details = Vec::new();
    for (certificate, expected) in
        [(&signed, UnknownIssuer), (&self_signed, SelfSigned), (&intermediate, CaUsedAsEndEntity)]
    {
        let ca = (expected == CaUsedAsEndEntity).then(|| root.pem());
        match fetched(certificate, ca).await {
            Err(Error::Network { kind, detail, .. }) => {
                assert_eq!(kind, NetworkErrorKind::Certificate(expected));
                assert!(detail.starts_with("invalid peer certificate: ") && !details.contains(&detail), "{detail}");
                details.push(detail);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_message_shows_a_web_page_or_the_trouble_of_a_server_and_of_json_only_names() {
    use Unexpected::{CutOff, Empty, Html, Json, Other};
    for (body, what, status, shown) in [
        ("<html> a\n page", Html, 200, "<html> a page"),
        ("upstream failed", Other, 502, "upstream failed"),
        ("upstream failed", Other, 400, "upstream failed"),
        ("a user's text", Other, 399, ""),
        (r#""a user's text""#, Other, 502, ""),
        (" [1]", Other, 502, ""),
        ("-1", Other, 502, ""),
        ("7", Other, 502, ""),
        (r#"{"phone":"1"}"#, Other, 502, "{phone}"),
        (r#"{"phone":"1"}"#, Json, 200, "{phone}"),
        ("half", CutOff, 502, ""),
        ("", Empty, 502, ""),
    ] {
        assert_eq!(excerpt(body.as_bytes(), what, status), shown, "{body} {what:?} {status}");
    }
    assert_eq!(excerpt(b"\xFF\x00 bytes", Other, 502), "", "no text");
    assert_eq!(excerpt("x".repeat(100_000).as_bytes(), Html, 200).len(), 4096);
}

#[test]
fn a_host_is_given_half_a_second_before_its_silence_counts() {
    let error = |kind| {
        let (host, detail) = ("host.example".to_owned(), String::new());
        Error::Network { endpoint: Endpoint::GetQrCode, kind, host, proxy: None, detail }
    };
    let early = |kind, limit: Option<u64>| timed_out_early(&error(kind), limit.map(Duration::from_millis));
    assert!(early(NetworkErrorKind::ResponseTimeout, Some(499)));
    assert!(!early(NetworkErrorKind::ResponseTimeout, Some(500)) && !early(NetworkErrorKind::ResponseTimeout, None));
    assert!(!early(NetworkErrorKind::Unreachable, Some(499)));
}
