//! Takes secrets out of text that came from outside: a gateway's error page likes to repeat a request.
//!
//! By value: any stretch of eight bytes of a secret, so that a part of it shows no more than the whole, in whatever
//! spelling. By name: whatever stands behind `access_token=` or `"session_key":`. The text is read once as it is and once
//! for each layer of spelling that can be taken off it, which makes the work linear in its length.

mod names;
mod secrets;
mod view;

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
pub(crate) use names::{is_secret, named};
pub(crate) use secrets::Secrets;
use view::View;

/// So many bytes of a secret give it away.
const TELLING: usize = 8;
/// A secret that is shorter than this counts only where it stands alone: `T` is in too many words.
const SHORT: usize = 6;
/// Spellings inside spellings. Each is one more look at the text.
const LAYERS: usize = 6;

/// `text` without any of `secrets`.
pub fn redact<'a>(text: &'a str, secrets: &[&str]) -> Cow<'a, str> {
    Redactor::new(secrets.iter().copied()).clean(text)
}

/// What a text is searched for.
#[derive(Default)]
pub(crate) struct Redactor {
    stretches: Stretches,
    /// Secrets that are shorter than a stretch.
    whole: Vec<Vec<u8>>,
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
        // A secret may itself look like a spelling of something: then its layers come off with the text's.
        for view in View::layers(secret, LAYERS) {
            self.stretches.add(&view.bytes);
            if (1..TELLING).contains(&view.bytes.len()) {
                self.whole.push(view.bytes.into_iter().map(folded).collect());
            }
        }
        for encoded in base64_of(secret) {
            self.stretches.add(encoded.as_bytes());
        }
    }

    /// `text` with `***` in place of each secret.
    pub(crate) fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut marks = Marks::default();
        for view in View::layers(text, LAYERS) {
            marks.add(&view, self.stretches.of(&view.bytes));
            marks.add(&view, names::values(&view.bytes));
            for secret in &self.whole {
                marks.add(&view, whole(&view.bytes, secret));
            }
        }
        replaced(text, marks.0)
    }
}

/// Every stretch of the secrets, in each form that does not come off a text as a layer.
#[derive(Default)]
struct Stretches {
    all: HashSet<u64>,
    /// A bit for some of their bits: most of a text is in none, and this says so cheaply.
    hint: Vec<u64>,
}

impl Stretches {
    fn add(&mut self, form: &[u8]) {
        self.hint.resize(1024, 0);
        for (_, stretch) in stretches(form) {
            self.all.insert(stretch);
            let (word, bit) = Self::hint_of(stretch);
            self.hint[word] |= bit;
        }
    }

    /// Where they stand in a text.
    fn of(&self, text: &[u8]) -> impl Iterator<Item = Range<usize>> {
        let text = if self.all.is_empty() { &[] } else { text };
        let known = |stretch| {
            let (word, bit) = Self::hint_of(stretch);
            self.hint[word] & bit != 0 && self.all.contains(&stretch)
        };
        stretches(text).filter(move |&(_, stretch)| known(stretch)).map(|(at, _)| at..at + TELLING)
    }

    fn hint_of(stretch: u64) -> (usize, u64) {
        let hash = stretch.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48;
        ((hash / 64) as usize, 1 << (hash % 64))
    }
}

/// All stretches of a text, each as a number.
fn stretches(text: &[u8]) -> impl Iterator<Item = (usize, u64)> {
    let mut stretch = 0;
    let numbers = text.iter().enumerate().map(move |(at, &byte)| {
        stretch = (stretch << 8) + u64::from(folded(byte));
        (at, stretch)
    });
    numbers.skip(TELLING - 1).map(|(last, stretch)| (last + 1 - TELLING, stretch))
}

/// Where a short secret stands in a text.
fn whole(text: &[u8], secret: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let touches = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let places = text
        .windows(secret.len())
        .enumerate()
        .filter(|(_, place)| place.iter().map(|&b| folded(b)).eq(secret.iter().copied()));
    places.map(|(at, _)| at..at + secret.len()).filter(move |place| {
        let before = place.start.checked_sub(1).and_then(|at| text.get(at));
        secret.len() >= SHORT || !touches(before) && !touches(text.get(place.end))
    })
}

/// Upper and lower case are one, and so are base64 and base64url.
fn folded(byte: u8) -> u8 {
    match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other.to_ascii_lowercase(),
    }
}

/// What a secret looks like inside something longer that was encoded, at each of the three places where it can begin,
/// without the characters that depend on its neighbours.
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

/// What has to go, in no order.
#[derive(Default)]
struct Marks(Vec<Range<usize>>);

impl Marks {
    /// The stretches of one secret overlap, and come one after the other.
    fn add(&mut self, view: &View, places: impl Iterator<Item = Range<usize>>) {
        for place in places.map(|place| view.source(place)) {
            match self.0.last_mut().filter(|last| (last.start..=last.end).contains(&place.start)) {
                Some(last) => last.end = last.end.max(place.end),
                None => self.0.push(place),
            }
        }
    }
}

fn replaced(text: &str, mut marks: Vec<Range<usize>>) -> Cow<'_, str> {
    if marks.is_empty() {
        return Cow::Borrowed(text);
    }
    // Two may touch the same character without touching each other.
    for mark in &mut marks {
        *mark = boundary_before(text, mark.start)..boundary_behind(text, mark.end);
    }
    marks.sort_unstable_by_key(|mark| mark.start);
    let mut clean = String::with_capacity(text.len());
    let mut shown_to = 0;
    let mut marks = marks.into_iter().peekable();
    while let Some(Range { start, mut end }) = marks.next() {
        while let Some(next) = marks.next_if(|next| next.start <= end) {
            end = end.max(next.end);
        }
        clean.push_str(&text[shown_to..start]);
        clean.push_str("***");
        shown_to = end;
    }
    clean.push_str(&text[shown_to..]);
    Cow::Owned(clean)
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
