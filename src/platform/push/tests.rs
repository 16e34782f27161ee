//! Pushes as WeChat's samples have them, and what is refused.

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
fn the_sample_that_wechat_sends_is_opened() {
    let body =
        format!("<xml><ToUserName><![CDATA[gh_97417a04a28d]]></ToUserName><Encrypt><![CDATA[{IN}]]></Encrypt></xml>");
    for body in [PushBody::Raw(body.as_bytes()), PushBody::Encrypt(IN), PushBody::Encrypt(&format!(" {IN}\n"))] {
        let event = open(&config(&[KEY]), &IN_QUERY, body).unwrap();
        let PlatformEvent::Other { kind, fields } = event else { panic!("{event:?}") };
        assert_eq!(kind.as_deref(), Some("debug_demo"));
        assert_eq!((fields.text("MsgType"), fields.text("InfoType")), (Some("event"), None));
    }
    let plaintext = crypto::decrypt(&KEY_BYTES, IN).unwrap();
    assert_eq!((plaintext.message().len(), plaintext.appid()), (292, APPID.as_bytes()));
    assert_eq!(encrypt(&KEY_BYTES, b"1205899eaf019bbd", plaintext.message(), APPID), IN);
}

#[test]
fn the_sample_that_wechat_expects_is_made_and_opened() {
    let message = "<xml><demo_resp>[CDATA[good luck]]</demo_resp></xml>";
    let sealed = encrypt(&KEY_BYTES, b"999951349e8ee746", message.as_bytes(), APPID);
    let signature = crypto::sign(TOKEN, "1713424427", "415670741", &sealed);
    assert_eq!((sealed.as_str(), signature.as_str()), (OUT, "03e0812039325c2712ef5f0f980fd14c70d6e307"));
    let query = [("timestamp", "1713424427"), ("nonce", "415670741"), ("msg_signature", signature.as_str())];
    let event = open(&config(&[KEY]), &query, PushBody::Encrypt(OUT)).unwrap();
    assert_eq!(event.to_json(), json!({ "fields": { "demo_resp": "[CDATA[good luck]]" } }));
}

#[test]
fn every_length_of_padding_is_read() {
    for more in 0..32 {
        let text = "a".repeat(more);
        let event = event(&format!("<xml><MsgType>{text}b</MsgType></xml>")).unwrap();
        assert_eq!(event.to_json()["type"], format!("{text}b"));
    }
}

#[test]
fn wrong_padding_and_a_wrong_length_are_refused() {
    let random_and_length = |length: u32| [[7; 16].as_slice(), &length.to_be_bytes()].concat();
    let message = b"<xml><MsgType>a</MsgType></xml>";
    let padded = |content: Vec<u8>, padding: &[u8]| {
        let sealed = [content.as_slice(), padding].concat();
        assert_eq!(sealed.len() % 16, 0);
        opened(&encrypt_blocks(&KEY_BYTES, sealed)).map(|event| event.to_json())
    };
    let content = |length: u32| [random_and_length(length).as_slice(), message, APPID.as_bytes()].concat();
    assert_eq!(message.len(), 31);
    assert!(padded(content(31), &[11; 11]).is_ok(), "a block of AES is enough");
    assert!(padded(content(31), &[27; 27]).is_ok());
    for padding in [[0; 11].as_slice(), &[12; 11], &[11, 11, 11, 11, 10, 11, 11, 11, 11, 11, 11], &[43; 43], &[255; 27]]
    {
        assert_eq!(padded(content(31), padding), Err(PushError::Decrypt), "{padding:?}");
    }
    for length in [50, 1000, u32::MAX, u32::MAX - 19, 1 << 31] {
        assert_eq!(padded(content(length), &[11; 11]), Err(PushError::Decrypt), "{length}");
    }
    for length in [0, 30, 32, 49] {
        assert_eq!(padded(content(length), &[11; 11]), Err(PushError::Appid), "{length}");
    }
    assert_eq!(padded(vec![7; 15], &[1]), Err(PushError::Decrypt));
    assert_eq!(padded(vec![], &[16; 16]), Err(PushError::Decrypt));
    assert_eq!(padded(random_and_length(0), &[12; 12]), Err(PushError::Appid));
}

#[test]
fn the_current_key_opens_then_the_previous_one() {
    let sealed = encrypt(&OTHER_KEY_BYTES, &[7; RANDOM], b"<xml><MsgType>a</MsgType></xml>", APPID);
    let open = |keys: &[&str], sealed: &str| open(&config(keys), &query(sealed), PushBody::Encrypt(sealed));
    for keys in [[OTHER_KEY].as_slice(), &[OTHER_KEY, KEY], &[KEY, OTHER_KEY]] {
        assert!(open(keys, &sealed).is_ok(), "{keys:?}");
    }
    assert_eq!(open(&[KEY], &sealed).unwrap_err(), PushError::Decrypt);
    assert!(open(&[OTHER_KEY, KEY], &encrypted("<xml><MsgType>a</MsgType></xml>")).is_ok());
}

#[test]
fn a_key_that_opens_garbage_by_chance_does_not_keep_the_previous_one_from_opening_the_push() {
    // Found by trying 54 million random numbers: under the other key, padding and length happen to be right.
    let message = b"<xml><MsgType>a</MsgType><A>00000191</A></xml>";
    let sealed = encrypt(&KEY_BYTES, &54_260_640_u128.to_be_bytes(), message, APPID);
    let open = |keys: &[&str]| open(&config(keys), &query(&sealed), PushBody::Encrypt(&sealed));
    assert!(crypto::decrypt(&OTHER_KEY_BYTES, &sealed).is_some());
    assert_eq!(open(&[OTHER_KEY]).unwrap_err(), PushError::Appid);
    assert!(open(&[OTHER_KEY, KEY]).is_ok() && open(&[KEY, OTHER_KEY]).is_ok());
}

#[test]
fn a_push_for_another_platform_is_refused_by_the_appid_inside() {
    for appid in ["wx134c8103faa5a59f", "", "wx134c8103faa5a59", "wx134c8103faa5a59e2", "WX134C8103FAA5A59E"] {
        let sealed = encrypt(&KEY_BYTES, &[7; RANDOM], b"<xml><MsgType>a</MsgType></xml>", appid);
        assert_eq!(opened(&sealed).unwrap_err(), PushError::Appid, "{appid}");
    }
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
fn signed_text_that_is_cut_or_garbled_is_refused() {
    let sealed = encrypted("<xml><MsgType>a</MsgType><Content><![CDATA[abcdefghijklmnopqrstuvwxyz]]></Content></xml>");
    for cut in 1..sealed.len() {
        assert_eq!(opened(&sealed[..cut]).unwrap_err(), PushError::Decrypt, "{cut}");
    }
    for at in 0..sealed.len() {
        for garbage in ["!", "%", "-", "="] {
            let garbled = format!("{}{garbage}{}", &sealed[..at], &sealed[at + 1..]);
            // In place of the padding of base64 it is what was there.
            if garbled != sealed {
                assert_eq!(opened(&garbled).unwrap_err(), PushError::Decrypt, "{garbled}");
            }
        }
        let longer = format!("{}A{}", &sealed[..at], &sealed[at..]);
        assert_eq!(opened(&longer).unwrap_err(), PushError::Decrypt, "{longer}");
    }
}

#[test]
fn a_message_has_the_bounds_of_any_xml() {
    let message = |text: &str| event(text).unwrap_err();
    assert_eq!(message("<!DOCTYPE a [<!ENTITY b 'c'>]><xml><A>&b;</A></xml>"), in_message(PushXmlProblem::Doctype));
    assert_eq!(message("<xml><A>&lol;</A></xml>"), in_message(PushXmlProblem::Entity));
    assert_eq!(message("not XML"), in_message(PushXmlProblem::Syntax));
    assert_eq!(message(""), in_message(PushXmlProblem::Syntax));
    assert_eq!(message(&"<xml>".repeat(17)), in_message(PushXmlProblem::Depth));
    let sealed = encrypt(&KEY_BYTES, &[7; RANDOM], b"<xml><A>\xFF</A></xml>", APPID);
    assert_eq!(opened(&sealed).unwrap_err(), in_message(PushXmlProblem::Encoding));
}

/// The platform's event of this type with these elements.
fn info(info_type: &str, elements: &str) -> Result<PlatformEvent, PushError> {
    event(&format!(
        "<xml><AppId>{APPID}</AppId><CreateTime>1413192605</CreateTime><InfoType>{info_type}</InfoType>{elements}</xml>"
    ))
}

#[test]
fn a_ticket_is_read_and_not_shown() {
    let element = "<ComponentVerifyTicket><![CDATA[ticket@@@S3CRET]]></ComponentVerifyTicket>";
    let event = info("<![CDATA[component_verify_ticket]]>", element).unwrap();
    assert_eq!(event.to_json(), json!({ "type": "component_verify_ticket", "createTime": 1_413_192_605_000_u64 }));
    assert!(!format!("{event:?}").contains("S3CRET"));
    let PlatformEvent::ComponentVerifyTicket { ticket, create_time } = event else { panic!() };
    assert_eq!((ticket.expose_secret(), create_time), ("ticket@@@S3CRET", 1_413_192_605));
}

#[test]
fn an_authorisation_has_merchant_and_code() {
    let elements = "<AuthorizerAppid>wx0000000000000002</AuthorizerAppid><AuthorizationCode>queryauthcode@@@S3CRET\
        </AuthorizationCode><AuthorizationCodeExpiredTime>1413196205</AuthorizationCodeExpiredTime>\
        <PreAuthCode>preauthcode@@@S3CRET</PreAuthCode>";
    for info_type in ["authorized", "updateauthorized"] {
        let event = info(info_type, elements).unwrap();
        let wanted = json!({
            "type": info_type,
            "createTime": 1_413_192_605_000_u64,
            "authorizerAppid": "wx0000000000000002",
            "authorizationCode": "queryauthcode@@@S3CRET",
            "authorizationCodeExpiresAt": 1_413_196_205_000_u64,
            "preAuthCode": "preauthcode@@@S3CRET",
        });
        assert_eq!(event.to_json(), wanted);
        assert!(!format!("{event:?}").contains("S3CRET"), "{event:?}");
        assert_eq!(matches!(event, PlatformEvent::Authorized(_)), info_type == "authorized");
        assert_eq!(matches!(event, PlatformEvent::UpdateAuthorized(_)), info_type == "updateauthorized");
    }
}

#[test]
fn an_authorisation_needs_no_expiry_and_no_preauthcode_and_an_expiry_may_be_a_lifetime() {
    let code = "<AuthorizerAppid>wx2</AuthorizerAppid><AuthorizationCode>c</AuthorizationCode>";
    let expiry = |time: &str| {
        let element = format!("{code}<AuthorizationCodeExpiredTime>{time}</AuthorizationCodeExpiredTime>");
        let PlatformEvent::Authorized(authorization) = info("authorized", &element).unwrap() else { panic!() };
        authorization.code_expires
    };
    assert_eq!(expiry("600"), Some(1_413_193_205));
    assert_eq!((expiry("1413192000"), expiry("315360000")), (Some(1_413_192_000), Some(315_360_000)));
    assert_eq!(["", "过期时间", "-1", "253402300800"].map(expiry), [None; 4]);
    let event = info("authorized", code).unwrap().to_json();
    assert!(event.get("authorizationCodeExpiresAt").is_none() && event.get("preAuthCode").is_none(), "{event}");
}

#[test]
fn a_withdrawal_has_the_merchant() {
    let event = info("unauthorized", "<AuthorizerAppid> wx0000000000000002 </AuthorizerAppid>").unwrap();
    let wanted =
        json!({ "type": "unauthorized", "createTime": 1_413_192_605_000_u64, "authorizerAppid": "wx0000000000000002" });
    assert_eq!(event.to_json(), wanted);
}

#[test]
fn an_event_without_what_it_needs_is_refused_by_the_name_of_that() {
    let merchant = "<AuthorizerAppid>wx2</AuthorizerAppid>";
    for (info_type, elements, name) in [
        ("component_verify_ticket", "", "ComponentVerifyTicket"),
        ("component_verify_ticket", "<ComponentVerifyTicket> </ComponentVerifyTicket>", "ComponentVerifyTicket"),
        ("authorized", "<AuthorizationCode>c</AuthorizationCode>", "AuthorizerAppid"),
        ("authorized", merchant, "AuthorizationCode"),
        ("updateauthorized", merchant, "AuthorizationCode"),
        ("unauthorized", "", "AuthorizerAppid"),
        ("unauthorized", &merchant.repeat(2), "AuthorizerAppid"),
        ("unauthorized", "<AuthorizerAppid>wx2}:*</AuthorizerAppid>", "AuthorizerAppid"),
        ("unauthorized", &format!("<AuthorizerAppid>{}</AuthorizerAppid>", "w".repeat(65)), "AuthorizerAppid"),
        ("unauthorized", &format!("{merchant}<CreateTime>1</CreateTime>"), "CreateTime"),
        ("", "<Event>a</Event>", "InfoType"),
        ("unauthorized", "<InfoType>authorized</InfoType>", "InfoType"),
    ] {
        assert_eq!(info(info_type, elements).unwrap_err(), in_message(PushXmlProblem::Element(name)), "{elements}");
    }
    for time in ["", "x", "-1", "1.5", "253402300800", "99999999999999999999"] {
        let message = format!("<xml><CreateTime>{time}</CreateTime><InfoType>unauthorized</InfoType>{merchant}</xml>");
        assert_eq!(event(&message).unwrap_err(), in_message(PushXmlProblem::Element("CreateTime")), "{time}");
    }
}

#[test]
fn any_other_push_has_its_kind_and_all_of_its_fields() {
    let event_of = |inside: &str| event(&format!("<xml>{inside}</xml>")).unwrap().to_json();
    let cases = [
        (
            "<InfoType>notify_third_fasteregister</InfoType><Event>e</Event><info><name>店</name></info>",
            json!({
                "type": "notify_third_fasteregister",
                "fields": { "InfoType": "notify_third_fasteregister", "Event": "e", "info": { "name": "店" } },
            }),
        ),
        (
            "<MsgType>event</MsgType><Event>weapp_audit_success</Event>",
            json!({ "type": "weapp_audit_success", "fields": { "MsgType": "event", "Event": "weapp_audit_success" } }),
        ),
        (
            "<MsgType>text</MsgType><A>1</A><A>2</A>",
            json!({ "type": "text", "fields": { "MsgType": "text", "A": ["1", "2"] } }),
        ),
        ("<A>1</A>", json!({ "fields": { "A": "1" } })),
    ];
    for (inside, wanted) in cases {
        assert_eq!(event_of(inside), wanted);
    }
    let shown = format!("{:?}", event("<xml><InfoType>notify</InfoType><auth_code>S3CRET</auth_code></xml>").unwrap());
    assert!(shown.contains("auth_code") && !shown.contains("S3CRET"), "{shown}");
}

#[test]
fn every_reason_has_its_name() {
    let signature = PushError::Signature { is_addressed_elsewhere: true };
    let query = PushError::Query { name: "nonce", problem: PushQueryProblem::Missing };
    let errors =
        [query, PushError::Size, in_message(PushXmlProblem::Syntax), signature, PushError::Decrypt, PushError::Appid];
    assert_eq!(errors.map(PushError::reason), ["query", "size", "xml", "signature", "decrypt", "appid"]);
}

/// A push that is not changed here, with the ticket that only it may give.
fn ticket_push() -> (Query, String) {
    let message = "<xml><CreateTime>1413192605</CreateTime><InfoType>component_verify_ticket</InfoType>\
        <ComponentVerifyTicket>ticket@@@1</ComponentVerifyTicket></xml>";
    let sealed = encrypted(message);
    (query(&sealed), envelope(&sealed))
}

proptest! {
    #[test]
    fn any_bytes_are_refused_without_a_panic(body: Vec<u8>, text: String) {
        let (config, query) = (config(&[KEY]), query(&text));
        prop_assert!(open(&config, &query, PushBody::Raw(&body)).is_err());
        // Signed, so that it comes to decryption.
        prop_assert!(open(&config, &query, PushBody::Encrypt(&text)).is_err());
    }

    #[test]
    fn any_signed_blocks_are_refused_without_a_panic(blocks in prop::collection::vec(any::<[u8; 16]>(), 0..8)) {
        prop_assert!(opened(&encrypt_blocks(&KEY_BYTES, blocks.concat())).is_err());
    }

    #[test]
    fn any_message_with_angle_brackets_is_read_or_refused(message in "(<xml>)?(<[aAx!?/&][A-Z\\[\\]>]{0,3}|[a-z&;#]|</?xml>|]]>){0,24}(</xml>)?") {
        if let Ok(event) = event(&message) {
            prop_assert!(event.to_json()["fields"].is_object());
        }
    }

    /// What the signature does not cover is beside `<Encrypt>`: a change there may be accepted, but says nothing else.
    #[test]
    fn a_push_changed_in_one_byte_is_refused_or_says_the_same(at: prop::sample::Index, byte: u8) {
        let (query, body) = ticket_push();
        let mut changed = body.clone().into_bytes();
        let at = at.index(changed.len());
        changed[at] = byte;
        let covered = body.rfind("CDATA[").unwrap() + 6..body.rfind("]]>").unwrap();
        match open(&config(&[KEY]), &query, PushBody::Raw(&changed)) {
            Ok(PlatformEvent::ComponentVerifyTicket { ticket, create_time }) => {
                prop_assert_eq!((ticket.expose_secret(), create_time), ("ticket@@@1", 1_413_192_605));
                prop_assert!(!covered.contains(&at) || changed == body.as_bytes());
            }
            Ok(other) => prop_assert!(false, "{other:?}"),
            Err(_) => prop_assert!(changed != body.as_bytes()),
        }
    }

    #[test]
    fn a_query_changed_in_one_character_is_refused(which in 0_usize..4, at: prop::sample::Index, byte in b'!'..=b'~') {
        let (mut query, body) = ticket_push();
        let value = &mut query[which].1;
        let at = at.index(value.len());
        let new = char::from(byte).to_string();
        prop_assume!(value[at..=at] != new);
        value.replace_range(at..=at, &new);
        prop_assert!(open(&config(&[KEY]), &query, PushBody::Raw(body.as_bytes())).is_err());
    }

    /// Of blocks that were garbled and signed again, what is read is bounded by the appid and the padding at the end.
    #[test]
    fn garbled_blocks_never_panic(at: prop::sample::Index, new: u8) {
        let (_, body) = ticket_push();
        let sealed = body.rsplit("CDATA[").next().unwrap().split("]]>").next().unwrap().to_owned();
        let at = at.index(sealed.len() - 4);
        let new = char::from(b'A' + new % 26);
        let _ = opened(&format!("{}{new}{}", &sealed[..at], &sealed[at + 1..]));
    }
}
