//! An answer's bytes: a picture, a token, a refusal, or neither. The body decides, never a header:
//! WeChat sends errors as HTTP 200 under changing content types and labels a PNG `image/jpeg`.

use serde::Deserialize;

use super::image::ImageType;

/// WeChat answered with an errcode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub errcode: i64,
    /// WeChat's text without its rid and hint.
    pub errmsg: String,
    pub rid: Option<String>,
    pub hint: Option<String>,
}

/// An answer that is neither what was asked for nor a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unexpected {
    Empty,
    /// A picture that stops before its end.
    CutOff,
    Html,
    /// JSON without a token and without an errcode.
    Json,
    Other,
}

/// A token as WeChat handed it out. `expires_in` is whatever it said, unchecked, in seconds.
#[derive(Clone, PartialEq, Eq)]
pub struct Granted {
    pub access_token: String,
    pub expires_in: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotAsked {
    Refused(Refusal),
    Unexpected(Unexpected),
}

/// What a code endpoint answered.
pub fn read_image(body: &[u8]) -> Result<ImageType, NotAsked> {
    match ImageType::of(body) {
        Some(kind) if kind.is_complete(body) => Ok(kind),
        Some(_) => Err(NotAsked::Unexpected(Unexpected::CutOff)),
        None => Err(read_refusal(body)),
    }
}

/// What an API answered that is asked for neither a code nor a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Image,
    Json,
}

impl Kind {
    /// `wanted` is a field without which the answer is none.
    pub fn read(body: &[u8], wanted: Option<&str>) -> Result<Self, NotAsked> {
        if ImageType::of(body).is_some() {
            return read_image(body).map(|_| Self::Image);
        }
        let is_array = body.trim_ascii().starts_with(b"[");
        if is_array && wanted.is_none() && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() {
            return Ok(Self::Json);
        }
        match parse(body) {
            Some(json) if refusal_of(&json).is_none() && wanted.is_none_or(|field| has(body, field)) => Ok(Self::Json),
            _ => Err(read_refusal(body)),
        }
    }
}

fn has(body: &[u8], field: &str) -> bool {
    let json: Option<serde_json::Value> = serde_json::from_str(&text(body)).ok();
    json.is_some_and(|json| json.get(field).is_some_and(|value| !value.is_null()))
}

/// What a token endpoint answered. <https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html>
pub fn read_token(body: &[u8]) -> Result<Granted, NotAsked> {
    let Some(json) = parse(body) else {
        return Err(NotAsked::Unexpected(not_json(body)));
    };
    if let Some(refusal) = refusal_of(&json) {
        return Err(NotAsked::Refused(refusal));
    }
    match json.access_token {
        Some(token) if is_token(&token) => {
            Ok(Granted { access_token: token, expires_in: json.expires_in.and_then(Loose::whole) })
        }
        _ => Err(NotAsked::Unexpected(Unexpected::Json)),
    }
}

/// A token is opaque, but it travels in a URL and in a header: visible ASCII, and not a whole page of it.
/// WeChat asks for room for 512 characters and promises no limit.
pub fn is_token(text: &str) -> bool {
    (1..=4096).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

fn read_refusal(body: &[u8]) -> NotAsked {
    let Some(json) = parse(body) else {
        return NotAsked::Unexpected(not_json(body));
    };
    match refusal_of(&json) {
        Some(refusal) => NotAsked::Refused(refusal),
        None => NotAsked::Unexpected(Unexpected::Json),
    }
}

#[derive(Deserialize)]
struct Json {
    errcode: Option<Loose>,
    errmsg: Option<serde_json::Value>,
    access_token: Option<String>,
    expires_in: Option<Loose>,
}

/// The documents type `errcode` as a number on one page and as a string on another.
#[derive(Deserialize)]
#[serde(untagged)]
enum Loose {
    Integer(i64),
    Float(f64),
    Text(String),
    Other(serde::de::IgnoredAny),
}

impl Loose {
    fn whole(self) -> Option<i64> {
        match self {
            Self::Integer(n) => Some(n),
            Self::Float(n) if n.is_finite() => Some(n as i64),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Float(_) | Self::Other(_) => None,
        }
    }

    fn errcode(&self) -> Option<i64> {
        match self {
            Self::Integer(n) => Some(*n),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Float(_) | Self::Other(_) => None,
        }
    }
}

/// Only an object: an errcode inside an array is nobody's answer. Text that is not UTF-8 is read as far as it goes,
/// because the errcode matters more than its message.
fn parse(body: &[u8]) -> Option<Json> {
    let text = text(body);
    if !text.starts_with('{') {
        return None;
    }
    serde_json::from_str(&text).ok()
}

/// An answer as text, without a mark of its byte order.
pub fn text(body: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii())
}

fn not_json(body: &[u8]) -> Unexpected {
    let body = body.trim_ascii();
    if body.is_empty() {
        Unexpected::Empty
    } else if body.starts_with(b"<") {
        Unexpected::Html
    } else {
        Unexpected::Other
    }
}

fn refusal_of(json: &Json) -> Option<Refusal> {
    let errcode = json.errcode.as_ref()?.errcode().filter(|&n| n != 0)?;
    let raw = match &json.errmsg {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(serde_json::Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    // The labels are looked for behind a space, so that "arid: " is none.
    let (errmsg, hint) = split_off(&format!(" {raw}"), &[" hint: [", " hints: ["], |c| c == ']');
    let (errmsg, rid) = split_off(&errmsg, &[" rid: "], char::is_whitespace);
    Some(Refusal { errcode, errmsg: errmsg.trim().to_owned(), rid, hint })
}

/// Takes the last ` label: value` out of a message, wherever it stands: a hint may be followed by a rid or an IP.
fn split_off(text: &str, labels: &[&str], ends: impl Fn(char) -> bool) -> (String, Option<String>) {
    for label in labels {
        if let Some(start) = text.rfind(label) {
            let rest = &text[start + label.len()..];
            let end = rest.find(&ends).unwrap_or(rest.len());
            let behind = rest[end..].strip_prefix(']').unwrap_or(&rest[end..]);
            let value = Some(rest[..end].to_owned()).filter(|v| !v.is_empty());
            return (format!("{}{behind}", &text[..start]), value);
        }
    }
    (text.to_owned(), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wechat::image::tests::{jpeg, png};
    use proptest::prelude::*;

    fn refused(body: &str) -> Refusal {
        match read_image(body.as_bytes()) {
            Err(NotAsked::Refused(refusal)) => refusal,
            other => panic!("{body}: {other:?}"),
        }
    }

    fn unexpected(body: &[u8]) -> Unexpected {
        match read_image(body) {
            Err(NotAsked::Unexpected(what)) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn pictures_are_recognised_and_cut_off_ones_are_not_pictures() {
        assert_eq!(read_image(&jpeg()), Ok(ImageType::Jpeg));
        assert_eq!(read_image(&png()), Ok(ImageType::Png));
        assert_eq!(unexpected(&jpeg()[..20]), Unexpected::CutOff);
        assert_eq!(unexpected(&png()[..20]), Unexpected::CutOff);
    }

    #[test]
    fn an_errcode_is_a_number_or_a_numeric_string() {
        assert_eq!(refused(r#"{"errcode":41030,"errmsg":"invalid page"}"#).errcode, 41030);
        assert_eq!(refused(r#"{"errcode":"41030","errmsg":"invalid page"}"#).errcode, 41030);
        assert_eq!(refused(r#"{"errcode":-1,"errmsg":"system error"}"#).errcode, -1);
        assert_eq!(refused("\u{feff} {\"errcode\":40001}").errmsg, "");
        assert_eq!(refused(r#"{"errcode":40001,"errmsg":null,"data":[{}]}"#).errcode, 40001);
    }

    #[test]
    fn what_is_neither_is_named() {
        assert_eq!(unexpected(b""), Unexpected::Empty);
        assert_eq!(unexpected(b" \r\n"), Unexpected::Empty);
        assert_eq!(unexpected(b"<html><title>502</title>"), Unexpected::Html);
        assert_eq!(unexpected(b"GIF89a"), Unexpected::Other);
        assert_eq!(unexpected(br#"{"errcode":0,"errmsg":"ok"}"#), Unexpected::Json);
        assert_eq!(unexpected(br#"{"errcode":"none"}"#), Unexpected::Json);
        assert_eq!(unexpected(br#"[{"errcode":40001}]"#), Unexpected::Other);
        assert_eq!(unexpected(br#"{"errcode":40001"#), Unexpected::Other);
        assert_eq!(unexpected(&[0xFF, 0xD8]), Unexpected::Other);
    }

    #[test]
    fn any_api_answers_json_a_picture_or_a_refusal() {
        let read = |body: &[u8]| Kind::read(body, None);
        assert_eq!(read(&jpeg()), Ok(Kind::Image));
        assert_eq!(read(&jpeg()[..20]), Err(NotAsked::Unexpected(Unexpected::CutOff)));
        for json in [r#"{"errcode":0,"errmsg":"ok"}"#, r#"{"ip_list":["1.2.3.4"]}"#, " [1]", "\u{feff}{}"] {
            assert_eq!(read(json.as_bytes()), Ok(Kind::Json), "{json}");
        }
        assert!(matches!(read(br#"{"errcode":"48001"}"#), Err(NotAsked::Refused(_))));
        for (other, what) in [("", Unexpected::Empty), ("<html>", Unexpected::Html), ("[1", Unexpected::Other)] {
            assert_eq!(read(other.as_bytes()), Err(NotAsked::Unexpected(what)));
        }
    }

    #[test]
    fn an_answer_without_the_field_that_was_wanted_is_none() {
        let read = |body: &str| Kind::read(body.as_bytes(), Some("openlink"));
        assert_eq!(read(r#"{"errcode":0,"openlink":"weixin://"}"#), Ok(Kind::Json));
        for body in [r#"{"errcode":0}"#, r#"{"openlink":null}"#, r#"{"a":{"openlink":1}}"#] {
            assert_eq!(read(body), Err(NotAsked::Unexpected(Unexpected::Json)), "{body}");
        }
        assert_eq!(read("[1]"), Err(NotAsked::Unexpected(Unexpected::Other)));
    }

    #[test]
    fn rid_and_hint_come_off_the_message_in_every_form_seen() {
        let message = |text: &str| {
            let r = refused(&serde_json::json!({ "errcode": 1, "errmsg": text }).to_string());
            (r.errmsg, r.rid, r.hint)
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            message("invalid page rid: 69661ec0-6b445e0b-755fcdc6"),
            ("invalid page".into(), some("69661ec0-6b445e0b-755fcdc6"), None)
        );
        assert_eq!(
            message("invalid page hint: [xriCqa04281090]"),
            ("invalid page".into(), None, some("xriCqa04281090"))
        );
        assert_eq!(
            message("invalid page hints: [ZGab3B0gE-JRCJVa!]"),
            ("invalid page".into(), None, some("ZGab3B0gE-JRCJVa!"))
        );
        assert_eq!(
            message("invalid page hint: [BhDediylRa-HuAW_a] rid: 5f572cf9-7ef769e2-61fb6d91"),
            ("invalid page".into(), some("5f572cf9-7ef769e2-61fb6d91"), some("BhDediylRa-HuAW_a"))
        );
        assert_eq!(
            message("access clientip is not registered hint: [OOcsrA0577oxy3] requestIP: 123.57.208.67"),
            ("access clientip is not registered requestIP: 123.57.208.67".into(), None, some("OOcsrA0577oxy3"))
        );
        assert_eq!(message("rid: 1-2-3"), (String::new(), some("1-2-3"), None));
        assert_eq!(message("an arid: desert"), ("an arid: desert".into(), None, None));
    }

    #[test]
    fn a_token_is_a_string_and_its_life_may_be_anything() {
        let token = |body: &str| read_token(body.as_bytes()).ok().map(|t| (t.access_token, t.expires_in));
        let some = |life| Some(("T".to_owned(), life));
        assert_eq!(token(r#"{"access_token":"T","expires_in":7200}"#), some(Some(7200)));
        assert_eq!(token(r#"{"access_token":"T","expires_in":"345"}"#), some(Some(345)));
        assert_eq!(token(r#"{"access_token":"T","expires_in":-3.5}"#), some(Some(-3)));
        assert_eq!(token(r#"{"access_token":"T","expires_in":{}}"#), some(None));
        assert_eq!(token(r#"{"access_token":"T"}"#), some(None));
        assert_eq!(token(r#"{"errcode":0,"access_token":"T"}"#), some(None));
        assert_eq!(token(r#"{"access_token":"T","errcode":40001}"#), None);
        assert_eq!(token(r#"{"access_token":""}"#), None);
        assert_eq!(token(r#"{"access_token":"a b"}"#), None);
        assert_eq!(token(r#"{"access_token":7}"#), None);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_never_a_picture_or_a_panic(body in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assume!(ImageType::of(&body).is_none());
            prop_assert!(read_image(&body).is_err());
            let _ = read_token(&body);
        }

        #[test]
        fn any_errcode_survives_any_message(errcode in any::<i64>().prop_filter("0 is no error", |n| *n != 0), errmsg in ".*") {
            let body = serde_json::json!({ "errcode": errcode, "errmsg": errmsg }).to_string();
            prop_assert_eq!(refused(&body).errcode, errcode);
        }
    }
}
