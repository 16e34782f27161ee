//! The samples of WeChat, and what is decrypted.

use super::*;

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
