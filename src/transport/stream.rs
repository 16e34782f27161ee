//! Bytes to and from a server that speaks no HTTP, over TCP, TLS or a Unix socket.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use futures_util::future::select_ok;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::dns::Resolver;

/// A connection, of whichever kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connects to the address of a host that is the first to answer, with TLS or without.
pub(crate) async fn connect(host: &str, port: u16, tls: Option<&Arc<ClientConfig>>) -> io::Result<Box<dyn Stream>> {
    let resolver = Resolver::of_system();
    // A server that fails over may be elsewhere a moment later, and connections to it are rare.
    resolver.expire(host);
    let addresses = resolver.addresses(host).await.map_err(io::Error::other)?;
    let connecting = addresses.iter().map(|&address| Box::pin(TcpStream::connect(SocketAddr::new(address, port))));
    let (socket, _) = select_ok(connecting).await?;
    // Many callers share a connection: the request of one does not wait for the acknowledgement of another's.
    socket.set_nodelay(true)?;
    let Some(tls) = tls else { return Ok(Box::new(socket)) };
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    Ok(Box::new(TlsConnector::from(tls.clone()).connect(name, socket).await?))
}

/// Connects to a Unix socket.
#[cfg(unix)]
pub(crate) async fn connect_unix(path: &Path) -> io::Result<Box<dyn Stream>> {
    Ok(Box::new(tokio::net::UnixStream::connect(path).await?))
}

/// There are none here.
#[cfg(not(unix))]
pub(crate) async fn connect_unix(_: &Path) -> io::Result<Box<dyn Stream>> {
    Err(io::ErrorKind::Unsupported.into())
}
