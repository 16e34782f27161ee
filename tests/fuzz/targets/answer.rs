//! The body of an answer.

use serde_json::Value;
use wxacode::wechat::answer::{
    AnswerError, AnswerKind, MAX_ERRMSG_CHARS, Refusal, is_token, outline, read_image, read_token, scalars_of, token_in,
};
use wxacode::wechat::image::ImageType;

pub(crate) fn run(body: &[u8]) {
    let image = read_image(&body.into());
    assert!(image.is_err() || ImageType::from_bytes(body).is_some());
    if let Ok(granted) = read_token(&body.into()) {
        assert!(is_token(&granted.access_token) && token_in(body) == Some(granted.access_token));
    }
    let any = AnswerKind::read(&body.into(), None);
    if let Ok(AnswerKind::Json(text)) = &any {
        assert!(serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(), "not for JSON.parse: {text}");
    }
    if let Err(AnswerError::Refused(refusal)) = &any {
        check_refusal(refusal);
        assert_eq!(image, Err(AnswerError::Refused(refusal.clone())), "an errcode is one wherever it is read");
    }
    if let Ok(json) = serde_json::from_slice(body) {
        agrees(&json, &any);
    }
    assert!(outline(body).chars().count() < 500);
    assert!(scalars_of(body, "request", 100).len() <= 64);
}

fn check_refusal(Refusal { errcode, errmsg, rid, hint }: &Refusal) {
    assert_ne!(*errcode, 0);
    assert!(errmsg.chars().count() <= MAX_ERRMSG_CHARS + 1);
    assert!(rid.as_ref().is_none_or(|rid| rid.chars().count() <= 64 && !rid.contains(char::is_whitespace)));
    assert!(hint.as_ref().is_none_or(|hint| hint.chars().count() <= 128));
}

/// Where a strict parser succeeds, the tolerant one gives the same result.
fn agrees(json: &Value, any: &Result<AnswerKind, AnswerError>) {
    let errcode = json.as_object().and_then(|object| object.get("errcode"));
    let text = errcode.and_then(Value::as_str).map(str::trim).and_then(|text| text.parse().ok());
    match errcode.and_then(Value::as_i64).or(text) {
        Some(0) => {}
        Some(errcode) => match any {
            Err(AnswerError::Refused(refusal)) => assert!(refusal.errcode != 0, "{errcode}"),
            other => panic!("{errcode} is {other:?}"),
        },
        None if errcode.is_none_or(Value::is_null) && (json.is_object() || json.is_array()) => {}
        None => assert!(!matches!(any, Ok(AnswerKind::Json(_))) || is_zero(errcode)),
    }
}

fn is_zero(errcode: Option<&Value>) -> bool {
    let text = errcode.and_then(Value::as_str).and_then(|text| text.trim().parse().ok());
    errcode.and_then(Value::as_f64).or(text) == Some(0.0)
}
