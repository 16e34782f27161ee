//! A text with layers of spelling taken off: percent, JSON and HTML.

use std::ops::Range;

/// The bytes that a text spells, and where in it each of them stands.
pub(crate) struct View {
    pub(crate) bytes: Vec<u8>,
    /// Where each byte begins in the text, and where the text ends.
    origin: Vec<u32>,
}

/// What an escape stands for.
enum Unit {
    Byte(u8),
    Char(char),
    /// It belongs to what follows.
    Nothing,
}

impl View {
    /// The text as it is, then with one layer less each time, while there is one.
    pub(crate) fn layers(text: &str, most: usize) -> impl Iterator<Item = Self> {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let bytes = text.as_bytes()[..length as usize].to_vec();
        let raw = Self { bytes, origin: (0..=length).collect() };
        let mut next = Some(raw);
        (0..most).map_while(move |_| {
            let view = next.take()?;
            next = view.decoded();
            Some(view)
        })
    }

    /// Where in the text these bytes stand.
    pub(crate) fn source(&self, range: Range<usize>) -> Range<usize> {
        self.origin[range.start] as usize..self.origin[range.end] as usize
    }

    /// One layer less, if there is one.
    fn decoded(&self) -> Option<Self> {
        memchr::memchr3(b'%', b'\\', b'&', &self.bytes)?;
        let mut next =
            Self { bytes: Vec::with_capacity(self.bytes.len()), origin: Vec::with_capacity(self.bytes.len()) };
        let (mut at, mut skipped) = (0, None);
        while at < self.bytes.len() {
            let rest = &self.bytes[at..];
            let (unit, length) = escape(rest).unwrap_or((Unit::Byte(rest[0]), 1));
            let origin = *skipped.get_or_insert(self.origin[at]);
            match unit {
                Unit::Nothing => {}
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

/// What the escape at the beginning of `text` stands for, and its length. A layer of the same kind around it counts as part
/// of it: `%252B` is `+`, and so is `\\\u002b`.
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

/// A run of any length: each layer of JSON doubles it. What follows is a digit code, or stands for itself.
fn backslash(text: &[u8]) -> (Unit, usize) {
    let run = text.iter().take_while(|&&byte| byte == b'\\').count();
    if let Some(unit) = unicode(text, run) {
        return (unit, run + 5);
    }
    match text.get(run) {
        Some(b'x' | b'X') => match hex(text, run + 1, 2) {
            Some(byte) => (Unit::Byte(byte as u8), run + 3),
            None => (Unit::Nothing, run),
        },
        _ => (Unit::Nothing, run),
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
    // What follows may be no entity: then the `amp;` before it is one.
    numbered(text, at).or_else(|| named(text, at)).or_else(|| named(text, 1))
}

/// With leading zeros, and as browsers read it: without its end, too.
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

/// HTML's names for what ASCII has beside letters and digits.
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
