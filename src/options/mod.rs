//! Checks the options and builds a `Client` from them. Never touches the network.

mod cache;
pub(crate) mod json;
pub(crate) mod platform;
mod rules;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use crate::cache::SharedStore;
use crate::client::{Client, Counters, Tokens};
use crate::error::invalid::InvalidParam;
use crate::error::{Error, Result};
use crate::event::{EventBus, EventSource};
use crate::keys::{Account, App, ConnectionRole, Mode, RedisConfig};
use crate::lifetime_quota::{LifetimeQuota, RedisUsage};
use crate::rate_limit::RateLimiter;
use crate::rate_limit::redis::RedisRateLimiter;
use crate::registry::{self, Behind};
use crate::token::source::{Provider, ProviderSource, TokenSource, WeChatSource};
use crate::transport::Transport;
use crate::transport::http_clients::HttpSettings;
pub(crate) use rules::{retries, timeout};

/// Where requests go unless `baseUrl` says otherwise.
pub(crate) const DEFAULT_BASE_URL: &str = "https://api.weixin.qq.com";

/// Options of the right types, whose values are not checked yet. Their names in JSON are those of `index.d.ts`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Options {
    pub(crate) appid: String,
    #[serde(deserialize_with = "json::secret")]
    pub(crate) secret: Option<SecretString>,
    pub(crate) token: TokenChoice,
    pub(crate) redis: Option<RedisOptions>,
    #[serde(rename = "baseUrl")]
    pub(crate) base_urls: Vec<String>,
    pub(crate) propagate_traceparent: bool,
    pub(crate) from_appid: Option<String>,
    #[serde(deserialize_with = "json::number")]
    pub(crate) timeout_ms: Option<f64>,
    #[serde(deserialize_with = "json::number")]
    pub(crate) retries: Option<f64>,
    #[serde(deserialize_with = "json::number")]
    pub(crate) rate_per_minute: Option<f64>,
    pub(crate) cache: Option<CacheOptions>,
    pub(crate) proxy: Option<String>,
    #[serde(deserialize_with = "json::pem")]
    pub(crate) ca: Option<Vec<u8>>,
}

/// `cache`, unchecked.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CacheOptions {
    #[serde(deserialize_with = "json::number")]
    pub(crate) max_bytes: Option<f64>,
    #[serde(deserialize_with = "json::number")]
    pub(crate) ttl_ms: Option<f64>,
    pub(crate) redis: bool,
    #[serde(deserialize_with = "json::number")]
    pub(crate) max_entry_bytes: Option<f64>,
    pub(crate) directory: Option<String>,
    #[serde(deserialize_with = "json::number")]
    pub(crate) max_disk_bytes: Option<f64>,
    /// The caller's own store.
    #[serde(skip)]
    pub(crate) store: Option<SharedStore>,
}

/// `redis`, unchecked.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RedisOptions {
    pub(crate) url: String,
    #[serde(deserialize_with = "json::pem")]
    pub(crate) ca: Option<Vec<u8>>,
    #[serde(deserialize_with = "json::number")]
    pub(crate) timeout_ms: Option<f64>,
    pub(crate) key_prefix: Option<String>,
    pub(crate) allow_unshared_rotation: Option<bool>,
}

/// `token`: a mode by its name, none, or the caller's own provider.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum TokenChoice {
    #[default]
    Stable,
    Classic,
    None,
    #[serde(skip)]
    Provider(Arc<dyn Provider>),
}

/// How requests reach WeChat and Redis, checked: what the options of a client and of a platform have in common.
struct Network {
    base_urls: Vec<Url>,
    timeout: Duration,
    retries: u32,
    redis: Option<RedisConfig>,
    http_settings: HttpSettings,
}

/// The same, unchecked.
#[derive(Default)]
struct NetworkOptions {
    base_urls: Vec<String>,
    timeout_ms: Option<f64>,
    retries: Option<f64>,
    redis: Option<RedisOptions>,
    proxy: Option<String>,
    ca: Option<Vec<u8>>,
}

impl NetworkOptions {
    fn checked(self, token: &TokenChoice) -> Result<Network, InvalidParam> {
        let base_urls = rules::base_urls(&self.base_urls, token)?;
        let timeout = self.timeout_ms.map_or(Ok(Duration::from_secs(10)), |ms| timeout("timeoutMs", ms))?;
        let retries = self.retries.map_or(Ok(2), retries)?;
        let redis = self.redis.map(|redis| rules::redis(redis, token)).transpose()?;
        let http_settings = HttpSettings { proxy: rules::proxy(self.proxy.as_deref())?, ca: self.ca };
        rules::check_proxy(&base_urls, http_settings.proxy.as_ref(), token)?;
        Ok(Network { base_urls, timeout, retries, redis, http_settings })
    }
}

impl Options {
    /// A client with these options. Its requests are reported to `events`.
    pub(crate) fn open(self, events: Arc<EventBus>) -> Result<Client> {
        self.build(events).map_err(|invalid| Error::Params { endpoint: None, invalid })
    }

    fn build(self, events: Arc<EventBus>) -> Result<Client, InvalidParam> {
        let appid = rules::appid("appid", &self.appid)?.to_owned();
        let from_appid =
            self.from_appid.as_deref().map(|id| rules::from_appid(id, &self.token)).transpose()?.map(str::to_owned);
        let secret = rules::secret(self.secret, &self.token)?;
        let rate = self.rate_per_minute.map_or(Ok(Some(5000)), rules::rate)?;
        let unshared_rotation = self.redis.as_ref().is_none_or(|redis| redis.allow_unshared_rotation.unwrap_or(false));
        let has_account = matches!(self.token, TokenChoice::Stable | TokenChoice::Classic);
        let limits = self.cache.as_ref().map(|cache| cache::limits(cache, self.redis.is_some(), has_account));
        let limits = limits.transpose()?;
        let network = NetworkOptions {
            base_urls: self.base_urls,
            timeout_ms: self.timeout_ms,
            retries: self.retries,
            redis: self.redis,
            proxy: self.proxy,
            ca: self.ca,
        };
        let Network { base_urls, timeout, retries, redis, http_settings } = network.checked(&self.token)?;

        let disk = cache::disk(limits.as_ref())?;
        let mut registry = registry::global();
        let mode = match &self.token {
            TokenChoice::Stable => Some(Mode::Stable),
            TokenChoice::Classic => Some(Mode::Classic),
            TokenChoice::None | TokenChoice::Provider(_) => None,
        };
        let account = mode.zip(secret.clone()).map(|(mode, secret)| Account {
            appid: appid.clone(),
            mode,
            secret,
            bases: base_urls.iter().map(Url::to_string).collect(),
            redis,
        });
        let (redis_limiter, redis_usage) =
            match account.as_ref().and_then(|account| account.key_prefix().zip(account.redis.as_ref())) {
                Some((key_prefix, redis)) => {
                    let redis = registry.redis_client(redis, ConnectionRole::Tokens)?;
                    let usage = RedisUsage::new(redis.clone(), &key_prefix);
                    (Some(RedisRateLimiter::new(redis, key_prefix)), Some(usage))
                }
                None => (None, None),
            };
        let rate_limited_appid: Arc<str> = from_appid.as_ref().unwrap_or(&appid).as_str().into();
        let mode = match &self.token {
            TokenChoice::Provider(_) => Some("provider"),
            _ => mode.map(Mode::name),
        };
        let store = self.cache.and_then(|cache| cache.store);
        let bases: Vec<_> = base_urls.iter().map(Url::to_string).collect();
        let store = store.map(|store| (store, cache::namespace(&rate_limited_appid, &bases, has_account)));
        let behind = Behind { appid: &rate_limited_appid, mode, disk, store };
        let qr_codes = limits.map(|limits| registry.qr_code_cache(account.as_ref(), &limits, behind)).transpose()?;
        let events = EventSource::new(events, rate_limited_appid.clone(), mode);
        let cache = match (&self.token, &account) {
            (TokenChoice::Provider(_), _) => Some(registry.provider_token_cache(&appid)),
            (_, Some(account)) => Some(registry.token_cache(account)?),
            (_, None) => None,
        };
        let secrets = cache.as_ref().map_or_else(Arc::default, |cache| cache.secrets());
        secret.iter().for_each(|secret| secrets.add_permanent(secret));
        let http_clients = registry.http_clients(&http_settings)?;
        let transport = Transport::new(http_clients, base_urls, secrets, events.clone());
        let transport = Arc::new(transport.propagating_traceparent(self.propagate_traceparent));
        let app = App::new(&rate_limited_appid, &bases);
        let lifetime_quota = LifetimeQuota::new(registry.shared_usage(&app), redis_usage, events.clone());
        let rate_limiter =
            RateLimiter::new(rate, registry.sliding_window(&app), account.is_some(), redis_limiter, events);
        let source: Option<Arc<dyn TokenSource>> = match (self.token, account) {
            (TokenChoice::Provider(provider), _) => Some(Arc::new(ProviderSource(provider))),
            (_, Some(Account { mode, secret, .. })) => {
                Some(Arc::new(WeChatSource { mode, unshared_rotation, appid, secret, transport: transport.clone() }))
            }
            (_, None) => None,
        };
        let tokens = cache.zip(source).map(|(cache, source)| Tokens::new(cache, source));
        Ok(Client {
            appid: rate_limited_appid,
            rate_limiter,
            lifetime_quota,
            transport,
            tokens,
            qr_codes,
            from_appid,
            timeout,
            retries,
            stats: Counters::default(),
            clock: registry.clock(),
            closed: AtomicBool::new(false),
            owner_closed: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Options {
        Options { appid: "wx0123456789abcdef".into(), secret: Some("s3cret".into()), ..Default::default() }
    }

    fn refused(options: Options) -> (String, Option<i64>) {
        match options.open(Arc::default()) {
            Err(Error::Params { invalid, .. }) => {
                assert!(!format!("{invalid:?}").contains("s3cret"));
                (invalid.param.into_owned(), invalid.errcode)
            }
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("accepted"),
        }
    }

    #[test]
    fn an_error_names_the_invalid_option() {
        let of = |change: fn(&mut Options)| {
            let mut options = good();
            change(&mut options);
            refused(options)
        };
        assert!(good().open(Arc::default()).is_ok());
        assert_eq!(of(|o| o.appid = "wx0123456789abcde ".into()), ("appid".into(), Some(40013)));
        assert_eq!(of(|o| o.appid = "gh0123456789abcdef".into()), ("appid".into(), Some(40013)));
        assert_eq!(of(|o| o.secret = None), ("secret".into(), Some(41004)));
        assert_eq!(of(|o| o.secret = Some("".into())), ("secret".into(), Some(41004)));
        assert_eq!(of(|o| o.secret = Some("s3cret\n".into())), ("secret".into(), Some(40125)));
        assert_eq!(of(|o| o.from_appid = Some("wx0123456789abcdef".into())), ("fromAppid".into(), None));
        assert_eq!(of(|o| o.retries = Some(1.5)), ("retries".into(), None));
        assert_eq!(of(|o| o.timeout_ms = Some(0.0)), ("timeoutMs".into(), None));
        assert_eq!(of(|o| o.timeout_ms = Some(f64::NAN)), ("timeoutMs".into(), None));
        assert_eq!(of(|o| o.rate_per_minute = Some(0.0)), ("ratePerMinute".into(), None));
        assert_eq!(of(|o| o.proxy = Some("socks5://localhost".into())), ("proxy".into(), None));
        assert_eq!(of(|o| o.ca = Some(b"x".to_vec())), ("ca".into(), None));
    }

    #[test]
    fn an_error_does_not_repeat_a_secret_given_as_the_appid() {
        let swapped = Options { appid: "0123456789abcdef0123456789abcdef".into(), ..good() };
        let message = swapped.open(Arc::default()).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message.contains("looks like an AppSecret") && !message.contains("0123"), "{message}");
    }

    #[test]
    fn a_secret_in_plain_http_is_not_sent_through_a_proxy() {
        let of = |base: &str, proxy: &str| Options {
            base_urls: vec!["https://api.weixin.qq.com".into(), base.into()],
            proxy: Some(proxy.into()),
            ..good()
        };
        for (base, proxy) in [
            ("http://localhost:1", "http://10.0.0.1:8080"),
            ("http://127.0.0.9", "https://proxy.example"),
            ("http://[::1]:80", "http://user:s3cret@localhost.example"),
        ] {
            assert_eq!(refused(of(base, proxy)).0, "proxy", "{base} {proxy}");
            let unread = Options { token: TokenChoice::None, secret: None, ..of(base, proxy) };
            assert!(unread.open(Arc::default()).is_ok());
        }
        for (base, proxy) in [
            ("http://localhost:1", "http://127.0.0.1:8080"),
            ("http://127.0.0.9", "http://localhost"),
            ("https://localhost", "http://10.0.0.1:8080"),
        ] {
            assert!(of(base, proxy).open(Arc::default()).is_ok(), "{base} {proxy}");
        }
    }

    #[test]
    fn plain_http_is_allowed_on_this_machine_or_without_a_token() {
        let of = |url: &str| Options { base_urls: vec![url.into()], ..good() };
        for url in ["http://localhost:1", "http://127.0.0.9", "http://[::1]:80", "https://gateway.example/x/", ""] {
            assert!(of(url).open(Arc::default()).is_ok(), "{url}");
        }
        for url in [
            "http://api.weixin.qq.com",
            "http://127.0.0.1.example",
            "ftp://localhost",
            "localhost",
            "https://u:p@localhost",
            "https://localhost?a",
        ] {
            assert_eq!(refused(of(url)).0, "baseUrl", "{url}");
        }
        let cloud = Options { token: TokenChoice::None, secret: None, ..of("http://api.weixin.qq.com") };
        assert!(cloud.open(Arc::default()).is_ok());
    }
}
