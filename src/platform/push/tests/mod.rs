//! Pushes as WeChat's samples have them, and what is refused.

mod encryption;
mod message;
mod mutation;

use proptest::prelude::*;
use serde_json::json;

use super::crypto::{RANDOM, encrypt, encrypt_blocks};
use super::*;
use crate::error::PushQueryProblem;

/// Token, key and appid of WeChat's samples.
const TOKEN: &str = "AAAAA";
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const APPID: &str = "wx134c8103faa5a59e";
/// The bytes of `KEY`, and of 43 times `B`.
const KEY_BYTES: [u8; 32] = [0; 32];
const OTHER_KEY: &str = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";
const OTHER_KEY_BYTES: [u8; 32] = {
    let mut bytes = [0x41; 32];
    let mut at = 0;
    while at < 32 {
        bytes[at] = [0x04, 0x10, 0x41][at % 3];
        at += 1;
    }
    bytes
};

const IN: &str = "D7yzvUNAL930rd28wf21s4hvXhz0L6Uit/p2Di6C5DHyYGpEgdBRnKjBec34JwoQXicwaZC7fOVihW80F4VtsdvE//1vr7oAbqjDv8KenVp+ajKYpJnyQ4zMRhIC+a31fCVOMC03FfzV/QuC94kBP55a+Za3sJgvAn+ZbsNqZI5DkyuzkhQN8OBqCzFhizGmy0xpM0MEA4agpvE+RuNO1rhHTtuJB5yltw1FiYzecSXJ+y/D2r81VkRn2eYjh2ltsoyfbDR7Is6ookXIFxTfyeNyeHxMeT4KN5WpCDmSbTcUYrbBUlkGLJ9n/rU8YOywma6G7aTb7KZKOqCxgfoUlYEZPk4FUL/TK7ShriFDMVCLyjQJ15Ob++agDWtcxhfUfe6HIoIpRW8mKNBQiY/Jd1svvuskA1wLef1RTtzKfMpagSCX/laZINmdnX4zrF6kIaR9P4xQrWXbsTFHTYe0Mg==";
const IN_QUERY: [(&str, &str); 5] = [
    ("signature", "cc0c594499c1634947d5b502f158ee518947db27"),
    ("timestamp", "1715943329"),
    ("nonce", "1590219412"),
    ("encrypt_type", "aes"),
    ("msg_signature", "6c12a4205838198b8fa631b3220723bb07f1015c"),
];
const OUT: &str = "hE8R6mGXHkJJjU72KxzKUd1GEkKJaEZq7vRL8XgK3o+00k8JGq6+pZJUIlTSyhsX+bxIBQ72g3GyvDdIZcr6+3HAZbSvPT9t/o11MI7d6WELwqrGd7jMnV0zv3Zc9Nq7";

fn config(keys: &[&str]) -> PushConfig {
    let keys: Vec<_> = keys.iter().copied().map(Into::into).collect();
    PushConfig::new(APPID, TOKEN.into(), &keys).unwrap()
}

type Query = Vec<(&'static str, String)>;

/// The query of a push with this encrypted text.
fn query(encrypt: &str) -> Query {
    let msg_signature = crypto::sign(TOKEN, "1715943329", "1590219412", encrypt);
    let given = [("timestamp", "1715943329"), ("nonce", "1590219412"), ("encrypt_type", "aes")];
    given.map(|(name, value)| (name, value.to_owned())).into_iter().chain([("msg_signature", msg_signature)]).collect()
}

fn envelope(encrypt: &str) -> String {
    format!("<xml><AppId><![CDATA[{APPID}]]></AppId><Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>")
}

fn encrypted(message: &str) -> String {
    encrypt(&KEY_BYTES, &[7; RANDOM], message.as_bytes(), APPID)
}

/// What is made of a signed encrypted text, as a body and as a text.
fn opened(encrypt: &str) -> Result<PlatformEvent, PushError> {
    let (config, query, body) = (config(&[KEY]), query(encrypt), envelope(encrypt));
    let raw = open(&config, &query, PushBody::Raw(body.as_bytes()));
    let parsed = open(&config, &query, PushBody::Encrypt(encrypt));
    let shown = |opened: &Result<PlatformEvent, PushError>| opened.as_ref().map(PlatformEvent::to_json).map_err(|&e| e);
    assert_eq!(shown(&raw), shown(&parsed));
    raw
}

fn event(message: &str) -> Result<PlatformEvent, PushError> {
    opened(&encrypted(message))
}

fn in_message(problem: PushXmlProblem) -> PushError {
    PushError::Xml { part: PushPart::Message, problem }
}

fn in_envelope(problem: PushXmlProblem) -> PushError {
    PushError::Xml { part: PushPart::Envelope, problem }
}

#[test]
fn the_signature_of_the_query_alone_is_not_enough() {
    let refused = |name: &str, value: &str| {
        let query = IN_QUERY.map(|(other, old)| (other, if other == name { value } else { old }));
        open(&config(&[KEY]), &query, PushBody::Encrypt(IN)).unwrap_err()
    };
    let signature = PushError::Signature { is_addressed_elsewhere: false };
    let right = IN_QUERY[4].1;
    let upper = right.to_uppercase();
    for wrong in [IN_QUERY[0].1, &upper, &right[..39], &format!("{right}0"), &right.replace('6', "7"), "0", "签"] {
        assert_eq!(refused("msg_signature", wrong), signature, "{wrong}");
    }
    assert_eq!((refused("timestamp", "1715943330"), refused("nonce", "1590219413")), (signature, signature));
    let other_token = PushConfig::new(APPID, "AAAAAA".into(), &[KEY.into()]).unwrap();
    assert_eq!(open(&other_token, &IN_QUERY, PushBody::Encrypt(IN)).unwrap_err(), signature);
    let wrong = IN_QUERY.map(|(name, value)| (name, if name == "signature" { "wrong" } else { value }));
    assert!(open(&config(&[KEY]), &wrong, PushBody::Encrypt(IN)).is_ok(), "it does not cover the content");
}

#[test]
fn a_wrong_signature_says_whether_the_body_is_addressed_to_another_platform() {
    let refused = |beside: &str| {
        let body = format!("<xml>{beside}<Encrypt>{OUT}</Encrypt></xml>");
        open(&config(&[KEY]), &IN_QUERY, PushBody::Raw(body.as_bytes())).unwrap_err()
    };
    let addressed = |is_addressed_elsewhere| PushError::Signature { is_addressed_elsewhere };
    assert_eq!(refused("<AppId>wx0000000000000000</AppId>"), addressed(true));
    for beside in ["", "<AppId>wx134c8103faa5a59e</AppId>", "<ToUserName>gh_97417a04a28d</ToUserName>"] {
        assert_eq!(refused(beside), addressed(false), "{beside}");
    }
}

#[test]
fn the_query_has_each_parameter_once_and_as_wechat_sends_it() {
    let refused =
        |query: &[(&str, &str)]| open(&config(&[KEY]), query, PushBody::Encrypt(IN)).map(|event| event.to_json());
    let wrong = |name, problem| Err(PushError::Query { name, problem });
    for name in ["timestamp", "nonce", "msg_signature"] {
        let without: Vec<_> = IN_QUERY.into_iter().filter(|(other, _)| *other != name).collect();
        assert_eq!(refused(&without), wrong(name, PushQueryProblem::Missing));
        let empty = IN_QUERY.map(|(other, value)| (other, if other == name { "" } else { value }));
        assert_eq!(refused(&empty), wrong(name, PushQueryProblem::Missing));
        let (_, value) = IN_QUERY.into_iter().find(|(other, _)| *other == name).unwrap();
        assert_eq!(refused(&[&IN_QUERY[..], &[(name, value)]].concat()), wrong(name, PushQueryProblem::Repeated));
        assert_eq!(refused(&[&[(name, "")], &IN_QUERY[..]].concat()), wrong(name, PushQueryProblem::Repeated));
    }
    let (long_time, long_nonce) = ("1".repeat(17), "n".repeat(41));
    for (name, value) in [
        ("timestamp", "17159433x9"),
        ("timestamp", "-1"),
        ("timestamp", &long_time),
        ("nonce", "15 90"),
        ("nonce", "随机"),
        ("nonce", &long_nonce),
    ] {
        let query = IN_QUERY.map(|(other, old)| (other, if other == name { value } else { old }));
        assert_eq!(refused(&query), wrong(name, PushQueryProblem::Malformed), "{value}");
    }
    let of_type =
        |encrypt_type| IN_QUERY.map(|(name, old)| (name, if name == "encrypt_type" { encrypt_type } else { old }));
    assert_eq!(refused(&of_type("raw")), wrong("encrypt_type", PushQueryProblem::NotEncrypted));
    assert!(refused(&[&IN_QUERY[1..3], &IN_QUERY[4..]].concat()).is_ok(), "encrypt_type may be absent");
    assert!(refused(&[&IN_QUERY[..], &[("openid", "o"), ("openid", "p")]].concat()).is_ok(), "others are not read");
}

#[test]
fn no_text_moves_between_nonce_and_content_without_a_new_signature() {
    // The encrypted text begins with digits, and its nonce comes just before it in the order of the signature.
    let (token, nonce, encrypt) = ("!", "1", format!("1{}", "2".repeat(127)));
    let signed = crypto::sign(token, "0", nonce, &encrypt);
    let (moved, rest) = encrypt.split_at(64);
    assert_eq!(crypto::sign(token, "0", &format!("{nonce}{moved}"), rest), signed);
    let config = PushConfig::new(APPID, token.into(), &[KEY.into()]).unwrap();
    let nonce = format!("{nonce}{moved}");
    let query = [("timestamp", "0"), ("nonce", nonce.as_str()), ("msg_signature", signed.as_str())];
    let malformed = PushError::Query { name: "nonce", problem: PushQueryProblem::Malformed };
    assert_eq!(open(&config, &query, PushBody::Encrypt(rest)).unwrap_err(), malformed);
}

#[test]
fn more_than_64_kib_are_not_read() {
    let message = format!("<xml><MsgType>a</MsgType><A>{}</A></xml>", "a".repeat(40_000));
    assert!(event(&message).is_ok());
    let sealed = encrypted("<xml><MsgType>a</MsgType></xml>");
    let body = envelope(&sealed);
    let filled = |bytes: usize| format!("{body}{}", " ".repeat(bytes - body.len()));
    let open = |body: PushBody<'_>| open(&config(&[KEY]), &query(&sealed), body).map(|event| event.to_json());
    assert!(open(PushBody::Raw(filled(65_536).as_bytes())).is_ok());
    assert_eq!(open(PushBody::Raw(filled(65_537).as_bytes())), Err(PushError::Size));
    assert_eq!(open(PushBody::Encrypt(&"A".repeat(65_537))), Err(PushError::Size));
}

#[test]
fn an_envelope_has_the_encrypted_text_once() {
    let sealed = encrypted("<xml><MsgType>a</MsgType></xml>");
    let open = |body: &str| {
        open(&config(&[KEY]), &query(&sealed), PushBody::Raw(body.as_bytes())).map(|event| event.to_json())
    };
    assert!(open(&format!("<xml><Encrypt>\n{sealed}\n</Encrypt></xml>")).is_ok());
    for inside in [
        "",
        "<Encrypt></Encrypt>",
        "<Encrypt> </Encrypt>",
        "<encrypt>a</encrypt>",
        "<Encrypt><A>a</A></Encrypt>",
        "<A><Encrypt>a</Encrypt></A>",
        &format!("<Encrypt>{sealed}</Encrypt><Encrypt>{sealed}</Encrypt>"),
    ] {
        let refused = open(&format!("<xml>{inside}</xml>"));
        assert_eq!(refused, Err(in_envelope(PushXmlProblem::Element("Encrypt"))), "{inside}");
    }
    for (body, problem) in [
        ("<!DOCTYPE xml><xml/>", PushXmlProblem::Doctype),
        ("{\"Encrypt\":\"a\"}", PushXmlProblem::Syntax),
        ("", PushXmlProblem::Syntax),
    ] {
        assert_eq!(open(body), Err(in_envelope(problem)), "{body}");
    }
    for text in ["", " \n"] {
        let refused = super::open(&config(&[KEY]), &query(text), PushBody::Encrypt(text)).unwrap_err();
        assert_eq!(refused, in_envelope(PushXmlProblem::Element("Encrypt")));
    }
}

#[test]
fn every_reason_has_its_name() {
    let signature = PushError::Signature { is_addressed_elsewhere: true };
    let query = PushError::Query { name: "nonce", problem: PushQueryProblem::Missing };
    let errors =
        [query, PushError::Size, in_message(PushXmlProblem::Syntax), signature, PushError::Decrypt, PushError::Appid];
    assert_eq!(errors.map(PushError::reason), ["query", "size", "xml", "signature", "decrypt", "appid"]);
}
