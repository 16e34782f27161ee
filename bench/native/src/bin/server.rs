//! A WeChat that costs next to nothing: every token is good, every code is the same picture.

use std::convert::Infallible;
use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

#[derive(Parser)]
struct Options {
    /// Bytes of a picture.
    #[arg(long, default_value_t = 61_440)]
    size: usize,
    /// Milliseconds before a picture is sent.
    #[arg(long, default_value_t = 0)]
    latency: u64,
    /// PEM files; with both it speaks TLS.
    #[arg(long, requires = "key")]
    cert: Option<String>,
    #[arg(long)]
    key: Option<String>,
    /// Offers HTTP/2 too.
    #[arg(long)]
    h2: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let options = Options::parse();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let tls = options.cert.as_deref().zip(options.key.as_deref()).map(|(cert, key)| acceptor(cert, key, options.h2));
    println!("{}", listener.local_addr().expect("an address").port());
    let picture = picture(options.size);
    let latency = Duration::from_millis(options.latency);
    loop {
        let Ok((tcp, _)) = listener.accept().await else { continue };
        let _ = tcp.set_nodelay(true);
        let (picture, tls) = (picture.clone(), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => serve(tcp, picture, latency).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(tcp).await {
                        serve(stream, picture, latency).await;
                    }
                }
            }
        });
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, picture: Bytes, latency: Duration) {
    let service = service_fn(move |request| answer(request, picture.clone(), latency));
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: Request<Incoming>,
    picture: Bytes,
    latency: Duration,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let is_token = request.uri().path().ends_with("token");
    let _ = request.into_body().collect().await;
    if is_token {
        let body = r#"{"access_token":"BENCH_TOKEN_BENCH_TOKEN_BENCH_TOKEN","expires_in":7200}"#;
        return Ok(Response::builder()
            .header("content-type", "application/json")
            .body(body.into())
            .expect("an answer"));
    }
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    Ok(Response::builder().header("content-type", "image/jpeg").body(picture.into()).expect("an answer"))
}

/// Headers, a scan and an end like those of a JPEG.
fn picture(size: usize) -> Bytes {
    let mut bytes: Vec<u8> =
        (0..size).map(|n| (n as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0] & 0x7f).collect();
    bytes[..12].copy_from_slice(&[0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xda, 0, 2]);
    bytes[size - 2..].copy_from_slice(&[0xff, 0xd9]);
    bytes.into()
}

fn acceptor(cert: &str, key: &str, h2: bool) -> TlsAcceptor {
    let mut certs = BufReader::new(File::open(cert).expect("the certificate"));
    let mut keys = BufReader::new(File::open(key).expect("the key"));
    let chain = rustls_pemfile::certs(&mut certs).map(|cert| cert.expect("a certificate")).collect();
    let key = rustls_pemfile::private_key(&mut keys).expect("the key").expect("a key");
    // One cipher for everybody, whatever a client prefers: it is the clients that are compared.
    let mut provider = rustls::crypto::ring::default_provider();
    provider.cipher_suites.retain(|suite| suite.suite() == rustls::CipherSuite::TLS13_AES_128_GCM_SHA256);
    let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a pair");
    config.alpn_protocols = if h2 { vec![b"h2".to_vec(), b"http/1.1".to_vec()] } else { vec![b"http/1.1".to_vec()] };
    TlsAcceptor::from(Arc::new(config))
}
