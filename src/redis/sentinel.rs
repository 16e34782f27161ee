//! Sentinels: which server is the master, and a connection to it.
//! <https://redis.io/docs/latest/develop/reference/sentinel-clients/>

use std::collections::HashMap;

use futures_util::stream::{self, StreamExt};
use redis::{ErrorKind, RedisError, RedisResult, Role};

use super::server::{Connection, Server};

/// How many sentinels are asked at once, so that one which does not answer costs no time.
const CONCURRENT_LOOKUPS: usize = 3;

/// What a sentinel knows of a master: its `name`, `ip`, `port` and `flags` among others.
type Master = HashMap<String, String>;

/// The sentinels of a master.
pub(super) struct Sentinels {
    /// At least one.
    pub(super) servers: Vec<Server>,
    /// The name that they know the master by.
    pub(super) master: String,
    /// Login and TLS of the master. The address is a blank.
    pub(super) login: Server,
}

impl Sentinels {
    /// Connects to the master that the first of them names. The failure of a master that was named says more than that of a
    /// sentinel.
    pub(super) async fn connect(&self) -> RedisResult<Connection> {
        let lookups: Vec<_> = self.servers.iter().map(|sentinel| self.connect_by(sentinel)).collect();
        let mut lookups = stream::iter(lookups).buffered(CONCURRENT_LOOKUPS);
        let mut failure = not_named();
        let mut of_master = None;
        while let Some(lookup) = lookups.next().await {
            match lookup {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) if error.kind() != ErrorKind::MasterNameNotFoundBySentinel => of_master = Some(error),
                Ok(Err(error)) | Err(error) => failure = error,
            }
        }
        Err(of_master.unwrap_or(failure))
    }

    /// The outer result is the sentinel's, the inner one that of the master.
    async fn connect_by(&self, sentinel: &Server) -> RedisResult<RedisResult<Connection>> {
        let mut connection = sentinel.connect().await?;
        let masters: Vec<Master> = redis::cmd("SENTINEL").arg("MASTERS").query_async(&mut connection.requests).await?;
        let named = masters.iter().filter(|master| master.get("name") == Some(&self.master));
        for (host, port) in named.filter_map(address) {
            match self.connect_to_master(host, port).await {
                Ok(None) => {}
                Ok(Some(connection)) => return Ok(Ok(connection)),
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Err(not_named()))
    }

    /// `None` if the server says that it is no master: the sentinel has not heard of it yet.
    async fn connect_to_master(&self, host: String, port: u16) -> RedisResult<Option<Connection>> {
        let mut connection = self.login.at(host, port).connect().await?;
        let role: Role = redis::cmd("ROLE").query_async(&mut connection.requests).await?;
        Ok(matches!(role, Role::Primary { .. }).then_some(connection))
    }
}

/// The address of a master that no sentinel believes to be down.
fn address(master: &Master) -> Option<(String, u16)> {
    let flags = master.get("flags")?;
    let is_up = flags.contains("master") && !flags.contains("s_down") && !flags.contains("o_down");
    let port = master.get("port")?.parse().ok()?;
    is_up.then_some((master.get("ip")?.clone(), port))
}

fn not_named() -> RedisError {
    RedisError::from((ErrorKind::MasterNameNotFoundBySentinel, "the sentinels name no such master"))
}

#[cfg(test)]
mod tests;
