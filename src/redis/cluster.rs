//! The connections of a link: one, or one for each node of a cluster that accounts lie on.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::client::MOVING_FOR;
use super::connector::Connection;

/// `host:port` of a cluster's node; none is where the link's URL leads.
pub type Node = Option<String>;

/// A connection with a number, so that whoever saw it break does not replace the one that came after it.
#[derive(Clone)]
pub struct PooledConnection {
    pub connection: Connection,
    number: u64,
}

#[derive(Default)]
pub struct Nodes(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    connections: HashMap<Node, PooledConnection>,
    made: u64,
    /// Held while a connection is made: a burst needs one and not one each.
    doors: HashMap<Node, Arc<tokio::sync::Mutex<()>>>,
    /// Where the keys of one hash tag lie, as far as a cluster has said.
    homes: HashMap<String, Node>,
    moving: HashMap<String, Instant>,
}

impl Nodes {
    pub fn home(&self, key: &str) -> Node {
        self.0.lock().homes.get(hash_tag(key)).cloned().flatten()
    }

    pub fn moved(&self, key: &str, node: Node) {
        let mut inner = self.0.lock();
        inner.homes.insert(hash_tag(key).to_owned(), node);
        inner.moving.remove(hash_tag(key));
    }

    /// Whether a cluster was moving these keys a moment ago.
    pub fn is_moving(&self, key: &str) -> bool {
        let mut inner = self.0.lock();
        let now = Instant::now();
        inner.moving.retain(|_, since| now < *since + MOVING_FOR);
        inner.moving.contains_key(hash_tag(key))
    }

    pub fn keep_moving(&self, key: &str) {
        self.0.lock().moving.insert(hash_tag(key).to_owned(), Instant::now());
    }

    pub fn connection(&self, node: &Node) -> Option<PooledConnection> {
        self.0.lock().connections.get(node).cloned()
    }

    /// One other than `broken`, if somebody has made one.
    pub fn after(&self, node: &Node, broken: Option<&PooledConnection>) -> Option<PooledConnection> {
        self.connection(node).filter(|new| broken.is_none_or(|broken| broken.number != new.number))
    }

    pub fn door(&self, node: &Node) -> Arc<tokio::sync::Mutex<()>> {
        self.0.lock().doors.entry(node.clone()).or_default().clone()
    }

    pub fn keep(&self, node: &Node, connection: Connection) -> PooledConnection {
        let mut inner = self.0.lock();
        inner.made += 1;
        let numbered = PooledConnection { connection, number: inner.made };
        inner.connections.insert(node.clone(), numbered.clone());
        numbered
    }

    pub fn forget(&self) {
        let mut inner = self.0.lock();
        inner.connections.clear();
        inner.homes.clear();
    }
}

/// The part of a key that decides on its slot. <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>
fn hash_tag(key: &str) -> &str {
    let inside = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    inside.filter(|tag| !tag.is_empty()).unwrap_or(key)
}

/// The appid of the account whose key this is: its hash tag begins with it.
pub fn account_of(key: &str) -> &str {
    hash_tag(key).split(':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_an_account_have_one_hash_tag() {
        assert_eq!(hash_tag("shop:{wx1:stable:f}:token"), hash_tag("{wx1:stable:f}:lock"));
        assert_eq!(hash_tag("plain"), "plain");
        assert_eq!(hash_tag("{}x"), "{}x");
        assert_eq!(account_of("shop:{wx1:stable:f}:token"), "wx1");
        assert_eq!(account_of("{wx2:f:code:07}:n:lock"), "wx2");
    }
}
