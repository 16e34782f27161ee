//! Values that are secret by the name that stands before them, whosever they are.

use std::ops::Range;

use memchr::memchr2_iter;

/// How names of secrets end. `_` and `-` do not count, nor does case.
const SECRET: [&str; 8] =
    ["accesstoken", "refreshtoken", "sessionkey", "secret", "ticket", "password", "aeskey", "authorizationcode"];

/// The values that a request carries under such a name.
pub(crate) fn named(text: &str) -> impl Iterator<Item = &str> {
    values(text.as_bytes()).filter_map(|value| text.get(value))
}

/// Whether what has this name is a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    ends_secretly(name.as_bytes())
}

/// Where such values stand, in the spelling of a query, of a header or of JSON. What stands inside one is not looked for again.
pub(crate) fn values(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    memchr2_iter(b'=', b':', text).filter_map(move |at| {
        let found = (at >= from && ends_secretly(name_before(&text[from..at]))).then(|| value(text, at + 1)).flatten();
        from = found.as_ref().map_or(from, |value| value.end);
        found
    })
}

/// Blanks and a quotation mark may stand behind a name.
fn name_before(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii_end();
    text.strip_suffix(b"\"").or_else(|| text.strip_suffix(b"'")).unwrap_or(text)
}

fn ends_secretly(name: &[u8]) -> bool {
    SECRET.iter().any(|end| {
        let mut letters = name.iter().rev().filter(|byte| !matches!(byte, b'_' | b'-'));
        end.bytes().rev().all(|letter| letters.next().is_some_and(|byte| byte.eq_ignore_ascii_case(&letter)))
    })
}

/// Up to the quotation mark that it begins with, or to what ends a value without one.
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
