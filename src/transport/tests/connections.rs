//! Connections, and how they fail.

use super::*;

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
