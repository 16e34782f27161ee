//! Why a call failed and what to do, where it was not WeChat that said no: its errcodes have a catalogue.

use std::time::Duration;

use super::{Budget, Error, Problem, Trouble, WaitedFor};
use crate::wechat::answer::Unexpected;
use crate::wechat::explanation::{Explanation, Text};

fn seconds(time: Duration) -> String {
    match time.as_millis() {
        ms if ms < 1000 => format!("{ms} ms"),
        ms if ms < 10_000 => format!("{} s", ms as f64 / 1000.0),
        ms => format!("{} s", ms.div_ceil(1000)),
    }
}

pub fn timeout(waited_for: WaitedFor, limit: Duration, cause: Option<&Error>) -> Explanation {
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

pub fn network(trouble: Trouble, host: &str, proxy: Option<&str>) -> Explanation {
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

pub fn answer(status: u16, problem: Problem) -> Explanation {
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
        Problem::Body(Unexpected::Errcode) => {
            ("应答的 JSON 里有 errcode，但不是数字，也不是 0", "the JSON has an errcode that is neither a number nor 0")
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

pub fn budget(budget: Budget, wait: Duration) -> Explanation {
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

pub fn store(reason: &str) -> Explanation {
    Explanation {
        cause: Text::new(format!("Redis 不可用（{reason}）"), format!("Redis cannot be used ({reason})")),
        fix: Text::new(
            "检查 redis 地址、密码与网络；classic 模式下没有 Redis 时不会自行换令牌，可改用 token: 'stable'",
            "Check Redis, its URL and password; in classic mode nothing is rotated without it: consider token: 'stable'",
        ),
    }
}

pub fn closed() -> Explanation {
    Explanation {
        cause: Text::new("WxaCode 已关闭", "this WxaCode was closed"),
        fix: Text::new("close() 之后请新建 WxaCode", "Make a new WxaCode after close()"),
    }
}
