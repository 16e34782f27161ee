//! How a script gets to Redis: connections, reconnection, and a cluster's redirections.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{ErrorKind, RedisError, ServerErrorKind, Value};
use tokio::time::sleep;

use super::cluster::{Node, SlotMap};
use super::connector::Connector;
use super::failure::BackendError;
use super::pool::{ConnectionPool, PooledConnection};
use super::script::{ReconnectListeners, ScriptCall};

/// The delay until a cluster that is moving a key is asked again.
const ASK_RETRY_DELAY: Duration = Duration::from_millis(20);
/// A cluster that redirects a request more often than this is moving slots.
const MAX_REDIRECTIONS: u32 = 3;

/// The side results of an attempt.
pub struct AttemptContext<'a> {
    /// Whether a cluster was moving the key: then a timeout is no failure of the server.
    pub(crate) migrating: AtomicBool,
    /// Called when a broken connection was replaced.
    pub listeners: &'a ReconnectListeners,
}

impl<'a> AttemptContext<'a> {
    /// The context of an attempt that reports reconnections to `listeners`.
    pub(crate) fn new(listeners: &'a ReconnectListeners) -> Self {
        Self { migrating: AtomicBool::new(false), listeners }
    }
}

/// Sends scripts to a Redis, without a timeout: the client drops an attempt that takes too long.
pub trait Backend: Send + Sync + 'static {
    /// Runs a script, on a new connection if the present one is broken.
    fn attempt(
        &self,
        call: &ScriptCall,
        context: &AttemptContext<'_>,
    ) -> impl Future<Output = Result<Value, BackendError>> + Send;

    /// Drops connections and redirections, after the server failed.
    fn reset(&self);

    /// Host and port, for messages. Holds no login.
    fn name(&self) -> &str;

    /// Redirections of a cluster.
    fn slots(&self) -> &SlotMap;
}

/// Connections to a server, to the master that sentinels name, or to the nodes of a cluster.
pub struct Connections {
    connector: Connector,
    pool: ConnectionPool,
    slots: SlotMap,
}

impl Connections {
    /// No connection is made yet.
    pub(crate) fn new(connector: Connector) -> Self {
        Self { connector, pool: ConnectionPool::default(), slots: SlotMap::default() }
    }

    /// Runs a script on one node. A connection that Redis closed in the meantime fails when it is used next, so a broken
    /// one is replaced once.
    async fn run_on(
        &self,
        node: &Node,
        call: &ScriptCall,
        context: &AttemptContext<'_>,
    ) -> Result<Value, BackendError> {
        let used = self.pool.get(node);
        if let Some(mut used) = used.clone() {
            match eval(call, &mut used.connection.requests).await {
                Err(error) if error.is_io_error() => {}
                result => return result.map_err(BackendError::Reply),
            }
        }
        let replacement = self.replace(node, used.as_ref(), context.listeners).await;
        let mut connection = replacement.map_err(BackendError::Connect)?.connection;
        eval(call, &mut connection.requests).await.map_err(BackendError::Reply)
    }

    /// Connects, unless another request has done so since `broken` broke.
    async fn replace(
        &self,
        node: &Node,
        broken: Option<&PooledConnection>,
        listeners: &ReconnectListeners,
    ) -> Result<PooledConnection, RedisError> {
        let lock = self.pool.connect_lock(node);
        let _connecting = lock.lock().await;
        if let Some(new) = self.pool.replacement_for(node, broken) {
            return Ok(new);
        }
        let new = self.pool.insert(node, self.connector.connect(node.as_deref()).await?);
        if broken.is_some() {
            listeners.notify();
        }
        Ok(new)
    }
}

impl Backend for Connections {
    /// Follows the redirections of a cluster, and retries while the cluster moves the key.
    async fn attempt(&self, call: &ScriptCall, context: &AttemptContext<'_>) -> Result<Value, BackendError> {
        let key = call.key();
        let mut redirections = 0;
        loop {
            let result = self.run_on(&self.slots.node_for_key(key), call, context).await;
            let Err(BackendError::Reply(error)) = &result else { return result };
            match error.kind() {
                ErrorKind::Server(ServerErrorKind::Ask | ServerErrorKind::TryAgain) => {
                    context.migrating.store(true, Ordering::Relaxed);
                    sleep(ASK_RETRY_DELAY).await;
                }
                ErrorKind::Server(ServerErrorKind::Moved) if redirections < MAX_REDIRECTIONS => {
                    self.slots.set_node(key, error.redirect_node().map(|(node, _)| node.to_owned()));
                    redirections += 1;
                }
                _ => return result,
            }
        }
    }

    fn reset(&self) {
        self.pool.clear();
        self.slots.clear();
    }

    fn name(&self) -> &str {
        self.connector.name()
    }

    fn slots(&self) -> &SlotMap {
        &self.slots
    }
}

/// Sends the script itself and not its hash: it is short, and a Redis that does not know the hash costs a second round trip.
async fn eval(call: &ScriptCall, connection: &mut impl ConnectionLike) -> Result<Value, RedisError> {
    let mut command = redis::cmd("EVAL");
    command.arg(call.script).arg(call.keys.len()).arg(&call.keys);
    for arg in &call.args {
        command.arg(arg.as_slice());
    }
    command.query_async(connection).await
}

#[cfg(test)]
mod tests;
