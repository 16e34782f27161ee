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

/// Why there is no connection by a sentinel. What comes later says more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Failed {
    /// The sentinel.
    Sentinel,
    /// The sentinel names no such master.
    Name,
    /// The master that it names.
    Master,
}

type Failure = (Failed, RedisError);

impl Sentinels {
    /// Connects to the master of the sentinel that is the first to name one.
    pub(super) async fn connect(&self) -> RedisResult<Connection> {
        let lookups: Vec<_> = self.servers.iter().map(|sentinel| self.connect_by(sentinel)).collect();
        let mut lookups = stream::iter(lookups).buffer_unordered(CONCURRENT_LOOKUPS);
        let mut failure: Option<Failure> = None;
        while let Some(lookup) = lookups.next().await {
            match lookup {
                Ok(connection) => return Ok(connection),
                Err(new) if failure.as_ref().is_none_or(|(failed, _)| *failed < new.0) => failure = Some(new),
                Err(_) => {}
            }
        }
        Err(failure.map_or_else(not_named, |(_, error)| error))
    }

    async fn connect_by(&self, sentinel: &Server) -> Result<Connection, Failure> {
        let masters = masters(sentinel).await.map_err(|error| (Failed::Sentinel, error))?;
        let named = masters.iter().filter(|master| master.get("name") == Some(&self.master));
        for (host, port) in named.filter_map(address) {
            let connected = self.connect_to_master(host, port).await;
            if let Some(connection) = connected.map_err(|error| (Failed::Master, error))? {
                return Ok(connection);
            }
        }
        Err((Failed::Name, not_named()))
    }

    /// `None` if the server says that it is no master: the sentinel has not heard of it yet.
    async fn connect_to_master(&self, host: String, port: u16) -> RedisResult<Option<Connection>> {
        let mut connection = self.login.at(host, port).connect().await?;
        let role: Role = redis::cmd("ROLE").query_async(&mut connection.requests).await?;
        Ok(matches!(role, Role::Primary { .. }).then_some(connection))
    }
}

async fn masters(sentinel: &Server) -> RedisResult<Vec<Master>> {
    let mut connection = sentinel.connect().await?;
    redis::cmd("SENTINEL").arg("MASTERS").query_async(&mut connection.requests).await
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
