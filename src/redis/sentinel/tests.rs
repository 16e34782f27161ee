use std::time::Duration;

use tokio::time::timeout;

use super::super::connector::Connector;
use super::super::fake::server::Server as Fake;
use super::*;

const IS_MASTER: &str = "*3\r\n$6\r\nmaster\r\n:0\r\n*0";
const IS_REPLICA: &str = "*5\r\n$5\r\nslave\r\n$1\r\na\r\n:1\r\n$9\r\nconnected\r\n:0";
/// Where nobody listens.
const DEAD: &str = "127.0.0.1:1";

/// A sentinel's reply: it knows one master.
fn names(name: &str, address: &str, flags: &str) -> String {
    let (host, port) = address.split_once(':').unwrap();
    let fields = ["name", name, "ip", host, "port", port, "flags", flags];
    let fields = fields.map(|field| format!("\r\n${}\r\n{field}", field.len()));
    format!("*1\r\n*8{}", fields.concat())
}

async fn sentinel(name: &str, address: &str, flags: &str) -> Fake {
    Fake::start([names(name, address, flags).as_str()]).await
}

/// What came of the connection to the master `main` of these sentinels.
async fn connect(sentinels: &[&str]) -> RedisResult<Connection> {
    let url = format!("redis-sentinel://{}/0#main", sentinels.join(","));
    let connector = Connector::parse(&url, None).ok().unwrap();
    timeout(Duration::from_secs(60), connector.connect(None)).await.expect("an end")
}

fn is_not_named(connected: RedisResult<Connection>) -> bool {
    connected.err().unwrap().kind() == ErrorKind::MasterNameNotFoundBySentinel
}

#[tokio::test]
async fn the_master_is_found_by_the_first_sentinel_that_answers() {
    let master = Fake::start([IS_MASTER]).await;
    let (first, last) = (sentinel("main", &master.address, "master").await, sentinel("main", DEAD, "master").await);
    assert!(connect(&[DEAD, &first.address, &last.address]).await.is_ok());
    assert_eq!(master.commands("ROLE").len(), 1);
}

#[tokio::test]
async fn a_sentinel_or_a_named_master_that_says_nothing_keeps_no_other_from_being_asked() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = silent.local_addr().unwrap().to_string();
    let behind = sentinel("main", &silent, "master").await;
    let mut master = Fake::start([IS_MASTER]).await;
    let mut ahead = sentinel("main", &master.address, "master").await;
    let connection = connect(&[&silent, &behind.address, &ahead.address]).await.unwrap();
    // The one connection to the master is the one that it was checked by.
    ahead.connected.wait_for(|&count| count == 0).await.unwrap();
    assert_eq!(*master.connected.borrow(), 1);
    drop(connection);
    master.connected.wait_for(|&count| count == 0).await.unwrap();
}

#[tokio::test]
async fn the_login_and_the_database_are_for_the_master_and_not_for_the_sentinel() {
    let master = Fake::start([IS_MASTER]).await;
    let sentinel = sentinel("main", &master.address, "master").await;
    let url = format!("redis-sentinel://shop:p4ss@{}/3#main", sentinel.address);
    Connector::parse(&url, None).ok().unwrap().connect(None).await.unwrap();
    assert_eq!(master.commands("AUTH"), [["AUTH", "shop", "p4ss"]]);
    assert_eq!(master.commands("SELECT"), [["SELECT", "3"]]);
    assert!(sentinel.commands("AUTH").is_empty() && sentinel.commands("SELECT").is_empty());
}

#[tokio::test]
async fn a_server_that_is_no_master_any_more_is_not_used() {
    let replica = Fake::start([IS_REPLICA]).await;
    let behind = sentinel("main", &replica.address, "master").await;
    assert!(is_not_named(connect(&[&behind.address]).await));
    let master = Fake::start([IS_MASTER]).await;
    let ahead = sentinel("main", &master.address, "master").await;
    assert!(connect(&[&behind.address, &ahead.address]).await.is_ok());
}

#[tokio::test]
async fn a_master_of_another_name_and_one_that_is_down_are_not_asked() {
    let master = Fake::start([IS_MASTER]).await;
    for (name, flags) in [("other", "master"), ("main", "master,s_down"), ("main", "master,o_down"), ("main", "slave")]
    {
        let sentinel = sentinel(name, &master.address, flags).await;
        assert!(is_not_named(connect(&[&sentinel.address]).await), "{name} {flags}");
    }
    assert_eq!(master.commands("ROLE").len(), 0);
}

#[tokio::test]
async fn of_several_failures_that_is_reported_which_got_furthest() {
    let master = Fake::start(["-NOPERM no permissions to run 'role'"]).await;
    let sentinel = sentinel("main", &master.address, "master").await;
    let other = self::sentinel("other", DEAD, "master").await;
    for sentinels in [[&*sentinel.address, &other.address, DEAD], [DEAD, &other.address, &sentinel.address]] {
        assert_eq!(connect(&sentinels).await.err().unwrap().code(), Some("NOPERM"), "{sentinels:?}");
    }
    for sentinels in [[&*other.address, DEAD], [DEAD, &other.address]] {
        assert!(is_not_named(connect(&sentinels).await), "{sentinels:?}");
    }
    assert!(connect(&[DEAD]).await.err().unwrap().is_connection_refusal());
}
