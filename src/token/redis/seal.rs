//! What of a token may lie in Redis: sealed with a key that only holders of AppSecret have.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretString};

use crate::token::fingerprint::{Prints, hex};

pub struct Seal {
    key: Option<LessSafeKey>,
    prints: Prints,
    random: SystemRandom,
}

impl Seal {
    pub fn new(secret: &SecretString) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        let derived = |purpose: &str| hmac::sign(&root, purpose.as_bytes());
        let key = UnboundKey::new(&AES_256_GCM, derived("wxacode token").as_ref()).ok();
        Self { key: key.map(LessSafeKey::new), prints: Prints::new(secret), random: SystemRandom::new() }
    }

    /// Nonce and ciphertext; `place` says where it belongs, so that it opens nowhere else.
    pub fn close(&self, token: &str, place: &str) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).ok()?;
        let mut sealed = token.as_bytes().to_vec();
        let aad = Aad::from(place.as_bytes());
        self.key.as_ref()?.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).ok()?;
        Some([&nonce[..], &sealed].concat())
    }

    /// The token, unless somebody else wrote it or it belongs elsewhere.
    pub fn open(&self, sealed: &[u8], place: &str) -> Option<SecretString> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
        let mut rest = rest.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let token = self.key.as_ref()?.open_in_place(nonce, Aad::from(place.as_bytes()), &mut rest).ok()?;
        Some(std::str::from_utf8(token).ok()?.into())
    }

    pub fn fingerprint(&self, token: &str) -> String {
        self.prints.of(token)
    }
}

/// Names an account's keys: its AppSecret and its hosts are part of the name without being in it.
pub fn account_print(secret: &SecretString, bases: &[String]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    let mut bases: Vec<_> = bases.iter().map(String::as_str).collect();
    bases.sort_unstable();
    bases.dedup();
    hex(&hmac::sign(&key, format!("wxacode account {}", bases.join(" ")).as_bytes()).as_ref()[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_token_opens_at_its_place_with_its_secret_only() {
        let (seal, other) = (Seal::new(&"s1".into()), Seal::new(&"s2".into()));
        let sealed = seal.close("c4nary", "a").unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains("c4nary"));
        assert_eq!(seal.open(&sealed, "a").unwrap().expose_secret(), "c4nary");
        assert!(seal.open(&sealed, "b").is_none());
        assert!(other.open(&sealed, "a").is_none());
        for cut in 0..sealed.len() {
            assert!(seal.open(&sealed[..cut], "a").is_none());
        }
        assert_ne!(sealed, seal.close("c4nary", "a").unwrap(), "a nonce of its own each time");
    }
}
