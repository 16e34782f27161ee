//! The rules of each option.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::{DEFAULT_BASE_URL, RedisOptions, TokenChoice};
use crate::error::explanation::Bilingual;
use crate::error::invalid::InvalidParam;
use crate::keys::RedisConfig;
use crate::redis::DEFAULT_TIMEOUT;
use crate::transport::hosts::{is_loopback, is_wechats};
use crate::transport::proxy::Proxy;
use crate::wechat::endpoint::Endpoint;

/// `wx` and 16 letters or digits.
pub(crate) fn appid<'a>(param: &'static str, appid: &'a str) -> Result<&'a str, InvalidParam> {
    let rest = appid.strip_prefix("wx").unwrap_or_default();
    if rest.len() == 16 && rest.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(appid);
    }
    // The value is not repeated: people swap appid and secret.
    let (zh, en) = match appid.chars().count() {
        0 => ("为空：环境变量没有设置？".to_owned(), "is empty: is the environment variable not set?".to_owned()),
        32 if appid.bytes().all(|b| b.is_ascii_hexdigit()) => {
            ("看起来是 AppSecret".to_owned(), "looks like an AppSecret".to_owned())
        }
        length if !appid.starts_with("wx") => {
            (format!("不以 wx 开头（{length} 个字符）"), format!("does not start with wx ({length} characters)"))
        }
        18 => {
            ("含有字母和数字以外的字符".to_owned(), "has a character that is neither a letter nor a digit".to_owned())
        }
        length => (format!("有 {length} 个字符"), format!("has {length} characters")),
    };
    Err(InvalidParam::new(
        param,
        Some(40013),
        Bilingual::new(
            format!("{param} {zh}，须为 wx 加 16 个字母或数字"),
            format!("{param} {en}; it must be wx and 16 letters or digits"),
        ),
        Bilingual::new(
            "AppID 在小程序后台 开发管理 → 开发设置；复制时不要带空格",
            "You find the AppID on mp.weixin.qq.com under 开发管理 → 开发设置; copy it without spaces",
        ),
    ))
}

/// Redis shares WeChat's own tokens only: a provider shares its tokens by itself, and without a token there is nothing to share.
pub(crate) fn redis(redis: RedisOptions, token: &TokenChoice) -> Result<RedisConfig, InvalidParam> {
    match token {
        TokenChoice::Stable | TokenChoice::Classic => {
            let key_prefix = redis.key_prefix.unwrap_or_else(|| "wxacode:".to_owned());
            if key_prefix.contains(['{', '}']) {
                return Err(key_prefix_has_braces());
            }
            let timeout = redis.timeout_ms.map_or(Ok(DEFAULT_TIMEOUT), |ms| timeout("redis.timeoutMs", ms))?;
            Ok(RedisConfig { url: redis.url, ca: redis.ca, timeout, key_prefix })
        }
        TokenChoice::None | TokenChoice::Provider(_) => Err(InvalidParam::new(
            "redis",
            None,
            Bilingual::new(
                "redis 只能与 token: 'stable' 或 'classic' 一起使用",
                "redis requires token: 'stable' or 'classic'",
            ),
            Bilingual::new("去掉 redis，或改用 token: 'stable'", "Omit redis, or use token: 'stable'"),
        )),
    }
}

fn key_prefix_has_braces() -> InvalidParam {
    InvalidParam::new(
        "redis.keyPrefix",
        None,
        Bilingual::new("redis.keyPrefix 含有花括号", "redis.keyPrefix contains a brace"),
        Bilingual::new(
            "去掉花括号：Redis 集群按花括号选择槽位，wxacode 已用它让一个账号的键落在同一个槽",
            "Remove the braces: a Redis cluster selects the slot by them, and wxacode uses them to keep an account's keys in one slot",
        ),
    )
}

/// An appid, and only with `token: 'none'`.
pub(crate) fn from_appid<'a>(id: &'a str, token: &TokenChoice) -> Result<&'a str, InvalidParam> {
    match token {
        TokenChoice::None => appid("fromAppid", id),
        _ => Err(InvalidParam::new(
            "fromAppid",
            None,
            Bilingual::new("fromAppid 只能与 token: 'none' 一起使用", "fromAppid requires token: 'none'"),
            Bilingual::new(
                "在微信云托管内用 token: 'none'，否则去掉 fromAppid",
                "Inside WeChat cloud run, use token: 'none'; elsewhere, omit fromAppid",
            ),
        )),
    }
}

/// Generous: an AppSecret has 32 hexadecimal digits.
const MAX_SECRET_BYTES: usize = 256;

/// The AppSecret: needed in stable and classic mode, without blanks and control characters.
pub(crate) fn secret(secret: Option<SecretString>, token: &TokenChoice) -> Result<Option<SecretString>, InvalidParam> {
    use secrecy::ExposeSecret;
    let (errcode, cause) = match &secret {
        None if matches!(token, TokenChoice::Stable | TokenChoice::Classic) => {
            (41004, Bilingual::new("缺少 secret（AppSecret）", "secret (the AppSecret) is missing"))
        }
        Some(secret) if secret.expose_secret().is_empty() => (
            41004,
            Bilingual::new("secret 为空：环境变量没有设置？", "secret is empty: is the environment variable not set?"),
        ),
        Some(secret) if secret.expose_secret().contains(|c: char| c.is_whitespace() || c.is_control()) => {
            (40125, Bilingual::new("secret 含有空白或控制字符", "secret contains white space or a control character"))
        }
        Some(secret) if secret.expose_secret().len() > MAX_SECRET_BYTES => (
            40125,
            Bilingual::new(
                format!("secret 有 {} 字节，最多 {MAX_SECRET_BYTES} 字节", secret.expose_secret().len()),
                format!("secret has {} bytes; at most {MAX_SECRET_BYTES} are allowed", secret.expose_secret().len()),
            ),
        ),
        _ => return Ok(secret),
    };
    Err(InvalidParam::new(
        "secret",
        Some(errcode),
        cause,
        Bilingual::new(
            "从环境变量或密钥服务读取 AppSecret，并去掉首尾空白；access_token 由自己的服务提供时，传 token 函数",
            "Read the AppSecret from the environment or a vault and trim it; if a service of yours provides the access_token, pass token as a function",
        ),
    ))
}

/// An empty URL counts as absent: docker-compose passes a variable that is not set as an empty text.
pub(crate) fn base_urls(urls: &[String], token: &TokenChoice) -> Result<Vec<Url>, InvalidParam> {
    let mut given = urls.iter().filter(|url| !url.is_empty()).peekable();
    if given.peek().is_none() {
        return Ok(Url::parse(DEFAULT_BASE_URL).into_iter().collect());
    }
    given.map(|url| base_url(url, token)).collect()
}

fn base_url(text: &str, token: &TokenChoice) -> Result<Url, InvalidParam> {
    let invalid = |zh: &str, en: &str| {
        InvalidParam::new(
            "baseUrl",
            None,
            Bilingual::new(format!("baseUrl {zh}"), format!("baseUrl {en}")),
            Bilingual::new(
                format!("写成 {DEFAULT_BASE_URL} 这样的地址；http 只能用于本机，或 token: 'none'"),
                format!(
                    "Pass a URL like {DEFAULT_BASE_URL}; http is only allowed for this machine, or with token: 'none'"
                ),
            ),
        )
    };
    let url = Url::parse(text).map_err(|_| invalid("不是 URL", "is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid("不是 http 或 https 地址", "is neither http nor https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("含有用户名或密码", "contains a user name or a password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("含有查询参数或 #", "contains a query or a #"));
    }
    if url.scheme() == "http" && !is_loopback(&url) && !matches!(token, TokenChoice::None) {
        return Err(invalid("以明文 http 把密钥发往其他主机", "would send secrets to another host over plain http"));
    }
    match has_api_path(&url) {
        true => Err(base_url_has_path(&url)),
        false => Ok(url),
    }
}

/// A gateway may have a prefix, which the paths of APIs are added to. WeChat's own hosts have none.
fn has_api_path(url: &Url) -> bool {
    let path = url.path().trim_end_matches('/');
    let is_known = |endpoint: &Endpoint| path.to_ascii_lowercase().ends_with(endpoint.path());
    !path.is_empty() && (is_wechats(url) || path.ends_with("/cgi-bin") || Endpoint::KNOWN.iter().any(is_known))
}

fn base_url_has_path(url: &Url) -> InvalidParam {
    let origin = url.origin().ascii_serialization();
    InvalidParam::new(
        "baseUrl",
        None,
        Bilingual::new(
            "baseUrl 含有接口的路径；路径由 wxacode 自己加上",
            "baseUrl contains the path of an API; wxacode adds the path itself",
        ),
        Bilingual::new(
            format!("写成 baseUrl: '{origin}'；网关有自己的前缀时写 '{origin}/前缀'，不含 /cgi-bin 或 /wxa"),
            format!(
                "Write baseUrl: '{origin}'; for a gateway with a prefix, '{origin}/prefix', without /cgi-bin or /wxa"
            ),
        ),
    )
}

/// Refuses a proxy on another machine that would get secrets in plain http.
pub(crate) fn check_proxy(bases: &[Url], proxy: Option<&Proxy>, token: &TokenChoice) -> Result<(), InvalidParam> {
    let Some(proxy) = proxy.filter(|proxy| !proxy.is_here()) else { return Ok(()) };
    let leaves = |url: &&Url| url.scheme() == "http" && proxy.serves(url);
    match bases.iter().find(leaves) {
        Some(url) if !matches!(token, TokenChoice::None) => Err(plaintext_through_proxy(url, proxy)),
        _ => Ok(()),
    }
}

fn plaintext_through_proxy(url: &Url, proxy: &Proxy) -> InvalidParam {
    let (base, proxy) = (url.origin().ascii_serialization(), proxy.name());
    InvalidParam::new(
        "proxy",
        None,
        Bilingual::new(
            format!("proxy 会把发往 {base} 的密钥以明文交给另一台机器 {proxy}"),
            format!("proxy would send the secrets for {base} over plain http to another machine, {proxy}"),
        ),
        Bilingual::new(
            "baseUrl 在本机时去掉 proxy；经代理时 baseUrl 用 https",
            "Omit proxy if baseUrl is this machine; with a proxy, use https in baseUrl",
        ),
    )
}

/// Milliseconds, more than 0, at most a day.
pub(crate) fn timeout(param: &'static str, ms: f64) -> Result<Duration, InvalidParam> {
    if ms > 0.0 && ms <= 86_400_000.0 {
        return Ok(Duration::from_secs_f64(ms / 1000.0));
    }
    Err(InvalidParam::new(
        param,
        None,
        Bilingual::new(
            format!("{param} 是 {ms}，须大于 0 且不超过 86400000（一天）"),
            format!("{param} is {ms}; it must be more than 0 and at most 86400000 (a day)"),
        ),
        Bilingual::new("以毫秒为单位，如 10000", "Pass milliseconds, such as 10000"),
    ))
}

/// A whole number from 0 to 10.
pub(crate) fn retries(count: f64) -> Result<u32, InvalidParam> {
    if count.fract() == 0.0 && (0.0..=10.0).contains(&count) {
        return Ok(count as u32);
    }
    Err(InvalidParam::new(
        "retries",
        None,
        Bilingual::new(
            format!("retries 是 {count}，须为 0 到 10 的整数"),
            format!("retries is {count}; it must be a whole number from 0 to 10"),
        ),
        Bilingual::new("0 表示不重试，默认 2", "Pass 0 for no retries; the default is 2"),
    ))
}

/// A whole number from 1, or infinity for no limit.
pub(crate) fn rate(rate: f64) -> Result<Option<u32>, InvalidParam> {
    if rate == f64::INFINITY {
        return Ok(None);
    }
    if rate.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&rate) {
        return Ok(Some(rate as u32));
    }
    Err(InvalidParam::new(
        "ratePerMinute",
        None,
        Bilingual::new(
            format!("ratePerMinute 是 {rate}，须为不小于 1 的整数或 Infinity"),
            format!("ratePerMinute is {rate}; it must be a whole number from 1, or Infinity"),
        ),
        Bilingual::new(
            "微信每分钟允许 5000 次，由所有进程分摊；Infinity 表示不限",
            "WeChat allows 5000 calls a minute for all your processes together; Infinity turns the limit off",
        ),
    ))
}

/// The proxy; an empty text is none, like an empty `baseUrl`.
pub(crate) fn proxy(proxy: Option<&str>) -> Result<Option<Proxy>, InvalidParam> {
    match proxy {
        None | Some("") => Ok(None),
        Some("env") => Proxy::of_environment(),
        Some(url) => Proxy::parse(url).map(Some),
    }
}

#[cfg(test)]
mod tests;
