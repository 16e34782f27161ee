//! One connection for each node that is asked.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;

use super::cluster::Node;
use super::server::Connection;

/// A connection with an id, so that a request that saw it break does not replace its successor.
#[derive(Clone)]
pub(crate) struct PooledConnection<C = Connection> {
    pub(crate) connection: C,
    id: u64,
}

/// The connections of one client.
pub(crate) struct ConnectionPool<C = Connection>(Mutex<Inner<C>>);

struct Inner<C> {
    connections: HashMap<Node, PooledConnection<C>>,
    last_id: u64,
    /// Held while a connection is made: a burst of requests needs one and not one each.
    connect_locks: HashMap<Node, Arc<AsyncMutex<()>>>,
}

impl<C> Default for ConnectionPool<C> {
    fn default() -> Self {
        Self(Mutex::new(Inner { connections: HashMap::new(), last_id: 0, connect_locks: HashMap::new() }))
    }
}

impl<C: Clone> ConnectionPool<C> {
    /// The connection to a node, if there is one.
    pub(crate) fn get(&self, node: &Node) -> Option<PooledConnection<C>> {
        self.0.lock().connections.get(node).cloned()
    }

    /// A connection other than `broken`, if another request has made one.
    pub(crate) fn replacement_for(
        &self,
        node: &Node,
        broken: Option<&PooledConnection<C>>,
    ) -> Option<PooledConnection<C>> {
        self.get(node).filter(|new| broken.is_none_or(|broken| broken.id != new.id))
    }

    /// Hold this while connecting to a node.
    pub(crate) fn connect_lock(&self, node: &Node) -> Arc<AsyncMutex<()>> {
        self.0.lock().connect_locks.entry(node.clone()).or_default().clone()
    }

    /// Keeps a new connection in place of the one before.
    pub(crate) fn insert(&self, node: &Node, connection: C) -> PooledConnection<C> {
        let mut inner = self.0.lock();
        inner.last_id += 1;
        let pooled = PooledConnection { connection, id: inner.last_id };
        inner.connections.insert(node.clone(), pooled.clone());
        pooled
    }

    /// Drops all connections.
    pub(crate) fn clear(&self) {
        self.0.lock().connections.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_connection_is_replaced_once_however_many_requests_saw_it_break() {
        let pool = ConnectionPool::<&str>::default();
        let node = Some("h:1".to_owned());
        assert!(pool.replacement_for(&node, None).is_none());
        let first = pool.insert(&node, "first");
        assert!(pool.replacement_for(&node, Some(&first)).is_none());
        pool.insert(&node, "second");
        assert_eq!(pool.replacement_for(&node, Some(&first)).map(|new| new.connection), Some("second"));
        assert_eq!(pool.replacement_for(&node, None).map(|new| new.connection), Some("second"));
        assert!(pool.get(&None).is_none(), "another node");
        pool.clear();
        assert!(pool.get(&node).is_none());
    }

    #[test]
    fn a_node_has_one_connect_lock() {
        let pool = ConnectionPool::<&str>::default();
        let node = Some("h:1".to_owned());
        assert!(Arc::ptr_eq(&pool.connect_lock(&node), &pool.connect_lock(&node)));
        assert!(!Arc::ptr_eq(&pool.connect_lock(&node), &pool.connect_lock(&None)));
    }
}
