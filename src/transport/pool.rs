//! The HTTP client and its trust: the platform's roots merged with Mozilla's, so that an image without CA files works.

use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use reqwest::{Client, NoProxy, Proxy};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::{CipherSuite, ClientConfig, RootCertStore};
use url::Url;

use super::hosts::name;
use crate::identity::RouteId;
use crate::roots;
use crate::wechat::explanation::Text;
use crate::wechat::invalid::Invalid;

/// What makes two clients need different connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Settings {
    pub proxy: ProxyChoice,
    /// Extra roots, PEM.
    pub ca: Option<Vec<u8>>,
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub enum ProxyChoice {
    #[default]
    Direct,
    /// `HTTPS_PROXY` and `NO_PROXY`.
    Environment,
    /// May hold a password, so it is not printed.
    Url(String),
}

impl ProxyChoice {
    /// Host and port, for messages.
    pub fn name(&self) -> Option<String> {
        let url = match self {
            Self::Direct => None,
            Self::Environment => variable("HTTPS_PROXY"),
            Self::Url(url) => Some(url.clone()),
        };
        url.and_then(|url| Url::parse(&url).ok()).map(|url| name(&url))
    }
}

impl std::fmt::Debug for ProxyChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Direct => "Direct",
            Self::Environment => "Environment",
            Self::Url(_) => "Url(***)",
        })
    }
}

const CONNECT: Duration = Duration::from_secs(3);
/// Shorter than load balancers commonly keep an idle connection: one that they closed costs a retry.
const IDLE: Duration = Duration::from_secs(30);

/// The connections of all clients with the same settings. Made for the first request that needs them: roots take
/// milliseconds to read, and plain HTTP, as inside WeChat's cloud, needs none.
pub struct Pool {
    pub route: RouteId,
    proxy: Option<Proxy>,
    ca: Vec<CertificateDer<'static>>,
    plain: OnceLock<Client>,
    secure: OnceLock<Client>,
}

impl Pool {
    /// Checks the settings.
    pub fn new(settings: &Settings) -> Result<Self, Invalid> {
        roots::note_extra();
        let ca = settings.ca.as_deref().map(|pem| {
            roots::of_pem(pem).ok_or_else(|| {
                unusable("ca", "ca 中没有可用的 PEM 证书".into(), "ca holds no usable PEM certificate".into())
            })
        });
        Ok(Self {
            route: RouteId::new(),
            proxy: proxy(&settings.proxy)?,
            ca: ca.transpose()?.unwrap_or_default(),
            plain: OnceLock::new(),
            secure: OnceLock::new(),
        })
    }

    pub fn client(&self, url: &Url) -> Result<&Client, Invalid> {
        // A proxy may itself be asked over TLS.
        let plain = url.scheme() == "http" && self.proxy.is_none();
        let (made, roots) = if plain { (&self.plain, None) } else { (&self.secure, Some(&*ROOTS)) };
        match made.get() {
            Some(client) => Ok(client),
            None => build(self.tls(roots)?, self.proxy.clone()).map(|client| made.get_or_init(|| client)),
        }
    }

    fn tls(&self, roots: Option<&RootCertStore>) -> Result<ClientConfig, Invalid> {
        let mut roots = roots.cloned().unwrap_or_else(RootCertStore::empty);
        roots.add_parsable_certificates(self.ca.iter().cloned());
        let builder = ClientConfig::builder_with_provider(Arc::new(provider())).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| unusable("ca", error.to_string(), error.to_string()))?;
        Ok(builder.with_root_certificates(roots).with_no_client_auth())
    }
}

/// An HTTP client that follows no redirect, sends no Referer, repeats nothing by itself and asks no proxy unasked.
fn build(tls: ClientConfig, proxy: Option<Proxy>) -> Result<Client, Invalid> {
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .no_proxy()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .user_agent(concat!("wxacode/", env!("CARGO_PKG_VERSION")));
    let builder = match proxy {
        Some(proxy) => builder.proxy(proxy),
        None => builder,
    };
    builder.build().map_err(|error| {
        unusable(
            "proxy",
            format!("HTTP 客户端无法建立：{error}"),
            format!("the HTTP client could not be built: {error}"),
        )
    })
}

fn proxy(choice: &ProxyChoice) -> Result<Option<Proxy>, Invalid> {
    let (proxy, no_proxy) = match choice {
        ProxyChoice::Direct => return Ok(None),
        ProxyChoice::Url(url) => (Proxy::all(url), None),
        ProxyChoice::Environment => {
            // reqwest does not apply a `*` to addresses.
            let nobody = variable("NO_PROXY").is_some_and(|list| list.split(',').any(|host| host.trim() == "*"));
            match variable("HTTPS_PROXY").filter(|_| !nobody) {
                None => return Ok(None),
                Some(url) => (Proxy::https(url), NoProxy::from_env()),
            }
        }
    };
    // The parser's own error repeats the URL, password included.
    let proxy = proxy
        .map_err(|_| unusable("proxy", "proxy 不是可用的代理地址".into(), "proxy is not the URL of a proxy".into()))?;
    Ok(Some(proxy.no_proxy(no_proxy)))
}

/// In either case, as is the custom; an empty one is none.
fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).or_else(|_| std::env::var(name.to_lowercase()));
    value.ok().filter(|value| !value.is_empty())
}

/// Made once: there are hundreds.
static ROOTS: LazyLock<RootCertStore> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(roots::ROOTS.iter().cloned());
    roots
});

/// AES-128 comes first, as in browsers: it is strong enough for decades, and cheaper. Servers with a preference of their
/// own keep it.
fn provider() -> CryptoProvider {
    let mut provider = ring::default_provider();
    let cheap = [
        CipherSuite::TLS13_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ];
    provider.cipher_suites.sort_by_key(|suite| !cheap.contains(&suite.suite()));
    provider
}

fn unusable(param: &'static str, zh: String, en: String) -> Invalid {
    let fix = match param {
        "ca" => Text::new(
            "传入 PEM 文本（-----BEGIN CERTIFICATE-----），可含多个证书",
            "Give PEM text (-----BEGIN CERTIFICATE-----); several certificates in one are fine",
        ),
        _ => Text::new(
            "写成 http://主机:端口，需要认证时 http://用户:密码@主机:端口；或用 'env' 读取 HTTPS_PROXY",
            "Write http://host:port, with a login http://user:password@host:port; or 'env' for HTTPS_PROXY",
        ),
    };
    Invalid::new(param, None, Text::new(zh, en), fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(settings: Settings) -> Invalid {
        Pool::new(&settings).err().expect("to be refused")
    }

    #[test]
    fn a_bad_ca_or_proxy_is_named_and_no_password_is_repeated() {
        for pem in [&b"nonsense"[..], b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert_eq!(refused(Settings { ca: Some(pem.to_vec()), ..Default::default() }).param, "ca");
        }
        let proxy = ProxyChoice::Url("http://user:p4ssword@[".into());
        let invalid = refused(Settings { proxy: proxy.clone(), ca: None });
        assert_eq!(invalid.param, "proxy");
        assert!(!format!("{invalid:?} {proxy:?}").contains("p4ssword"));
    }

    #[test]
    fn the_cheap_ciphers_are_offered_first_and_none_is_left_out() {
        let names: Vec<_> = provider().cipher_suites.iter().map(|suite| format!("{:?}", suite.suite())).collect();
        let (cheap, others) = names.split_at(3);
        assert!(cheap.iter().all(|name| name.contains("AES_128")), "{names:?}");
        assert!(others.iter().all(|name| !name.contains("AES_128")), "{names:?}");
        assert_eq!(names.len(), ring::default_provider().cipher_suites.len());
    }

    #[test]
    fn roots_are_read_only_for_who_speaks_tls() {
        let asked = |pool: &Pool, url: &str| {
            pool.client(&url.parse().unwrap()).unwrap();
            (pool.plain.get().is_some(), pool.secure.get().is_some())
        };
        let pool = Pool::new(&Settings::default()).unwrap();
        assert_eq!(asked(&pool, "http://api.weixin.qq.com/"), (true, false));
        assert_eq!(asked(&pool, "https://api.weixin.qq.com/"), (true, true));
        let proxy = ProxyChoice::Url("https://proxy.example".into());
        let pool = Pool::new(&Settings { proxy, ca: None }).unwrap();
        assert_eq!(asked(&pool, "http://api.weixin.qq.com/"), (false, true));
    }
}
