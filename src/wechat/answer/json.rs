//! A reader for the JSON that WeChat sends: raw control characters in strings, duplicate keys, bytes of another encoding, and
//! bytes behind the end. Reads without recursion and in one pass, so that the time is in proportion to the length.

use std::fmt::Write;

use serde::de::IgnoredAny;

/// No response of an API is nested deeper, and many readers of JSON are recursive.
const MAX_DEPTH: usize = 512;

/// The value of a key.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    Text(Quoted<'a>),
    /// A number, a word, or what should be one.
    Bare(&'a [u8]),
    /// An object or an array, with its brackets.
    Nested(&'a [u8]),
}

/// The bytes between two quotation marks, still escaped.
#[derive(Clone, Copy)]
pub(crate) struct Quoted<'a>(&'a [u8]);

/// The members of an object, one after the other, as far as they are whole.
pub(crate) struct Members<'a> {
    text: Text<'a>,
    at: usize,
    /// Whether the object's end has been reached.
    pub(crate) is_whole: bool,
}

#[derive(Clone, Copy)]
struct Text<'a> {
    bytes: &'a [u8],
    is_utf8: bool,
}

impl<'a> Members<'a> {
    /// The members of a text that begins with the object.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let at = usize::from(bytes.starts_with(b"{"));
        Self { text: Text { bytes, is_utf8: std::str::from_utf8(bytes).is_ok() }, at, is_whole: false }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (Quoted<'a>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_whole || self.at == 0 {
            return None;
        }
        let Text { bytes, .. } = self.text;
        let mut at = self.text.blanks(self.at);
        if bytes.get(at) == Some(&b',') {
            at = self.text.blanks(at + 1);
        }
        if bytes.get(at) == Some(&b'}') {
            self.is_whole = true;
            return None;
        }
        let (Value::Text(key), at) = self.text.value(at)? else { return None };
        let at = self.text.blanks(at);
        let colon = *bytes.get(at)? == b':';
        let (value, end) = self.text.value(self.text.blanks(at + 1)).filter(|_| colon)?;
        self.at = end;
        Some((key, value))
    }
}

impl<'a> Text<'a> {
    fn blanks(self, at: usize) -> usize {
        at + self.bytes.get(at..).unwrap_or_default().iter().take_while(|byte| is_blank(**byte)).count()
    }

    /// The value that begins here, and where it ends. One that may go on is none.
    fn value(self, at: usize) -> Option<(Value<'a>, usize)> {
        match self.bytes.get(at)? {
            b'"' => {
                let end = self.string_end(at + 1)?;
                Some((Value::Text(Quoted(&self.bytes[at + 1..end])), end + 1))
            }
            b'{' | b'[' => {
                let (end, _) = self.nested_end(at)?;
                Some((Value::Nested(&self.bytes[at..end]), end))
            }
            _ => {
                let ends = |byte: &u8| is_blank(*byte) || b",}]:\"".contains(byte);
                let end = at + self.bytes[at..].iter().position(ends)?;
                (end > at).then(|| (Value::Bare(&self.bytes[at..end]), end))
            }
        }
    }

    /// The index of the quotation mark that ends the string.
    fn string_end(self, mut at: usize) -> Option<usize> {
        if self.is_utf8 {
            loop {
                at += memchr::memchr2(b'"', b'\\', self.bytes.get(at..)?)?;
                match self.bytes[at] {
                    b'"' => return Some(at),
                    _ => at += 2,
                }
            }
        }
        loop {
            match self.bytes.get(at)? {
                b'"' => return Some(at),
                b'\\' => at += 2,
                _ => at += character(&self.bytes[at..]).1,
            }
        }
    }

    /// Where an object or an array ends, and how deep it is.
    fn nested_end(self, mut at: usize) -> Option<(usize, usize)> {
        let (mut depth, mut deepest) = (0_usize, 0);
        loop {
            match self.bytes.get(at)? {
                b'"' => at = self.string_end(at + 1)?,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.checked_sub(1)?,
                _ => {}
            }
            at += 1;
            deepest = deepest.max(depth);
            if depth == 0 {
                return Some((at, deepest));
            }
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The character at the beginning, and how many bytes it takes. Bytes that are not UTF-8 are most likely GBK, two for a
/// character, whose second may look like a backslash.
fn character(bytes: &[u8]) -> (Option<char>, usize) {
    let start = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default(),
    };
    match (valid.chars().next(), start) {
        (Some(char), _) => (Some(char), char.len_utf8()),
        (None, [0x81..=0xFE, 0x40..=0xFE, ..]) => (None, 2),
        (None, _) => (None, 1),
    }
}

impl<'a> Quoted<'a> {
    /// A value that is not text, as it is, where text was expected.
    pub(crate) fn raw(other: &'a [u8]) -> Self {
        Self(other)
    }

    pub(crate) fn is(self, name: &str) -> bool {
        self.0 == name.as_bytes() || (self.0.contains(&b'\\') && self.decoded(name.len() + 1) == name)
    }

    /// The decoded text, cut behind `most` characters with an ellipsis. Invalid bytes become U+FFFD.
    pub(crate) fn decoded(self, most: usize) -> String {
        let mut text = String::new();
        let mut at = 0;
        for _ in 0..most {
            let Some(&byte) = self.0.get(at) else { return text };
            let (char, length) = if byte == b'\\' { unescaped(&self.0[at..]) } else { character(&self.0[at..]) };
            text.push(char.unwrap_or(char::REPLACEMENT_CHARACTER));
            at += length;
        }
        if at < self.0.len() {
            text.push('…');
        }
        text
    }
}

/// The character of the escape at the beginning, and the length of the escape.
fn unescaped(bytes: &[u8]) -> (Option<char>, usize) {
    let char = match bytes.get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(bytes),
        Some(_) => {
            let (char, length) = character(&bytes[1..]);
            return (char, 1 + length);
        }
        None => return (None, 1),
    };
    (Some(char), 2)
}

fn unicode(bytes: &[u8]) -> (Option<char>, usize) {
    let unit = |at: usize| {
        let digits = bytes.get(at..at + 6).filter(|escape| escape.starts_with(b"\\u"))?[2..].iter();
        digits.copied().try_fold(0, |unit: u16, digit| Some(unit << 4 | (digit as char).to_digit(16)? as u16))
    };
    let Some(first) = unit(0) else { return (None, 2) };
    let pair = [Some(first), unit(6)].into_iter().flatten();
    match char::decode_utf16(pair).next() {
        Some(Ok(char)) => (Some(char), 6 * char.len_utf16()),
        _ => (None, 6),
    }
}

/// The whole as `JSON.parse` takes it, or nothing if it is no JSON.
pub(crate) fn parsable(bytes: &[u8]) -> Option<String> {
    let utf8 = std::str::from_utf8(bytes).ok();
    let (_, depth) = Text { bytes, is_utf8: utf8.is_some() }.nested_end(0)?;
    if depth > MAX_DEPTH {
        return None;
    }
    match utf8 {
        Some(text) if is_json(text) => Some(text.to_owned()),
        _ => Some(repaired(bytes)).filter(|text| is_json(text)),
    }
}

/// serde_json goes over what is ignored without recursion.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The text with control characters in strings escaped, and U+FFFD for invalid UTF-8.
fn repaired(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 64);
    let (mut at, mut in_string) = (0, false);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                in_string = !in_string;
                text.push('"');
                at += 1;
            }
            b'\\' if in_string && bytes.get(at + 1).is_some_and(u8::is_ascii_graphic) => {
                text.extend(['\\', bytes[at + 1] as char]);
                at += 2;
            }
            0..0x20 if in_string => {
                let _ = write!(text, "\\u{byte:04x}");
                at += 1;
            }
            _ => {
                let (char, length) = character(&bytes[at..]);
                text.push(char.unwrap_or(char::REPLACEMENT_CHARACTER));
                at += length;
            }
        }
    }
    text
}
