//! What Redis and the disk store: values are sealed, and their keys are hashed, with keys that follow from the AppSecret.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

/// Encrypts values with AES-256-GCM and hashes keys with HMAC-SHA-256, by keys that follow from the AppSecret.
pub(crate) struct Seal {
    key: Option<LessSafeKey>,
    key_names: hmac::Key,
    random: SystemRandom,
}

impl Seal {
    /// A value that is sealed for one purpose opens for no other.
    pub(crate) fn new(secret: &SecretString, purpose: &str) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        let derived = |of: &str| hmac::sign(&root, format!("wxacode {purpose}{of}").as_bytes());
        let key = UnboundKey::new(&AES_256_GCM, derived("").as_ref()).ok();
        let key_names = hmac::Key::new(hmac::HMAC_SHA256, derived(" name").as_ref());
        Self { key: key.map(LessSafeKey::new), key_names, random: SystemRandom::new() }
    }

    /// Nonce and ciphertext. `aad` is the associated data: the value opens only with the same data.
    pub(crate) fn seal(&self, content: &[u8], aad: &str) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).ok()?;
        let mut sealed = Vec::with_capacity(NONCE_LEN + content.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(content);
        let (aad, nonce) = (Aad::from(aad.as_bytes()), Nonce::assume_unique_for_key(nonce));
        let tag = self.key.as_ref()?.seal_in_place_separate_tag(nonce, aad, sealed.get_mut(NONCE_LEN..)?).ok()?;
        sealed.extend_from_slice(tag.as_ref());
        Some(sealed)
    }

    /// The content; `None` if it was sealed with another key or other associated data.
    pub(crate) fn open(&self, sealed: &[u8], aad: &str) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
        let mut rest = rest.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let length = self.key.as_ref()?.open_in_place(nonce, Aad::from(aad.as_bytes()), &mut rest).ok()?.len();
        rest.truncate(length);
        Some(rest)
    }

    /// The content, which is JSON.
    pub(crate) fn open_json<T: DeserializeOwned>(&self, sealed: &[u8], aad: &str) -> Option<T> {
        // As text: reading JSON from bytes too would be compiled besides.
        serde_json::from_str(&String::from_utf8(self.open(sealed, aad)?).ok()?).ok()
    }

    /// 32 hexadecimal digits that identify a content and do not reveal it.
    pub(crate) fn opaque_key(&self, content: &[u8]) -> String {
        hex(&hmac::sign(&self.key_names, content).as_ref()[..16])
    }
}

/// 16 hexadecimal digits that identify AppSecret and base URLs, in any order, and reveal neither.
pub(crate) fn account_key_id(secret: &SecretString, bases: &[String]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    let mut bases: Vec<_> = bases.iter().map(String::as_str).collect();
    bases.sort_unstable();
    bases.dedup();
    hex(&hmac::sign(&key, format!("wxacode account {}", bases.join(" ")).as_bytes()).as_ref()[..8])
}

/// 16 hexadecimal digits of the SHA-256 of a text that is no secret.
pub(crate) fn digest(text: &str) -> String {
    hex(&digest::digest(&digest::SHA256, text.as_bytes()).as_ref()[..8])
}

/// Two lower-case digits for each byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 32 random hexadecimal digits.
pub(crate) fn random_id() -> String {
    let mut bytes = [0; 16];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => hex(&bytes),
        Err(_) => format!("{:032x}", fastrand::u128(..)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_under_its_key_secret_and_purpose() {
        let seal = Seal::new(&"s1".into(), "token");
        let others = [Seal::new(&"s2".into(), "token"), Seal::new(&"s1".into(), "code")];
        let sealed = seal.seal(b"c4nary", "a").unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains("c4nary"));
        assert_eq!(seal.open(&sealed, "a").unwrap(), b"c4nary");
        assert!(seal.open(&sealed, "b").is_none());
        assert!(others.iter().all(|other| other.open(&sealed, "a").is_none()));
        for cut in 0..sealed.len() {
            assert!(seal.open(&sealed[..cut], "a").is_none());
        }
        assert_ne!(sealed, seal.seal(b"c4nary", "a").unwrap(), "each has another nonce");
    }

    #[test]
    fn opaque_keys_are_equal_exactly_for_equal_secrets_and_contents() {
        let opaque_key = |secret: &str, content: &[u8]| Seal::new(&secret.into(), "code").opaque_key(content);
        assert_eq!(opaque_key("s", b"a=1"), opaque_key("s", b"a=1"));
        assert_ne!(opaque_key("s", b"a=1"), opaque_key("s", b"a=2"));
        assert_ne!(opaque_key("s", b"a=1"), opaque_key("t", b"a=1"));
    }
}
