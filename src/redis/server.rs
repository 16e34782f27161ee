//! One server: its address, login and TLS, and a connection to it.

use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisResult};
use rustls::ClientConfig;
use tokio_util::task::AbortOnDropHandle;

use crate::task;
use crate::transport::stream;

/// Any number of requests share one connection, which ends with the last of its clones.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) requests: MultiplexedConnection,
    _driver: Arc<AbortOnDropHandle<()>>,
}

/// A server of Redis, or a sentinel.
#[derive(Clone)]
pub(super) struct Server {
    /// Without TLS in it: redis-rs has none here.
    pub(super) info: ConnectionInfo,
    pub(super) tls: Option<Arc<ClientConfig>>,
}

impl Server {
    /// Of a URL whose scheme says nothing of TLS.
    pub(super) fn parse(url: &str, tls: Option<Arc<ClientConfig>>) -> Option<Self> {
        Some(Self { info: url.into_connection_info().ok()?, tls })
    }

    /// Host and port, without login.
    pub(super) fn name(&self) -> String {
        match self.info.addr() {
            ConnectionAddr::Tcp(host, port) => format!("{host}:{port}"),
            ConnectionAddr::Unix(path) => path.display().to_string(),
            _ => String::from("redis"),
        }
    }

    /// Another server with the same login and TLS. Without a host it is on this one's: a cluster whose nodes have no names
    /// means the host that was asked.
    pub(super) fn at(&self, host: String, port: u16) -> Self {
        let host = match self.info.addr() {
            ConnectionAddr::Tcp(own, _) if host.is_empty() => own.clone(),
            _ => host,
        };
        Self { info: self.info.clone().set_addr(ConnectionAddr::Tcp(host, port)), tls: self.tls.clone() }
    }

    /// Takes as long as it takes: the time for it is the caller's.
    pub(super) async fn connect(&self) -> RedisResult<Connection> {
        let stream = match self.info.addr() {
            ConnectionAddr::Tcp(host, port) => stream::connect(host, *port, self.tls.as_ref()).await?,
            ConnectionAddr::Unix(path) => stream::connect_unix(path).await?,
            _ => return Err(std::io::Error::from(std::io::ErrorKind::Unsupported).into()),
        };
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let settings = self.info.redis_settings();
        let (requests, driver) = MultiplexedConnection::new_with_config(settings, stream, config).await?;
        Ok(Connection { requests, _driver: Arc::new(AbortOnDropHandle::new(task::spawn(driver))) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::server::Server as Fake;
    use super::*;

    #[tokio::test]
    async fn a_connection_ends_with_the_last_of_its_clones() {
        let mut fake = Fake::start([":1"]).await;
        let connection = Server::parse(&fake.url(), None).unwrap().connect().await.unwrap();
        let clone = connection.clone();
        drop(connection);
        let mut requests = clone.requests.clone();
        assert!(redis::cmd("EVAL").exec_async(&mut requests).await.is_ok());
        drop(clone);
        // Whatever still holds what requests are sent by.
        fake.connected.wait_for(|&count| count == 0).await.unwrap();
        assert!(redis::cmd("EVAL").exec_async(&mut requests).await.is_err());
    }
}
