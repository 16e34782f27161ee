//! The proxy on the way: what its URL says, and which hosts it is for. Asked once for each host, for its requests and for
//! what errors say of them.

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::hosts::is_loopback;
use crate::error::explanation::Bilingual;
use crate::error::invalid::InvalidParam;

/// An HTTP proxy. Its URL may hold a password, so it is not printed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Proxy {
    url: Url,
    /// Of the environment: for `https:` only, and not for the hosts of `NO_PROXY`.
    environment: Option<String>,
}

impl Proxy {
    /// `http://[user:password@]host:port`, or `https:`.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidParam> {
        Self::read(text, "proxy").map(|url| Self { url, environment: None })
    }

    /// What `HTTPS_PROXY` and `NO_PROXY` say at this moment.
    pub(crate) fn of_environment() -> Result<Option<Self>, InvalidParam> {
        Self::of_variables(variable("HTTPS_PROXY"), variable("NO_PROXY"))
    }

    fn of_variables(https: Option<String>, no: Option<String>) -> Result<Option<Self>, InvalidParam> {
        let no = no.unwrap_or_default();
        let Some(https) = https.filter(|_| !entries(&no).any(|host| host == "*")) else { return Ok(None) };
        // As everywhere, a variable may leave the scheme out.
        let text = if https.contains("://") { https } else { format!("http://{https}") };
        Self::read(&text, "HTTPS_PROXY").map(|url| Some(Self { url, environment: Some(no) }))
    }

    fn read(text: &str, from: &'static str) -> Result<Url, InvalidParam> {
        let (scheme, rest) = text.split_once("://").unwrap_or_default();
        if !matches!(scheme, "http" | "https") {
            let scheme = match scheme {
                "socks" | "socks4" | "socks4a" | "socks5" | "socks5h" => "：不支持 SOCKS",
                _ => "",
            };
            let socks = if scheme.is_empty() { "" } else { ": SOCKS is not supported" };
            return Err(unusable(
                format!("{from} 不是 http:// 或 https:// 地址{scheme}"),
                format!("{from} is neither an http:// nor an https:// URL{socks}"),
            ));
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        // The URL standard takes a backslash for a slash, and `DOMAIN\user` for a host.
        let (login, host) = authority.rsplit_once('@').map_or(("", authority), |(login, host)| (login, host));
        if path.contains('@') || host.contains('\\') {
            return Err(unencoded(from));
        }
        let at = if host.len() < authority.len() { "@" } else { "" };
        let url = Url::parse(&format!("{scheme}://{}{at}{host}", login.replace('\\', "%5C")));
        // The HTTP client reads it once more, with another parser, and would go without a proxy if it could not.
        url.ok().filter(|url| intercepts(url, "", Url::parse("https://a.example/").ok().as_ref())).ok_or_else(|| {
            let (zh, en) = (format!("{from} 不是可用的代理地址"), format!("{from} is not a valid proxy URL"));
            if login.is_empty() { unusable(zh, en) } else { unencoded(from) }
        })
    }

    /// Whether requests to `url` go through it.
    pub(crate) fn serves(&self, url: &Url) -> bool {
        match &self.environment {
            None => true,
            Some(no) => url.scheme() == "https" && intercepts(&self.url, &exceptions(no, url), Some(url)),
        }
    }

    /// For the HTTP client: with the login.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Host and port, for messages.
    pub(crate) fn name(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        // Also the usual one: a port that was forgotten is seen there.
        self.url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Whether it runs on this machine.
    pub(crate) fn is_here(&self) -> bool {
        is_loopback(&self.url)
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxy({})", self.name())
    }
}

/// The rules are curl's, as the HTTP client knows them.
fn intercepts(proxy: &Url, no: &str, url: Option<&Url>) -> bool {
    let uri = url.and_then(|url| url.as_str().parse().ok());
    uri.is_some_and(|uri| Matcher::builder().all(proxy.as_str()).no(no).build().intercept(&uri).is_some())
}

/// The entries of a `NO_PROXY` that may be about `url`, as the HTTP client spells them. People also write `*.corp.example`
/// and `host:port`.
fn exceptions(no: &str, url: &Url) -> String {
    let port = url.port_or_known_default();
    let spelt = entries(no).filter_map(|entry| {
        let entry = entry.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(entry);
        let (host, at) = match entry.rsplit_once(':') {
            Some((host, at)) if !host.contains(':') || host.ends_with(']') => (host, at.parse().ok()),
            _ => (entry, port),
        };
        (at == port).then(|| host.trim_matches(['[', ']']))
    });
    spelt.collect::<Vec<_>>().join(",")
}

fn entries(no: &str) -> impl Iterator<Item = &str> {
    no.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty())
}

/// In either case, as is the custom; an empty one is none.
fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).or_else(|_| std::env::var(name.to_lowercase()));
    value.ok().filter(|value| !value.is_empty())
}

fn unencoded(from: &str) -> InvalidParam {
    InvalidParam::new(
        "proxy",
        None,
        Bilingual::new(
            format!("{from} 的用户名或密码里有未经百分号编码的字符"),
            format!("the user name or password in {from} contains a character that must be percent-encoded"),
        ),
        Bilingual::new(
            "用 encodeURIComponent 编码用户名和密码：@ 写成 %40，/ 写成 %2F，: 写成 %3A，# 写成 %23，? 写成 %3F，\\ 写成 %5C",
            "Encode user name and password with encodeURIComponent: @ is %40, / is %2F, : is %3A, # is %23, ? is %3F, \\ is %5C",
        ),
    )
}

fn unusable(zh: String, en: String) -> InvalidParam {
    let fix = Bilingual::new(
        "写成 http://主机:端口，需要认证时 http://用户:密码@主机:端口；或用 'env' 读取 HTTPS_PROXY",
        "Pass http://host:port, or http://user:password@host:port with a login; or 'env' to read HTTPS_PROXY",
    );
    InvalidParam::new("proxy", None, Bilingual::new(zh, en), fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    fn of(https: &str, no: &str) -> Option<Proxy> {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Proxy::of_variables(given(https), given(no)).unwrap()
    }

    #[test]
    fn a_login_with_unescaped_characters_is_read() {
        for (text, user, password, name) in [
            ("http://user:pa%3Ass@proxy.example:8080", "user", Some("pa%3Ass"), "proxy.example:8080"),
            (r"http://CORP\user:pw@proxy.example:8080", "CORP%5Cuser", Some("pw"), "proxy.example:8080"),
            (r"http://CORP\user:p\w@10.0.0.1", "CORP%5Cuser", Some("p%5Cw"), "10.0.0.1:80"),
            ("https://user@[::1]:3128/", "user", None, "[::1]:3128"),
            ("http://user:100%@proxy.example", "user", Some("100%"), "proxy.example:80"),
            ("http://a@b:p@ss@proxy.example:1", "a%40b", Some("p%40ss"), "proxy.example:1"),
        ] {
            let proxy = Proxy::parse(text).unwrap();
            assert_eq!((proxy.url.username(), proxy.url.password()), (user, password), "{text}");
            assert_eq!(proxy.name(), name);
        }
    }

    #[test]
    fn an_invalid_proxy_is_refused_without_its_password() {
        for (text, word) in [
            ("proxy.example:8080", "neither"),
            ("socks5://user:p4ssword@localhost", "SOCKS"),
            ("http://user:p4ssword@", "percent-encoded"),
            ("http://user:p4ss/word@proxy.example:8080", "%2F"),
            ("http://user:80/p4ssword@proxy.example:8080", "%2F"),
            ("http://user:p4ss#word@proxy.example:8080", "%23"),
            ("http://user:p4ssword@[", "percent-encoded"),
            (r"http://proxy.example\p4ssword", "%5C"),
            ("http://", "not a valid proxy URL"),
            (r"http:\\proxy.example", "neither"),
        ] {
            let invalid = format!("{:?}", Proxy::parse(text).unwrap_err());
            assert!(invalid.contains(word) && !invalid.contains("p4ss"), "{text}: {invalid}");
        }
        let named = format!("{:?}", Proxy::of_variables(Some("socks5://p4ss@a".into()), None).unwrap_err());
        assert!(named.contains("HTTPS_PROXY") && !named.contains("p4ss"), "{named}");
        let debug = format!("{:?}", Proxy::parse("http://user:p4ssword@a.example:1").unwrap());
        assert_eq!(debug, "Proxy(a.example:1)");
    }

    #[test]
    fn the_proxy_option_applies_to_every_host() {
        let proxy = Proxy::parse("http://proxy.example").unwrap();
        for host in ["https://api.weixin.qq.com", "http://127.0.0.1:1", "http://localhost"] {
            assert!(proxy.serves(&url(host)), "{host}");
        }
    }

    #[test]
    fn environment_proxies_apply_to_https_except_for_hosts_in_no_proxy() {
        for (no, host, serves) in [
            ("", "https://api.weixin.qq.com", true),
            ("", "http://api.weixin.qq.com", false),
            ("", "http://localhost:1", false),
            ("api.weixin.qq.com", "https://api.weixin.qq.com", false),
            ("weixin.qq.com", "https://api.weixin.qq.com", false),
            (".weixin.qq.com", "https://api.weixin.qq.com", false),
            ("*.weixin.qq.com", "https://api.weixin.qq.com", false),
            ("xin.qq.com", "https://api.weixin.qq.com", true),
            ("other.example, api.weixin.qq.com", "https://api.weixin.qq.com", false),
            ("other.example api.weixin.qq.com", "https://api.weixin.qq.com", false),
            ("api.weixin.qq.com:443", "https://api.weixin.qq.com", false),
            ("api.weixin.qq.com:8443", "https://api.weixin.qq.com", true),
            ("10.0.0.0/8", "https://10.2.3.4", false),
            ("10.0.0.0/8", "https://11.2.3.4", true),
            ("::1,[fd00::1]:443", "https://[fd00::1]", false),
            ("[fd00::1]:444", "https://[fd00::1]", true),
        ] {
            assert_eq!(of("proxy.example:8080", no).unwrap().serves(&url(host)), serves, "NO_PROXY={no} {host}");
        }
        assert!(of("proxy.example", "a,*").is_none() && of("", "").is_none());
        assert_eq!(of("proxy.example:8080", "").unwrap().name(), "proxy.example:8080");
    }

    #[test]
    fn a_variable_of_the_environment_is_read_unless_it_is_empty() {
        assert_eq!(variable("PATH"), std::env::var("PATH").ok());
        assert_eq!(variable("WXACODE_IS_NOT_SET"), None);
    }
}
