//! Values that are secret by their name, such as `access_token`.

use std::ops::Range;

use memchr::memchr2_iter;

/// How names of secrets end. `_`, `-` and case are ignored.
const SECRET_SUFFIXES: [&str; 9] = [
    "accesstoken",
    "refreshtoken",
    "sessionkey",
    "secret",
    "ticket",
    "password",
    "aeskey",
    "authorizationcode",
    "preauthcode",
];

/// The values of a text that have the name of a secret.
pub(crate) fn named_values(text: &str) -> impl Iterator<Item = &str> {
    values(text.as_bytes()).filter_map(|value| text.get(value))
}

/// Whether a value of this name is a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    has_secret_suffix(name.as_bytes())
}

/// Where values with the name of a secret are, in a query, a header or JSON. A found value is not searched for another.
pub(crate) fn values(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    memchr2_iter(b'=', b':', text).filter_map(move |at| {
        let found =
            (at >= from && has_secret_suffix(name_before(&text[from..at]))).then(|| value(text, at + 1)).flatten();
        from = found.as_ref().map_or(from, |value| value.end);
        found
    })
}

/// The text without the whitespace and the quotation mark that may follow a name.
fn name_before(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii_end();
    text.strip_suffix(b"\"").or_else(|| text.strip_suffix(b"'")).unwrap_or(text)
}

fn has_secret_suffix(name: &[u8]) -> bool {
    SECRET_SUFFIXES.iter().any(|end| {
        let mut letters = name.iter().rev().filter(|byte| !matches!(byte, b'_' | b'-'));
        end.bytes().rev().all(|letter| letters.next().is_some_and(|byte| byte.eq_ignore_ascii_case(&letter)))
    })
}

/// The value at `at`: up to the closing quotation mark, or to the delimiter that ends an unquoted one.
fn value(text: &[u8], at: usize) -> Option<Range<usize>> {
    let begin = at + text[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let (begin, length) = match text.get(begin)? {
        quote @ (b'"' | b'\'') => (begin + 1, memchr::memchr(*quote, &text[begin + 1..])),
        _ => (begin, text[begin..].iter().position(|&byte| ends_value(byte))),
    };
    let end = length.map_or(text.len(), |length| begin + length);
    (begin < end).then_some(begin..end)
}

fn ends_value(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"&;,\"'<>()[]{}\\".contains(&byte)
}
