use super::*;

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
    assert!(en.contains("checkPath: false") && en.chars().all(|c| c.is_ascii()), "{en}");
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
    assert!(en.contains("getUnlimitedQRCode: this process") && en.chars().all(|c| c.is_ascii()), "{en}");
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
    let message = refusal("invalid page").about(Some("pages/a-very-secret-token"), &redactor).to_string();
    assert!(message.contains(r#"page "pages/***" is not"#), "{message}");
    let path = Error::Api {
        endpoint: Endpoint::GetQrCode,
        refusal: Refusal { errcode: 40159, errmsg: String::new(), rid: None, hint: None },
        subject: None,
    };
    let message = path.about(Some("a-very-secret-token"), &redactor).to_string();
    assert!(message.contains("path (19 bytes)"), "the bytes that were sent are counted: {message}");
    assert!(matches!(Error::Closed.about(Some("a"), &redactor), Error::Closed));
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
    assert_eq!(refusal("").refused_token(), None);
    let token = |endpoint| Error::Api {
        endpoint,
        refusal: Refusal { errcode: 40001, errmsg: String::new(), rid: None, hint: None },
        subject: None,
    };
    assert_eq!(token(Endpoint::GetQrCode).refused_token(), Some(40001));
    assert_eq!(token(Endpoint::StableToken).refused_token(), None);
}
