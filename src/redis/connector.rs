//! Where a Redis is and how to get there: one server, the master that sentinels name, or a node that a cluster names.

use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;
use redis::aio::MultiplexedConnection;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo, RedisResult, TlsCertificates, TlsMode};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use tokio::sync::Mutex;

use crate::error::explanation::Bilingual;
use crate::error::invalid::InvalidParam;
use crate::roots;
use crate::transport::dns::Resolver;

/// Any number of requests share one connection.
pub(crate) type Connection = MultiplexedConnection;

/// Opens connections: to a server or a node of its cluster, or to the master that sentinels name.
pub(crate) struct Connector {
    kind: Target,
    name: String,
}

enum Target {
    Server(Client),
    Sentinels(Mutex<SentinelClient>),
}

impl Connector {
    /// `ca` are PEM roots that are trusted instead of the usual ones.
    pub(crate) fn parse(url: &str, ca: Option<&[u8]>) -> Result<Self, InvalidParam> {
        if ca.is_some_and(|pem| roots::of_pem(pem).is_none()) {
            return Err(no_certificate());
        }
        // redis-rs' own errors may repeat the password.
        Self::server(url, ca).or_else(|| Self::sentinels(url, ca)).ok_or_else(unusable)
    }

    /// `redis://`, `rediss://`, `unix://`.
    fn server(url: &str, ca: Option<&[u8]>) -> Option<Self> {
        let client = match url.starts_with("rediss") {
            true => Client::build_with_tls(url, certificates(ca)),
            false => Client::open(url),
        };
        let client = client.ok()?;
        let name = match client.get_connection_info().addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => format!("{host}:{port}"),
            ConnectionAddr::Unix(path) => path.display().to_string(),
            _ => String::from("redis"),
        };
        Some(Self { kind: Target::Server(client), name })
    }

    /// `redis-sentinel://[login@]host:port,host:port/db#master`, `rediss-sentinel://` for TLS to the master. The login is
    /// the master's.
    fn sentinels(url: &str, ca: Option<&[u8]>) -> Option<Self> {
        let (tls, rest) = match url.strip_prefix("redis-sentinel://") {
            Some(rest) => (false, rest),
            None => (true, url.strip_prefix("rediss-sentinel://")?),
        };
        let (rest, master) = rest.split_once('#').filter(|(_, master)| !master.is_empty())?;
        let (servers, db) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = servers.rsplit_once('@').unwrap_or(("", servers));
        let at = if login.is_empty() { "" } else { "@" };
        let address = |url: String| Some(url.into_connection_info().ok()?.addr().clone());
        let sentinels: Option<Vec<_>> = hosts.split(',').map(|host| address(format!("redis://{host}"))).collect();
        let node = format!("redis://{login}{at}localhost/{db}").into_connection_info().ok()?;
        let node = node.redis_settings();
        let mut builder = SentinelClientBuilder::new(sentinels?, master, SentinelServerType::Master).ok()?;
        builder = builder.set_client_to_redis_db(node.db());
        if let Some(username) = node.username() {
            builder = builder.set_client_to_redis_username(username);
        }
        if let Some(password) = node.password() {
            builder = builder.set_client_to_redis_password(password);
        }
        if tls {
            builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
            builder = builder.set_client_to_redis_certificates(certificates(ca));
        }
        let client = builder.build().ok()?;
        Some(Self { kind: Target::Sentinels(Mutex::new(client)), name: hosts.to_owned() })
    }

    /// Host and port, without login.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Takes as long as it takes: the time for it is the caller's. `node` is what a cluster has named, as `host:port`.
    pub(crate) async fn connect(&self, node: Option<&str>) -> RedisResult<Connection> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let config = config.set_dns_resolver(Resolver::of_system());
        let client = match (&self.kind, node.and_then(address)) {
            (Target::Server(client), Some((host, port))) => {
                let info = client.get_connection_info().clone();
                // A cluster whose nodes have no names means the host that one has asked.
                let host = if host.is_empty() { host_of(info.addr()) } else { host };
                let addr = match info.addr() {
                    ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                        ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
                    }
                    _ => ConnectionAddr::Tcp(host, port),
                };
                Client::open(info.set_addr(addr))?
            }
            (Target::Server(client), None) => client.clone(),
            (Target::Sentinels(client), _) => client.lock().await.async_get_client().await?,
        };
        client.get_multiplexed_async_connection_with_config(&config).await
    }
}

fn host_of(addr: &ConnectionAddr) -> String {
    match addr {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => host.clone(),
        _ => String::new(),
    }
}

/// redis-rs takes PEM only, and refuses the whole for one odd certificate in it.
fn certificates(ca: Option<&[u8]>) -> TlsCertificates {
    let root_cert = match ca.and_then(roots::of_pem) {
        Some(roots) => pem(&roots),
        None => USUAL_ROOTS.clone(),
    };
    TlsCertificates { client_tls: None, root_cert: Some(root_cert) }
}

static USUAL_ROOTS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut store = RootCertStore::empty();
    let sound: Vec<_> = roots::ROOTS.iter().filter(|root| store.add((*root).clone()).is_ok()).cloned().collect();
    pem(&sound)
});

fn pem(roots: &[CertificateDer<'_>]) -> Vec<u8> {
    let pem = |root: &CertificateDer<'_>| {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(root))
    };
    roots.iter().map(pem).collect::<String>().into_bytes()
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
    fn the_given_roots_are_trusted_in_place_of_the_usual_ones_and_an_odd_one_is_left_out() {
        let trusted = |ca| roots::of_pem(&certificates(ca).root_cert.unwrap()).unwrap();
        assert!(trusted(None).len() > 1);
        let given = &roots::ROOTS[..1];
        let odd = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(trusted(Some(&[&odd[..], &pem(given)].concat())), given);
    }

    #[test]
    fn a_cluster_node_has_an_ipv4_or_an_ipv6_address() {
        assert_eq!(address("10.0.0.1:7001"), Some(("10.0.0.1".into(), 7001)));
        assert_eq!(address("[::1]:7001"), Some(("::1".into(), 7001)));
        assert_eq!(address(":7001"), Some((String::new(), 7001)));
        assert_eq!(address(""), None);
    }
}
