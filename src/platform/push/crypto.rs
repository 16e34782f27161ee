//! Signature and encryption of pushes, as WeChat defines them: <https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/Before_Develop/Technical_Plan.html>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::{Array, BlockModeDecrypt, KeyIvInit};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use secrecy::zeroize::Zeroizing;
use subtle::ConstantTimeEq;

use super::config::AesKey;
use crate::seal::hex;

/// WeChat pads to blocks of 32 bytes, though the blocks of AES have 16.
const PADDING_BLOCK: usize = 32;
const IV: usize = 16;
/// Random bytes before the message.
pub(super) const RANDOM: usize = 16;
/// Its length, after the random bytes.
const LENGTH: usize = 4;

/// The signature of `encrypt`, in hexadecimal digits.
pub(super) fn sign(token: &str, timestamp: &str, nonce: &str, encrypt: &str) -> String {
    let mut parts = [token, timestamp, nonce, encrypt];
    parts.sort_unstable();
    let mut sha1 = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    for part in parts {
        sha1.update(part.as_bytes());
    }
    hex(sha1.finish().as_ref())
}

/// Takes the same time wherever they differ: otherwise the time would tell a forger which digits are right.
pub(super) fn is_same(signature: &str, other: &str) -> bool {
    signature.as_bytes().ct_eq(other.as_bytes()).into()
}

/// The content of a push, and where its parts are.
pub(super) struct Plaintext {
    bytes: Zeroizing<Vec<u8>>,
    /// The end of the message.
    end: usize,
}

impl Plaintext {
    pub(super) fn message(&self) -> &[u8] {
        self.bytes.get(RANDOM + LENGTH..self.end).unwrap_or_default()
    }

    /// Of the platform that it was encrypted for.
    pub(super) fn appid(&self) -> &[u8] {
        self.bytes.get(self.end..).unwrap_or_default()
    }
}

/// What is in `encrypt`; `None` if it is no base64, or was encrypted with another key.
pub(super) fn decrypt(key: &AesKey, encrypt: &str) -> Option<Plaintext> {
    let mut bytes = Zeroizing::new(STANDARD.decode(encrypt).ok()?);
    let (iv, _) = key.split_first_chunk::<IV>()?;
    let (blocks, []) = Array::slice_as_chunks_mut(&mut bytes) else { return None };
    cbc::Decryptor::<aes::Aes256>::new(key.into(), iv.into()).decrypt_blocks(blocks);
    let length = unpadded(&bytes)?;
    bytes.truncate(length);
    let length = bytes.get(RANDOM..)?.first_chunk::<LENGTH>()?;
    let end = usize::try_from(u32::from_be_bytes(*length)).ok()?.checked_add(RANDOM + LENGTH)?;
    (end <= bytes.len()).then_some(Plaintext { bytes, end })
}

/// The length without the padding: 1 to 32 bytes, each of which is their number.
fn unpadded(bytes: &[u8]) -> Option<usize> {
    let &last = bytes.last()?;
    let padding = usize::from(last);
    let length = bytes.len().checked_sub(padding)?;
    let is_padding = (1..=PADDING_BLOCK).contains(&padding) && bytes[length..].iter().all(|&byte| byte == last);
    is_padding.then_some(length)
}

/// The reverse of [`decrypt`].
#[cfg(test)]
pub(super) fn encrypt(key: &AesKey, random: &[u8; RANDOM], message: &[u8], appid: &str) -> String {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let mut bytes = [random.as_slice(), &length, message, appid.as_bytes()].concat();
    let padding = PADDING_BLOCK - bytes.len() % PADDING_BLOCK;
    bytes.extend(std::iter::repeat_n(u8::try_from(padding).unwrap(), padding));
    encrypt_blocks(key, bytes)
}

/// `bytes` with padding, or whatever a test has in its place.
#[cfg(test)]
pub(super) fn encrypt_blocks(key: &AesKey, mut bytes: Vec<u8>) -> String {
    use cbc::cipher::BlockModeEncrypt;
    let iv = key.first_chunk::<IV>().unwrap();
    let (blocks, _) = Array::slice_as_chunks_mut(&mut bytes);
    cbc::Encryptor::<aes::Aes256>::new(key.into(), iv.into()).encrypt_blocks(blocks);
    STANDARD.encode(bytes)
}
