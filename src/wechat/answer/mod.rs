//! Reads the bytes of a response: an image, a token, a refusal, or neither. The body decides, never a header:
//! WeChat sends errors as HTTP 200 under changing content types and labels a PNG `image/jpeg`.

mod json;

use super::body::Body;
use super::image::ImageType;
use json::{Members, Quoted, Value};

/// A response with an errcode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// WeChat's number for the refusal, never 0.
    pub errcode: i64,
    /// WeChat's text without its rid and hint, at most [`MAX_ERRMSG_CHARS`] characters and an ellipsis.
    pub errmsg: String,
    /// WeChat's number of the request, for its support: the `rid` in the text.
    pub rid: Option<String>,
    /// WeChat's second number of the request: the `hint` in the text.
    pub hint: Option<String>,
}

/// Generous: WeChat's own texts have a tenth of these characters.
pub const MAX_ERRMSG_CHARS: usize = 2048;
const MAX_RID_CHARS: usize = 64;
const MAX_HINT_CHARS: usize = 128;

/// A response that is neither what was requested nor a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unexpected {
    /// No byte, or only blanks.
    Empty,
    /// An image that stops before its end.
    CutOff,
    /// A web page, perhaps of a proxy.
    Html,
    /// JSON without the expected field and without an errcode.
    Json,
    /// JSON whose errcode says that something is wrong, and is no number.
    Errcode,
    /// Anything else.
    Other,
}

/// A token as WeChat handed it out. `expires_in` is whatever it said, unchecked, in seconds.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenResponse {
    /// The token: 1 to 4096 visible ASCII characters.
    pub access_token: String,
    pub(crate) expires_in: Option<i64>,
}

/// Why a response is not what was requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerError {
    /// WeChat refused the request.
    Refused(Refusal),
    /// The response is neither a refusal nor what was requested.
    Unexpected(Unexpected),
}

/// Reads the response of a QR code endpoint.
///
/// # Errors
///
/// The refusal, or that the response is no whole image.
pub fn read_image(body: &Body) -> Result<ImageType, AnswerError> {
    match ImageType::of(body) {
        Some(kind) if kind.is_complete(body) => Ok(kind),
        Some(_) => Err(AnswerError::Unexpected(Unexpected::CutOff)),
        None => Err(read_refusal(&body.contiguous())),
    }
}

/// The kind of a response of any API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// A whole JPEG or PNG.
    Image,
    /// JSON that `JSON.parse` accepts, whatever WeChat put into its strings.
    Json(String),
}

impl AnswerKind {
    /// `expected_field` is a field that the response has to have: only JSON has fields.
    ///
    /// # Errors
    ///
    /// The refusal, or that the response is neither an image nor JSON with the field `expected_field`.
    pub fn read(body: &Body, expected_field: Option<&str>) -> Result<Self, AnswerError> {
        if ImageType::of(body).is_some() && expected_field.is_none() {
            return read_image(body).map(|_| Self::Image);
        }
        let body = body.contiguous();
        let body = trimmed(&body);
        if body.starts_with(b"{") {
            let object = Object::read(body, expected_field);
            object.check()?;
            if !object.has_expected {
                return Err(object.unexpected());
            }
        } else if !body.starts_with(b"[") || expected_field.is_some() {
            return Err(AnswerError::Unexpected(not_json(body)));
        }
        json::parsable(body).map(Self::Json).ok_or(AnswerError::Unexpected(Unexpected::Other))
    }
}

/// Reads the response of a token endpoint. <https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html>
///
/// # Errors
///
/// The refusal, or that the response has no token.
pub fn read_token(body: &Body) -> Result<TokenResponse, AnswerError> {
    let body = body.contiguous();
    let body = trimmed(&body);
    if !body.starts_with(b"{") {
        return Err(AnswerError::Unexpected(not_json(body)));
    }
    let object = Object::read(body, None);
    object.check()?;
    match object.access_token() {
        Some(access_token) if object.is_whole && is_token(&access_token) => {
            Ok(TokenResponse { access_token, expires_in: object.expires_in.and_then(seconds) })
        }
        _ => Err(object.unexpected()),
    }
}

/// The token in a response that is an error nevertheless, so that the error can be redacted.
pub fn token_in(body: &[u8]) -> Option<String> {
    Object::read(trimmed(body), None).access_token()
}

const MAX_TOKEN_BYTES: usize = 4096;

/// A token is opaque, but it travels in a URL and in a header: visible ASCII, and not a whole page of it.
/// WeChat asks for room for 512 characters and promises no limit.
pub fn is_token(text: &str) -> bool {
    (1..=MAX_TOKEN_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// The names of the fields of an object, without values: values may belong to a user, and so may names with a digit.
pub fn outline(body: &[u8]) -> String {
    const MAX_NAMES: usize = 12;
    let is_plain = |name: &String| name.bytes().all(|byte| byte.is_ascii_alphabetic() || b"_-".contains(&byte));
    let mut names: Vec<_> = Members::new(trimmed(body))
        .take(MAX_NAMES + 1)
        .map(|(key, _)| Some(key.decoded(32)).filter(is_plain).unwrap_or_else(|| "…".to_owned()))
        .collect();
    if names.len() > MAX_NAMES {
        names[MAX_NAMES] = "…".to_owned();
    }
    if names.is_empty() { String::new() } else { format!("{{{}}}", names.join(", ")) }
}

/// The strings and numbers of an object inside a response, each text cut behind `most` characters.
pub fn scalars_of(body: &[u8], field: &str, most: usize) -> Vec<(String, Scalar)> {
    let inner = Members::new(trimmed(body)).find_map(|(key, value)| match value {
        Value::Nested(inner) if key.is(field) => Some(inner),
        _ => None,
    });
    let members = Members::new(inner.unwrap_or_default());
    let scalar = |value| match value {
        Value::Text(text) => Some(Scalar::Text(text.decoded(most))),
        Value::Bare(text) => number(text).map(Scalar::Number),
        Value::Nested(_) => None,
    };
    members.filter_map(|(key, value)| Some((key.decoded(64), scalar(value)?))).take(64).collect()
}

/// A value that is neither an object nor an array.
pub enum Scalar {
    /// A string, decoded.
    Text(String),
    /// A number.
    Number(f64),
}

/// The names of an app's, a platform's and a merchant's access token. A response has one of them.
const ACCESS_TOKENS: [&str; 3] = ["access_token", "component_access_token", "authorizer_access_token"];

/// The fields of an object that count.
#[derive(Default)]
struct Object<'a> {
    errcode: Option<ErrcodeField>,
    errmsg: Option<Value<'a>>,
    access_token: Option<Quoted<'a>>,
    expires_in: Option<Value<'a>>,
    has_expected: bool,
    is_whole: bool,
}

/// An errcode that is not 0.
#[derive(Clone, Copy)]
enum ErrcodeField {
    Number(i64),
    /// The errcode is no number, or a number that no errcode can be.
    NotANumber,
}

impl<'a> Object<'a> {
    /// The last of equal keys counts, as in JavaScript, but an errcode that is not 0 is not replaced by 0.
    fn read(body: &'a [u8], expected_field: Option<&str>) -> Self {
        let mut object = Self { has_expected: expected_field.is_none(), ..Self::default() };
        let mut members = Members::new(body);
        for (key, value) in members.by_ref() {
            if key.is("errcode") {
                object.errcode = match (object.errcode, errcode_field(value)) {
                    (None | Some(ErrcodeField::NotANumber), number @ Some(ErrcodeField::Number(_))) => number,
                    (before, other) => before.or(other),
                };
            } else if key.is("errmsg") {
                object.errmsg = Some(value);
            } else if key.is("expires_in") {
                object.expires_in = Some(value);
            } else if ACCESS_TOKENS.iter().any(|name| key.is(name)) {
                object.access_token = if let Value::Text(text) = value { Some(text) } else { None };
            }
            if expected_field.is_some_and(|expected_field| key.is(expected_field)) {
                object.has_expected = !matches!(value, Value::Bare(b"null"));
            }
        }
        object.is_whole = members.is_whole;
        object
    }

    fn access_token(&self) -> Option<String> {
        self.access_token.map(|token| token.decoded(MAX_TOKEN_BYTES))
    }

    /// Fails if there is an errcode other than 0.
    fn check(&self) -> Result<(), AnswerError> {
        match self.errcode {
            None => Ok(()),
            Some(ErrcodeField::NotANumber) => Err(AnswerError::Unexpected(Unexpected::Errcode)),
            Some(ErrcodeField::Number(errcode)) => Err(AnswerError::Refused(refusal(errcode, self.errmsg))),
        }
    }

    fn unexpected(&self) -> AnswerError {
        AnswerError::Unexpected(if self.is_whole { Unexpected::Json } else { Unexpected::Other })
    }
}

/// The error of a body that is not an image.
fn read_refusal(body: &[u8]) -> AnswerError {
    let body = trimmed(body);
    if !body.starts_with(b"{") {
        return AnswerError::Unexpected(not_json(body));
    }
    let object = Object::read(body, None);
    object.check().err().unwrap_or_else(|| object.unexpected())
}

/// The documents type `errcode` as a number on one page and as a string on another. `null` is what some gateways write for a
/// member that is not there.
fn errcode_field(errcode: Value) -> Option<ErrcodeField> {
    let text = match errcode {
        // Any number of blanks may surround the errcode.
        Value::Text(text) => text.decoded(usize::MAX),
        Value::Bare(b"null") => return None,
        Value::Bare(text) => String::from_utf8_lossy(&text[..text.len().min(MAX_NUMBER_BYTES)]).into_owned(),
        Value::Nested(_) => return Some(ErrcodeField::NotANumber),
    };
    let text = text.trim();
    match text.parse().ok().or_else(|| whole(number(text.as_bytes())?)) {
        Some(0) => None,
        Some(errcode) => Some(ErrcodeField::Number(errcode)),
        None => Some(ErrcodeField::NotANumber),
    }
}

const MAX_NUMBER_BYTES: usize = 64;

fn number(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= MAX_NUMBER_BYTES)?;
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A number without a fraction that JavaScript can hold.
fn whole(number: f64) -> Option<i64> {
    const SAFE: f64 = 9_007_199_254_740_991.0;
    (number.fract() == 0.0 && number.abs() <= SAFE).then_some(number as i64)
}

/// A lifetime in seconds; a fraction is dropped.
fn seconds(value: Value) -> Option<i64> {
    match value {
        Value::Text(text) => text.decoded(MAX_NUMBER_BYTES).trim().parse().ok(),
        Value::Bare(text) => number(text).map(|number| number as i64),
        Value::Nested(_) => None,
    }
}

/// The body without a byte order mark and without blanks around it.
fn trimmed(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii()
}

fn not_json(body: &[u8]) -> Unexpected {
    if body.is_empty() {
        Unexpected::Empty
    } else if body.starts_with(b"<") && ![&b"<?xml"[..], b"<xml"].iter().any(|xml| body.starts_with(xml)) {
        Unexpected::Html
    } else {
        Unexpected::Other
    }
}

fn refusal(errcode: i64, errmsg: Option<Value>) -> Refusal {
    let raw = match errmsg {
        Some(Value::Text(text)) => text.decoded(MAX_ERRMSG_CHARS),
        Some(Value::Bare(b"null")) | None => String::new(),
        Some(Value::Bare(other) | Value::Nested(other)) => Quoted::raw(other).decoded(MAX_ERRMSG_CHARS),
    };
    // The labels are looked for behind a space, so that "arid: " is none.
    let (errmsg, hint) = split_off(&format!(" {raw}"), &[" hint: [", " hints: ["], |c| c == ']');
    let (errmsg, rid) = split_off(&errmsg, &[" rid: "], char::is_whitespace);
    let cut = |text: String, most| text.chars().take(most).collect();
    Refusal {
        errcode,
        errmsg: errmsg.trim().to_owned(),
        rid: rid.map(|rid| cut(rid, MAX_RID_CHARS)),
        hint: hint.map(|hint| cut(hint, MAX_HINT_CHARS)),
    }
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
mod tests;
