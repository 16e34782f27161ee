use super::*;
use crate::error::explanation::Bilingual;
use crate::error::explanation::Language;
use crate::wechat::answer::Unexpected;

const SECOND: Duration = Duration::from_secs(1);

fn refusal(errmsg: &str) -> Error {
    Error::Api {
        endpoint: Endpoint::GetUnlimitedQrCode,
        refusal: Refusal { errcode: 41030, errmsg: errmsg.into(), rid: Some("6-7-8".into()), hint: None },
        subject: None,
    }
}

#[test]
fn a_message_is_one_line_with_code_text_endpoint_rid_and_fix() {
    let message = refusal("invalid\npage").to_string();
    assert!(message.starts_with("getUnlimitedQRCode: 41030 invalid page (rid 6-7-8) - "), "{message}");
    assert!(message.contains("and develop. |") && message.ends_with("时传 checkPath: false。"), "{message}");
    assert!(!message.contains('\n'));
}

#[test]
fn a_message_in_one_language_has_the_whole_fix_and_nothing_of_the_other_language() {
    let zh = refusal("invalid page").message(Language::Zh);
    assert!(zh.starts_with("getUnlimitedQRCode: 41030 invalid page (rid 6-7-8) - page 不在"), "{zh}");
    assert!(zh.contains("checkPath: false") && !zh.contains("released"), "{zh}");
    let en = refusal("invalid page").message(Language::En);
    assert!(en.starts_with("getUnlimitedQRCode: 41030 invalid page (rid 6-7-8) - page is not"), "{en}");
    assert!(en.contains("checkPath: false") && en.is_ascii(), "{en}");
}

#[test]
fn a_timeout_tells_the_last_failure_in_the_language_of_the_message() {
    let limit =
        Error::RateLimit { endpoint: Endpoint::GetUnlimitedQrCode, limit: ExceededLimit::Process, wait: SECOND };
    let timeout = Error::Timeout {
        endpoint: Some(Endpoint::GetUnlimitedQrCode),
        waited_for: TimeoutPhase::Token,
        limit: SECOND,
        cause: Some(Box::new(limit)),
    };
    let (zh, en) = (timeout.message(Language::Zh), timeout.message(Language::En));
    assert!(zh.contains("上一次失败：getUnlimitedQRCode: 本进程") && !zh.contains("process"), "{zh}");
    assert!(en.contains("getUnlimitedQRCode: this process") && en.is_ascii(), "{en}");
}

#[test]
fn the_response_stands_at_the_end_of_a_message() {
    let error = Error::Response {
        endpoint: Endpoint::GetQrCode,
        status: 502,
        problem: BadResponse::Body(Unexpected::Html),
        excerpt: "<html>".into(),
    };
    assert!(error.message(Language::Zh).ends_with("。响应：<html>"), "{error}");
    assert!(error.message(Language::En).ends_with(". Response: <html>"), "{error}");
    assert!(error.to_string().ends_with("。 | response: <html>"), "{error}");
}

#[test]
fn the_message_of_an_unknown_errcode_says_where_to_look_it_up() {
    let unknown = |rid: Option<&str>| Error::Api {
        endpoint: Endpoint::GetQrCode,
        refusal: Refusal { errcode: 123_456, errmsg: "new".into(), rid: rid.map(str::to_owned), hint: None },
        subject: None,
    };
    assert!(unknown(Some("1-2-3")).message(Language::En).ends_with("or call getRid('1-2-3')."));
    assert!(unknown(Some("1-2-3")).message(Language::Zh).ends_with("或调用 getRid('1-2-3')。"));
    assert!(!unknown(None).to_string().contains("getRid"));
    assert_eq!(unknown(None).explanation(), None);
}

#[test]
fn the_message_of_a_refused_page_names_it_without_its_secrets() {
    let redactor = Redactor::new(Some("a-very-secret-token"));
    let message = refusal("invalid page").with_subject(Some("pages/a-very-secret-token"), &redactor).to_string();
    assert!(message.contains(r#"page "pages/***" is not"#), "{message}");
    let path = Error::Api {
        endpoint: Endpoint::GetQrCode,
        refusal: Refusal { errcode: 40159, errmsg: String::new(), rid: None, hint: None },
        subject: None,
    };
    let message = path.with_subject(Some("a-very-secret-token"), &redactor).to_string();
    assert!(message.contains("path (19 bytes)"), "the bytes that were sent are counted: {message}");
    assert!(matches!(Error::Closed.with_subject(Some("a"), &redactor), Error::Closed));
}

#[test]
fn a_refused_address_concerns_the_route_and_a_refusal_of_parameters_or_rate_accepts_the_token() {
    let refused = |errcode, endpoint| Error::Api {
        endpoint,
        refusal: Refusal { errcode, errmsg: String::new(), rid: None, hint: None },
        subject: None,
    };
    for errcode in [40164, 45035, 61004, 89501, 89502, 89503, 89504, 89505, 89506, 89507] {
        assert!(refused(errcode, Endpoint::StableToken).is_route_specific(), "{errcode}");
    }
    for errcode in [-1, 40125, 45009, 50002] {
        assert!(!refused(errcode, Endpoint::StableToken).is_route_specific(), "{errcode}");
    }
    for errcode in [41030, 45009, 45011, 47001, 123_456] {
        assert!(refused(errcode, Endpoint::GetUnlimitedQrCode).accepts_token(), "{errcode}");
    }
    for errcode in [-1, 40001, 40013, 40014, 40164, 41001, 42001, 48001, 61004] {
        assert!(!refused(errcode, Endpoint::GetUnlimitedQrCode).accepts_token(), "{errcode}");
    }
    assert!(!Error::Closed.accepts_token());
}

#[test]
fn only_endpoints_counted_by_the_minute_can_exceed_its_limit() {
    let refused = |errcode, endpoint| Error::Api {
        endpoint,
        refusal: Refusal { errcode, errmsg: String::new(), rid: None, hint: None },
        subject: None,
    };
    for errcode in [45009, 45011] {
        assert!(refused(errcode, Endpoint::GetUnlimitedQrCode).is_rate_limited(), "{errcode}");
        assert!(!refused(errcode, Endpoint::GetQrCode).is_rate_limited(), "{errcode}");
    }
    assert!(!refused(41030, Endpoint::GetUnlimitedQrCode).is_rate_limited());
}

#[test]
fn only_an_invalid_token_is_replaced() {
    assert_eq!(refusal("").rejected_token(), None);
    let token = |endpoint| Error::Api {
        endpoint,
        refusal: Refusal { errcode: 40001, errmsg: String::new(), rid: None, hint: None },
        subject: None,
    };
    assert_eq!(token(Endpoint::GetQrCode).rejected_token(), Some(40001));
    assert_eq!(token(Endpoint::StableToken).rejected_token(), None);
}

fn network(kind: NetworkErrorKind) -> Error {
    Error::Network {
        endpoint: Endpoint::GetQrCode,
        kind,
        host: "host.example".into(),
        proxy: None,
        detail: "the detail".into(),
    }
}

fn response(status: u16, problem: BadResponse, excerpt: &str) -> Error {
    Error::Response { endpoint: Endpoint::GetQrCode, status, problem, excerpt: excerpt.into() }
}

fn refused(errcode: i64) -> Error {
    let refusal = Refusal { errcode, errmsg: "a message".into(), rid: None, hint: None };
    Error::Api { endpoint: Endpoint::GetQrCode, refusal, subject: None }
}

fn timed_out(cause: Option<Error>) -> Error {
    Error::Timeout {
        endpoint: Some(Endpoint::GetQrCode),
        waited_for: TimeoutPhase::Answer,
        limit: Duration::from_secs(1),
        cause: cause.map(Box::new),
    }
}

fn limited() -> Error {
    Error::RateLimit {
        endpoint: Endpoint::GetUnlimitedQrCode,
        limit: ExceededLimit::Process,
        wait: Duration::from_secs(3),
    }
}

fn redis() -> Error {
    Error::Redis { reason: "OOM".into(), kind: RedisErrorKind::Down }
}

fn provider() -> Error {
    Error::Provider(Arc::new("thrown"))
}

#[test]
fn an_error_is_retryable_if_the_same_call_may_succeed_without_a_change() {
    use CertificateErrorKind::Expired;
    let (cut, empty) = (BadResponse::Body(Unexpected::CutOff), BadResponse::Body(Unexpected::Empty));
    let html = BadResponse::Body(Unexpected::Html);
    let cases = [
        (refused(-1), true, true),
        (refused(40001), true, false),
        (refused(41030), false, false),
        (refused(123_456), false, false),
        (network(NetworkErrorKind::ResponseTimeout), true, true),
        (network(NetworkErrorKind::Proxy(ProxyErrorKind::ConnectRejected)), true, true),
        (network(NetworkErrorKind::Certificate(Expired)), false, false),
        (network(NetworkErrorKind::Proxy(ProxyErrorKind::AuthRequired)), false, false),
        (network(NetworkErrorKind::Proxy(ProxyErrorKind::Certificate(Expired))), false, false),
        (response(503, html, ""), true, true),
        (response(429, html, ""), true, false),
        (response(404, html, ""), false, false),
        (response(200, cut, ""), true, false),
        (response(299, empty, ""), true, false),
        (response(200, html, ""), false, false),
        (response(412, empty, ""), false, false),
        (timed_out(None), true, false),
        (limited(), true, false),
        (redis(), true, false),
        (provider(), false, false),
        (Error::Push(PushError::Decrypt), false, false),
        (Error::Closed, false, false),
        (Error::CutOff, false, false),
        (Error::Cancelled, false, false),
    ];
    for (error, retryable, within_the_call) in cases {
        assert_eq!((error.is_retryable(), error.is_transient()), (retryable, within_the_call), "{error}");
    }
}

#[test]
fn an_error_has_the_code_of_its_class_and_its_endpoint() {
    let (qr_code, unlimited) = (Some(Endpoint::GetQrCode), Some(Endpoint::GetUnlimitedQrCode));
    let invalid = InvalidParam::new("page", None, Bilingual::new("因", "cause"), Bilingual::new("解", "fix"));
    let cases = [
        (refused(-1), "ERR_WXA_API", &qr_code),
        (Error::Params { endpoint: qr_code.clone(), invalid }, "ERR_WXA_PARAMS", &qr_code),
        (timed_out(None), "ERR_WXA_TIMEOUT", &qr_code),
        (network(NetworkErrorKind::Dns), "ERR_WXA_NETWORK", &qr_code),
        (response(200, BadResponse::TooLarge, ""), "ERR_WXA_RESPONSE", &qr_code),
        (limited(), "ERR_WXA_RATE_LIMIT", &unlimited),
        (redis(), "ERR_WXA_REDIS", &None),
        (provider(), "ERR_WXA_RESPONSE", &None),
        (Error::Push(PushError::Decrypt), "ERR_WXA_PUSH", &None),
        (Error::Closed, "ERR_WXA_CLOSED", &None),
        (Error::CutOff, "ERR_WXA_CLOSED", &None),
        (Error::Cancelled, "ERR_WXA_CLOSED", &None),
    ];
    for (error, code, endpoint) in cases {
        assert_eq!((error.code(), error.endpoint()), (code, endpoint.as_ref()), "{error}");
    }
}

#[test]
fn only_a_limit_says_how_long_to_wait_and_only_a_time_out_has_a_cause() {
    assert_eq!((limited().wait(), redis().wait()), (Some(Duration::from_secs(3)), None));
    let error = timed_out(Some(redis()));
    assert!(matches!(error.cause(), Some(Error::Redis { .. })));
    assert!(timed_out(None).cause().is_none() && redis().cause().is_none());
    let limits = [ExceededLimit::ForcedRefresh, ExceededLimit::Process, ExceededLimit::Redis, ExceededLimit::WeChat];
    assert_eq!(
        limits.map(ExceededLimit::name),
        ["forced_refresh_limit", "process_limit", "redis_limit", "wechat_limit"]
    );
}

#[test]
fn a_time_out_after_a_failed_connection_names_the_host_and_does_not_ask_for_more_time() {
    let error = timed_out(Some(network(NetworkErrorKind::Unreachable)));
    let Error::Network { host, .. } = network(NetworkErrorKind::Unreachable) else { unreachable!() };
    for (language, fix) in [(Language::En, "Check the network to that host"), (Language::Zh, "检查到该主机的网络")]
    {
        let message = error.message(language);
        assert!(message.contains(&format!("the detail ({host})")) && message.contains(fix), "{message}");
        assert!(!message.contains("timeoutMs"), "{message}");
    }
    for slow in [timed_out(None), timed_out(Some(network(NetworkErrorKind::ResponseTimeout)))] {
        assert!(slow.message(Language::En).contains("raise timeoutMs"), "{slow}");
    }
}

#[test]
fn a_failure_on_the_way_concerns_the_route() {
    let on_the_way = [network(NetworkErrorKind::Dns), timed_out(None), response(200, BadResponse::TooLarge, "")];
    assert!(on_the_way.iter().all(Error::is_route_specific));
    assert!([limited(), redis(), provider(), Error::Closed].iter().all(|error| !error.is_route_specific()));
}

#[test]
fn a_message_says_where_and_what_and_shows_the_beginning_of_a_response() {
    let starts = [
        (network(NetworkErrorKind::Dns), "getQRCode: the detail - "),
        (response(502, BadResponse::Body(Unexpected::Html), "x"), "getQRCode: "),
        (Error::Cancelled, "the call was aborted"),
        (provider(), "the token function threw"),
    ];
    for (error, start) in starts {
        assert!(error.to_string().starts_with(start), "{error}");
    }
    let shown = |excerpt: &str| response(502, BadResponse::Body(Unexpected::Html), excerpt).to_string();
    assert!(shown("<html>").ends_with(" | response: <html>") && !shown("").contains("response:"));
    assert!(provider().explanation().is_none() && Error::Closed.explanation().is_some());
}

#[test]
fn secrets_are_taken_out_of_every_text_from_outside() {
    let redactor = Redactor::new(Some("c4nary-token"));
    let refusal = Refusal {
        errcode: 41030,
        errmsg: "c4nary-token".into(),
        rid: Some("c4nary-token".into()),
        hint: Some("c4nary-token".into()),
    };
    let api = Error::Api { endpoint: Endpoint::GetQrCode, refusal, subject: None };
    let mut broken = network(NetworkErrorKind::ConnectionClosed);
    if let Error::Network { detail, .. } = &mut broken {
        *detail = "c4nary-token".into();
    }
    let page = response(502, BadResponse::Body(Unexpected::Html), &format!("c4nary-token {}", "x".repeat(500)));
    for error in [api, broken, page] {
        let cleaned = error.redacted(&redactor);
        assert!(!format!("{cleaned:?}").contains("c4nary"), "{cleaned:?}");
        if let Error::Response { excerpt, .. } = cleaned {
            assert_eq!(excerpt.chars().count(), 120);
        }
    }
}
