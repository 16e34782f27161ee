//! Pushes: refused or read, whether the bytes are the body, the encrypted text, or the message in it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::{Array, BlockModeEncrypt, KeyIvInit};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use wxacode::platform::push::{PlatformEvent, PushBody, PushConfig, open};

const APPID: &str = "wx134c8103faa5a59e";
const TOKEN: &str = "AAAAA";

pub(crate) fn run(bytes: &[u8]) {
    let unsigned = query(TOKEN);
    assert!(read(&unsigned, PushBody::Raw(bytes)).is_none(), "nothing of it is signed");
    let text = String::from_utf8_lossy(bytes);
    assert!(read(&query(&text), PushBody::Encrypt(&text)).is_none(), "no seed is encrypted");
    let sealed = encrypt(bytes);
    let parsed = read(&query(&sealed), PushBody::Encrypt(&sealed));
    let body = format!("<xml><Encrypt>{sealed}</Encrypt></xml>");
    assert_eq!(read(&query(&sealed), PushBody::Raw(body.as_bytes())), parsed);
}

/// The event as JavaScript gets it.
fn read(query: &[(&str, String)], body: PushBody<'_>) -> Option<String> {
    let config = PushConfig::new(APPID, TOKEN.into(), &["A".repeat(43).into()]).expect("a config");
    match open(&config, query, body) {
        Ok(event) => {
            let json = event.to_json();
            if let PlatformEvent::ComponentVerifyTicket { .. } = event {
                assert_eq!(json.as_object().map(serde_json::Map::len), Some(2), "no ticket in it: {json}");
            }
            let text = json.to_string();
            let again: serde_json::Value = serde_json::from_str(&text).expect("JSON that nests within its bounds");
            assert_eq!(again, json);
            Some(text)
        }
        Err(error) => {
            assert!(["query", "size", "xml", "signature", "decrypt", "appid"].contains(&error.reason()));
            None
        }
    }
}

fn query(encrypt: &str) -> [(&'static str, String); 3] {
    let mut parts = [TOKEN, "1715943329", "1590219412", encrypt];
    parts.sort_unstable();
    let sha1 = digest(&SHA1_FOR_LEGACY_USE_ONLY, parts.concat().as_bytes());
    let signature = sha1.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    [("timestamp", "1715943329".to_owned()), ("nonce", "1590219412".to_owned()), ("msg_signature", signature)]
}

fn encrypt(message: &[u8]) -> String {
    let length = u32::try_from(message.len()).expect("a short message").to_be_bytes();
    let mut bytes = [[7; 16].as_slice(), &length, message, APPID.as_bytes()].concat();
    let padding = 32 - bytes.len() % 32;
    bytes.extend(std::iter::repeat_n(u8::try_from(padding).expect("at most 32"), padding));
    let (blocks, _) = Array::slice_as_chunks_mut(&mut bytes);
    cbc::Encryptor::<aes::Aes256>::new(&[0; 32].into(), &[0; 16].into()).encrypt_blocks(blocks);
    STANDARD.encode(bytes)
}
