//! The query of a push's URL.

use crate::error::{PushError, PushQueryProblem};

/// What the signature is made of, besides the token and the encrypted text. `signature` is not read: it does not cover the body.
///
/// The signature joins its parts without a separator, so that characters moved from one to the next do not change it. Moving
/// 64 characters of base64, three blocks of AES, would make another message of the encrypted text: `timestamp` and `nonce`
/// together have room for fewer.
pub(super) struct PushQuery<'a> {
    pub(super) timestamp: &'a str,
    pub(super) nonce: &'a str,
    pub(super) msg_signature: &'a str,
}

const MAX_TIMESTAMP: usize = 16;
const MAX_NONCE: usize = 40;

impl<'a> PushQuery<'a> {
    pub(super) fn of<N: AsRef<str>, V: AsRef<str>>(pairs: &'a [(N, V)]) -> Result<Self, PushError> {
        let one = |name: &'static str| only(pairs, name)?.ok_or(wrong(name, PushQueryProblem::Missing));
        // It may be absent: that there is something encrypted is known from the body.
        if only(pairs, "encrypt_type")?.is_some_and(|encrypt_type| encrypt_type != "aes") {
            return Err(wrong("encrypt_type", PushQueryProblem::NotEncrypted));
        }
        let query = Self { timestamp: one("timestamp")?, nonce: one("nonce")?, msg_signature: one("msg_signature")? };
        let is_wrong = |text: &str, max: usize, is_right: fn(&u8) -> bool| {
            text.len() > max || !text.as_bytes().iter().all(is_right)
        };
        if is_wrong(query.timestamp, MAX_TIMESTAMP, u8::is_ascii_digit) {
            return Err(wrong("timestamp", PushQueryProblem::Malformed));
        }
        if is_wrong(query.nonce, MAX_NONCE, u8::is_ascii_graphic) {
            return Err(wrong("nonce", PushQueryProblem::Malformed));
        }
        Ok(query)
    }
}

fn wrong(name: &'static str, problem: PushQueryProblem) -> PushError {
    PushError::Query { name, problem }
}

/// The value of a parameter; none if it is absent or empty.
fn only<'a, N: AsRef<str>, V: AsRef<str>>(
    pairs: &'a [(N, V)],
    name: &'static str,
) -> Result<Option<&'a str>, PushError> {
    let mut values = pairs.iter().filter(|(other, _)| other.as_ref() == name).map(|(_, value)| value.as_ref());
    let value = values.next().filter(|value| !value.is_empty());
    match values.next() {
        Some(_) => Err(wrong(name, PushQueryProblem::Repeated)),
        None => Ok(value),
    }
}
