use std::time::{Duration, Instant};

use super::*;
use crate::wechat::image::tests::{jpeg, png};
use proptest::prelude::*;

/// Of a body in one frame.
fn read_image(body: &[u8]) -> Result<ImageType, AnswerError> {
    super::read_image(&body.into())
}

fn read_token(body: &[u8]) -> Result<TokenResponse, AnswerError> {
    super::read_token(&body.into())
}

fn read_any(body: &[u8], expected_field: Option<&str>) -> Result<AnswerKind, AnswerError> {
    AnswerKind::read(&body.into(), expected_field)
}

fn refused(body: &str) -> Refusal {
    match read_image(body.as_bytes()) {
        Err(AnswerError::Refused(refusal)) => refusal,
        other => panic!("{body}: {other:?}"),
    }
}

fn unexpected(body: &[u8]) -> Unexpected {
    match read_image(body) {
        Err(AnswerError::Unexpected(what)) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn complete_images_are_recognised_and_truncated_ones_are_not() {
    assert_eq!(read_image(&jpeg()), Ok(ImageType::Jpeg));
    assert_eq!(read_image(&png()), Ok(ImageType::Png));
    assert_eq!(unexpected(&jpeg()[..20]), Unexpected::CutOff);
    assert_eq!(unexpected(&png()[..20]), Unexpected::CutOff);
}

#[test]
fn an_errcode_is_a_number_or_a_numeric_string() {
    assert_eq!(refused(r#"{"errcode":41030,"errmsg":"invalid page"}"#).errcode, 41030);
    assert_eq!(refused(r#"{"errcode":"41030","errmsg":"invalid page"}"#).errcode, 41030);
    assert_eq!(refused(r#"{"errcode":-1,"errmsg":"system error"}"#).errcode, -1);
    assert_eq!(refused("\u{feff} {\"errcode\":40001}").errmsg, "");
    assert_eq!(refused(&format!("{{\"errcode\":\"{0}41030{0}\"}}", " ".repeat(100))).errcode, 41030);
    assert_eq!(refused(r#"{"errcode":40001,"errmsg":null,"data":[{}]}"#).errcode, 40001);
}

#[test]
fn an_answer_that_is_neither_json_nor_an_image_is_named() {
    assert_eq!(unexpected(b""), Unexpected::Empty);
    assert_eq!(unexpected(b" \r\n"), Unexpected::Empty);
    assert_eq!(unexpected(b"<html><title>502</title>"), Unexpected::Html);
    assert_eq!(unexpected(b"GIF89a"), Unexpected::Other);
    assert_eq!(unexpected(br#"{"errcode":0,"errmsg":"ok"}"#), Unexpected::Json);
    assert_eq!(unexpected(br#"{"errcode":"none"}"#), Unexpected::Errcode);
    assert_eq!(unexpected(br#"[{"errcode":40001}]"#), Unexpected::Other);
    assert_eq!(unexpected(br#"{"errcode":40001"#), Unexpected::Other);
    assert_eq!(unexpected(&[0xFF, 0xD8]), Unexpected::Other);
}

#[test]
fn any_api_answers_json_an_image_or_a_refusal() {
    let read = |body: &[u8]| read_any(body, None);
    assert_eq!(read(&jpeg()), Ok(AnswerKind::Image));
    assert_eq!(read(&jpeg()[..20]), Err(AnswerError::Unexpected(Unexpected::CutOff)));
    for json in [r#"{"errcode":0,"errmsg":"ok"}"#, r#"{"ip_list":["1.2.3.4"]}"#, " [1]", "\u{feff}{}"] {
        let text = json.trim_start_matches(['\u{feff}', ' ']).to_owned();
        assert_eq!(read(json.as_bytes()), Ok(AnswerKind::Json(text)), "{json}");
    }
    assert!(matches!(read(br#"{"errcode":"48001"}"#), Err(AnswerError::Refused(_))));
    for (other, what) in [("", Unexpected::Empty), ("<html>", Unexpected::Html), ("[1", Unexpected::Other)] {
        assert_eq!(read(other.as_bytes()), Err(AnswerError::Unexpected(what)));
    }
}

#[test]
fn an_answer_without_the_expected_field_is_invalid() {
    let read = |body: &str| read_any(body.as_bytes(), Some("openlink"));
    let good = r#"{"errcode":0,"openlink":"weixin://"}"#;
    assert_eq!(read(good), Ok(AnswerKind::Json(good.to_owned())));
    for body in [r#"{"errcode":0}"#, r#"{"openlink":null}"#, r#"{"a":{"openlink":1}}"#] {
        assert_eq!(read(body), Err(AnswerError::Unexpected(Unexpected::Json)), "{body}");
    }
    assert_eq!(read("[1]"), Err(AnswerError::Unexpected(Unexpected::Other)));
    assert_eq!(read_any(&jpeg(), Some("openlink")), Err(AnswerError::Unexpected(Unexpected::Other)));
}

#[test]
fn rid_and_hint_are_read_from_every_known_form_of_the_message() {
    let message = |text: &str| {
        let r = refused(&serde_json::json!({ "errcode": 1, "errmsg": text }).to_string());
        (r.errmsg, r.rid, r.hint)
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        message("invalid page rid: 69661ec0-6b445e0b-755fcdc6"),
        ("invalid page".into(), some("69661ec0-6b445e0b-755fcdc6"), None)
    );
    assert_eq!(message("invalid page hint: [xriCqa04281090]"), ("invalid page".into(), None, some("xriCqa04281090")));
    assert_eq!(
        message("invalid page hints: [ZGab3B0gE-JRCJVa!]"),
        ("invalid page".into(), None, some("ZGab3B0gE-JRCJVa!"))
    );
    assert_eq!(
        message("invalid page hint: [BhDediylRa-HuAW_a] rid: 5f572cf9-7ef769e2-61fb6d91"),
        ("invalid page".into(), some("5f572cf9-7ef769e2-61fb6d91"), some("BhDediylRa-HuAW_a"))
    );
    assert_eq!(
        message("access clientip is not registered hint: [OOcsrA0577oxy3] requestIP: 123.57.208.67"),
        ("access clientip is not registered requestIP: 123.57.208.67".into(), None, some("OOcsrA0577oxy3"))
    );
    assert_eq!(message("rid: 1-2-3"), (String::new(), some("1-2-3"), None));
    assert_eq!(message("an arid: desert"), ("an arid: desert".into(), None, None));
}

#[test]
fn a_token_is_a_string_and_its_lifetime_may_be_anything() {
    let token = |body: &str| read_token(body.as_bytes()).ok().map(|t| (t.access_token, t.expires_in));
    let some = |life| Some(("T".to_owned(), life));
    assert_eq!(token(r#"{"access_token":"T","expires_in":7200}"#), some(Some(7200)));
    assert_eq!(token(r#"{"access_token":"T","expires_in":"345"}"#), some(Some(345)));
    assert_eq!(token(r#"{"access_token":"T","expires_in":-3.5}"#), some(Some(-3)));
    assert_eq!(token(r#"{"access_token":"T","expires_in":{}}"#), some(None));
    assert_eq!(token(r#"{"access_token":"T"}"#), some(None));
    assert_eq!(token(r#"{"errcode":0,"access_token":"T"}"#), some(None));
    assert_eq!(token(r#"{"access_token":"T","errcode":40001}"#), None);
    assert_eq!(token(r#"{"access_token":""}"#), None);
    assert_eq!(token(r#"{"access_token":"a b"}"#), None);
    assert_eq!(token(r#"{"access_token":7}"#), None);
}

#[test]
fn a_present_errcode_other_than_0_is_a_failure() {
    let code = |text: &str| match read_any(format!("{{\"errcode\":{text},\"openid\":\"o\"}}").as_bytes(), None) {
        Err(AnswerError::Refused(refusal)) => Some(refusal.errcode),
        Err(AnswerError::Unexpected(Unexpected::Errcode)) => None,
        other => panic!("{text}: {other:?}"),
    };
    for (text, errcode) in [
        ("41030.0", 41030),
        ("4.103e4", 41030),
        ("4103E1", 41030),
        ("-1.0", -1),
        ("\"41030.0\"", 41030),
        ("\"41030 \"", 41030),
        ("\"\\u0034\\u0031030\"", 41030),
        (" 41030 ", 41030),
        ("9007199254740991", 9_007_199_254_740_991),
        ("9223372036854775807", i64::MAX),
    ] {
        assert_eq!(code(text), Some(errcode), "{text}");
    }
    let long = "9".repeat(100_000);
    for text in [
        "true",
        "false",
        "0.5",
        "41030.5",
        "9223372036854775808",
        "1e19",
        "1e999",
        &long,
        "\"\"",
        "\"ok\"",
        "\"4103O\"",
        "[41030]",
        "[0]",
        "{}",
        "{\"errcode\":41030}",
        "NaN",
        "\"NaN\"",
        "nul",
        "4103x",
    ] {
        assert_eq!(code(text), None, "{text}");
    }
    for good in ["0", "\"0\"", "\" 0 \"", "-0", "0.0", "0e5", "null"] {
        let body = format!("{{\"errcode\":{good},\"openid\":\"o\"}}");
        assert_eq!(read_any(body.as_bytes(), None), Ok(AnswerKind::Json(body.clone())), "{good}");
    }
}

#[test]
fn an_errcode_takes_precedence_over_the_text_beside_it() {
    let deep = |open: &str, depth| {
        format!("{{\"data\":{},\"errcode\":41030}}", open.repeat(depth) + &close(open).repeat(depth))
    };
    for (body, errmsg) in [
        (&b"{\"errcode\":41030,\"errmsg\":\"a\x08b\nc\x00\"}"[..], "a\x08b\nc\0"),
        (br#"{"errcode":41030,"errmsg":"half \ud83d an emoji \uDE00"}"#, "half \u{fffd} an emoji \u{fffd}"),
        (br#"{"errcode":41030,"errmsg":"\ud83d\ude00 \u5fae"}"#, "\u{1f600} 微"),
        (br#"{"errcode":41030,"errmsg":"first","errmsg":"second"}"#, "second"),
        (br#"{"errcode":41030,"errcode":41030,"errmsg":"twice"}"#, "twice"),
        (br#"{"errcode":0,"errmsg":"ok","errcode":41030}"#, "ok"),
        (br#"{"errcode":41030,"errmsg":"ok","errcode":0}"#, "ok"),
        // 微信許 in GBK: its last byte is a backslash, and its first two happen to be UTF-8.
        (b"{\"errmsg\":\"\xCE\xA2\xD0\xC5\xD4\x5C\",\"errcode\":41030}", "\u{3a2}\u{fffd}\u{fffd}"),
        (b"{\"errmsg\":\"\xE5\xBE\xAE\xFF\\\"\",\"errcode\":41030}", "微\u{fffd}\""),
        (br#"{"errcode":41030,"errmsg":"bad \escape \u12"}"#, "bad escape \u{fffd}12"),
        (br#"{"errcode":41030,"errmsg":"x"} and more"#, "x"),
        (br#"{"errcode":41030,"errmsg":"x"}{"errcode":0}"#, "x"),
        (br#"{"\u0065rrcode":41030,"errmsg":"x",}"#, "x"),
        (br#"{"errcode":41030,"errmsg":{"a":1}}"#, "{\"a\":1}"),
        (br#"{"errcode":41030,"errmsg":7}"#, "7"),
        (br#"{"errcode":41030,"errmsg":"cut o"#, ""),
        (br#"{"errcode":41030,"data":[}"#, ""),
        (deep("[", 100_000).as_bytes(), ""),
        (deep("{\"a\":", 100_000).as_bytes(), ""),
    ] {
        let read = [read_any(body, None).unwrap_err(), read_image(body).unwrap_err(), read_token(body).err().unwrap()];
        for unexpected in read {
            let AnswerError::Refused(Refusal { errcode, errmsg: text, .. }) = unexpected else {
                panic!("{}: {unexpected:?}", String::from_utf8_lossy(body))
            };
            assert_eq!((errcode, text.as_str()), (41030, errmsg), "{}", String::from_utf8_lossy(body));
        }
    }
}

fn close(open: &str) -> &'static str {
    if open == "[" { "]" } else { "}" }
}

#[test]
fn a_successful_answer_is_returned_as_json_that_javascript_parses() {
    for (body, text) in [
        (&b"{\"nick\":\"a\x08b\nc\"}"[..], r#"{"nick":"a\u0008b\u000ac"}"#),
        (b" {\n\"a\" : [1, \"\\\\\x1f\", {\"b\":\"\\\"\"}]}\r\n", "{\n\"a\" : [1, \"\\\\\\u001f\", {\"b\":\"\\\"\"}]}"),
        (b"{\"a\":\"\\\"\x01\",\"b\":\"\n\"}", r#"{"a":"\"\u0001","b":"\u000a"}"#),
        (b"{\"nick\":\"\xB3\x5C\"}", "{\"nick\":\"\u{fffd}\"}"),
        (b"[\"\xFF\"]", "[\"\u{fffd}\"]"),
        (br#"{"half":"\ud83d"}"#, r#"{"half":"\ud83d"}"#),
        (br#"{"a":1,"a":2}"#, r#"{"a":1,"a":2}"#),
    ] {
        assert_eq!(read_any(body, None), Ok(AnswerKind::Json(text.to_owned())));
    }
    let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
    assert!(read_any(nested(500).as_bytes(), None).is_ok());
    for other in [
        &nested(1_000_000)[..],
        &format!("{{\"a\":{}}}", nested(600)),
        r#"{"a":1} x"#,
        "[1,]",
        r#"{"a":01}"#,
        r#"{"a":'b'}"#,
        r#"{"a":tru}"#,
        r#"{"a":"\x"}"#,
        "{\"a\":1\u{0}}",
        "[",
        "]",
        "{",
    ] {
        assert!(matches!(read_any(other.as_bytes(), None), Err(AnswerError::Unexpected(Unexpected::Other))), "{other}");
    }
}

#[test]
fn an_outline_contains_names_and_no_values() {
    for (body, names) in [
        (&br#"{"openid":"o1","session_key":"s","data":{"phone":"138"}}"#[..], "{openid, session_key, data}"),
        (br#"{"phone":"13800138000","cut":"o"#, "{phone}"),
        (br#"{"oGZUI0egBJY1zhBYw2KhdUfwVJJE":1,"b c":2,"":3}"#, "{…, …, }"),
        (br#"{"13800138000":1}"#, "{…}"),
        (br#"["13800138000"]"#, ""),
        (b"13800138000", ""),
        (b"{}", ""),
    ] {
        assert_eq!(outline(body), names);
    }
    let many: Vec<_> = (b'a'..=b'z').map(|name| format!("\"{}\":1", name as char)).collect();
    let outlined = |count: usize| outline(format!("{{{}}}", many[..count].join(",")).as_bytes());
    assert!(outlined(12).ends_with("k, l}") && outlined(13).ends_with("k, l, …}") && outlined(26) == outlined(13));
}

#[test]
fn long_texts_are_shortened() {
    let long = "宏".repeat(100_000);
    let Refusal { errmsg, rid, hint, .. } = refused(&format!(r#"{{"errcode":1,"errmsg":"{long}"}}"#));
    assert_eq!((errmsg.chars().count(), errmsg.ends_with('…')), (MAX_ERRMSG_CHARS + 1, true));
    assert_eq!((rid, hint), (None, None));
    let long = "r".repeat(1000);
    let Refusal { rid, hint, .. } = refused(&format!(r#"{{"errcode":1,"errmsg":"x rid: {long} hint: [{long}]"}}"#));
    assert_eq!((rid.unwrap().len(), hint.unwrap().len()), (MAX_RID_CHARS, MAX_HINT_CHARS));
}

/// What is linear takes a hundredth of this even on a busy machine, what is quadratic many times as long.
const LONG: Duration = Duration::from_secs(2);

#[test]
fn parsing_is_fast_for_any_answer() {
    const LENGTH: usize = 1 << 15;
    for unit in [
        "[",
        "{\"a\":",
        "\\",
        "\"",
        "\\\"",
        "\",\"a\":\"",
        ",\"a\":1",
        " ",
        "\u{8}",
        "\\ud83d",
        "微",
        "9",
        "{}",
        "\0",
        "\u{ff}",
    ] {
        for begin in ["{\"errmsg\":\"", "{\"errcode\":1,\"errmsg\":\"", "{\"errcode\":", "["] {
            for bytes in [b"".to_vec(), b"\xFF\"".to_vec()] {
                let body = [begin.as_bytes(), &bytes, unit.repeat(LENGTH / unit.len()).as_bytes()].concat();
                let begun = Instant::now();
                let _ = (read_image(&body), read_token(&body), read_any(&body, None), outline(&body), token_in(&body));
                assert!(begun.elapsed() < LONG, "{begin:?} {unit:?} {bytes:?}: {:?}", begun.elapsed());
            }
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_never_an_image_or_a_panic(body in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assume!(ImageType::from_bytes(&body).is_none());
        prop_assert!(read_image(&body).is_err());
        let _ = read_token(&body);
    }

    #[test]
    fn valid_json_is_read_like_serde_json_reads_it(members in prop::collection::vec((prop::sample::select(vec!["errcode", "errmsg", "a"]), json()), 0..4)) {
        let members: Vec<_> = members.iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
        let body = format!("{{{}}}", members.join(","));
        match read_any(body.as_bytes(), None) {
            Ok(AnswerKind::Json(text)) => prop_assert_eq!(text, body),
            Err(AnswerError::Unexpected(what)) => prop_assert_eq!(what, Unexpected::Errcode),
            Err(AnswerError::Refused(_)) => prop_assert!(body.contains("errcode")),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn a_returned_answer_is_valid_json(body in prop::collection::vec(prop::sample::select(b"{}[]\"\\:,0e ua\n\x08\xe5\xbe\xae\xff".to_vec()), 0..40)) {
        if let Ok(AnswerKind::Json(text)) = read_any(&body, None) {
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok(), "{}", text);
        }
    }

    #[test]
    fn any_errcode_survives_any_message(errcode in any::<i64>().prop_filter("0 is no error", |n| *n != 0), errmsg in ".*") {
        let body = serde_json::json!({ "errcode": errcode, "errmsg": errmsg }).to_string();
        prop_assert_eq!(refused(&body).errcode, errcode);
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,8}".prop_map(Into::into),
        (-3..3i64).prop_map(|n| n.to_string().into()),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::vec((".{0,4}", inner), 0..4)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}
