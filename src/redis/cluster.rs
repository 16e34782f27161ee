//! Where a cluster keeps the keys of a hash tag, as far as its redirections have said.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::clock;

/// `host:port` of a cluster's node. `None` is the server that the URL names.
pub(crate) type Node = Option<String>;

/// Requests for keys that took too long to move fail at once for this long.
const MIGRATION_COOLDOWN: Duration = Duration::from_secs(1);

/// The nodes of hash tags.
#[derive(Default)]
pub struct SlotMap(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    nodes: HashMap<String, Node>,
    /// When a request last waited in vain for keys on the move.
    migrating: HashMap<String, Instant>,
}

impl SlotMap {
    /// The node to ask for a key.
    pub(crate) fn node_for_key(&self, key: &str) -> Node {
        self.0.lock().nodes.get(hash_tag(key)).cloned().flatten()
    }

    /// Remembers a redirection.
    pub(crate) fn set_node(&self, key: &str, node: Node) {
        let mut inner = self.0.lock();
        inner.nodes.insert(hash_tag(key).to_owned(), node);
        inner.migrating.remove(hash_tag(key));
    }

    /// Whether the cluster was moving this key less than [`MIGRATION_COOLDOWN`] ago.
    pub(crate) fn is_migrating(&self, key: &str) -> bool {
        let mut inner = self.0.lock();
        let now = clock::monotonic();
        inner.migrating.retain(|_, since| now < *since + MIGRATION_COOLDOWN);
        inner.migrating.contains_key(hash_tag(key))
    }

    /// Remembers that a request waited in vain for this key.
    pub(crate) fn mark_migrating(&self, key: &str) {
        self.0.lock().migrating.insert(hash_tag(key).to_owned(), clock::monotonic());
    }

    /// Forgets all redirections.
    pub(crate) fn clear(&self) {
        self.0.lock().nodes.clear();
    }
}

/// The part of a key that decides on its slot. <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>
fn hash_tag(key: &str) -> &str {
    let inside = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    inside.filter(|tag| !tag.is_empty()).unwrap_or(key)
}

/// The appid of the account that a key belongs to: its hash tag begins with it.
pub(crate) fn appid_of(key: &str) -> &str {
    hash_tag(key).split(':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_of_an_account_have_one_hash_tag() {
        assert_eq!(hash_tag("shop:{wx1:stable:f}:token"), hash_tag("{wx1:stable:f}:lock"));
        assert_eq!(hash_tag("plain"), "plain");
        assert_eq!(hash_tag("{}x"), "{}x");
        assert_eq!(appid_of("shop:{wx1:stable:f}:token"), "wx1");
        assert_eq!(appid_of("{wx2:f:code:07}:n:lock"), "wx2");
    }

    #[test]
    fn a_redirection_holds_for_all_keys_with_the_same_hash_tag_until_it_is_cleared() {
        let slots = SlotMap::default();
        assert_eq!(slots.node_for_key("{a}:token"), None);
        slots.set_node("{a}:token", Some("h:1".into()));
        assert_eq!(slots.node_for_key("{a}:lock").as_deref(), Some("h:1"));
        assert_eq!(slots.node_for_key("{b}:lock"), None);
        slots.clear();
        assert_eq!(slots.node_for_key("{a}:token"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_counts_as_migrating_for_a_second_or_until_its_node_is_known() {
        let slots = SlotMap::default();
        slots.mark_migrating("{a}:token");
        slots.mark_migrating("{b}:token");
        assert!(slots.is_migrating("{a}:lock") && !slots.is_migrating("{c}:lock"));
        slots.set_node("{b}:token", None);
        assert!(!slots.is_migrating("{b}:token"));
        tokio::time::advance(MIGRATION_COOLDOWN - Duration::from_millis(1)).await;
        assert!(slots.is_migrating("{a}:lock"));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!slots.is_migrating("{a}:lock"));
    }
}
