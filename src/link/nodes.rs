//! The connections of a link: one, or one for each node of a cluster that accounts lie on.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::way::Connection;

/// `host:port` of a cluster's node; none is where the link's URL leads.
pub type Node = Option<String>;

#[derive(Default)]
pub struct Nodes(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    connections: HashMap<Node, Connection>,
    /// Where the keys of one hash tag lie, as far as a cluster has said.
    homes: HashMap<String, Node>,
}

impl Nodes {
    pub fn home(&self, key: &str) -> Node {
        self.0.lock().homes.get(hash_tag(key)).cloned().flatten()
    }

    pub fn moved(&self, key: &str, node: Node) {
        self.0.lock().homes.insert(hash_tag(key).to_owned(), node);
    }

    pub fn connection(&self, node: &Node) -> Option<Connection> {
        self.0.lock().connections.get(node).cloned()
    }

    pub fn keep(&self, node: &Node, connection: Connection) {
        self.0.lock().connections.insert(node.clone(), connection);
    }

    pub fn forget(&self) {
        *self.0.lock() = Inner::default();
    }
}

/// The part of a key that decides on its slot. <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>
fn hash_tag(key: &str) -> &str {
    let inside = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    inside.filter(|tag| !tag.is_empty()).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_an_account_have_one_hash_tag() {
        assert_eq!(hash_tag("shop:{wx1:stable:f}:token"), hash_tag("{wx1:stable:f}:lock"));
        assert_eq!(hash_tag("plain"), "plain");
        assert_eq!(hash_tag("{}x"), "{}x");
    }
}
