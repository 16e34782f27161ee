use tokio::time::timeout;

use super::super::fake::ReconnectionCounter;
use super::super::fake::server::{Reaction, Server};
use super::*;

const LIMIT: Duration = Duration::from_secs(60);
const KEY: &str = "{wx1:stable:f}:token";

fn connections(url: &str) -> Connections {
    Connections::new(Connector::parse(url, None).ok().unwrap())
}

fn call() -> ScriptCall {
    ScriptCall::new("return 1", vec![KEY.to_owned()])
}

async fn run(connections: &Connections) -> Result<Value, BackendError> {
    connections.attempt(&call(), &AttemptContext::new(&ReconnectListeners::default())).await
}

/// The reply of a cluster's node that has given the slot of the key to `node`.
fn moved(node: &str) -> Reaction {
    Reaction::Reply(format!("-MOVED 1 {node}"))
}

#[tokio::test]
async fn a_script_is_sent_with_its_keys_and_arguments() {
    let server = Server::start(["$5\r\nhello"]).await;
    let connections = connections(&server.url());
    let call = ScriptCall::new("return ARGV[1]", vec!["{a}:1".to_owned(), "{a}:2".to_owned()]);
    let call = call.arg(7).bytes(b"hello".to_vec());
    let reply = connections.attempt(&call, &AttemptContext::new(&ReconnectListeners::default())).await;
    assert_eq!(reply.ok(), Some(Value::BulkString(b"hello".to_vec())));
    assert_eq!(server.commands("EVAL"), [["EVAL", "return ARGV[1]", "2", "{a}:1", "{a}:2", "7", "hello"]]);
}

#[tokio::test]
async fn a_broken_connection_is_replaced_once_and_the_listeners_hear_of_it() {
    let server = Server::start([":1".into(), Reaction::Close, ":2".into(), Reaction::Close]).await;
    let connections = connections(&server.url());
    let listeners = ReconnectListeners::default();
    let reconnections = ReconnectionCounter::subscribed(|counter| listeners.subscribe(counter));
    let mut replies = Vec::new();
    let mut heard = Vec::new();
    for _ in 0..3 {
        let reply = connections.attempt(&call(), &AttemptContext::new(&listeners)).await;
        replies.push(reply.ok());
        heard.push(reconnections.count());
    }
    assert_eq!(replies, [Some(Value::Int(1)), Some(Value::Int(2)), None]);
    assert_eq!(heard, [0, 1, 2]);
    assert_eq!(server.commands("EVAL").len(), 5, "each broken connection had one successor");
}

#[tokio::test]
async fn a_refused_script_is_not_repeated() {
    let server = Server::start([":1", "-ERR no", ":2"]).await;
    let connections = connections(&server.url());
    assert!(run(&connections).await.is_ok());
    assert!(matches!(run(&connections).await, Err(BackendError::Reply(error)) if error.code() == Some("ERR")));
    assert_eq!(*server.connected.borrow(), 1);
}

#[tokio::test]
async fn a_redirection_of_a_cluster_is_followed_and_remembered() {
    let new = Server::start([":1", ":2"]).await;
    let old = Server::start([moved(&new.address)]).await;
    let connections = connections(&old.url());
    assert_eq!(run(&connections).await.ok(), Some(Value::Int(1)));
    assert_eq!(run(&connections).await.ok(), Some(Value::Int(2)));
    assert_eq!((old.commands("EVAL").len(), new.commands("EVAL").len()), (1, 2));
}

#[tokio::test]
async fn a_redirection_without_a_host_means_the_host_that_sent_it() {
    let new = Server::start([":1"]).await;
    let port = new.address.rsplit_once(':').unwrap().1;
    let old = Server::start([moved(&format!(":{port}"))]).await;
    assert_eq!(run(&connections(&old.url())).await.ok(), Some(Value::Int(1)));
    assert_eq!(new.commands("EVAL").len(), 1);
}

#[tokio::test]
async fn a_request_follows_three_redirections() {
    for (count, succeeds) in [(3, true), (4, false)] {
        let server = Server::start([":1"]).await;
        let to_itself = moved(&server.address);
        server.react_first(std::iter::repeat_n(to_itself, count));
        assert_eq!(run(&connections(&server.url())).await.is_ok(), succeeds, "{count} redirections");
        assert_eq!(server.commands("EVAL").len(), 4);
    }
}

#[tokio::test]
async fn a_script_is_repeated_while_a_cluster_moves_its_key() {
    let server = Server::start(["-TRYAGAIN Multiple keys request during rehashing", "-ASK 1 127.0.0.1:1", ":1"]).await;
    let listeners = ReconnectListeners::default();
    let context = AttemptContext::new(&listeners);
    let reply = connections(&server.url()).attempt(&call(), &context).await;
    assert_eq!(reply.ok(), Some(Value::Int(1)));
    assert!(context.migrating.into_inner());
}

#[tokio::test]
async fn a_reset_drops_connections_and_redirections() {
    let mut new = Server::start([":1"]).await;
    let mut old = Server::start([moved(&new.address)]).await;
    let connections = connections(&old.url());
    run(&connections).await.ok().unwrap();
    assert_eq!(connections.slots().node_for_key(KEY), Some(new.address.clone()));
    connections.reset();
    assert_eq!(connections.slots().node_for_key(KEY), None);
    for server in [&mut new, &mut old] {
        timeout(LIMIT, server.connected.wait_for(|count| *count == 0)).await.expect("it stays").unwrap();
    }
}

#[test]
fn connections_are_named_after_their_server() {
    assert_eq!(connections("redis://:p4ss@cache:6380").name(), "cache:6380");
}
