//! The way to Redis: one connection, one timeout for everything, and a breaker so that a dead Redis is paid for once.

use std::time::Duration;

use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, RedisError, ScriptInvocation};
use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::wechat::explanation::Text;
use crate::wechat::params::Invalid;

/// For connecting and the command together.
const TIMEOUT: Duration = Duration::from_millis(250);
/// After a failure nobody asks for so long; then one does.
const OPEN: Duration = Duration::from_secs(2);

pub struct Link {
    client: Client,
    connection: Mutex<Option<MultiplexedConnection>>,
    breaker: Mutex<Option<Instant>>,
}

impl Link {
    /// `redis://`, `rediss://` or `unix://`. Touches no network.
    pub fn open(url: &str) -> Result<Self, Invalid> {
        let client = Client::open(url).map_err(|_| {
            // Its own error may repeat the password.
            Invalid::new(
                "redis",
                None,
                Text::new("redis 不是可用的 Redis 地址", "redis is not the URL of a Redis"),
                Text::new(
                    "写成 redis://[用户:密码@]主机:6379/0，加密用 rediss://，套接字用 unix:///路径",
                    "Write redis://[user:password@]host:6379/0, rediss:// for TLS, unix:///path for a socket",
                ),
            )
        })?;
        Ok(Self { client, connection: Mutex::default(), breaker: Mutex::default() })
    }

    /// Runs a script, which may be run twice without harm.
    pub async fn run<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T> {
        if !self.admits() {
            return Err(down("not asked again yet"));
        }
        let result = tokio::time::timeout(TIMEOUT, self.attempt(script)).await;
        let error = match result {
            Ok(Ok(value)) => {
                *self.breaker.lock() = None;
                return Ok(value);
            }
            // Its text is not used: it can hold the value that was stored.
            Ok(Err(error)) => down(error.code().unwrap_or(error.category())),
            Err(_) => down("no answer within 250 ms"),
        };
        *self.connection.lock() = None;
        *self.breaker.lock() = Some(Instant::now() + OPEN);
        Err(error)
    }

    /// A connection that Redis closed in the meantime fails at its first use, so a failed one is replaced once.
    async fn attempt<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> std::result::Result<T, RedisError> {
        let used = self.connection.lock().clone();
        if let Some(mut connection) = used {
            match script.invoke_async(&mut connection).await {
                Err(error) if error.is_io_error() => {}
                result => return result,
            }
        }
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        *self.connection.lock() = Some(connection.clone());
        script.invoke_async(&mut connection).await
    }

    /// While it is open nobody waits; when its time is up one caller tries and the others go on as before.
    fn admits(&self) -> bool {
        let mut breaker = self.breaker.lock();
        let now = Instant::now();
        match *breaker {
            Some(until) if now < until => false,
            Some(_) => {
                *breaker = Some(now + OPEN);
                true
            }
            None => true,
        }
    }
}

pub fn down(reason: &str) -> Error {
    Error::Store { reason: reason.to_owned() }
}
