//! Mutated inputs: what breaks a parser is similar to what it accepts.

use fastrand::Rng;

const MAX_BYTES: usize = 4096;

/// Tokens of the formats.
const WORDS: [&[u8]; 44] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b":",
    b",",
    b"0",
    b"-1",
    b"1e5",
    b"41030",
    b"40001.0",
    b"9223372036854775808",
    b"null",
    b"true",
    b"\"errcode\":",
    b"\"errmsg\":",
    b"\"access_token\":\"",
    b"\\u0022",
    b"\\ud83d",
    b"\\ude00",
    b"\x08",
    b"\n",
    b"\0",
    b"\xFF",
    b"\xD4\\",
    b"\xEF\xBB\xBF",
    "微".as_bytes(),
    "…".as_bytes(),
    b"%25",
    b"%2B",
    b"%u002b",
    b"&amp;",
    b"&#x2B;",
    b"&#0043",
    b"access_token=",
    b" rid: ",
    b" hint: [",
    b"..",
    b"?scancode_time=1",
    b"$-1\r\n",
    b"*3\r\n",
    b"~",
];

pub(crate) struct Mutator {
    seeds: Vec<Vec<u8>>,
    random: Rng,
}

impl Mutator {
    pub(crate) fn new(seeds: Vec<Vec<u8>>, seed: u64) -> Self {
        Self { seeds, random: Rng::with_seed(seed) }
    }

    /// A seed with one or more mutations.
    pub(crate) fn input(&mut self) -> Vec<u8> {
        let mut bytes = self.seed();
        for _ in 0..1 + self.random.u32(..) % 6 {
            self.mutate(&mut bytes);
        }
        bytes.truncate(MAX_BYTES);
        bytes
    }

    fn seed(&mut self) -> Vec<u8> {
        self.random.choice(&self.seeds).cloned().unwrap_or_default()
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        let (from, to) = (self.place(bytes), self.place(bytes));
        let (from, to) = (from.min(to), from.max(to));
        match self.random.u8(..10) {
            0 if from < bytes.len() => bytes[from] ^= 1 << self.random.u8(..8),
            1 if from < bytes.len() => bytes[from] = self.random.u8(..),
            2 => bytes.truncate(to),
            3 => drop(bytes.drain(from..to)),
            // Repeats a part once or many times, for depth and length.
            4 => self.insert(bytes, to, from..to, 1),
            5 => self.insert(bytes, to, from..to.min(from + 16), 256),
            6 => {
                let other = self.seed();
                let begin = self.place(&other);
                bytes.truncate(from);
                bytes.extend_from_slice(&other[begin..]);
            }
            7 => bytes[from..to].reverse(),
            _ => {
                let word = self.random.choice(WORDS).unwrap_or_default();
                let end = if self.random.bool() { from } else { to.min(from + word.len()) };
                bytes.splice(from..end, word.iter().copied());
            }
        }
    }

    fn insert(&mut self, bytes: &mut Vec<u8>, at: usize, part: std::ops::Range<usize>, times: usize) {
        let part = bytes[part].to_vec();
        let many = part.repeat(1 + self.random.usize(..times)).into_iter().take(MAX_BYTES);
        bytes.splice(at..at, many);
    }

    fn place(&mut self, bytes: &[u8]) -> usize {
        self.random.usize(..=bytes.len())
    }
}
