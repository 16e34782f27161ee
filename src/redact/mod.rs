//! Takes secrets out of text that came from outside: a gateway's error page likes to repeat a request.
//!
//! By value: every 8-gram (eight bytes in a row) of a secret, so that a part of a secret is found too. By name: the value
//! behind `access_token=` or `"session_key":`. The text is searched as it is and after each decoding (percent, JSON,
//! HTML), so the work is linear in its length.

mod decode;
mod names;
mod secrets;

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use decode::Decoded;
pub(crate) use names::{is_secret_name, named_values};
pub(crate) use secrets::Secrets;

/// A text that has so many bytes of a secret in a row reveals it.
const NGRAM_BYTES: usize = 8;
/// A secret with fewer bytes is only found between delimiters: `T` is in too many words.
const MIN_EMBEDDED_BYTES: usize = 6;
/// How many encodings inside each other are decoded. Each is one more search of the text.
const MAX_DECODE_DEPTH: usize = 6;

/// `text` without any of `secrets`.
pub fn redact<'a>(text: &'a str, secrets: &[&str]) -> Cow<'a, str> {
    Redactor::new(secrets.iter().copied()).redact(text)
}

/// What a text is searched for.
#[derive(Default)]
pub(crate) struct Redactor {
    ngrams: NgramSet,
    /// Secrets that are shorter than an n-gram.
    short_secrets: Vec<Vec<u8>>,
}

impl Redactor {
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut redactor = Self::default();
        for secret in secrets {
            redactor.add(secret);
        }
        redactor
    }

    fn add(&mut self, secret: &str) {
        // A secret may itself look encoded: then decoding the text decodes the secret too.
        for decoded in Decoded::decodings(secret, MAX_DECODE_DEPTH) {
            self.ngrams.add(&decoded.bytes);
            if (1..NGRAM_BYTES).contains(&decoded.bytes.len()) {
                self.short_secrets.push(decoded.bytes.into_iter().map(normalize).collect());
            }
        }
        // What looks like an escape in a secret is none where its digits are encoded: decoding the text takes its backslash alone.
        if secret.contains('\\') {
            self.ngrams.add(secret.replace('\\', "").as_bytes());
        }
        for encoded in base64_of(secret) {
            self.ngrams.add(encoded.as_bytes());
        }
    }

    /// `text` with `***` in place of each secret.
    pub(crate) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut spans = Spans::default();
        for decoded in Decoded::decodings(text, MAX_DECODE_DEPTH) {
            spans.add(&decoded, self.ngrams.find(&decoded.bytes));
            spans.add(&decoded, names::values(&decoded.bytes));
            for secret in &self.short_secrets {
                spans.add(&decoded, find_short(&decoded.bytes, secret));
            }
        }
        mask(text, spans.0)
    }
}

/// The n-grams of the secrets, in every encoding that `Decoded` does not undo.
#[derive(Default)]
struct NgramSet {
    all: HashSet<u64>,
    /// A Bloom filter of `all`: it rules most n-grams of a text out without hashing them.
    bloom: Vec<u64>,
}

impl NgramSet {
    fn add(&mut self, form: &[u8]) {
        self.bloom.resize(1024, 0);
        for (_, ngram) in ngrams(form) {
            self.all.insert(ngram);
            let (word, bit) = Self::bloom_bit(ngram);
            self.bloom[word] |= bit;
        }
    }

    /// Where a text has an n-gram of this set.
    fn find(&self, text: &[u8]) -> impl Iterator<Item = Range<usize>> {
        let text = if self.all.is_empty() { &[] } else { text };
        let contains = |ngram| {
            let (word, bit) = Self::bloom_bit(ngram);
            self.bloom[word] & bit != 0 && self.all.contains(&ngram)
        };
        ngrams(text).filter(move |&(_, ngram)| contains(ngram)).map(|(at, _)| at..at + NGRAM_BYTES)
    }

    fn bloom_bit(ngram: u64) -> (usize, u64) {
        let hash = ngram.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48;
        ((hash / 64) as usize, 1 << (hash % 64))
    }
}

/// All n-grams of a text with their offsets, each as a number.
fn ngrams(text: &[u8]) -> impl Iterator<Item = (usize, u64)> {
    let mut ngram = 0;
    let numbers = text.iter().enumerate().map(move |(at, &byte)| {
        ngram = (ngram << 8) + u64::from(normalize(byte));
        (at, ngram)
    });
    numbers.skip(NGRAM_BYTES - 1).map(|(last, ngram)| (last + 1 - NGRAM_BYTES, ngram))
}

/// Where a short secret stands in a text.
fn find_short(text: &[u8], secret: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let touches = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let ranges = text
        .windows(secret.len())
        .enumerate()
        .filter(|(_, range)| range.iter().map(|&b| normalize(b)).eq(secret.iter().copied()));
    ranges.map(|(at, _)| at..at + secret.len()).filter(move |range| {
        let before = range.start.checked_sub(1).and_then(|at| text.get(at));
        secret.len() >= MIN_EMBEDDED_BYTES || !touches(before) && !touches(text.get(range.end))
    })
}

/// Maps upper case to lower case, and base64url to base64.
fn normalize(byte: u8) -> u8 {
    match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other.to_ascii_lowercase(),
    }
}

/// The base64 of a secret inside a longer text, for each of the three offsets at which it can begin, without the
/// characters that depend on the bytes around it.
fn base64_of(secret: &str) -> impl Iterator<Item = String> {
    [(0, 0), (1, 2), (2, 3)].into_iter().filter_map(move |(before, foreign)| {
        let mut content = vec![0; before];
        content.extend_from_slice(secret.as_bytes());
        let mut encoded = STANDARD_NO_PAD.encode(&content);
        if content.len() % 3 != 0 {
            encoded.pop();
        }
        encoded.get(foreign..).map(str::to_owned)
    })
}

/// The parts of a text to redact, unsorted.
#[derive(Default)]
struct Spans(Vec<Range<usize>>);

impl Spans {
    /// Adds ranges of the decoded bytes. The n-grams of one secret follow each other and overlap: they become one span.
    fn add(&mut self, decoded: &Decoded, ranges: impl Iterator<Item = Range<usize>>) {
        for range in ranges.map(|range| decoded.source(range)) {
            match self.0.last_mut().filter(|last| (last.start..=last.end).contains(&range.start)) {
                Some(last) => last.end = last.end.max(range.end),
                None => self.0.push(range),
            }
        }
    }
}

/// `text` with `***` in place of each span.
fn mask(text: &str, mut spans: Vec<Range<usize>>) -> Cow<'_, str> {
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    // Two spans may lie in the same character without overlapping.
    for span in &mut spans {
        *span = boundary_before(text, span.start)..boundary_behind(text, span.end);
    }
    spans.sort_unstable_by_key(|span| span.start);
    let mut redacted = String::with_capacity(text.len());
    let mut shown_to = 0;
    let mut spans = spans.into_iter().peekable();
    while let Some(Range { start, mut end }) = spans.next() {
        while let Some(next) = spans.next_if(|next| next.start <= end) {
            end = end.max(next.end);
        }
        redacted.push_str(&text[shown_to..start]);
        redacted.push_str("***");
        shown_to = end;
    }
    redacted.push_str(&text[shown_to..]);
    Cow::Owned(redacted)
}

fn boundary_before(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn boundary_behind(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests;
