//! What the message inside says.

use super::*;

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
