//! Bytes that nobody has written.

use super::*;

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
