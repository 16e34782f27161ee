//! Fingerprints: names of tokens that do not reveal them.

use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

use crate::seal::{hex, random_id};

/// Makes the fingerprint of a token. Everyone with the AppSecret gets the same one; without it a fingerprint reveals nothing.
pub struct Fingerprinter(hmac::Key);

impl Fingerprinter {
    /// A fingerprinter for tokens of the app with this AppSecret. The key is derived: a fingerprint does not help to guess the
    /// secret.
    pub fn new(secret: &SecretString) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        let derived = hmac::sign(&root, b"wxacode fingerprint");
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    /// A fingerprinter for tokens without an AppSecret. Its fingerprints are only comparable with each other.
    pub(crate) fn with_random_key() -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, random_id().as_bytes()))
    }

    /// The fingerprint of a token: eight lower-case hexadecimal digits.
    pub fn of(&self, token: &str) -> String {
        hex(&hmac::sign(&self.0, token.as_bytes()).as_ref()[..4])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_same_for_all_who_know_the_secret() {
        let print = |secret: &str, token| Fingerprinter::new(&secret.into()).of(token);
        assert_eq!(print("s", "T"), print("s", "T"));
        assert_ne!(print("s", "T"), print("s", "U"));
        assert_ne!(print("s", "T"), print("t", "T"));
        assert_eq!(print("s", "T").len(), 8);
        assert_ne!(Fingerprinter::with_random_key().of("T"), Fingerprinter::with_random_key().of("T"));
    }
}
