//! Decodes percent, JSON and HTML escapes, and remembers where in the text each decoded byte was.

use std::ops::Range;

/// The decoded bytes of a text, and the place of each in the text.
pub(crate) struct Decoded {
    pub(crate) bytes: Vec<u8>,
    /// Where each byte begins in the text, and where the text ends.
    origin: Vec<u32>,
}

/// What an escape stands for.
enum Unit {
    Byte(u8),
    Char(char),
    /// Nothing: the escape belongs to what follows.
    Skip,
}

impl Decoded {
    /// The text as it is, then decoded once, twice and so on, while there is something to decode.
    pub(crate) fn decodings(text: &str, max_depth: usize) -> impl Iterator<Item = Self> {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let bytes = text.as_bytes()[..length as usize].to_vec();
        let raw = Self { bytes, origin: (0..=length).collect() };
        let mut next = Some(raw);
        (0..max_depth).map_while(move |_| {
            let decoded = next.take()?;
            next = decoded.decode_once();
            Some(decoded)
        })
    }

    /// The part of the text that these bytes were decoded from.
    pub(crate) fn source(&self, range: Range<usize>) -> Range<usize> {
        self.origin[range.start] as usize..self.origin[range.end] as usize
    }

    /// Decodes once; `None` if there is nothing to decode.
    fn decode_once(&self) -> Option<Self> {
        memchr::memchr3(b'%', b'\\', b'&', &self.bytes)?;
        let mut next =
            Self { bytes: Vec::with_capacity(self.bytes.len()), origin: Vec::with_capacity(self.bytes.len()) };
        let (mut at, mut skipped) = (0, None);
        while at < self.bytes.len() {
            let rest = &self.bytes[at..];
            let (unit, length) = escape(rest).unwrap_or((Unit::Byte(rest[0]), 1));
            let origin = *skipped.get_or_insert(self.origin[at]);
            match unit {
                Unit::Skip => {}
                Unit::Byte(byte) => next.bytes.push(byte),
                Unit::Char(char) => next.bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            }
            if next.bytes.len() > next.origin.len() {
                next.origin.resize(next.bytes.len(), origin);
                skipped = None;
            }
            at += length;
        }
        next.origin.extend(self.origin.last());
        (next.bytes.len() != self.bytes.len()).then_some(next)
    }
}

/// What the escape at the beginning of `text` stands for, and its length. An escape that is itself escaped in the same way
/// counts as one: `%252B` is `+`, and so is `\\\u002b`.
fn escape(text: &[u8]) -> Option<(Unit, usize)> {
    match text[0] {
        b'%' => percent(text),
        b'\\' => Some(backslash(text)),
        b'&' => entity(text),
        _ => None,
    }
}

fn percent(text: &[u8]) -> Option<(Unit, usize)> {
    let mut at = 1;
    while text[at..].starts_with(b"25") && (hex(text, at + 2, 2).is_some() || unicode(text, at + 2).is_some()) {
        at += 2;
    }
    if let Some(unit) = unicode(text, at) {
        return Some((unit, at + 5));
    }
    hex(text, at, 2).map(|byte| (Unit::Byte(byte as u8), at + 2))
}

/// `u` and four digits.
fn unicode(text: &[u8], at: usize) -> Option<Unit> {
    let digits = text.get(at).filter(|byte| byte.eq_ignore_ascii_case(&b'u')).and_then(|_| hex(text, at + 1, 4))?;
    Some(Unit::Char(char::from_u32(digits).unwrap_or(char::REPLACEMENT_CHARACTER)))
}

/// A run of backslashes of any length: each encoding as JSON doubles it. The character behind it is an escape of digits, or
/// stands for itself.
fn backslash(text: &[u8]) -> (Unit, usize) {
    let run = text.iter().take_while(|&&byte| byte == b'\\').count();
    if let Some(unit) = unicode(text, run) {
        return (unit, run + 5);
    }
    match text.get(run) {
        Some(b'x' | b'X') => match hex(text, run + 1, 2) {
            Some(byte) => (Unit::Byte(byte as u8), run + 3),
            None => (Unit::Skip, run),
        },
        _ => (Unit::Skip, run),
    }
}

fn hex(text: &[u8], at: usize, digits: usize) -> Option<u32> {
    text.get(at..at + digits)?.iter().try_fold(0, |number, &byte| Some(number << 4 | (byte as char).to_digit(16)?))
}

fn entity(text: &[u8]) -> Option<(Unit, usize)> {
    let mut at = 1;
    while text[at..].starts_with(b"amp;")
        && text.get(at + 4).is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'#')
    {
        at += 4;
    }
    // If what follows `&amp;` is no entity, the entity is `&amp;` itself.
    numbered(text, at).or_else(|| named(text, at)).or_else(|| named(text, 1))
}

/// A numeric entity, with leading zeros or without its semicolon too, as browsers read it.
fn numbered(text: &[u8], at: usize) -> Option<(Unit, usize)> {
    let (radix, begin) = match text.get(at..)? {
        [b'#', b'x' | b'X', ..] => (16, at + 2),
        [b'#', ..] => (10, at + 1),
        _ => return None,
    };
    let digits = text[begin..].iter().map_while(|&byte| (byte as char).to_digit(radix));
    let (count, number) = digits
        .fold((0, 0_u32), |(count, number), digit| (count + 1, number.saturating_mul(radix).saturating_add(digit)));
    let char = char::from_u32(number).filter(|&char| count > 0 && char != '\0')?;
    let end = begin + count;
    Some((Unit::Char(char), end + usize::from(text.get(end) == Some(&b';'))))
}

/// HTML's names of the ASCII characters other than letters and digits.
const NAMES: [(&str, u8); 37] = [
    ("amp", b'&'),
    ("apos", b'\''),
    ("ast", b'*'),
    ("bsol", b'\\'),
    ("colon", b':'),
    ("comma", b','),
    ("commat", b'@'),
    ("dollar", b'$'),
    ("equals", b'='),
    ("excl", b'!'),
    ("grave", b'`'),
    ("gt", b'>'),
    ("hat", b'^'),
    ("lbrace", b'{'),
    ("lbrack", b'['),
    ("lcub", b'{'),
    ("lowbar", b'_'),
    ("lpar", b'('),
    ("lsqb", b'['),
    ("lt", b'<'),
    ("midast", b'*'),
    ("num", b'#'),
    ("percnt", b'%'),
    ("period", b'.'),
    ("plus", b'+'),
    ("quest", b'?'),
    ("quot", b'"'),
    ("rbrace", b'}'),
    ("rbrack", b']'),
    ("rcub", b'}'),
    ("rpar", b')'),
    ("rsqb", b']'),
    ("semi", b';'),
    ("sol", b'/'),
    ("verbar", b'|'),
    ("vert", b'|'),
    ("underbar", b'_'),
];

fn named(text: &[u8], at: usize) -> Option<(Unit, usize)> {
    let rest = text.get(at..)?;
    let length = memchr::memchr(b';', &rest[..rest.len().min(9)])?;
    let (_, byte) = NAMES.iter().find(|(name, _)| rest[..length].eq_ignore_ascii_case(name.as_bytes()))?;
    Some((Unit::Byte(*byte), at + length + 1))
}
