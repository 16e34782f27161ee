//! Scenes, pages and paths: either an error or a body that is sent.

use serde_json::{Value, json};
use wxacode::error::invalid::InvalidParam;
use wxacode::wechat::apis::request;
use wxacode::wechat::endpoint::{Endpoint, Method};
use wxacode::wechat::qr_code::QrCodeRequest;

pub(crate) fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (first, second) = text.split_once('\n').unwrap_or((&text, ""));
    let mut scene = json!({ "scene": first });
    if !second.is_empty() {
        scene["page"] = second.into();
    }
    if let Some(body) = sent(Endpoint::GetUnlimitedQrCode, &scene) {
        assert_eq!(body["scene"], first);
        assert!((1..=32).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(second.chars().count() <= 1024 && !second.starts_with('/') && !second.contains('?'));
    }
    if let Some(body) = sent(Endpoint::GetQrCode, &json!({ "path": text })) {
        assert_eq!(body["path"], *text);
    }
    sent(Endpoint::CreateQrCode, &json!({ "path": text }));
    let version = sent(Endpoint::GetQrCode, &json!({ "path": "a", "envVersion": text }));
    assert_eq!(version.is_some(), ["release", "trial", "develop"].contains(&&*text));
    // Any JSON, unchanged.
    let _ = QrCodeRequest::parse(&Endpoint::GetUnlimitedQrCode, &text);
    match request::build(&text, Method::Post, Vec::new(), None) {
        Ok(question) => {
            assert!(question.endpoint.path() == text && text.is_ascii() && text.split('/').all(|part| part != ".."));
        }
        Err(invalid) => check(&invalid),
    }
}

fn sent(endpoint: Endpoint, params: &Value) -> Option<Value> {
    match QrCodeRequest::parse(&endpoint, &params.to_string()) {
        Ok(request) => Some(serde_json::from_slice(&request.api_request().body.expect("a body")).expect("JSON")),
        Err(invalid) => {
            check(&invalid);
            None
        }
    }
}

fn check(InvalidParam { param, explanation, .. }: &InvalidParam) {
    assert!(!param.is_empty());
    for text in [&explanation.cause, &explanation.fix] {
        assert!(!text.zh.is_empty() && !text.en.is_empty());
        assert!(text.zh.len() < 2000 && text.en.len() < 2000, "a value comes back whole: {}", text.en);
        assert!(!text.en.contains(['\n', '\u{1b}']));
    }
}
