use super::super::{Context, call};
use super::rules::{DAY, QUERY_PUNCTUATION};
use crate::wechat::endpoint::Endpoint;
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: f64 = 1_700_000_000.0;

fn sent(endpoint: Endpoint, params: Value) -> Result<Value, (String, Option<i64>)> {
    let context = Context { appid: "wx", now: NOW };
    let call = call(&endpoint, &params.to_string(), &context);
    let call = call.map_err(|invalid| (invalid.param.into_owned(), invalid.errcode))?;
    assert_eq!(call.request.endpoint, endpoint);
    Ok(serde_json::from_slice(&call.request.body.unwrap()).unwrap())
}

fn scheme(params: Value) -> Result<Value, (String, Option<i64>)> {
    sent(Endpoint::GenerateScheme, params)
}

#[test]
fn a_scheme_has_a_target_and_an_expiry() {
    let jump = json!({ "path": "/pages/a", "query": "a=1&b=%20", "envVersion": "trial" });
    let all = scheme(json!({ "jumpWxa": jump, "expireTime": NOW + 3600.0 })).unwrap();
    let wire = json!({ "path": "/pages/a", "query": "a=1&b=%20", "env_version": "trial" });
    assert_eq!(all, json!({ "jump_wxa": wire, "is_expire": true, "expire_type": 0, "expire_time": NOW as u64 + 3600 }));
    let days = scheme(json!({ "expireInterval": 7 })).unwrap();
    assert_eq!(days, json!({ "is_expire": true, "expire_type": 1, "expire_interval": 7 }));
    assert_eq!(scheme(json!({})).unwrap()["expire_interval"], 30, "the longest lifetime");
}

#[test]
fn a_url_link_may_have_a_cloud_base_page() {
    let cloud = json!({ "env": "e", "path": "/h5", "resourceAppid": "wx1" });
    let all = sent(Endpoint::GenerateUrlLink, json!({ "path": "pages/a", "cloudBase": cloud })).unwrap();
    let wire = json!({ "env": "e", "path": "/h5", "resource_appid": "wx1" });
    assert_eq!(all, json!({ "path": "pages/a", "expire_type": 1, "expire_interval": 30, "cloud_base": wire }));
    let refused = |cloud: Value| sent(Endpoint::GenerateUrlLink, json!({ "cloudBase": cloud })).unwrap_err();
    assert_eq!(refused(json!({ "env": "" })), ("cloudBase.env".into(), None));
    assert_eq!(refused(json!({ "env": "e", "path": "a?b" })), ("cloudBase.path".into(), Some(40165)));
    assert_eq!(refused(json!({ "env": "e", "query": "品" })), ("cloudBase.query".into(), Some(40212)));
}

#[test]
fn parameters_that_wechat_refuses_are_refused_with_its_errcode() {
    let jump = |jump: Value| scheme(json!({ "jumpWxa": jump })).unwrap_err();
    assert_eq!(jump(json!({ "path": "pages/a?b=1" })), ("jumpWxa.path".into(), Some(40165)));
    assert_eq!(jump(json!({ "query": "a b" })), ("jumpWxa.query".into(), Some(40212)));
    assert_eq!(jump(json!({ "query": "a".repeat(1025) })), ("jumpWxa.query".into(), Some(40212)));
    assert!(scheme(json!({ "jumpWxa": { "query": "a".repeat(1024) } })).is_ok());
    assert_eq!(jump(json!({ "envVersion": "" })), ("jumpWxa.envVersion".into(), Some(85402)));
    let url = sent(Endpoint::GenerateUrlLink, json!({ "query": "a b" }));
    assert_eq!(url.unwrap_err(), ("query".into(), Some(40212)));
}

#[test]
fn an_expiry_is_within_30_days_with_a_tolerance_for_clock_skew() {
    let at = |left: f64| scheme(json!({ "expireTime": NOW + left }));
    for left in [-299.0, 60.0, 30.0 * DAY + 299.0] {
        assert!(at(left).is_ok(), "{left}");
    }
    for left in [-300.0, 30.0 * DAY + 300.0, -1e12] {
        assert_eq!(at(left).unwrap_err(), ("expireTime".into(), Some(85401)));
    }
    let shown = |left: f64| {
        let params = json!({ "expireTime": NOW + left }).to_string();
        let refused = call(&Endpoint::GenerateScheme, &params, &Context { appid: "wx", now: NOW }).unwrap_err();
        refused.explanation.cause.en.into_owned()
    };
    let (late, past) = (shown(45.26 * DAY), shown(-2.0 * DAY));
    assert!(late.contains(" 45.3 days") && past.contains(" 2 days") && past.contains("ago"), "{late}; {past}");
    for (days, errcode) in [(0.0, None), (31.0, Some(85401)), (1.5, None), (-1.0, None)] {
        assert_eq!(scheme(json!({ "expireInterval": days })).unwrap_err(), ("expireInterval".into(), errcode));
    }
    let both = scheme(json!({ "expireInterval": 1, "expireTime": NOW + 60.0 }));
    assert_eq!(both.unwrap_err(), ("expireInterval".into(), None));
}

#[test]
fn a_short_link_has_a_page_without_a_leading_slash() {
    let short = |params: Value| sent(Endpoint::GenerateShortLink, params);
    let all = json!({ "pageUrl": "pages/a?b=品", "pageTitle": "t", "isPermanent": true });
    assert_eq!(short(all).unwrap(), json!({ "page_url": "pages/a?b=品", "page_title": "t", "is_permanent": true }));
    assert_eq!(short(json!({ "pageUrl": "/pages/a" })).unwrap_err(), ("pageUrl".into(), Some(40066)));
    assert_eq!(short(json!({ "pageUrl": "" })).unwrap_err().0, "pageUrl");
    assert_eq!(short(json!({ "pageUrl": "a".repeat(1025) })).unwrap_err().0, "pageUrl");
    assert!(short(json!({ "pageUrl": "a".repeat(1024) })).is_ok());
}

#[test]
fn an_nfc_scheme_has_a_model() {
    let nfc = |params: Value| sent(Endpoint::GenerateNfcScheme, params);
    let all = json!({ "modelId": "m", "sn": "1", "jumpWxa": { "path": "a" } });
    assert_eq!(nfc(all).unwrap(), json!({ "model_id": "m", "sn": "1", "jump_wxa": { "path": "a" } }));
    assert_eq!(nfc(json!({ "modelId": "" })).unwrap_err().0, "modelId");
    let jump = json!({ "modelId": "m", "jumpWxa": { "path": "a?b" } });
    assert_eq!(nfc(jump).unwrap_err(), ("jumpWxa.path".into(), Some(40165)));
}

#[test]
fn a_link_query_has_a_link_or_the_type_that_returns_the_remaining_visits() {
    let query = |params: Value| sent(Endpoint::QueryScheme, params);
    assert_eq!(query(json!({ "scheme": "s" })).unwrap(), json!({ "scheme": "s", "query_type": 0 }));
    assert_eq!(query(json!({ "queryType": 1 })).unwrap(), json!({ "query_type": 1 }));
    assert_eq!(query(json!({})).unwrap_err().0, "scheme");
    assert_eq!(query(json!({ "scheme": "s", "queryType": 2 })).unwrap_err().0, "queryType");
    let url = sent(Endpoint::QueryUrlLink, json!({ "urlLink": "https://wxaurl.cn/a" }));
    assert_eq!(url.unwrap(), json!({ "url_link": "https://wxaurl.cn/a", "query_type": 0 }));
}

proptest! {
    #[test]
    fn every_valid_query_is_sent_unchanged_and_others_are_refused(query in "\\PC{0,40}") {
        let legal = query.chars().all(|c| c.is_ascii_alphanumeric() || QUERY_PUNCTUATION.contains(c));
        let sent = scheme(json!({ "jumpWxa": { "query": query } }));
        prop_assert_eq!(sent.is_ok(), legal);
        if let Ok(body) = sent {
            prop_assert_eq!(&body["jump_wxa"]["query"], &json!(query));
        }
    }
}
