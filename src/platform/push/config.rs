//! What pushes are checked by: the platform's appid, the token and the keys.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretBox, SecretString};

use crate::error::explanation::Bilingual;
use crate::error::invalid::InvalidParam;

/// A key of AES-256.
pub(super) type AesKey = [u8; 32];

/// Generous: WeChat's console is said to accept 3 to 32 letters and digits, but documents no rule for platforms.
const MAX_TOKEN_BYTES: usize = 128;
/// 32 bytes in base64 without the `=`.
const KEY_CHARS: usize = 43;

/// What the platform's pushes are checked and decrypted by.
#[derive(Debug)]
pub struct PushConfig {
    /// The component's.
    pub(super) appid: String,
    pub(super) token: SecretString,
    /// The current one, and the previous one while the key is being changed.
    pub(super) keys: Vec<SecretBox<AesKey>>,
}

impl PushConfig {
    /// `keys` has the current `encodingAESKey` and perhaps the previous one. The caller has checked `appid`.
    ///
    /// # Errors
    ///
    /// If the token or a key is not what WeChat's console shows. The error does not repeat it.
    pub fn new(appid: &str, token: SecretString, keys: &[SecretString]) -> Result<Self, InvalidParam> {
        check_token(token.expose_secret())?;
        if !(1..=2).contains(&keys.len()) {
            return Err(invalid_key("须为一个密钥，或 [新的, 旧的]", "must be one key, or [current, previous]"));
        }
        let keys = keys.iter().map(|key| aes_key(key.expose_secret())).collect::<Result<_, _>>()?;
        Ok(Self { appid: appid.to_owned(), token, keys })
    }
}

fn check_token(token: &str) -> Result<(), InvalidParam> {
    let (zh, en) = if token.is_empty() {
        ("为空：环境变量没有设置？".to_owned(), "is empty: is the environment variable not set?".to_owned())
    } else if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        (
            "含有空白、控制字符或非 ASCII 字符".to_owned(),
            "has white space, a control character or one that is not ASCII".to_owned(),
        )
    } else if token.len() > MAX_TOKEN_BYTES {
        (
            format!("有 {} 个字符，最多 {MAX_TOKEN_BYTES} 个", token.len()),
            format!("has {} characters; at most {MAX_TOKEN_BYTES} are allowed", token.len()),
        )
    } else {
        return Ok(());
    };
    Err(InvalidParam::new(
        "pushToken",
        None,
        Bilingual::new(format!("pushToken {zh}"), format!("pushToken {en}")),
        Bilingual::new(
            "填微信开放平台后台第三方平台详情里的“消息校验 Token”",
            "Pass 消息校验 Token of the platform's page on open.weixin.qq.com",
        ),
    ))
}

fn aes_key(encoded: &str) -> Result<SecretBox<AesKey>, InvalidParam> {
    match encoded.chars().count() {
        KEY_CHARS => {}
        0 => return Err(invalid_key("为空：环境变量没有设置？", "is empty: is the environment variable not set?")),
        length => {
            return Err(invalid_key(
                &format!("有 {length} 个字符，须为 {KEY_CHARS} 个"),
                &format!("has {length} characters; it must have {KEY_CHARS}"),
            ));
        }
    }
    // 43 characters are 258 bits: WeChat draws all of them at random, and ignores the last two.
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone);
    let decoded = GeneralPurpose::new(&STANDARD, config).decode(encoded).map(Zeroizing::new);
    let key = decoded.ok().and_then(|bytes| AesKey::try_from(bytes.as_slice()).ok());
    let key = key.ok_or_else(|| {
        invalid_key(
            "含有字母、数字、+ 和 / 以外的字符",
            "has a character that is neither a letter nor a digit nor + nor /",
        )
    })?;
    Ok(SecretBox::new(Box::new(key)))
}

fn invalid_key(zh: &str, en: &str) -> InvalidParam {
    InvalidParam::new(
        "encodingAESKey",
        None,
        Bilingual::new(format!("encodingAESKey {zh}"), format!("encodingAESKey {en}")),
        Bilingual::new(
            format!(
                "填微信开放平台后台的“消息加解密 Key”，{KEY_CHARS} 个字符，不要在末尾加 =；更换期间传 [新的, 旧的]"
            ),
            format!(
                "Pass 消息加解密 Key from open.weixin.qq.com, {KEY_CHARS} characters without a = at the end; while it is being \
                 changed, pass [current, previous]"
            ),
        ),
    )
}

#[cfg(test)]
mod tests;
