//! The one error: what failed, where, why, and what to do.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::redact::redact;
use crate::wechat::answer::{Refusal, Unexpected};
use crate::wechat::endpoint::Endpoint;
use crate::wechat::errcode::{self, Reaction};
use crate::wechat::explanation::{Explanation, Text};
use crate::wechat::invalid::Invalid;

/// Why a call failed. Cheap enough to clone: one failed refresh goes to everybody who waited for it.
#[derive(Clone, Debug)]
pub enum Error {
    /// WeChat answered with an errcode.
    Api { endpoint: Endpoint, refusal: Refusal },
    /// A parameter or option was refused before any request.
    Params { endpoint: Option<Endpoint>, invalid: Invalid },
    /// The time of the call (or of a token refresh) was up.
    Timeout { endpoint: Option<Endpoint>, waited_for: WaitedFor, limit: Duration, cause: Option<Box<Error>> },
    /// No answer came: no connection, or one that broke.
    Network { endpoint: Endpoint, trouble: Trouble, host: String, proxy: Option<String>, detail: String },
    /// An answer came that is neither what was asked for nor an error of WeChat's.
    Answer { endpoint: Endpoint, status: u16, problem: Problem, excerpt: String },
    /// The store that the fleet shares could not be asked, and without it nothing may be done.
    Store { reason: String },
    /// A budget of ours is used up; `wait` is when it is worth trying again.
    Budget { endpoint: Endpoint, budget: Budget, wait: Duration },
    /// The client was closed, or the environment that it belongs to is ending.
    Closed,
    /// The caller aborted its own call.
    Cancelled,
    /// The caller's own token provider threw this. It travels untouched.
    Provider(Arc<dyn Any + Send + Sync>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitedFor {
    Token,
    Answer,
    /// The caller's own token provider.
    Provider,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The name could not be resolved.
    Dns,
    /// Nobody listens there, or the network has no way there.
    Unreachable,
    /// The server's certificate was not accepted.
    Certificate,
    /// No TLS connection came about: perhaps the other side does not speak it.
    Tls,
    /// The host did not answer in the time it was given.
    Silent,
    /// The connection broke before the answer was whole.
    Broken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    Body(Unexpected),
    TooLarge,
    Redirect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// `force_refresh`: at least 30 s apart, at most 10 a day.
    ForcedRefresh,
    /// Calls of `getUnlimitedQRCode` in a minute, of this process.
    PerMinute,
    /// The same of all processes that share a Redis.
    FleetPerMinute,
    /// WeChat itself has answered that the minute is full.
    MinuteFull,
}

impl Budget {
    pub fn name(self) -> &'static str {
        match self {
            Self::ForcedRefresh => "forcedRefresh",
            Self::PerMinute => "perMinute",
            Self::FleetPerMinute => "fleetPerMinute",
            Self::MinuteFull => "minuteFull",
        }
    }
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The `code` that JavaScript sees.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Api { .. } => "ERR_WXA_API",
            Self::Params { .. } => "ERR_WXA_PARAMS",
            Self::Timeout { .. } => "ERR_WXA_TIMEOUT",
            Self::Network { .. } => "ERR_WXA_NETWORK",
            Self::Answer { .. } | Self::Provider(_) => "ERR_WXA_ANSWER",
            Self::Store { .. } => "ERR_WXA_STORE",
            Self::Budget { .. } => "ERR_WXA_BUDGET",
            Self::Closed | Self::Cancelled => "ERR_WXA_CLOSED",
        }
    }

    pub fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            Self::Api { endpoint, .. }
            | Self::Network { endpoint, .. }
            | Self::Answer { endpoint, .. }
            | Self::Budget { endpoint, .. } => Some(endpoint),
            Self::Params { endpoint, .. } | Self::Timeout { endpoint, .. } => endpoint.as_ref(),
            Self::Store { .. } | Self::Closed | Self::Cancelled | Self::Provider(_) => None,
        }
    }

    /// Whether the same call may well succeed later without anybody changing anything.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Api { endpoint, refusal } => {
                !matches!(errcode::reaction(refusal.errcode, endpoint), None | Some(Reaction::No))
            }
            Self::Answer { status, problem, .. } => {
                *status >= 500 || matches!(problem, Problem::Body(Unexpected::CutOff | Unexpected::Empty))
            }
            Self::Network { trouble, .. } => *trouble != Trouble::Certificate,
            Self::Timeout { .. } | Self::Budget { .. } | Self::Store { .. } => true,
            Self::Params { .. } | Self::Closed | Self::Cancelled | Self::Provider(_) => false,
        }
    }

    /// Whether the very same request is worth repeating within this call: WeChat was busy, a connection failed, or a
    /// server was ill. A refusal never is.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Api { refusal, .. } => refusal.errcode == errcode::BUSY,
            Self::Network { trouble, .. } => *trouble != Trouble::Certificate,
            Self::Answer { status, .. } => *status >= 500,
            _ => false,
        }
    }

    /// Whether the token of the request was refused, so that another one may help.
    pub fn refused_token(&self) -> Option<i64> {
        match self {
            Self::Api { endpoint, refusal } => (errcode::reaction(refusal.errcode, endpoint)
                == Some(Reaction::RefreshToken))
            .then_some(refusal.errcode),
            _ => None,
        }
    }

    /// Whether WeChat has no more calls for this minute, while the next one has.
    pub fn minute_is_full(&self) -> bool {
        matches!(self, Self::Api { endpoint, refusal }
            if endpoint.counts_by_the_minute() && matches!(refusal.errcode, 45009 | 45011))
    }

    /// When it is worth trying again, where that is known.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Budget { wait, .. } => Some(*wait),
            _ => None,
        }
    }

    /// The failure behind this one.
    pub fn cause(&self) -> Option<&Error> {
        match self {
            Self::Timeout { cause, .. } => cause.as_deref(),
            _ => None,
        }
    }

    /// Why, and what to do; `None` for an errcode that nobody knows and for what is not ours to explain.
    pub fn explanation(&self) -> Option<Explanation> {
        match self {
            Self::Api { endpoint, refusal } => errcode::explain(refusal.errcode, Some(endpoint)),
            Self::Params { invalid, .. } => Some((*invalid.explanation).clone()),
            Self::Timeout { waited_for, limit, cause, .. } => Some(timeout(*waited_for, *limit, cause.as_deref())),
            Self::Network { trouble, host, proxy, .. } => Some(network(*trouble, host, proxy.as_deref())),
            Self::Answer { status, problem, .. } => Some(answer(*status, *problem)),
            Self::Store { reason } => Some(store(reason)),
            Self::Budget { budget, wait, .. } => Some(self::budget(*budget, *wait)),
            Self::Closed => Some(closed()),
            Self::Cancelled | Self::Provider(_) => None,
        }
    }

    /// Takes `secrets` out of every text that came from outside.
    pub fn without(mut self, secrets: &[&str]) -> Self {
        let clean = |text: &mut String| *text = redact(text, secrets);
        match &mut self {
            Self::Api { refusal, .. } => {
                clean(&mut refusal.errmsg);
                refusal.rid.iter_mut().for_each(clean);
                refusal.hint.iter_mut().for_each(clean);
            }
            Self::Network { detail, .. } => clean(detail),
            _ => {}
        }
        self
    }
}

/// One line for a log: where, what, and what to do about it in both languages.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())?;
        let Some(Explanation { cause, fix }) = self.explanation() else { return Ok(()) };
        if let Self::Api { .. } | Self::Network { .. } = self {
            write!(f, " - {}", cause.en)?;
        }
        write!(f, ". {}. | {}。{}。", fix.en, cause.zh, fix.zh)?;
        match self {
            Self::Answer { excerpt, .. } if !excerpt.is_empty() => write!(f, " | answer: {excerpt}"),
            _ => Ok(()),
        }
    }
}

impl Error {
    /// Where and what, without what to do.
    fn headline(&self) -> String {
        let what = match self {
            Self::Api { refusal: Refusal { errcode, errmsg, rid, .. }, .. } => {
                let rid = rid.as_ref().map(|rid| format!(" (rid {rid})")).unwrap_or_default();
                one_line(&format!("{errcode} {errmsg}{rid}"))
            }
            Self::Network { detail, .. } => detail.clone(),
            Self::Cancelled => "the call was aborted".to_owned(),
            Self::Provider(_) => "the token provider threw".to_owned(),
            _ => self.explanation().map(|why| why.cause.en.into_owned()).unwrap_or_default(),
        };
        match self.endpoint() {
            Some(endpoint) => format!("{}: {what}", endpoint.name()),
            None => what,
        }
    }
}

impl std::error::Error for Error {}

/// What is left of somebody else's text in a message of one line.
pub fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn seconds(time: Duration) -> String {
    match time.as_millis() {
        ms if ms < 1000 => format!("{ms} ms"),
        ms if ms < 10_000 => format!("{} s", ms as f64 / 1000.0),
        ms => format!("{} s", ms.div_ceil(1000)),
    }
}

fn timeout(waited_for: WaitedFor, limit: Duration, cause: Option<&Error>) -> Explanation {
    let limit = seconds(limit);
    let (zh, en) = match waited_for {
        WaitedFor::Token => ("正在等待 access_token", "the access token"),
        WaitedFor::Answer => ("正在等待微信应答", "WeChat's answer"),
        WaitedFor::Provider => ("正在等待 token 函数", "the token function"),
    };
    let (last_zh, last_en) = match cause {
        Some(cause) => {
            let last = cause.headline();
            (format!("；上一次失败：{last}"), format!("; the last failure was [{last}]"))
        }
        None => Default::default(),
    };
    let fix = match waited_for {
        WaitedFor::Provider => Text::new(
            "查明 token 函数为何没有结果；不要在其中调用同一个 WxaCode，那会等待自己",
            "See why your token function does not settle; a call of the same WxaCode inside it waits for itself",
        ),
        WaitedFor::Token | WaitedFor::Answer => Text::new(
            "检查到微信服务器的网络（DNS、防火墙、代理），或调大 timeoutMs",
            "Check the way to WeChat (DNS, firewall, proxy), or raise timeoutMs",
        ),
    };
    Explanation {
        cause: Text::new(
            format!("{limit} 内未完成，{zh}{last_zh}"),
            format!("no result within {limit}, waiting for {en}{last_en}"),
        ),
        fix,
    }
}

fn network(trouble: Trouble, host: &str, proxy: Option<&str>) -> Explanation {
    let (by_zh, by_en) = match proxy {
        Some(proxy) => (format!("（经代理 {proxy}）"), format!(" (through the proxy {proxy})")),
        None => Default::default(),
    };
    let (cause_zh, cause_en, fix) = match trouble {
        Trouble::Dns => (
            format!("无法解析 {host}"),
            format!("{host} could not be resolved"),
            Text::new(
                "检查 DNS 设置和 baseUrl 的拼写；容器内检查 /etc/resolv.conf",
                "Check the DNS settings and the spelling of baseUrl; in a container look at /etc/resolv.conf",
            ),
        ),
        Trouble::Unreachable if proxy.is_some() => (
            format!("无法连接 {host}"),
            format!("no connection to {host}"),
            Text::new(
                "检查 proxy 的地址、认证和代理服务器本身",
                "Check proxy: its address, its login, and the proxy itself",
            ),
        ),
        Trouble::Unreachable => (
            format!("无法连接 {host}"),
            format!("no connection to {host}"),
            Text::new(
                "检查 baseUrl、防火墙、安全组和出口网络；需要代理时设置 proxy",
                "Check baseUrl, firewall, security group and egress; set proxy where one is needed",
            ),
        ),
        Trouble::Certificate => (
            format!("{host} 的证书不受信任"),
            format!("the certificate of {host} was not accepted"),
            Text::new(
                "检查系统时间；经过企业代理时用 ca 或 NODE_EXTRA_CA_CERTS 加入其根证书",
                "Check the clock; behind an inspecting proxy add its root by ca or NODE_EXTRA_CA_CERTS",
            ),
        ),
        Trouble::Tls => (
            format!("与 {host} 的 TLS 握手失败"),
            format!("the TLS handshake with {host} failed"),
            Text::new(
                "检查 baseUrl 的协议与端口（该端口是否支持 TLS），以及途中的代理",
                "Check scheme and port of baseUrl (does that port speak TLS?) and proxies on the way",
            ),
        ),
        Trouble::Silent => (
            format!("{host} 没有应答"),
            format!("{host} did not answer in time"),
            Text::new(
                "稍后重试；持续出现时检查网络，或给 baseUrl 加备用地址",
                "Try again later; if it persists check the network, or give baseUrl a second host",
            ),
        ),
        Trouble::Broken => (
            format!("与 {host} 的连接在应答完成前断开"),
            format!("the connection to {host} broke before the answer was whole"),
            Text::new(
                "稍后重试；持续出现时检查中间的代理或负载均衡",
                "Try again later; if it persists look at proxies and load balancers on the way",
            ),
        ),
    };
    Explanation { cause: Text::new(cause_zh + &by_zh, cause_en + &by_en), fix }
}

fn answer(status: u16, problem: Problem) -> Explanation {
    let (zh, en) = match problem {
        Problem::Body(Unexpected::Empty) if status == 412 => (
            "微信以空的 412 拒绝了没有 Content-Length 的请求，途中的代理改写了请求",
            "WeChat refuses a request without Content-Length by an empty 412: a proxy on the way rewrote it",
        ),
        Problem::Body(Unexpected::Empty) => ("应答为空", "the answer is empty"),
        Problem::Body(Unexpected::CutOff) => ("图片不完整，缺少结尾", "the picture stops before its end"),
        Problem::Body(Unexpected::Html) => ("应答是网页，不是微信的应答", "the answer is a web page, not WeChat's"),
        Problem::Body(Unexpected::Json) => {
            ("应答的 JSON 里没有所求的内容，也没有 errcode", "the JSON has neither what was asked for nor an errcode")
        }
        Problem::Body(Unexpected::Other) => {
            ("应答既不是图片也不是微信的错误 JSON", "the answer is neither a picture nor an error of WeChat's")
        }
        Problem::TooLarge => ("应答超过 8 MiB，未再读取", "the answer is larger than 8 MiB and was not read on"),
        Problem::Redirect => (
            "服务器要求跳转，为避免泄露密钥不会跟随",
            "the server redirects, which is not followed so that no secret leaks",
        ),
    };
    Explanation {
        cause: Text::new(format!("{zh}（HTTP {status}）"), format!("{en} (HTTP {status})")),
        fix: Text::new(
            "检查 baseUrl 与途中的代理、网关；状态码 5xx 可稍后重试",
            "Check baseUrl and any proxy or gateway on the way; after a 5xx try again later",
        ),
    }
}

fn budget(budget: Budget, wait: Duration) -> Explanation {
    let wait = seconds(wait);
    match budget {
        Budget::ForcedRefresh => Explanation {
            cause: Text::new(
                format!("强制刷新至少间隔 30 秒，每天最多 10 次；{wait} 后才可再次刷新"),
                format!("forced refreshes are at least 30 s apart and at most 10 a day; the next one is due in {wait}"),
            ),
            fix: Text::new(
                "只在令牌泄露时强制刷新；令牌被其他接口拒绝时用 invalidateAccessToken",
                "Force a refresh only when a token leaked; for a token that another API refused use invalidateAccessToken",
            ),
        },
        Budget::PerMinute => Explanation {
            cause: Text::new(
                format!("本进程每分钟的 getUnlimitedQRCode 额度已用完，{wait} 后才轮到本次调用"),
                format!(
                    "this process has used its getUnlimitedQRCode calls of the minute; this call's turn comes in {wait}"
                ),
            ),
            fix: slow_down(),
        },
        Budget::FleetPerMinute => Explanation {
            cause: Text::new(
                format!("共用该 Redis 的所有进程已用完每分钟的 getUnlimitedQRCode 额度，{wait} 后才轮到本次调用"),
                format!(
                    "all processes that share this Redis have used their getUnlimitedQRCode calls of the minute; \
                     this call's turn comes in {wait}"
                ),
            ),
            fix: slow_down(),
        },
        Budget::MinuteFull => Explanation {
            cause: Text::new(
                format!("微信已答复每分钟额度用完（45009 或 45011），{wait} 后的下一分钟再试"),
                format!("WeChat answered that the minute is full (45009 or 45011); the next one begins in {wait}"),
            ),
            fix: Text::new(
                "若另有程序在用同一个 appid 生成小程序码，调小 ratePerMinute，或让各进程共用 redis",
                "If something else makes codes for this appid, lower ratePerMinute, or let all processes share a redis",
            ),
        },
    }
}

fn slow_down() -> Text {
    Text::new(
        "降低并发或调大 timeoutMs；小程序码永久有效，可保存后复用；额度由 ratePerMinute 设置",
        "Slow down or raise timeoutMs; codes never expire, so keep and reuse them; ratePerMinute sets the budget",
    )
}

fn store(reason: &str) -> Explanation {
    Explanation {
        cause: Text::new(format!("Redis 不可用（{reason}）"), format!("Redis cannot be used ({reason})")),
        fix: Text::new(
            "检查 redis 地址、密码与网络；classic 模式下没有 Redis 时不会自行换令牌，可改用 token: 'stable'",
            "Check Redis, its URL and password; in classic mode nothing is rotated without it: consider token: 'stable'",
        ),
    }
}

fn closed() -> Explanation {
    Explanation {
        cause: Text::new("WxaCode 已关闭", "this WxaCode was closed"),
        fix: Text::new("close() 之后请新建 WxaCode", "Make a new WxaCode after close()"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(errmsg: &str) -> Error {
        Error::Api {
            endpoint: Endpoint::GetUnlimitedQrCode,
            refusal: Refusal { errcode: 41030, errmsg: errmsg.into(), rid: Some("6-7-8".into()), hint: None },
        }
    }

    #[test]
    fn a_message_is_one_line_with_code_text_endpoint_rid_and_fix() {
        let message = refusal("invalid\npage").to_string();
        assert!(message.starts_with("getUnlimitedQRCode: 41030 invalid page (rid 6-7-8) - "), "{message}");
        assert!(message.contains("checkPath: false") && message.contains("去掉 page 开头的 /"), "{message}");
        assert!(!message.contains('\n'));
    }

    #[test]
    fn only_a_dead_token_is_worth_another_token() {
        assert_eq!(refusal("").refused_token(), None);
        let token = |endpoint| Error::Api {
            endpoint,
            refusal: Refusal { errcode: 40001, errmsg: String::new(), rid: None, hint: None },
        };
        assert_eq!(token(Endpoint::GetQrCode).refused_token(), Some(40001));
        assert_eq!(token(Endpoint::StableToken).refused_token(), None);
    }
}
