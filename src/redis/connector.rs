//! Where a Redis is and how to get there: one server, the master that sentinels name, or a node that a cluster names.

use redis::RedisResult;
use rustls::pki_types::CertificateDer;

use super::sentinel::Sentinels;
use super::server::{Connection, Server};
use crate::error::explanation::Bilingual;
use crate::error::invalid::InvalidParam;
use crate::roots;
use crate::transport::tls;

/// Opens connections: to a server or a node of its cluster, or to the master that sentinels name.
pub(crate) struct Connector {
    kind: Target,
    name: String,
}

enum Target {
    Server(Server),
    Sentinels(Sentinels),
}

impl Connector {
    /// `ca` are PEM roots that are trusted instead of the usual ones.
    pub(crate) fn parse(url: &str, ca: Option<&[u8]>) -> Result<Self, InvalidParam> {
        let ca = ca.map(|pem| roots::of_pem(pem).ok_or_else(no_certificate)).transpose()?;
        // redis-rs' own errors may repeat the password.
        Self::server(url, ca.as_deref()).or_else(|| Self::sentinels(url, ca.as_deref())).ok_or_else(unusable)
    }

    /// `redis://`, `rediss://`, `unix://`, and the names that Valkey has for the first two.
    fn server(url: &str, ca: Option<&[CertificateDer<'static>]>) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let server = match scheme.to_ascii_lowercase().as_str() {
            // After a # redis-rs has the wish for TLS without certificates, which no build of this crate grants.
            "rediss" | "valkeys" if !rest.contains('#') => {
                Server::parse(&format!("redis://{rest}"), Some(tls::redis_config(ca)?))
            }
            "rediss" | "valkeys" => None,
            _ => Server::parse(url, None),
        };
        let server = server?;
        Some(Self { name: server.name(), kind: Target::Server(server) })
    }

    /// `redis-sentinel://[login@]host:port,host:port/db#master`, `rediss-sentinel://` for TLS to the master. The login is
    /// the master's.
    fn sentinels(url: &str, ca: Option<&[CertificateDer<'static>]>) -> Option<Self> {
        let (tls, rest) = match url.strip_prefix("redis-sentinel://") {
            Some(rest) => (None, rest),
            None => (Some(ca), url.strip_prefix("rediss-sentinel://")?),
        };
        let (rest, master) = rest.split_once('#').filter(|(_, master)| !master.is_empty())?;
        let (servers, db) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = servers.rsplit_once('@').unwrap_or(("", servers));
        let at = if login.is_empty() { "" } else { "@" };
        let servers: Option<_> = hosts.split(',').map(|host| Server::parse(&format!("redis://{host}"), None)).collect();
        let tls = match tls {
            Some(ca) => Some(tls::redis_config(ca)?),
            None => None,
        };
        let login = Server::parse(&format!("redis://{login}{at}localhost/{db}"), tls)?;
        let sentinels = Sentinels { servers: servers?, master: master.to_owned(), login };
        Some(Self { kind: Target::Sentinels(sentinels), name: hosts.to_owned() })
    }

    /// Host and port, without login.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Takes as long as it takes: the time for it is the caller's. `node` is what a cluster has named, as `host:port`.
    pub(crate) async fn connect(&self, node: Option<&str>) -> RedisResult<Connection> {
        match (&self.kind, node.and_then(address)) {
            (Target::Server(server), Some((host, port))) => server.at(host, port).connect().await,
            (Target::Server(server), None) => server.connect().await,
            (Target::Sentinels(sentinels), _) => sentinels.connect().await,
        }
    }
}

fn address(node: &str) -> Option<(String, u16)> {
    let (host, port) = node.rsplit_once(':')?;
    Some((host.trim_matches(['[', ']']).to_owned(), port.parse().ok()?))
}

fn no_certificate() -> InvalidParam {
    InvalidParam::new(
        "redis.ca",
        None,
        Bilingual::new("redis.ca 中没有有效的 PEM 证书", "redis.ca contains no valid PEM certificate"),
        Bilingual::new(
            "传入签发 Redis 证书的根证书（-----BEGIN CERTIFICATE----- 开头的文本）",
            "Pass the root certificate of the Redis server (text that begins with -----BEGIN CERTIFICATE-----)",
        ),
    )
}

fn unusable() -> InvalidParam {
    InvalidParam::new(
        "redis",
        None,
        Bilingual::new("redis 不是有效的 Redis 地址", "redis is not a valid Redis URL"),
        Bilingual::new(
            "写成 redis://[用户:密码@]主机:6379/0，加密用 rediss://，套接字用 unix:///路径，\
             哨兵用 redis-sentinel://主机:26379,主机:26379/0#主库名；集群写任一节点",
            "Write redis://[user:password@]host:6379/0, rediss:// for TLS, unix:///path for a socket, \
             redis-sentinel://host:26379,host:26379/0#master for sentinels, any node of a cluster",
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_server_does_not_contain_its_login() {
        let name = |url| Connector::parse(url, None).map(|way| way.name().to_owned()).ok();
        assert_eq!(name("redis://user:p4ss@cache:6380/1").as_deref(), Some("cache:6380"));
        assert_eq!(name("rediss://:p4ss@cache").as_deref(), Some("cache:6379"));
        assert_eq!(name("unix:///run/redis.sock").as_deref(), Some("/run/redis.sock"));
        assert_eq!(name("redis-sentinel://user:p4ss@a:1,b:2/0#main").as_deref(), Some("a:1,b:2"));
    }

    #[test]
    fn an_invalid_address_is_refused_and_not_repeated() {
        for url in [
            "",
            "cache:6379",
            "http://cache",
            "redis-sentinel://p4ss@a:1",
            "redis-sentinel://a:1/x#main",
            "redis://:p4ss@:",
        ] {
            let refused = Connector::parse(url, None).err().map(|invalid| format!("{invalid:?}"));
            assert!(refused.is_some_and(|text| !text.contains("p4ss")), "{url}");
        }
        assert!(Connector::parse("rediss://cache", Some(b"x")).is_err());
    }

    #[tokio::test]
    async fn a_node_of_a_cluster_with_tls_is_reached_by_tls() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let node = listener.local_addr().unwrap().to_string();
        let connector = Connector::parse("rediss://cache", None).ok().unwrap();
        let first_byte = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::io::AsyncReadExt::read_u8(&mut socket).await.unwrap()
        };
        let (_, first) = tokio::join!(connector.connect(Some(&node)), first_byte);
        assert_eq!(first, 0x16, "a handshake");
    }

    #[test]
    fn a_cluster_node_has_an_ipv4_or_an_ipv6_address() {
        assert_eq!(address("10.0.0.1:7001"), Some(("10.0.0.1".into(), 7001)));
        assert_eq!(address("[::1]:7001"), Some(("::1".into(), 7001)));
        assert_eq!(address(":7001"), Some((String::new(), 7001)));
        assert_eq!(address(""), None);
    }
}
