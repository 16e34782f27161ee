//! What a client is made with: checked options to a `Client`. Never touches the network.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use secrecy::SecretString;
use url::{Host, Url};

use crate::budget::Turns;
use crate::budget::fleet::FleetMinute;
use crate::client::{Client, Counters, Tokens};
use crate::error::{Error, Result};
use crate::event::{Hub, Voice};
use crate::link::DEFAULT_TIMEOUT;
use crate::registry::{self, Account, Meeting};
use crate::token::source::{Mode, Provided, Provider, WeChat};
use crate::transport::Transport;
use crate::transport::pool::{ProxyChoice, Settings};
use crate::wechat::explanation::Text;
use crate::wechat::params::Invalid;

pub const DEFAULT_BASE_URL: &str = "https://api.weixin.qq.com";

/// Types are right, meaning is not checked yet.
#[derive(Default)]
pub struct Options {
    pub appid: String,
    pub secret: Option<SecretString>,
    pub token: TokenChoice,
    pub redis: Option<RedisOptions>,
    pub base_urls: Vec<String>,
    pub from_appid: Option<String>,
    pub timeout_ms: Option<f64>,
    pub retries: Option<f64>,
    pub rate_per_minute: Option<f64>,
    pub proxy: Option<String>,
    pub ca: Option<Vec<u8>>,
}

pub struct RedisOptions {
    pub url: String,
    pub ca: Option<Vec<u8>>,
    pub timeout_ms: Option<f64>,
    pub key_prefix: Option<String>,
    pub allow_unshared_rotation: Option<bool>,
}

#[derive(Default)]
pub enum TokenChoice {
    #[default]
    Stable,
    Classic,
    None,
    Provider(Arc<dyn Provider>),
}

impl Options {
    /// `events` is told of the client's requests.
    pub fn open(self, events: Arc<Hub>) -> Result<Client> {
        self.client(events).map_err(|invalid| Error::Params { endpoint: None, invalid })
    }

    fn client(self, events: Arc<Hub>) -> Result<Client, Invalid> {
        let appid = appid("appid", &self.appid)?.to_owned();
        let from_appid =
            self.from_appid.as_deref().map(|id| from_appid(id, &self.token)).transpose()?.map(str::to_owned);
        let secret = secret(self.secret, &self.token)?;
        let bases = bases(&self.base_urls, &self.token)?;
        let timeout = self.timeout_ms.map_or(Ok(Duration::from_secs(10)), |ms| timeout("timeoutMs", ms))?;
        let retries = self.retries.map_or(Ok(2), retries)?;
        let rate = self.rate_per_minute.map_or(Ok(Some(5000)), rate)?;
        let unshared_rotation = self.redis.as_ref().is_none_or(|redis| redis.allow_unshared_rotation.unwrap_or(false));
        let meeting = self.redis.map(|redis| meeting(redis, &self.token)).transpose()?;
        let settings = Settings { proxy: proxy(self.proxy)?, ca: self.ca };

        let mut shared = registry::shared();
        let via = settings.proxy.name();
        let mode = match &self.token {
            TokenChoice::Stable => Some(Mode::Stable),
            TokenChoice::Classic => Some(Mode::Classic),
            TokenChoice::None | TokenChoice::Provider(_) => None,
        };
        let account = mode.zip(secret).map(|(mode, secret)| Account {
            appid: appid.clone(),
            mode,
            secret,
            bases: bases.iter().map(Url::to_string).collect(),
            meeting,
        });
        let fleet = match account.as_ref().and_then(|account| account.place().zip(account.meeting.as_ref())) {
            Some((place, meeting)) => Some(FleetMinute::new(shared.link(meeting)?, place)),
            None => None,
        };
        let counted = from_appid.as_ref().unwrap_or(&appid);
        let mode = match &self.token {
            TokenChoice::Provider(_) => Some("provider"),
            _ => mode.map(Mode::name),
        };
        let voice = Voice { hub: events, appid: counted.as_str().into(), mode };
        let transport = Arc::new(Transport::new(shared.pool(settings)?, shared.bodies(), bases, via, voice.clone()));
        let turns = Turns { rate, here: shared.minute(counted), fleet, voice };
        let tokens = match (self.token, account) {
            (TokenChoice::Provider(provider), _) => {
                Some(Tokens::new(shared.provided(&appid), Arc::new(Provided(provider))))
            }
            (_, Some(account)) => {
                let source = WeChat {
                    mode: account.mode,
                    unshared_rotation,
                    appid,
                    secret: account.secret.clone(),
                    transport: transport.clone(),
                };
                Some(Tokens::new(shared.cache(account)?, Arc::new(source)))
            }
            (_, None) => None,
        };
        Ok(Client {
            turns,
            transport,
            tokens,
            from_appid,
            timeout,
            retries,
            stats: Counters::default(),
            closed: AtomicBool::new(false),
        })
    }
}

fn appid<'a>(param: &'static str, appid: &'a str) -> Result<&'a str, Invalid> {
    let rest = appid.strip_prefix("wx").unwrap_or_default();
    if rest.len() == 16 && rest.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(appid);
    }
    // The value is not repeated: people swap appid and secret.
    let (zh, en) = match appid.chars().count() {
        0 => ("为空".to_owned(), "is empty".to_owned()),
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
    Err(Invalid::new(
        param,
        Some(40013),
        Text::new(
            format!("{param} {zh}，须为 wx 加 16 个字母或数字"),
            format!("{param} {en}; it must be wx and 16 letters or digits"),
        ),
        Text::new(
            "在小程序后台「开发管理 - 开发设置」复制 AppID，不要带空格",
            "Copy the AppID from the console (development settings), without spaces",
        ),
    ))
}

/// WeChat's own tokens are shared; a provider's owner shares them, or not, and without a token there is nothing to.
fn meeting(redis: RedisOptions, token: &TokenChoice) -> Result<Meeting, Invalid> {
    match token {
        TokenChoice::Stable | TokenChoice::Classic => {
            let key_prefix = redis.key_prefix.unwrap_or_else(|| "wxacode:".to_owned());
            if key_prefix.contains(['{', '}']) {
                return Err(braces());
            }
            let timeout = redis.timeout_ms.map_or(Ok(DEFAULT_TIMEOUT), |ms| timeout("redis.timeoutMs", ms))?;
            Ok(Meeting { url: redis.url, ca: redis.ca, timeout, key_prefix })
        }
        TokenChoice::None | TokenChoice::Provider(_) => Err(Invalid::new(
            "redis",
            None,
            Text::new(
                "redis 只能与 token: 'stable' 或 'classic' 一起使用",
                "redis goes with token: 'stable' or 'classic' only",
            ),
            Text::new("去掉 redis，或改用 token: 'stable'", "Leave redis out, or use token: 'stable'"),
        )),
    }
}

fn braces() -> Invalid {
    Invalid::new(
        "redis.keyPrefix",
        None,
        Text::new("redis.keyPrefix 含有花括号", "redis.keyPrefix holds a brace"),
        Text::new(
            "去掉花括号：集群按键名里的花括号选择槽位，这里已用它让一个账号的键落在同一个槽",
            "Leave braces out: a cluster picks the slot by them, and an account's keys have their own so that they lie together",
        ),
    )
}

fn from_appid<'a>(id: &'a str, token: &TokenChoice) -> Result<&'a str, Invalid> {
    match token {
        TokenChoice::None => appid("fromAppid", id),
        _ => Err(Invalid::new(
            "fromAppid",
            None,
            Text::new("fromAppid 只能与 token: 'none' 一起使用", "fromAppid goes with token: 'none' only"),
            Text::new(
                "在微信云托管内用 token: 'none'，否则去掉 fromAppid",
                "Inside WeChat cloud run use token: 'none'; elsewhere leave fromAppid out",
            ),
        )),
    }
}

fn secret(secret: Option<SecretString>, token: &TokenChoice) -> Result<Option<SecretString>, Invalid> {
    use secrecy::ExposeSecret;
    let (errcode, cause) = match &secret {
        None if matches!(token, TokenChoice::Stable | TokenChoice::Classic) => {
            (41004, Text::new("缺少 secret（AppSecret）", "secret (the AppSecret) is missing"))
        }
        Some(secret) if secret.expose_secret().is_empty() => (41004, Text::new("secret 为空", "secret is empty")),
        Some(secret) if secret.expose_secret().contains(|c: char| c.is_whitespace() || c.is_control()) => {
            (40125, Text::new("secret 含有空白或控制字符", "secret contains white space or a control character"))
        }
        _ => return Ok(secret),
    };
    Err(Invalid::new(
        "secret",
        Some(errcode),
        cause,
        Text::new(
            "从环境变量或密钥服务读取 AppSecret 并去掉首尾空白；自有令牌服务请传 token 函数",
            "Read the AppSecret from the environment or a vault and trim it; with a token service of your own pass token as a function",
        ),
    ))
}

fn bases(urls: &[String], token: &TokenChoice) -> Result<Vec<Url>, Invalid> {
    if urls.is_empty() {
        return Ok(Url::parse(DEFAULT_BASE_URL).into_iter().collect());
    }
    urls.iter().map(|url| base(url, token)).collect()
}

fn base(text: &str, token: &TokenChoice) -> Result<Url, Invalid> {
    let refused = |zh: &str, en: &str| {
        Invalid::new(
            "baseUrl",
            None,
            Text::new(format!("baseUrl {zh}"), format!("baseUrl {en}")),
            Text::new(
                format!("写成 {DEFAULT_BASE_URL} 这样的地址；http 仅用于本机，或 token: 'none'"),
                format!("Write it like {DEFAULT_BASE_URL}; http is for this machine, or token: 'none', only"),
            ),
        )
    };
    let url = Url::parse(text).map_err(|_| refused("不是 URL", "is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("不是 http 或 https 地址", "is neither http nor https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("含有用户名或密码", "holds a user name or a password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused("含有查询参数或 #", "has a query or a #"));
    }
    if url.scheme() == "http" && !is_loopback(&url) && !matches!(token, TokenChoice::None) {
        return Err(refused("以明文 http 把密钥发往其他主机", "would send secrets to another host in plain http"));
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}

/// Milliseconds, more than 0, at most a day.
pub fn timeout(param: &'static str, ms: f64) -> Result<Duration, Invalid> {
    if ms > 0.0 && ms <= 86_400_000.0 {
        return Ok(Duration::from_secs_f64(ms / 1000.0));
    }
    Err(Invalid::new(
        param,
        None,
        Text::new(
            format!("{param} 是 {ms}，须大于 0 且不超过 86400000（一天）"),
            format!("{param} is {ms}; it must be more than 0 and at most 86400000 (a day)"),
        ),
        Text::new("以毫秒为单位，如 10000", "Give milliseconds, like 10000"),
    ))
}

fn retries(count: f64) -> Result<u32, Invalid> {
    if count.fract() == 0.0 && (0.0..=10.0).contains(&count) {
        return Ok(count as u32);
    }
    Err(Invalid::new(
        "retries",
        None,
        Text::new(
            format!("retries 是 {count}，须为 0 到 10 的整数"),
            format!("retries is {count}; it must be a whole number from 0 to 10"),
        ),
        Text::new("0 表示不重试，默认 2", "0 is none; the default is 2"),
    ))
}

fn rate(rate: f64) -> Result<Option<u32>, Invalid> {
    if rate == f64::INFINITY {
        return Ok(None);
    }
    if rate.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&rate) {
        return Ok(Some(rate as u32));
    }
    Err(Invalid::new(
        "ratePerMinute",
        None,
        Text::new(
            format!("ratePerMinute 是 {rate}，须为不小于 1 的整数或 Infinity"),
            format!("ratePerMinute is {rate}; it must be a whole number from 1, or Infinity"),
        ),
        Text::new(
            "微信限 5000 次每分钟，多个进程请分摊；Infinity 表示不限",
            "WeChat allows 5000 a minute, to be divided among your processes; Infinity turns it off",
        ),
    ))
}

fn proxy(proxy: Option<String>) -> Result<ProxyChoice, Invalid> {
    match proxy.as_deref() {
        None => Ok(ProxyChoice::Direct),
        Some("env") => Ok(ProxyChoice::Environment),
        Some(url) if url.starts_with("http://") || url.starts_with("https://") => Ok(ProxyChoice::Url(url.to_owned())),
        Some(_) => Err(Invalid::new(
            "proxy",
            None,
            Text::new("proxy 不是 http:// 或 https:// 地址", "proxy is neither an http:// nor an https:// URL"),
            Text::new(
                "写成 http://主机:端口，或用 'env' 读取 HTTPS_PROXY",
                "Write http://host:port, or 'env' for HTTPS_PROXY",
            ),
        )),
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
    fn the_parameter_at_fault_is_named() {
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
    fn a_secret_at_the_place_of_the_appid_is_not_repeated() {
        let swapped = Options { appid: "0123456789abcdef0123456789abcdef".into(), ..good() };
        let message = swapped.open(Arc::default()).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message.contains("looks like an AppSecret") && !message.contains("0123"), "{message}");
    }

    #[test]
    fn plain_http_is_for_this_machine_or_without_a_token() {
        let of = |url: &str| Options { base_urls: vec![url.into()], ..good() };
        for url in ["http://localhost:1", "http://127.0.0.9", "http://[::1]:80", "https://api2.weixin.qq.com/x/"] {
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
