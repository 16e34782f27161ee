//! The HTTP clients, and the connections that they keep.

use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use parking_lot::RwLock;
use reqwest::Client;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use url::Url;

use super::Carrier;
use super::connect::ConnectLayer;
use super::dns::Resolver;
use super::proxy::Proxy;
use super::tls;
use crate::error::explanation::Bilingual;
use crate::error::invalid::InvalidParam;
use crate::keys::RouteId;
use crate::roots;

/// What makes two clients need different connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct HttpSettings {
    pub(crate) proxy: Option<Proxy>,
    /// Extra roots, PEM.
    pub(crate) ca: Option<Vec<u8>>,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Shorter than load balancers commonly keep an idle connection: one that they closed costs a retry.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The connections of all clients with the same settings, which end with the last of them. Each kind is made for the first
/// request that needs it: roots take milliseconds to read, and plain HTTP, as inside WeChat's cloud, needs none.
pub(crate) struct HttpClients {
    pub(crate) route: RouteId,
    proxy: Option<Proxy>,
    ca: Vec<CertificateDer<'static>>,
    /// Shared by all clients, so that a new one resumes the TLS sessions of the one before.
    tls: OnceLock<ClientConfig>,
    plain: Slot,
    secure: Slot,
    proxied: Slot,
    /// Takes all requests, if there is one.
    carrier: Option<Arc<dyn Carrier>>,
}

/// An HTTP client with its connections, until they are discarded.
type Slot = RwLock<Option<Arc<Client>>>;

impl HttpClients {
    /// Checks the settings.
    pub(crate) fn new(settings: &HttpSettings) -> Result<Self, InvalidParam> {
        LazyLock::force(&roots::EXTRA);
        let ca = settings.ca.as_deref().map(|pem| {
            roots::of_pem(pem).ok_or_else(|| {
                unusable("ca", "ca 中没有有效的 PEM 证书".into(), "ca contains no valid PEM certificate".into())
            })
        });
        Ok(Self {
            route: RouteId::new(),
            proxy: settings.proxy.clone(),
            ca: ca.transpose()?.unwrap_or_default(),
            tls: OnceLock::new(),
            plain: Slot::default(),
            secure: Slot::default(),
            proxied: Slot::default(),
            carrier: None,
        })
    }

    /// The same with all requests carried by `carrier`.
    pub(crate) fn carried_by(self, carrier: Arc<dyn Carrier>) -> Self {
        Self { carrier: Some(carrier), ..self }
    }

    /// What carries the requests in place of HTTP.
    pub(crate) fn carrier(&self) -> Option<&Arc<dyn Carrier>> {
        self.carrier.as_ref()
    }

    /// The proxy of requests, if there is one.
    pub(crate) fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// For requests to `url`, through the proxy or not.
    pub(crate) fn client(&self, url: &Url, proxied: bool) -> Result<Arc<Client>, InvalidParam> {
        let proxy = self.proxy().filter(|_| proxied);
        let slot = self.slot(url, proxy);
        if !is_plain(url, proxy) {
            tls::prepare();
        }
        let made = slot.read().clone();
        if let Some(client) = made {
            return Ok(client);
        }
        // One of those that wait for it makes it.
        let mut slot = slot.write();
        match &*slot {
            Some(client) => Ok(client.clone()),
            None => {
                let client = Arc::new(build(self.tls()?, proxy)?);
                Ok(slot.insert(client).clone())
            }
        }
    }

    /// Discards the idle connections of `client`: the next request gets a new one. Requests under way go on.
    pub(crate) fn discard(&self, client: &Arc<Client>, url: &Url, proxied: bool) {
        let mut slot = self.slot(url, self.proxy().filter(|_| proxied)).write();
        if slot.as_ref().is_some_and(|present| Arc::ptr_eq(present, client)) {
            *slot = None;
        }
    }

    fn slot(&self, url: &Url, proxy: Option<&Proxy>) -> &Slot {
        match (proxy, is_plain(url, proxy)) {
            (Some(_), _) => &self.proxied,
            (None, true) => &self.plain,
            (None, false) => &self.secure,
        }
    }

    fn tls(&self) -> Result<ClientConfig, InvalidParam> {
        if let Some(config) = self.tls.get() {
            return Ok(config.clone());
        }
        let config = tls::config(&self.ca).map_err(|error| unusable("ca", error.to_string(), error.to_string()))?;
        Ok(self.tls.get_or_init(|| config).clone())
    }
}

/// Whether requests to `url` need no TLS. A proxy may itself be asked over TLS.
fn is_plain(url: &Url, proxy: Option<&Proxy>) -> bool {
    url.scheme() == "http" && proxy.is_none_or(|proxy| proxy.url().scheme() == "http")
}

/// An HTTP client that follows no redirect, sends no Referer, repeats nothing by itself and asks no proxy unasked.
fn build(tls: ClientConfig, proxy: Option<&Proxy>) -> Result<Client, InvalidParam> {
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .connector_layer(ConnectLayer)
        .dns_resolver(Resolver::of_system())
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .user_agent(concat!("wxacode/", env!("CARGO_PKG_VERSION")));
    // The parser's own error repeats the URL, password included.
    let unbuilt = |_| unusable("proxy", "无法创建 HTTP 客户端".into(), "the HTTP client could not be created".into());
    let builder = match proxy {
        Some(proxy) => builder.proxy(reqwest::Proxy::all(proxy.url().as_str()).map_err(unbuilt)?),
        None => builder,
    };
    builder.build().map_err(unbuilt)
}

fn unusable(param: &'static str, zh: String, en: String) -> InvalidParam {
    let fix = match param {
        "ca" => Bilingual::new(
            "传入 PEM 文本（-----BEGIN CERTIFICATE-----），可含多个证书",
            "Pass PEM text (-----BEGIN CERTIFICATE-----), with one or more certificates",
        ),
        _ => Bilingual::new("检查 proxy 的写法，或去掉 proxy 再试", "Check proxy, or try without it"),
    };
    InvalidParam::new(param, None, Bilingual::new(zh, en), fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(settings: HttpSettings) -> InvalidParam {
        HttpClients::new(&settings).err().expect("to be refused")
    }

    #[test]
    fn a_ca_without_a_certificate_is_refused() {
        for pem in [&b"nonsense"[..], b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert_eq!(refused(HttpSettings { ca: Some(pem.to_vec()), ..Default::default() }).param, "ca");
        }
    }

    #[test]
    fn an_http_client_is_created_when_it_is_needed() {
        let asked = |pool: &HttpClients, url: &str, proxied| {
            pool.client(&url.parse().unwrap(), proxied).unwrap();
            [&pool.plain, &pool.secure, &pool.proxied].map(|made| made.read().is_some())
        };
        let pool = HttpClients::new(&HttpSettings::default()).unwrap();
        assert_eq!(asked(&pool, "http://api.weixin.qq.com/", false), [true, false, false]);
        assert_eq!(asked(&pool, "https://api.weixin.qq.com/", false), [true, true, false]);
        let proxy = Some(Proxy::parse("https://user:pw@proxy.example").unwrap());
        let pool = HttpClients::new(&HttpSettings { proxy, ca: None }).unwrap();
        assert_eq!(asked(&pool, "http://api.weixin.qq.com/", true), [false, false, true]);
        assert_eq!(asked(&pool, "https://api.weixin.qq.com/", false), [false, true, true]);
    }

    #[test]
    fn a_refused_setting_is_named_with_its_own_fix() {
        let fix = |param| unusable(param, "因".into(), "cause".into()).explanation.fix.en.into_owned();
        assert!(fix("ca").contains("BEGIN CERTIFICATE") && fix("proxy").contains("proxy"));
    }
}
