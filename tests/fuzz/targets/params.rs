//! Scenes, pages, paths: what is refused, and what is sent.

use serde_json::Value;
use wxacode::error::invalid::InvalidParam;
use wxacode::wechat::apis::request;
use wxacode::wechat::codes::{Code, CreateQrCode, QrCode, UnlimitedQrCode};
use wxacode::wechat::endpoint::Method;

pub fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (first, second) = text.split_once('\n').unwrap_or((&text, ""));
    let page = (!second.is_empty()).then(|| second.to_owned());
    let scene = UnlimitedQrCode { scene: first.to_owned(), page, ..Default::default() };
    if let Some(body) = sent(Code::Unlimited(scene)) {
        assert_eq!(body["scene"], first);
        assert!((1..=32).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(second.chars().count() <= 1024 && !second.starts_with('/') && !second.contains('?'));
    }
    let limited = QrCode { path: text.to_string(), env_version: None, ..Default::default() };
    if let Some(body) = sent(Code::Limited(limited)) {
        assert_eq!(body["path"], *text);
    }
    sent(Code::Square(CreateQrCode { path: text.to_string(), width: None }));
    let version = QrCode { path: "a".to_owned(), env_version: Some(text.to_string()), ..Default::default() };
    assert_eq!(sent(Code::Limited(version)).is_some(), ["release", "trial", "develop"].contains(&&*text));
    match request::question(&text, Method::Post, Vec::new(), None) {
        Ok(question) => {
            assert!(question.endpoint.path() == text && text.is_ascii() && text.split('/').all(|part| part != ".."))
        }
        Err(invalid) => check(&invalid),
    }
}

fn sent(code: Code) -> Option<Value> {
    let identity = code.identity();
    match code.question() {
        Ok(question) => {
            assert!(identity.is_ok());
            Some(serde_json::from_slice(&question.body.expect("a body")).expect("JSON"))
        }
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
