use std::collections::HashSet;

use super::*;
use crate::error::{CertificateErrorKind, PushError, PushPart, PushQueryProblem, PushXmlProblem};

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
        NetworkErrorKind::IdleConnection,
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
    let limits = [ExceededLimit::ForcedRefresh, ExceededLimit::Process, ExceededLimit::Redis, ExceededLimit::WeChat];
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
    check(faults.iter().map(|fault| redis("REASON", fault)).chain(["WxaCode", "WxaPlatform"].map(closed)));
    assert!(redis("NOPERM", &faults[1]).fix.en.contains(&format!("~shop:* {COMMANDS}")));
    assert!(redis("WRONGTYPE", &faults[2]).cause.en.contains("shop:*"));
}

#[test]
fn every_refusal_of_a_push_has_a_cause_of_its_own_that_names_what_to_check() {
    let query = |problem| PushError::Query { name: "nonce", problem };
    let queries = [
        PushQueryProblem::Missing,
        PushQueryProblem::Repeated,
        PushQueryProblem::Malformed,
        PushQueryProblem::NotEncrypted,
    ];
    let problems = [
        PushXmlProblem::Encoding,
        PushXmlProblem::Doctype,
        PushXmlProblem::Entity,
        PushXmlProblem::Depth,
        PushXmlProblem::Syntax,
        PushXmlProblem::Element("Encrypt"),
    ];
    let xml = [PushPart::Envelope, PushPart::Message]
        .into_iter()
        .flat_map(|part| problems.map(|problem| PushError::Xml { part, problem }));
    let signatures = [true, false].map(|is_addressed_elsewhere| PushError::Signature { is_addressed_elsewhere });
    let others = [PushError::Size, PushError::Decrypt, PushError::Appid];
    let all: Vec<_> = queries.map(query).into_iter().chain(xml).chain(signatures).chain(others).collect();
    let mut fixes = HashSet::new();
    for error in &all {
        let Explanation { cause, fix } = push::push(error);
        for Bilingual { zh, en } in [&cause, &fix] {
            let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
            assert!(zh.contains(is_chinese) && en.len() > 10, "{zh} {en}");
        }
        fixes.insert(fix.en);
    }
    let causes: HashSet<_> = all.iter().map(|error| push::push(error).cause.en).collect();
    assert_eq!((causes.len(), fixes.len()), (all.len(), 8));
    let says = |error: PushError, text: &str| {
        let Explanation { cause, fix } = push::push(&error);
        assert!([cause.en, fix.en].iter().any(|en| en.contains(text)), "{error:?}: {text}");
    };
    says(query(PushQueryProblem::Missing), "nonce");
    says(PushError::Xml { part: PushPart::Envelope, problem: PushXmlProblem::Element("Encrypt") }, "<Encrypt>");
    says(PushError::Signature { is_addressed_elsewhere: false }, "pushToken");
    says(PushError::Signature { is_addressed_elsewhere: false }, "reverse proxy");
    says(PushError::Signature { is_addressed_elsewhere: true }, "another platform");
    says(PushError::Decrypt, "encodingAESKey");
    says(PushError::Appid, "component_appid");
}
