mod answers;
mod connections;
mod hosts;
mod retries;

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
        on_used: None,
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
