//! The base URLs in order of preference. A host that could not be reached is ejected for a while (outlier ejection).

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use url::Url;

use super::dns::is_localhost;
use super::proxy::Proxy;
use crate::clock;
use crate::wechat::endpoint::Endpoint;

/// How long a host that could not be reached is ejected. Then one call tries it again.
const EJECTION_TIME: Duration = Duration::from_secs(30);

/// The share of a request on a connection that was idle: 15 % of its time, so that of the default 10 s half of 3 s is left for a
/// new connection. Who gives a call more time is in no hurry to send a request twice.
const IDLE_SHARE: f64 = 0.15;
/// The least share. WeChat often takes half a second: after less than this, a second request would often be one too many.
const MIN_IDLE_SHARE: Duration = Duration::from_millis(1500);
/// The same of a request with little time, which needs the other half for a new connection.
const MIN_HALF: Duration = Duration::from_secs(1);
/// How many requests of a slow host are sent twice although the first was answered. Each answer brings back a tenth.
const MAX_NEEDLESS: u32 = 20;
const TENTHS: u32 = 10;

/// The hosts of a client, at least one.
pub(crate) struct HostList {
    hosts: Vec<Host>,
    start: Instant,
}

/// One base URL.
pub(crate) struct Host {
    base: Url,
    /// Host and port, for messages.
    pub(crate) name: String,
    /// Host and port of the proxy that its requests go through, for messages.
    pub(crate) proxy: Option<String>,
    /// Milliseconds since the start; 0 for a healthy host.
    ejected_until: AtomicU64,
    /// How many requests may yet be sent twice needlessly, in tenths.
    needless: AtomicU32,
    /// The URL of the last QR code: most of their requests differ in their bodies only.
    last_target: Mutex<Option<Target>>,
}

/// What the URL of a request is made of, and the URL.
struct Target {
    endpoint: Endpoint,
    query: Vec<(String, String)>,
    url: Url,
}

impl Target {
    fn is_of(&self, endpoint: &Endpoint, query: &[(&str, &str)]) -> bool {
        let pairs = self.query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        self.endpoint == *endpoint && pairs.eq(query.iter().copied())
    }
}

impl HostList {
    /// `bases` in order of preference. `proxy` counts for those that it serves.
    pub(crate) fn new(bases: Vec<Url>, proxy: Option<&Proxy>) -> Self {
        let host = |base: Url| {
            let proxy = proxy.filter(|proxy| proxy.serves(&base)).map(Proxy::name);
            let needless = AtomicU32::new(MAX_NEEDLESS * TENTHS);
            let (ejected_until, last_target) = (AtomicU64::new(0), Mutex::new(None));
            Host { name: name(&base), proxy, base, ejected_until, needless, last_target }
        };
        Self { hosts: bases.into_iter().map(host).collect(), start: clock::monotonic() }
    }

    /// All hosts, ejected ones last, each group in order of preference.
    pub(crate) fn by_preference(&self) -> Vec<&Host> {
        let now = self.now();
        let (mut usable, ejected): (Vec<_>, Vec<_>) = self.hosts.iter().partition(|host| host.try_use(now));
        usable.extend(ejected);
        usable
    }

    fn now(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }
}

/// Host and, where it is not the usual one, port.
pub(crate) fn name(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether the host of a URL is WeChat's own.
pub(crate) fn is_wechats(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    host == "weixin.qq.com" || host.ends_with(".weixin.qq.com")
}

/// Whether the host of a URL is this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => is_localhost(name),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

impl Host {
    /// Host and port, the usual one too: what an error says could not be reached.
    pub(crate) fn address(&self) -> String {
        let (host, port) = self.host_and_port();
        format!("{host}:{port}")
    }

    /// The same in two.
    pub(crate) fn host_and_port(&self) -> (&str, u16) {
        (self.base.host_str().unwrap_or_default(), self.base.port_or_known_default().unwrap_or_default())
    }

    /// Whether it is WeChat's own.
    pub(crate) fn is_wechats(&self) -> bool {
        is_wechats(&self.base)
    }

    /// Whether it is reached by https.
    pub(crate) fn is_tls(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// The name that a connection resolves: that of the proxy, if there is one.
    pub(crate) fn connected_to(&self) -> &str {
        let proxy = self.proxy.as_deref().and_then(|proxy| proxy.rsplit_once(':'));
        proxy.map_or(self.base.host_str().unwrap_or_default(), |(name, _)| name)
    }

    /// Where a request goes, with `query` encoded.
    pub(crate) fn url(&self, endpoint: &Endpoint, query: &[(&str, &str)]) -> Url {
        if !endpoint.returns_qr_code() {
            // Their queries have secrets, and may be anything.
            return self.encode(endpoint, query);
        }
        let mut last = self.last_target.lock();
        if let Some(target) = last.as_ref().filter(|target| target.is_of(endpoint, query)) {
            return target.url.clone();
        }
        let url = self.encode(endpoint, query);
        let query = query.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        *last = Some(Target { endpoint: endpoint.clone(), query, url: url.clone() });
        url
    }

    fn encode(&self, endpoint: &Endpoint, query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        url.set_path(&self.path(endpoint));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// The path of a request, with that of the base URL.
    pub(crate) fn path(&self, endpoint: &Endpoint) -> String {
        format!("{}{}", self.base.path().trim_end_matches('/'), endpoint.path())
    }

    /// The host has responded.
    pub(crate) fn mark_healthy(&self) {
        if self.ejected_until.load(Ordering::Relaxed) != 0 {
            self.ejected_until.store(0, Ordering::Relaxed);
        }
        if self.needless.load(Ordering::Relaxed) < MAX_NEEDLESS * TENTHS {
            self.needless.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The host could not be reached: the others come first for 30 seconds.
    pub(crate) fn eject(&self, hosts: &HostList) {
        self.ejected_until.store(hosts.now() + EJECTION_TIME.as_millis() as u64, Ordering::Relaxed);
    }

    /// How long a request waits for an answer on a connection that was idle, of `limit` in all; `None` for the whole. A host
    /// that is slow again and again is given more: not every request is sent twice.
    pub(crate) fn idle_share(&self, limit: Duration) -> Option<Duration> {
        let is_slow = self.needless.load(Ordering::Relaxed) < TENTHS;
        let half = limit / 2;
        let share = if is_slow { half } else { limit.mul_f64(IDLE_SHARE).max(MIN_IDLE_SHARE).min(half) };
        Some(share).filter(|share| *share >= MIN_HALF)
    }

    /// A request was sent twice, and the first was answered.
    pub(crate) fn record_needless(&self) {
        let _ = self.needless.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(TENTHS));
    }

    /// Whether the host is healthy, or this call may try it. After `EJECTION_TIME` one call claims the right to try it; the
    /// others skip it until it responds.
    fn try_use(&self, now: u64) -> bool {
        let until = self.ejected_until.load(Ordering::Relaxed);
        let next = now + EJECTION_TIME.as_millis() as u64;
        until == 0
            || (until <= now
                && self.ejected_until.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    fn hosts() -> HostList {
        HostList::new(vec!["https://a.example".parse().unwrap(), "https://b.example:8443/wx/".parse().unwrap()], None)
    }

    fn names(hosts: &HostList) -> Vec<&str> {
        hosts.by_preference().iter().map(|host| host.name.as_str()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn an_unreachable_host_comes_last_for_a_while_and_then_one_call_tries_it() {
        let hosts = hosts();
        let preferred = ["a.example", "b.example:8443"];
        let other = ["b.example:8443", "a.example"];
        assert_eq!(names(&hosts), preferred);
        hosts.hosts[0].eject(&hosts);
        advance(Duration::from_millis(29_999)).await;
        assert_eq!(names(&hosts), other);
        advance(Duration::from_millis(1)).await;
        assert_eq!(names(&hosts), preferred);
        assert_eq!(names(&hosts), other, "only one call pays for trying");
        hosts.hosts[0].mark_healthy();
        assert_eq!(names(&hosts), preferred);
    }

    #[test]
    fn an_idle_connection_has_a_share_that_is_longer_at_a_slow_host() {
        let hosts = hosts();
        let [host, other] = [0, 1].map(|n| &hosts.hosts[n]);
        let share = |host: &Host, ms| host.idle_share(Duration::from_millis(ms)).map(|share| share.as_millis());
        let shares = |host| [share(host, 50_000), share(host, 10_000), share(host, 4000), share(host, 2000)];
        let usual = [Some(7500), Some(1500), Some(1500), Some(1000)];
        assert_eq!(share(host, 1999), None);
        host.mark_healthy();
        for _ in 0..MAX_NEEDLESS {
            assert_eq!(shares(host), usual);
            host.record_needless();
        }
        for _ in 0..TENTHS {
            assert_eq!((shares(host), shares(other)), ([25_000, 5000, 2000, 1000].map(Some), usual));
            host.record_needless();
            host.mark_healthy();
        }
        assert_eq!(shares(host), usual);
        host.record_needless();
        assert_eq!(share(host, 10_000), Some(5000));
    }

    #[test]
    fn a_base_keeps_its_path_and_a_query_is_encoded() {
        let hosts = hosts();
        let url = hosts.hosts[1].url(&Endpoint::GetQrCode, &[("access_token", "a+b&c")]);
        assert_eq!(url.as_str(), "https://b.example:8443/wx/wxa/getwxacode?access_token=a%2Bb%26c");
        assert_eq!(hosts.hosts[0].url(&Endpoint::StableToken, &[]).as_str(), "https://a.example/cgi-bin/stable_token");
        assert_eq!(hosts.hosts[1].path(&Endpoint::GetQrCode), "/wx/wxa/getwxacode");
    }

    #[test]
    fn a_url_is_that_of_its_own_endpoint_and_query_whatever_was_requested_before() {
        let hosts = hosts();
        let host = &hosts.hosts[0];
        let requests: [(Endpoint, &[(&str, &str)]); 6] = [
            (Endpoint::GetQrCode, &[("access_token", "a")]),
            (Endpoint::GetQrCode, &[("access_token", "b")]),
            (Endpoint::GetQrCode, &[("access_token", "b"), ("lang", "c")]),
            (Endpoint::GetQrCode, &[("from_appid", "b")]),
            (Endpoint::CreateQrCode, &[("from_appid", "b")]),
            (Endpoint::StableToken, &[]),
        ];
        for (endpoint, query) in requests.iter().chain(requests.iter().rev()) {
            for _ in 0..2 {
                assert_eq!(host.url(endpoint, query), host.encode(endpoint, query));
            }
        }
        host.url(&Endpoint::StableToken, &[("secret", "c4nary")]);
        let kept = host.last_target.lock();
        assert!(kept.as_ref().is_some_and(|target| target.endpoint == Endpoint::GetQrCode), "a query may have secrets");
    }

    #[test]
    fn the_port_of_a_host_is_known_if_it_is_the_usual_one_too() {
        let hosts = hosts();
        let [a, b] = [0, 1].map(|n| hosts.hosts[n].host_and_port());
        assert_eq!([a, b], [("a.example", 443), ("b.example", 8443)]);
    }

    #[test]
    fn the_host_of_a_connection_is_the_proxy_where_there_is_one() {
        let connected_to = |proxy| {
            let hosts = HostList::new(vec!["https://a.example:8443".parse().unwrap()], proxy);
            hosts.hosts[0].connected_to().to_owned()
        };
        assert_eq!(connected_to(None), "a.example");
        assert_eq!(connected_to(Some(&Proxy::parse("http://proxy.example").unwrap())), "proxy.example");
    }

    #[test]
    fn this_machine_is_localhost_or_a_loopback_address() {
        let here = |host: &str| is_loopback(&format!("http://{host}").parse().unwrap());
        assert!(["localhost:1", "app.localhost", "127.0.0.9", "[::1]"].into_iter().all(here));
        assert!(!["localhost.example", "not-localhost", "10.0.0.1", "[::2]"].into_iter().any(here));
        assert!(!is_loopback(&"data:localhost".parse().unwrap()));
    }
}
