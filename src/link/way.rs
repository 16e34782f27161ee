//! Where a Redis is and how to get there.

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, RedisResult};

use crate::wechat::explanation::Text;
use crate::wechat::params::Invalid;

pub type Connection = MultiplexedConnection;

pub struct Way {
    client: Client,
    name: String,
}

impl Way {
    pub fn parse(url: &str) -> Result<Self, Invalid> {
        // Its own error may repeat the password.
        let client = Client::open(url).map_err(|_| unusable())?;
        let name = match client.get_connection_info().addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => format!("{host}:{port}"),
            ConnectionAddr::Unix(path) => path.display().to_string(),
            _ => String::from("redis"),
        };
        Ok(Self { client, name })
    }

    /// Host and port, without login.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub async fn connect(&self) -> RedisResult<Connection> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }
}

fn unusable() -> Invalid {
    Invalid::new(
        "redis",
        None,
        Text::new("redis 不是可用的 Redis 地址", "redis is not the URL of a Redis"),
        Text::new(
            "写成 redis://[用户:密码@]主机:6379/0，加密用 rediss://，套接字用 unix:///路径",
            "Write redis://[user:password@]host:6379/0, rediss:// for TLS, unix:///path for a socket",
        ),
    )
}
