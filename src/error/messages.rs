//! Why a call failed and what to do, where it was not WeChat that said no: its errcodes have a catalogue.

use std::time::Duration;

use super::{
    BadResponse, CertificateErrorKind, Error, ExceededLimit, NetworkErrorKind, ProxyErrorKind, RedisErrorKind,
    TimeoutPhase,
};
use crate::error::explanation::{Bilingual, Explanation, Language};
use crate::wechat::answer::Unexpected;

fn seconds(time: Duration) -> String {
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

fn refused(host: &str, kind: CertificateErrorKind) -> Bilingual {
    let (zh, en) = match kind {
        CertificateErrorKind::UnknownIssuer => {
            ("由不受信任的机构签发", "is issued by an authority that is not trusted")
        }
        CertificateErrorKind::SelfSigned => ("是不受信任的自签名证书", "is self-signed and not trusted"),
        CertificateErrorKind::Expired => ("已过期", "has expired"),
        CertificateErrorKind::NotValidYet => ("尚未生效", "is not valid yet"),
        CertificateErrorKind::HostnameMismatch => ("属于其他主机名", "is for another host name"),
        CertificateErrorKind::MissingSan => {
            ("的 subjectAltName 中没有主机名", "has no host name in its subjectAltName")
        }
        CertificateErrorKind::CaUsedAsEndEntity => {
            ("是 CA 证书，不是服务器证书", "is a CA certificate and not a server certificate")
        }
        CertificateErrorKind::Other => ("不可用", "cannot be used"),
    };
    Bilingual::new(format!("{host} 的证书{zh}"), format!("the certificate of {host} {en}"))
}

/// `param` is where the host's name stands.
fn certified(address: &str, kind: CertificateErrorKind, param: &str) -> Bilingual {
    let host = host_name(address);
    match kind {
        CertificateErrorKind::UnknownIssuer => Bilingual::new(
            "经过会解密流量的企业代理或使用私有 CA 时，用 ca 或 NODE_EXTRA_CA_CERTS 加入其根证书；否则可能有人冒充该主机",
            "Behind a company proxy that decrypts traffic, or with a private CA, add its root certificate with ca or \
             NODE_EXTRA_CA_CERTS; otherwise another server may be impersonating that host",
        ),
        CertificateErrorKind::SelfSigned => Bilingual::new(
            "若该证书是你自己的，把这张证书的 PEM 作为 ca 传入，或写进 NODE_EXTRA_CA_CERTS 所指的文件；否则可能有人冒充该主机",
            "If the certificate is yours, pass it in PEM format as ca, or add it to the file that NODE_EXTRA_CA_CERTS names; \
             otherwise another server may be impersonating that host",
        ),
        CertificateErrorKind::Expired => Bilingual::new(
            "在该主机上换新证书；本机时间不对时校正系统时间",
            "Renew the certificate on that host; if the clock of this machine is wrong, set it",
        ),
        CertificateErrorKind::NotValidYet => Bilingual::new(
            "校正本机的系统时间；时间正确时检查证书的生效日期",
            "Set the clock of this machine; if the clock is right, check the start date of the certificate",
        ),
        CertificateErrorKind::HostnameMismatch => Bilingual::new(
            format!("{param} 写证书里有的主机名，或为 {host} 重新签发证书；证书来自中间的设备时，检查 DNS 与代理"),
            format!(
                "In {param} use a host name that the certificate has, or issue a certificate for {host}; \
                 if the certificate comes from a device in between, check DNS and proxies"
            ),
        ),
        CertificateErrorKind::MissingSan => Bilingual::new(
            "重新生成证书并写明主机名，例如 openssl req -x509 加上 -addext subjectAltName=DNS:主机名（IP 地址写 IP:地址）；只有 CN 不够",
            "Generate the certificate again with its host name: openssl req -x509 with -addext subjectAltName=DNS:<host> \
             (or IP:<address>); a CN alone is not enough",
        ),
        CertificateErrorKind::CaUsedAsEndEntity => Bilingual::new(
            "为该主机签发服务器证书（basicConstraints 为 CA:FALSE）；若这张证书是你自己的，也可把它的 PEM 作为 ca 传入",
            "Issue a server certificate for that host (basicConstraints CA:FALSE); if this one is yours, you can also \
             pass it in PEM format as ca",
        ),
        CertificateErrorKind::Other => Bilingual::new(
            "为该主机重新签发服务器证书（X.509 v3，SHA-256）",
            "Issue a new server certificate for that host (X.509 v3, SHA-256)",
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

pub(crate) fn closed() -> Explanation {
    Explanation {
        cause: Bilingual::new("WxaCode 已关闭", "this WxaCode is closed"),
        fix: Bilingual::new("close() 之后新建一个 WxaCode", "Create a new WxaCode after close()"),
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
mod tests {
    use std::collections::HashSet;

    use super::*;

    const FLAWS: [CertificateErrorKind; 8] = [
        CertificateErrorKind::UnknownIssuer,
        CertificateErrorKind::SelfSigned,
        CertificateErrorKind::Expired,
        CertificateErrorKind::NotValidYet,
        CertificateErrorKind::HostnameMismatch,
        CertificateErrorKind::MissingSan,
        CertificateErrorKind::CaUsedAsEndEntity,
        CertificateErrorKind::Other,
    ];

    /// Each cause is another one, and all texts are there in their language.
    fn check(explanations: impl IntoIterator<Item = Explanation>) {
        let mut causes = HashSet::new();
        for Explanation { cause, fix } in explanations {
            for Bilingual { zh, en } in [&cause, &fix] {
                let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
                assert!(zh.contains(is_chinese), "{zh}");
                assert!(en.len() > 10 && !en.contains(is_chinese), "{en}");
            }
            assert!(causes.insert(cause.en.clone()), "{}", cause.en);
        }
    }

    #[test]
    fn a_time_is_shown_in_the_unit_of_its_size() {
        let shown = [0, 999, 1000, 1500, 9999, 10_000, 10_001, 60_000].map(|ms| seconds(Duration::from_millis(ms)));
        assert_eq!(shown, ["0 ms", "999 ms", "1 s", "1.5 s", "9.999 s", "10 s", "11 s", "60 s"]);
    }

    #[test]
    fn every_failure_of_the_network_has_a_cause_of_its_own_with_the_name_of_what_failed() {
        let of_hosts = [
            NetworkErrorKind::Dns,
            NetworkErrorKind::Unreachable,
            NetworkErrorKind::Tls,
            NetworkErrorKind::ResponseTimeout,
            NetworkErrorKind::ConnectionClosed,
        ];
        let of_proxies = [
            ProxyErrorKind::Dns,
            ProxyErrorKind::Unreachable,
            ProxyErrorKind::Tls,
            ProxyErrorKind::AuthRequired,
            ProxyErrorKind::ConnectRejected,
        ];
        let of_hosts = of_hosts.into_iter().chain(FLAWS.map(NetworkErrorKind::Certificate));
        let of_proxies = of_proxies.into_iter().chain(FLAWS.map(ProxyErrorKind::Certificate));
        let explain = |kind, proxy| {
            let explanation = network(kind, "host.example", proxy);
            for text in [&explanation.cause.en, &explanation.cause.zh] {
                assert!(text.contains(proxy.unwrap_or("host.example")), "{text}");
            }
            explanation
        };
        let proxied = of_proxies.map(|kind| explain(NetworkErrorKind::Proxy(kind), Some("proxy.example:1")));
        let behind = of_hosts.clone().map(|kind| explain(kind, Some("proxy.example:1")));
        check(of_hosts.map(|kind| explain(kind, None)).chain(behind).chain(proxied));
    }

    #[test]
    fn the_fix_of_an_unreachable_host_depends_on_whether_a_proxy_is_on_the_way() {
        let fix = |proxy| network(NetworkErrorKind::Unreachable, "host.example", proxy).fix;
        assert_ne!(fix(None), fix(Some("proxy.example:1")));
    }

    #[test]
    fn every_response_without_a_result_has_a_cause_of_its_own_with_its_status() {
        let body = BadResponse::Body;
        let problems = [
            (412, body(Unexpected::Empty)),
            (502, body(Unexpected::Empty)),
            (412, body(Unexpected::Html)),
            (200, body(Unexpected::CutOff)),
            (200, body(Unexpected::Json)),
            (200, body(Unexpected::Errcode)),
            (200, body(Unexpected::Other)),
            (200, BadResponse::TooLarge),
            (302, BadResponse::Redirect),
        ];
        check(problems.map(|(status, problem)| {
            let explanation = response(status, problem);
            assert!(explanation.cause.en.ends_with(&format!("(HTTP {status})")), "{explanation:?}");
            explanation
        }));
        let names_length = |status| response(status, body(Unexpected::Empty)).cause.en.contains("Content-Length");
        assert!(names_length(412) && !names_length(502));
    }

    #[test]
    fn every_time_out_says_what_was_waited_for_and_what_failed_before() {
        let phases = [TimeoutPhase::Token, TimeoutPhase::Answer, TimeoutPhase::Provider, TimeoutPhase::Peer];
        let limit = Duration::from_millis(1500);
        check(phases.map(|phase| timeout(phase, limit, None)));
        let cause = Error::Redis { reason: "OOM".into(), kind: RedisErrorKind::Down };
        let explained = timeout(TimeoutPhase::Token, limit, Some(&cause)).cause.en;
        assert!(explained.contains("1.5 s") && explained.contains("OOM"), "{explained}");
    }

    #[test]
    fn every_limit_says_when_it_is_worth_trying_again() {
        let limits =
            [ExceededLimit::ForcedRefresh, ExceededLimit::Process, ExceededLimit::Redis, ExceededLimit::WeChat];
        check(limits.map(|limit| {
            let explanation = rate_limit(limit, Duration::from_millis(4321));
            assert!(explanation.cause.en.contains("4.321 s"), "{explanation:?}");
            explanation
        }));
    }

    #[test]
    fn every_failure_of_redis_has_a_cause_of_its_own() {
        let keys = || "shop:*".to_owned();
        let faults = [
            RedisErrorKind::Down,
            RedisErrorKind::Denied { keys: keys() },
            RedisErrorKind::WrongType { keys: keys() },
            RedisErrorKind::Script,
        ];
        check(faults.iter().map(|fault| redis("REASON", fault)).chain([closed()]));
        assert!(redis("NOPERM", &faults[1]).fix.en.contains(&format!("~shop:* {COMMANDS}")));
        assert!(redis("WRONGTYPE", &faults[2]).cause.en.contains("shop:*"));
    }
}
