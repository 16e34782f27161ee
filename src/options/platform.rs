//! Checks the options of a third-party platform and of its merchants' clients, and builds them. Never touches the network.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::cache::WritingCaches;
use super::{CacheOptions, Network, NetworkOptions, RedisOptions, TokenChoice, cache, json, rules};
use crate::client::{Client, Counters, Tokens};
use crate::error::explanation::Bilingual;
use crate::error::invalid::InvalidParam;
use crate::error::{Error, Result};
use crate::event::{EventBus, EventSource};
use crate::keys::{AUTHORIZER, Account, App, COMPONENT, ConnectionRole, Mode};
use crate::lifetime_quota::{LifetimeQuota, RedisUsage};
use crate::platform::core::{Core, PlatformKey, StoreChoice};
use crate::platform::push::{self, PlatformEvent, PushBody, PushConfig};
use crate::platform::store::StoreFunctions;
use crate::platform::{AuthorizerSource, ComponentSource, Platform};
use crate::rate_limit::RateLimiter;
use crate::rate_limit::redis::RedisRateLimiter;
use crate::registry::{self, Behind, Registry};
use crate::token::source::TokenSource;
use crate::transport::http_clients::HttpClients;
use crate::transport::{Carrier, Transport};
use crate::wechat::answer::is_token;

/// Options of a platform, of the right types, whose values are not checked yet.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PlatformOptions {
    pub(crate) appid: String,
    #[serde(deserialize_with = "json::secret")]
    pub(crate) secret: Option<SecretString>,
    /// `memory`, or `file:` and a path.
    pub(crate) store: Option<String>,
    pub(crate) redis: Option<RedisOptions>,
    #[serde(rename = "baseUrl")]
    pub(crate) base_urls: Vec<String>,
    pub(crate) propagate_traceparent: bool,
    #[serde(deserialize_with = "json::number")]
    pub(crate) timeout_ms: Option<f64>,
    #[serde(deserialize_with = "json::number")]
    pub(crate) retries: Option<f64>,
    pub(crate) proxy: Option<String>,
    #[serde(deserialize_with = "json::pem")]
    pub(crate) ca: Option<Vec<u8>>,
    #[serde(deserialize_with = "json::secret")]
    pub(crate) push_token: Option<SecretString>,
    /// The current key, and perhaps the previous one.
    #[serde(rename = "encodingAESKey")]
    pub(crate) encoding_aes_key: Vec<SecretText>,
    /// The caller's own store.
    #[serde(skip)]
    pub(crate) functions: Option<Arc<dyn StoreFunctions>>,
    /// Carries the requests in place of HTTP.
    #[serde(skip)]
    pub(crate) carrier: Option<Arc<dyn Carrier>>,
}

/// A text of a list that `Debug` does not show.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct SecretText(String);

/// Options of a merchant's client.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct MerchantOptions {
    #[serde(deserialize_with = "json::number")]
    pub(crate) timeout_ms: Option<f64>,
    #[serde(deserialize_with = "json::number")]
    pub(crate) retries: Option<f64>,
    #[serde(deserialize_with = "json::number")]
    pub(crate) rate_per_minute: Option<f64>,
    pub(crate) cache: Option<CacheOptions>,
}

/// A platform, and what its merchants' clients are made of.
pub(crate) struct OpenPlatform {
    pub(crate) platform: Arc<Platform>,
    key: PlatformKey,
    push: Option<PushConfig>,
    timeout: Duration,
    retries: u32,
    /// Of requests, which belong to the thread.
    events: Arc<EventBus>,
    closed: Arc<AtomicBool>,
    write_behind: WritingCaches,
}

/// Gives what the platforms of a key share.
pub(crate) trait CoreOf:
    FnOnce(&mut Registry, &PlatformKey, Option<Arc<dyn StoreFunctions>>) -> Result<Arc<Core>, InvalidParam>
{
}

impl<F> CoreOf for F where
    F: FnOnce(&mut Registry, &PlatformKey, Option<Arc<dyn StoreFunctions>>) -> Result<Arc<Core>, InvalidParam>
{
}

impl PlatformOptions {
    /// A platform with these options. Its requests are reported to `events`.
    pub(crate) fn open(self, events: Arc<EventBus>) -> Result<OpenPlatform> {
        self.open_on(events, Registry::platform)
    }

    /// The same on what `core` gives.
    pub(crate) fn open_on(self, events: Arc<EventBus>, core: impl CoreOf) -> Result<OpenPlatform> {
        self.build(events, core).map_err(|invalid| Error::Params { endpoint: None, invalid })
    }

    fn build(self, events: Arc<EventBus>, core: impl CoreOf) -> Result<OpenPlatform, InvalidParam> {
        let token = TokenChoice::Classic;
        let appid = rules::appid("appid", &self.appid)?.to_owned();
        let secret = rules::secret(self.secret, &token)?.unwrap_or_default();
        let network = NetworkOptions {
            base_urls: self.base_urls,
            timeout_ms: self.timeout_ms,
            retries: self.retries,
            redis: self.redis,
            proxy: self.proxy,
            ca: self.ca,
        };
        let Network { base_urls, timeout, retries, redis, http_settings } = network.checked(&token)?;
        let store = store(self.store.as_deref(), self.functions.is_some(), redis.is_some())?;
        let push = push_config(&appid, self.push_token, self.encoding_aes_key)?;

        let key = PlatformKey { appid, secret, bases: base_urls.iter().map(Url::to_string).collect(), redis, store };
        let mut registry = registry::global();
        let core = core(&mut registry, &key, self.functions)?;
        let closed = Arc::<AtomicBool>::default();
        let label = EventSource::new(events.clone(), core.appid.clone(), Some(COMPONENT));
        let http_clients = match self.carrier {
            Some(carrier) => Arc::new(HttpClients::new(&http_settings)?.carried_by(carrier)),
            None => registry.http_clients(&http_settings)?,
        };
        let secrets = core.component.secrets();
        let transport = Transport::new(http_clients, base_urls, secrets, label.clone());
        let transport = Arc::new(transport.propagating_traceparent(self.propagate_traceparent));
        let source: Arc<dyn TokenSource> =
            Arc::new(ComponentSource { core: core.clone(), transport: transport.clone() });
        let usage = registry.shared_usage(&App::new(&core.appid, &key.bases));
        let component = Client {
            appid: core.appid.clone(),
            lifetime_quota: LifetimeQuota::new(usage, None, label.clone()),
            rate_limiter: rate_limiter(&mut registry, &key, &core.appid, None, None, label),
            transport,
            tokens: Some(Tokens::new(core.component.clone(), source)),
            qr_codes: None,
            from_appid: None,
            timeout,
            retries,
            stats: Counters::default(),
            clock: registry.clock(),
            closed: AtomicBool::new(false),
            owner_closed: Some(closed.clone()),
        };
        drop(registry);
        let platform = Platform::new(core, Arc::new(component));
        Ok(OpenPlatform {
            platform,
            key,
            push,
            timeout,
            retries,
            events,
            closed,
            write_behind: WritingCaches::default(),
        })
    }
}

impl OpenPlatform {
    /// Refuses every later call, also of merchants' clients.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Waits until the codes of merchants that have been fetched so far are where their caches write them behind the calls.
    pub(crate) async fn flush(&self) {
        self.write_behind.flush().await;
    }

    /// The time of a call, unless it has one of its own.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Checks and reads a push.
    ///
    /// # Errors
    ///
    /// [`Error::Push`] for a push that is not WeChat's, and [`Error::Params`] without `pushToken`.
    pub(crate) fn read_push(&self, query: &[(String, String)], body: PushBody<'_>) -> Result<PlatformEvent> {
        let config = self.push.as_ref().ok_or_else(|| Error::Params { endpoint: None, invalid: no_push_config() })?;
        push::open(config, query, body).map_err(Error::Push)
    }

    /// The client of a merchant.
    pub(crate) fn client(&self, appid: &str, options: &MerchantOptions) -> Result<Client> {
        self.platform.component.check_open()?;
        self.merchant(appid, options).map_err(|invalid| Error::Params { endpoint: None, invalid })
    }

    fn merchant(&self, appid: &str, options: &MerchantOptions) -> Result<Client, InvalidParam> {
        let appid = rules::appid("appid", appid)?;
        let timeout = options.timeout_ms.map_or(Ok(self.timeout), |ms| rules::timeout("timeoutMs", ms))?;
        let retries = options.retries.map_or(Ok(self.retries), rules::retries)?;
        let rate = options.rate_per_minute.map_or(Ok(Some(5000)), rules::rate)?;
        let has_redis = self.key.redis.is_some();
        let limits = options.cache.as_ref().map(|cache| cache::limits(cache, has_redis, true)).transpose()?;
        let disk = cache::disk(limits.as_ref())?;

        let merchant = self.platform.core.merchant(appid);
        let label = EventSource::new(self.events.clone(), merchant.appid.clone(), Some(AUTHORIZER));
        let transport =
            Arc::new(self.platform.component.transport.for_account(merchant.cache.secrets(), label.clone()));
        let mut registry = registry::global();
        let (redis_limiter, redis_usage) = match &self.key.redis {
            Some(redis) => {
                let prefix = self.platform.core.authorizer_prefix(appid);
                let redis = registry.redis_client(redis, ConnectionRole::Tokens)?;
                let usage = RedisUsage::new(redis.clone(), &prefix);
                (Some(RedisRateLimiter::new(redis, prefix)), Some(usage))
            }
            None => (None, None),
        };
        let usage = registry.shared_usage(&App::new(appid, &self.key.bases));
        let lifetime_quota = LifetimeQuota::new(usage, redis_usage, label.clone());
        let store = options.cache.as_ref().and_then(|cache| cache.store.clone());
        let store = store.map(|store| (store, cache::namespace(appid, &self.key.bases, true)));
        let behind = Behind { appid, mode: Some(AUTHORIZER), disk, store };
        let account = || self.account(appid);
        let qr_codes = limits.map(|limits| registry.qr_code_cache(Some(&account()), &limits, behind)).transpose()?;
        qr_codes.iter().for_each(|qr_codes| self.write_behind.add(qr_codes));
        let rate_limiter = rate_limiter(&mut registry, &self.key, appid, rate, redis_limiter, label);
        let clock = registry.clock();
        drop(registry);
        let (cache, appid) = (merchant.cache.clone(), merchant.appid.clone());
        let source: Arc<dyn TokenSource> = Arc::new(AuthorizerSource { platform: self.platform.clone(), merchant });
        Ok(Client {
            appid,
            rate_limiter,
            lifetime_quota,
            transport,
            tokens: Some(Tokens::new(cache, source)),
            qr_codes,
            from_appid: None,
            timeout,
            retries,
            stats: Counters::default(),
            clock,
            closed: AtomicBool::new(false),
            owner_closed: Some(self.closed.clone()),
        })
    }

    fn account(&self, appid: &str) -> Account {
        let PlatformKey { secret, bases, redis, .. } = self.key.clone();
        // The mode counts for tokens only, which are not looked up by an account.
        Account { appid: appid.to_owned(), mode: Mode::Classic, secret, bases, redis }
    }
}

/// A merchant from another program.
///
/// # Errors
///
/// If the appid is none, or the refresh token cannot be one.
pub(crate) fn check_imported(appid: &str, refresh_token: &SecretString) -> Result<()> {
    let checked = rules::appid("appid", appid).and_then(|_| match is_token(refresh_token.expose_secret()) {
        true => Ok(()),
        false => Err(InvalidParam::new(
            "refreshToken",
            None,
            Bilingual::new(
                "refreshToken 为空，或含有空白、控制字符或非 ASCII 字符",
                "refreshToken is empty, or has white space, a control character or one that is not ASCII",
            ),
            Bilingual::new(
                "传入该商户的 authorizer_refresh_token，不要带首尾空白",
                "Pass the authorizer_refresh_token of the merchant, without white space around it",
            ),
        )),
    });
    checked.map_err(|invalid| Error::Params { endpoint: None, invalid })
}

/// A process that gets no pushes needs neither the token nor the keys.
fn push_config(
    appid: &str,
    token: Option<SecretString>,
    keys: Vec<SecretText>,
) -> Result<Option<PushConfig>, InvalidParam> {
    if token.is_none() && keys.is_empty() {
        return Ok(None);
    }
    let keys: Vec<_> = keys.into_iter().map(|SecretText(key)| SecretString::from(key)).collect();
    PushConfig::new(appid, token.unwrap_or_default(), &keys).map(Some)
}

fn no_push_config() -> InvalidParam {
    InvalidParam::new(
        "pushToken",
        None,
        Bilingual::new(
            "没有 pushToken 和 encodingAESKey，无法验证和解密推送",
            "without pushToken and encodingAESKey no push can be checked and decrypted",
        ),
        Bilingual::new(
            "把微信开放平台后台的“消息校验Token”和“消息加解密Key”传给 new WxaPlatform()",
            "Pass 消息校验Token and 消息加解密Key of open.weixin.qq.com to new WxaPlatform()",
        ),
    )
}

fn rate_limiter(
    registry: &mut Registry,
    key: &PlatformKey,
    appid: &str,
    rate: Option<u32>,
    redis: Option<RedisRateLimiter>,
    events: EventSource,
) -> RateLimiter {
    RateLimiter::new(rate, registry.sliding_window(&App::new(appid, &key.bases)), true, redis, events)
}

fn store(store: Option<&str>, has_functions: bool, has_redis: bool) -> Result<StoreChoice, InvalidParam> {
    static LAST: AtomicU64 = AtomicU64::new(0);
    if has_functions {
        return Ok(StoreChoice::Own(LAST.fetch_add(1, Ordering::Relaxed) + 1));
    }
    match store.filter(|store| !store.is_empty()) {
        Some("memory") => Ok(StoreChoice::Memory),
        Some(text) => match text.strip_prefix("file:").and_then(path) {
            Some(path) => Ok(StoreChoice::File(path)),
            None => Err(invalid_store(
                "store 不是 'file:路径' 或 'memory'",
                "store is neither 'file:' and a path nor 'memory'",
            )),
        },
        None if has_redis => Ok(StoreChoice::Redis),
        None => Err(invalid_store(
            "没有 store，也没有 redis：ticket 和 refresh token 无处保存，而微信不会再给一次",
            "there is neither store nor redis: tickets and refresh tokens have no place, and WeChat does not give them again",
        )),
    }
}

fn invalid_store(zh: &'static str, en: &'static str) -> InvalidParam {
    InvalidParam::new(
        "store",
        None,
        Bilingual::new(zh, en),
        Bilingual::new(
            "单个进程用 store: 'file:/var/lib/应用/wechat.json'，多个进程用 redis: 'redis://…'；也可传入自己的 { get, set, delete }，只在测试中用 'memory'",
            "With one process, store: 'file:/var/lib/app/wechat.json'; with several, redis: 'redis://...'; or an object of your own with get, set and delete. 'memory' is for tests",
        ),
    )
}

/// The path behind `file:`, also of a URL with slashes. Two spellings of one path are one store.
fn path(text: &str) -> Option<PathBuf> {
    let path = match text.starts_with("//") {
        true => Url::parse(&format!("file:{text}")).ok()?.to_file_path().ok()?,
        false => PathBuf::from(text),
    };
    let path = std::path::absolute(path).ok()?;
    let (folder, name) = (path.parent()?, path.file_name()?);
    // A link is followed, because the file is replaced.
    let target = path.canonicalize().ok();
    Some(target.unwrap_or_else(|| folder.canonicalize().unwrap_or_else(|_| Path::new(folder).to_owned()).join(name)))
}

#[cfg(test)]
mod tests;
