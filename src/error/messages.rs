//! Why a call failed and what to do, where it was not WeChat that said no: its errcodes have a catalogue.

mod certificates;
pub(super) mod platform;
pub(super) mod push;

use std::time::Duration;

use super::{BadResponse, Error, ExceededLimit, NetworkErrorKind, ProxyErrorKind, RedisErrorKind, TimeoutPhase};
use crate::error::explanation::{Bilingual, Explanation, Language};
use crate::wechat::answer::Unexpected;
use certificates::{certified, refused};

pub(super) fn seconds(time: Duration) -> String {
    match time.as_millis() {
        ms if ms < 1000 => format!("{ms} ms"),
        ms if ms < 10_000 => format!("{} s", ms as f64 / 1000.0),
        ms => format!("{} s", ms.div_ceil(1000)),
    }
}

pub(crate) fn timeout(waited_for: TimeoutPhase, limit: Duration, cause: Option<&Error>) -> Explanation {
    let limit = seconds(limit);
    let (zh, en) = match waited_for {
        TimeoutPhase::Token => ("正在等待 access_token", "the access token"),
        TimeoutPhase::Answer => ("正在等待微信响应", "WeChat's response"),
        TimeoutPhase::Provider => ("正在等待 token 函数", "the token function"),
        TimeoutPhase::Peer => {
            ("正在等待另一个进程向微信获取同一个码", "another process that fetches the same code from WeChat")
        }
    };
    let (last_zh, last_en) = match cause {
        Some(cause) => {
            let last = |language| cause.headline(language);
            (format!("；上一次失败：{}", last(Language::Zh)), format!("; the last failure: {}", last(Language::En)))
        }
        None => Default::default(),
    };
    let fix = match waited_for {
        TimeoutPhase::Provider => Bilingual::new(
            "检查 token 函数为什么没有返回；不要在其中调用同一个 WxaCode，那会等待自己",
            "Check why your token function does not return; do not call the same WxaCode in it, which would wait for itself",
        ),
        TimeoutPhase::Peer => Bilingual::new(
            "检查共用该 Redis 的其他进程到微信服务器的网络，或调大 timeoutMs",
            "Check the network between WeChat and the other processes that share this Redis, or raise timeoutMs",
        ),
        // More time would not help against a host that cannot be reached.
        TimeoutPhase::Token | TimeoutPhase::Answer if matches!(cause, Some(Error::Network { kind, .. }) if kind.is_before_the_request()) => {
            Bilingual::new(
                "检查到该主机的网络（DNS、防火墙、安全组、代理）",
                "Check the network to that host (DNS, firewall, security group, proxy)",
            )
        }
        TimeoutPhase::Token | TimeoutPhase::Answer => Bilingual::new(
            "检查到微信服务器的网络（DNS、防火墙、代理），或调大 timeoutMs",
            "Check the network to WeChat (DNS, firewall, proxy), or raise timeoutMs",
        ),
    };
    Explanation {
        cause: Bilingual::new(
            format!("{limit} 内未完成，{zh}{last_zh}"),
            format!("no result within {limit}, waiting for {en}{last_en}"),
        ),
        fix,
    }
}

/// `proxy` is the one that the request went through, if it went through one.
pub(crate) fn network(kind: NetworkErrorKind, host: &str, proxy: Option<&str>) -> Explanation {
    let (cause, fix) = match kind {
        NetworkErrorKind::Proxy(kind) => return of_proxy(kind, host, proxy.unwrap_or_default()),
        NetworkErrorKind::Dns => (unresolved(host), name_service("baseUrl")),
        NetworkErrorKind::Unreachable => (unreachable(host), way_to(proxy)),
        NetworkErrorKind::Certificate(certificate) => {
            (refused(host, certificate), certified(host, certificate, "baseUrl"))
        }
        NetworkErrorKind::Tls => (
            Bilingual::new(format!("与 {host} 的 TLS 握手失败"), format!("the TLS handshake with {host} failed")),
            Bilingual::new(
                "检查 baseUrl 的协议与端口（该端口是否支持 TLS），以及中间的代理",
                "Check the scheme and port of baseUrl (does that port support TLS?), and any proxy in between",
            ),
        ),
        NetworkErrorKind::ResponseTimeout => (
            Bilingual::new(format!("{host} 没有响应"), format!("{host} did not respond in time")),
            Bilingual::new(
                "稍后重试；持续出现时检查网络，或在 baseUrl 中加一个备用地址",
                "Try again later; if it persists, check the network, or add a second host to baseUrl",
            ),
        ),
        NetworkErrorKind::IdleConnection => (
            Bilingual::new(
                format!("到 {host} 的一个空闲连接没有响应，可能早已失效"),
                format!("a connection to {host} that had been idle did not respond and may have been dead"),
            ),
            Bilingual::new(
                "请求已在新连接上重发；经常出现时，检查中间的防火墙、NAT 或负载均衡是否丢弃空闲连接而不关闭",
                "The request was sent again on a new connection; if it occurs often, check whether a firewall, NAT or load \
                 balancer in between drops idle connections without closing them",
            ),
        ),
        NetworkErrorKind::ConnectionClosed => (
            Bilingual::new(
                format!("与 {host} 的连接在响应完成前断开"),
                format!("the connection to {host} closed before the response was complete"),
            ),
            Bilingual::new(
                "稍后重试；持续出现时检查中间的代理或负载均衡",
                "Try again later; if it persists, check the proxies and load balancers in between",
            ),
        ),
    };
    let Some(proxy) = proxy else { return Explanation { cause, fix } };
    let cause =
        Bilingual::new(format!("{}（经代理 {proxy}）", cause.zh), format!("{} (through the proxy {proxy})", cause.en));
    Explanation { cause, fix }
}

fn of_proxy(kind: ProxyErrorKind, host: &str, proxy: &str) -> Explanation {
    let (cause, fix) = match kind {
        ProxyErrorKind::Dns => (unresolved(proxy), name_service("proxy")),
        ProxyErrorKind::Unreachable => (
            unreachable(proxy),
            Bilingual::new(
                "检查 proxy 的主机和端口（使用 'env' 时为 HTTPS_PROXY），以及代理服务器是否在运行",
                "Check the host and port of proxy (of HTTPS_PROXY with 'env'), and whether the proxy is running",
            ),
        ),
        ProxyErrorKind::Certificate(certificate) => {
            (refused(proxy, certificate), certified(proxy, certificate, "proxy"))
        }
        ProxyErrorKind::Tls => (
            Bilingual::new(format!("与 {proxy} 的 TLS 握手失败"), format!("the TLS handshake with {proxy} failed")),
            Bilingual::new(
                "多数代理自身不用 TLS：把 proxy 的 https:// 改成 http:// 再试",
                "Most proxies do not use TLS themselves: try http:// instead of https:// in proxy",
            ),
        ),
        ProxyErrorKind::AuthRequired => (
            Bilingual::new(
                "代理要求认证，或用户名、密码不正确",
                "it requires a login, or rejects the user name and password in the URL",
            ),
            Bilingual::new(
                "写成 proxy: 'http://用户:密码@主机:端口'，特殊字符用百分号编码；只支持 Basic 认证，NTLM 代理需要本地转发程序（如 cntlm）",
                "Write proxy: 'http://user:password@host:port', with special characters percent-encoded; only Basic \
                 authentication is supported: for NTLM run a relay such as cntlm",
            ),
        ),
        ProxyErrorKind::ConnectRejected => (
            Bilingual::new(format!("代理没有打开到 {host} 的隧道"), format!("it did not open a tunnel to {host}")),
            Bilingual::new(
                format!("在代理上放行对 {host} 的 CONNECT；用 curl -v -x 代理地址 https://{host} 查看它的响应"),
                format!("Allow CONNECT to {host} in the proxy; curl -v -x <proxy> https://{host} shows its response"),
            ),
        ),
    };
    let cause =
        Bilingual::new(format!("代理 {proxy} 出错：{}", cause.zh), format!("the proxy {proxy} failed: {}", cause.en));
    Explanation { cause, fix }
}

fn unresolved(address: &str) -> Bilingual {
    let name = host_name(address);
    Bilingual::new(format!("无法解析域名 {name}"), format!("the name {name} could not be resolved"))
}

/// Without the port.
fn host_name(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(name, _)| name)
}

fn unreachable(name: &str) -> Bilingual {
    Bilingual::new(format!("无法连接 {name}"), format!("cannot connect to {name}"))
}

/// `param` is where the name stands.
fn name_service(param: &str) -> Bilingual {
    Bilingual::new(
        format!("检查 DNS 设置和 {param} 的拼写；容器内检查 /etc/resolv.conf"),
        format!("Check the DNS settings and the spelling of {param}; in a container, check /etc/resolv.conf"),
    )
}

fn way_to(proxy: Option<&str>) -> Bilingual {
    match proxy {
        Some(_) => Bilingual::new(
            "检查代理能否连到该主机，以及 baseUrl 的主机和端口",
            "Check whether the proxy can reach that host, and the host and port of baseUrl",
        ),
        None => Bilingual::new(
            "检查 baseUrl、防火墙、安全组和出口网络；需要代理时设置 proxy",
            "Check baseUrl, the firewall, the security group and the outgoing network; set proxy if you need one",
        ),
    }
}

pub(crate) fn response(status: u16, problem: BadResponse) -> Explanation {
    let (zh, en) = match problem {
        BadResponse::Body(Unexpected::Empty) if status == 412 => (
            "微信对没有 Content-Length 的请求返回空的 412：中间的代理改写了请求",
            "WeChat refuses a request without Content-Length with an empty 412: a proxy changed the request",
        ),
        BadResponse::Body(Unexpected::Empty) => ("响应为空", "the response is empty"),
        BadResponse::Body(Unexpected::CutOff) => {
            ("图片不完整，缺少结尾", "the picture is incomplete: its end is missing")
        }
        BadResponse::Body(Unexpected::Html) => {
            ("响应是网页，不是微信的响应", "the response is a web page and not from WeChat's API")
        }
        BadResponse::Body(Unexpected::Json) => (
            "响应的 JSON 里没有需要的字段，也没有 errcode",
            "the JSON response has neither the expected field nor an errcode",
        ),
        BadResponse::Body(Unexpected::Errcode) => {
            ("响应的 JSON 里的 errcode 不是数字", "the errcode in the JSON response is not a number")
        }
        BadResponse::Body(Unexpected::Other) => {
            ("响应既不是图片，也不是微信的错误 JSON", "the response is neither a picture nor a JSON error of WeChat")
        }
        BadResponse::TooLarge => {
            ("响应超过 8 MiB，未再读取", "the response is larger than 8 MiB and was not read to its end")
        }
        BadResponse::Redirect => (
            "服务器要求重定向；为避免泄露密钥，wxacode 不跟随",
            "the server redirects; wxacode does not follow, so that no secret leaks",
        ),
    };
    Explanation {
        cause: Bilingual::new(format!("{zh}（HTTP {status}）"), format!("{en} (HTTP {status})")),
        fix: Bilingual::new(
            "检查 baseUrl 与中间的代理、网关；状态码为 5xx 时稍后重试",
            "Check baseUrl and any proxy or gateway in between; after a 5xx, try again later",
        ),
    }
}

pub(crate) fn rate_limit(limit: ExceededLimit, wait: Duration) -> Explanation {
    let wait = seconds(wait);
    match limit {
        ExceededLimit::ForcedRefresh => Explanation {
            cause: Bilingual::new(
                format!("强制刷新至少间隔 30 秒，每天最多 10 次；{wait} 后才可再次刷新"),
                format!("forced refreshes must be 30 s apart, at most 10 a day; the next one is possible in {wait}"),
            ),
            fix: Bilingual::new(
                "只在 access_token 泄露时强制刷新；其他接口拒绝 access_token 时用 invalidateAccessToken",
                "Force a refresh only if the token leaked; if another API refused the token, use invalidateAccessToken",
            ),
        },
        ExceededLimit::Process => Explanation {
            cause: Bilingual::new(
                format!("本进程这一分钟的 getUnlimitedQRCode 次数已用完，{wait} 后才能发出本次请求"),
                format!(
                    "this process has used its getUnlimitedQRCode calls of this minute; this call can be sent in {wait}"
                ),
            ),
            fix: slow_down(),
        },
        ExceededLimit::Redis => Explanation {
            cause: Bilingual::new(
                format!("共用该 Redis 的所有进程已用完这一分钟的 getUnlimitedQRCode 次数，{wait} 后才能发出本次请求"),
                format!(
                    "the processes that share this Redis have used their getUnlimitedQRCode calls of this minute; \
                     this call can be sent in {wait}"
                ),
            ),
            fix: slow_down(),
        },
        ExceededLimit::WeChat => Explanation {
            cause: Bilingual::new(
                format!("微信返回了 45009 或 45011：这一分钟的次数已用完，下一分钟从 {wait} 后开始"),
                format!(
                    "WeChat returned 45009 or 45011: no more calls in this minute; the next minute begins in {wait}"
                ),
            ),
            fix: Bilingual::new(
                "如果还有其他程序在用同一个 appid 生成小程序码，调小 ratePerMinute，或让各进程共用 redis",
                "If another program creates codes with this appid, lower ratePerMinute, or let all processes share a redis",
            ),
        },
    }
}

fn slow_down() -> Bilingual {
    Bilingual::new(
        "降低并发，或调大 timeoutMs（上限由 ratePerMinute 设置）；小程序码永久有效，保存后可以复用",
        "Send fewer calls at once, or raise timeoutMs (ratePerMinute is the limit); codes never expire, so store and reuse them",
    )
}

/// What a user of Redis has to be allowed besides its keys.
pub(crate) const COMMANDS: &str =
    "+eval +time +get +set +incr +del +pexpire +pttl +hget +hmget +hgetall +hset +hsetnx +hincrby +hdel";

pub(crate) fn redis(reason: &str, kind: &RedisErrorKind) -> Explanation {
    let (cause, fix) = match kind {
        RedisErrorKind::Down => (
            Bilingual::new(format!("Redis 不可用（{reason}）"), format!("Redis is not available ({reason})")),
            Bilingual::new(
                "检查 redis 的地址、密码与网络；token: 'classic' 在 Redis 不可用时不会更换 access_token，可改用 token: 'stable'",
                "Check Redis, its URL and its password; without Redis, token: 'classic' does not replace the access token: consider token: 'stable'",
            ),
        ),
        RedisErrorKind::Denied { keys } => (
            Bilingual::new(
                format!("Redis 不允许该用户访问这些键或执行这些命令（{reason}）"),
                format!("Redis does not allow this user these keys or commands ({reason})"),
            ),
            Bilingual::new(
                format!("为该用户设置 ACL：~{keys} {COMMANDS}；非 0 号库再加 +select，经哨兵再加 +role"),
                format!(
                    "Set this ACL for the user: ~{keys} {COMMANDS}; add +select for a database other than 0, and +role \
                     for sentinels"
                ),
            ),
        ),
        RedisErrorKind::WrongType { keys } => (
            Bilingual::new(
                format!("{keys}:… 中有一个键的类型不对（{reason}）"),
                format!("a key that begins with {keys}: has a wrong type ({reason})"),
            ),
            Bilingual::new(
                "用 TYPE 找出该键并删除：:token、:fence、:minute 应为 hash，其余为 string；或换一个 redis.keyPrefix",
                "Find the key with TYPE and delete it (:token, :fence and :minute are hashes, the others strings), or choose \
                 another redis.keyPrefix",
            ),
        ),
        RedisErrorKind::Script => (
            Bilingual::new(
                format!("Redis 没有执行完该账号的脚本（{reason}）"),
                format!("Redis did not complete a script for this account ({reason})"),
            ),
            Bilingual::new(
                "确认该 Redis 允许 EVAL（有的代理不允许），并删除该账号在 redis.keyPrefix 下的键",
                "Make sure that this Redis allows EVAL (some proxies do not), and delete the account's keys under redis.keyPrefix",
            ),
        ),
    };
    Explanation { cause, fix }
}

pub(crate) fn closed(class: &str) -> Explanation {
    Explanation {
        cause: Bilingual::new(format!("{class} 已关闭"), format!("this {class} is closed")),
        fix: Bilingual::new(format!("close() 之后新建一个 {class}"), format!("Create a new {class} after close()")),
    }
}

pub(crate) fn cut_off() -> Explanation {
    Explanation {
        cause: Bilingual::new(
            "close() 等到了 timeoutMs，这次调用仍未结束，已被取消；微信可能已经处理了该请求",
            "close() has waited timeoutMs for this call, which had not ended, and has cancelled it; WeChat may have handled the request",
        ),
        fix: Bilingual::new(
            "进程重启后再次调用；要等得更久，调大 close() 的 timeoutMs",
            "Make the call again after the restart; to wait longer, raise the timeoutMs of close()",
        ),
    }
}

/// Of an errcode that the catalogue does not have. Only a message has it.
pub(super) fn unlisted(errcode: i64, rid: Option<&str>) -> Explanation {
    let fix = match rid {
        Some(rid) => Bilingual::new(
            format!("查微信的全局返回码表，或调用 getRid('{rid}')"),
            format!("See WeChat's table of errcodes, or call getRid('{rid}')"),
        ),
        None => Bilingual::new("查微信的全局返回码表", "See WeChat's table of errcodes"),
    };
    Explanation {
        cause: Bilingual::new(
            format!("wxacode 的错误码表中没有该接口的 {errcode}"),
            format!("wxacode's catalogue has no {errcode} for this endpoint"),
        ),
        fix,
    }
}

pub(super) fn cancelled() -> Bilingual {
    Bilingual::new("调用已被中止", "the call was aborted")
}

pub(super) fn provider() -> Bilingual {
    Bilingual::new("token 函数抛出了错误", "the token function threw")
}

#[cfg(test)]
mod tests;
