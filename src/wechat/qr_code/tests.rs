use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

use Endpoint::{CreateQrCode, GetQrCode, GetUnlimitedQrCode};

fn parse(endpoint: Endpoint, params: &Value) -> Result<QrCodeRequest, InvalidParam> {
    QrCodeRequest::parse(&endpoint, &params.to_string())
}

fn sent(endpoint: Endpoint, params: &Value) -> Value {
    serde_json::from_slice(&parse(endpoint, params).unwrap().api_request().body.unwrap()).unwrap()
}

fn refused(endpoint: Endpoint, params: &Value) -> (String, Option<i64>, String) {
    let invalid = parse(endpoint, params).unwrap_err();
    (invalid.param.into_owned(), invalid.errcode, invalid.explanation.cause.en.into_owned())
}

fn identity(endpoint: Endpoint, params: &Value) -> String {
    String::from_utf8(parse(endpoint, params).unwrap().identity().clone()).unwrap()
}

/// `{ "scene": "a" }` and one more.
fn scene_and(name: &str, value: impl Into<Value>) -> Value {
    json!({ "scene": "a", name: value.into() })
}

#[test]
fn a_body_contains_exactly_the_given_parameters() {
    assert_eq!(sent(GetUnlimitedQrCode, &json!({ "scene": "a=1" })), json!({ "scene": "a=1" }));
    let everything = json!({ "scene": "a", "page": "pages/a", "checkPath": false, "envVersion": "trial", "width": 280,
                             "autoColor": false, "lineColor": { "r": 0, "g": 100, "b": 255 }, "isHyaline": true });
    assert_eq!(
        sent(GetUnlimitedQrCode, &everything),
        json!({ "scene": "a", "page": "pages/a", "check_path": false, "env_version": "trial", "width": 280,
                "auto_color": false, "line_color": { "r": 0, "g": 100, "b": 255 }, "is_hyaline": true })
    );
    let create = json!({ "path": "pages/a?b=1", "width": 1280 });
    assert_eq!(sent(CreateQrCode, &create), create);
}

#[test]
fn a_body_is_written_in_the_order_of_the_schema() {
    let request = QrCodeRequest::parse(&GetUnlimitedQrCode, r#"{"width":430.0,"page":"p\u0041","scene":"a"}"#).unwrap();
    assert_eq!(request.api_request().body.unwrap(), r#"{"scene":"a","page":"pA","width":430}"#);
}

#[test]
fn json_of_wrong_types_is_refused() {
    for wrong in [
        "",
        "null",
        "[]",
        r#"{"scene":1}"#,
        r#"{"scene":"a","width":"430"}"#,
        r#"{"scene":"a","other":1}"#,
        r#"{"scene":"a"}x"#,
    ] {
        assert_eq!(QrCodeRequest::parse(&GetUnlimitedQrCode, wrong).unwrap_err().param, "params", "{wrong}");
    }
    assert_eq!(refused(GetUnlimitedQrCode, &json!({})).0, "scene");
    assert_eq!(refused(GetUnlimitedQrCode, &scene_and("lineColor", json!({ "r": 1, "g": 1 }))).0, "lineColor.b");
    assert_eq!(refused(Endpoint::GenerateScheme, &json!({})).0, "params", "that endpoint makes no code");
}

/// A value of a parameter that is not WeChat's default, and would be taken.
fn another(param: &crate::wechat::params::Param) -> Value {
    use crate::wechat::params::Type;
    match param.kind {
        Type::Boolean => json!(param.default == Some(json!(false))),
        Type::Integer => json!(param.min),
        Type::Enum => json!(param.values.last()),
        Type::Color => json!({ "r": 0, "g": 0, "b": 1 }),
        Type::Extra => json!(r#"{"b":1}"#),
        _ => json!("b"),
    }
}

/// Every parameter of every code, those that are yet to come included.
#[test]
fn an_explicit_default_has_the_same_identity_and_any_other_value_has_not() {
    for endpoint in [GetQrCode, GetUnlimitedQrCode, CreateQrCode] {
        let params = &endpoint.spec().unwrap().params;
        let least = json!({ params[0].name.as_str(): "a" });
        let one = identity(endpoint.clone(), &least);
        let mut spelt_out = least.clone();
        for param in params {
            let with = |value: Value| {
                let mut params = least.clone();
                params[param.name.as_str()] = value;
                identity(endpoint.clone(), &params)
            };
            assert_ne!(with(another(param)), one, "{}", param.name);
            if let Some(default) = &param.default {
                assert_eq!(with(default.clone()), one, "{}", param.name);
                spelt_out[param.name.as_str()] = default.clone();
            }
        }
        assert_eq!(identity(endpoint, &spelt_out), one);
    }
}

#[test]
fn codes_of_two_endpoints_have_different_identities() {
    let path = json!({ "path": "a" });
    assert_eq!(identity(GetQrCode, &path), r#"{"path":"a"}getQRCode"#);
    assert_eq!(identity(CreateQrCode, &path), r#"{"path":"a"}createQRCode"#);
    assert_eq!(identity(GetUnlimitedQrCode, &json!({ "scene": "a" })), r#"{"scene":"a"}getUnlimitedQRCode"#);
}

#[test]
fn what_the_schema_does_not_know_is_sent_and_is_part_of_the_identity() {
    let create = |extra: &str| json!({ "path": "a", "extra": extra });
    assert_eq!(sent(CreateQrCode, &create(r#"{"b":[1,{"c":"}"}]}"#)), json!({ "path": "a", "b": [1, { "c": "}" }] }));
    assert_eq!(identity(CreateQrCode, &create(r#"{"b":1}"#)), r#"{"path":"a","b":1}createQRCode"#);
    for nothing in ["", "{}"] {
        assert_eq!(identity(CreateQrCode, &create(nothing)), r#"{"path":"a"}createQRCode"#);
    }
}

#[test]
fn an_ignored_colour_keeps_the_identity_and_a_used_one_changes_it() {
    let of = |auto: bool, part: u8| {
        let color = json!({ "r": part, "g": part, "b": part });
        identity(GetUnlimitedQrCode, &json!({ "scene": "a", "autoColor": auto, "lineColor": color }))
    };
    assert_eq!(of(true, 1), of(true, 2));
    assert_ne!(of(false, 1), of(false, 2));
    assert_ne!(of(true, 1), of(false, 1));
    assert_eq!(of(false, 0), identity(GetUnlimitedQrCode, &json!({ "scene": "a" })));
}

#[test]
fn text_is_sent_as_raw_utf8() {
    let request = parse(GetQrCode, &json!({ "path": "pages/商品?a=1&b=<2>" })).unwrap();
    assert_eq!(request.api_request().body.unwrap(), r#"{"path":"pages/商品?a=1&b=<2>"}"#);
}

#[test]
fn the_error_of_an_invalid_scene_names_the_character_and_its_position() {
    let scene = |scene: &str| refused(GetUnlimitedQrCode, &json!({ "scene": scene }));
    let (param, errcode, cause) = scene("id=商品");
    assert_eq!((param.as_str(), errcode), ("scene", Some(40129)));
    assert!(cause.contains("character 4") && cause.contains("商") && cause.contains("U+5546"), "{cause}");
    assert!(scene("a\u{0}").2.contains("U+0000"));
    assert_eq!(scene("").1, Some(40169));
    assert_eq!(scene(&"a".repeat(33)).1, Some(40169));
    assert_eq!(scene(&"中".repeat(33)).1, Some(40129));
}

#[test]
fn a_page_has_no_leading_slash_and_no_query() {
    let page = |page: &str| parse(GetUnlimitedQrCode, &scene_and("page", page)).map_err(|invalid| invalid.errcode);
    assert_eq!(page("/pages/a").unwrap_err(), Some(41030));
    assert_eq!(page("pages/a?b=1").unwrap_err(), Some(41030));
    assert_eq!(page("pages/a?scancode_time=1").unwrap_err(), Some(85096));
    assert!(page("pages/scancode_time/a").is_ok());
    assert!(page("packageA/pages/a").is_ok());
}

#[test]
fn a_path_of_get_qr_code_has_at_most_1024_characters_and_one_of_create_qr_code_128_bytes() {
    for (endpoint, longest, too_long, expected) in [
        (GetQrCode, "品".repeat(1024), "品".repeat(1025), "1025 characters (3075 bytes); at most 1024 are"),
        (CreateQrCode, "a".repeat(128), "a".repeat(129), "129 bytes (129 characters"),
        (CreateQrCode, "品".repeat(42) + "ab", "品".repeat(43), "129 bytes (43 characters"),
    ] {
        let path = |path: String| parse(endpoint.clone(), &json!({ "path": path }));
        let wrong = |path: &str| refused(endpoint.clone(), &json!({ "path": path }));
        assert!(path(longest).is_ok());
        let (param, errcode, cause) = wrong(&too_long);
        assert_eq!((param.as_str(), errcode), ("path", Some(40159)));
        assert!(cause.contains(expected), "{cause}");
        assert_eq!(wrong("").1, Some(40159));
        assert_eq!(wrong("p?a=1&scancode_time=2").1, Some(85096));
        assert!(path("p?a=scancode_time&xscancode_time=1".into()).is_ok());
    }
}

#[test]
fn a_request_knows_the_page_that_it_opens() {
    let page = |endpoint, params: Value| parse(endpoint, &params).unwrap().page();
    assert_eq!(page(GetUnlimitedQrCode, json!({ "scene": "a", "page": "pages/a" })).as_deref(), Some("pages/a"));
    assert_eq!(page(GetUnlimitedQrCode, json!({ "scene": "a" })), None);
    assert_eq!(page(GetQrCode, json!({ "path": "pages/\"a?b=1" })).as_deref(), Some("pages/\"a?b=1"));
    assert_eq!(page(CreateQrCode, json!({ "path": "pages/a" })).as_deref(), Some("pages/a"));
}

#[test]
fn a_page_has_a_length_limit_and_its_error_shows_it_shortened() {
    let page = |page: String| parse(GetUnlimitedQrCode, &scene_and("page", page));
    assert!(page("页".repeat(1024)).is_ok());
    let (param, errcode, cause) = refused(GetUnlimitedQrCode, &scene_and("page", "页".repeat(1025)));
    assert_eq!((param.as_str(), errcode), ("page", Some(41030)));
    assert!(cause.contains("1025 characters"), "{cause}");
    let huge = "x".repeat(5_000_000);
    for request in [
        page(format!("/{}", &huge[..1000])),
        page(format!("{}?a", &huge[..1000])),
        page(format!("/{huge}")),
        page(huge.clone()),
        parse(GetUnlimitedQrCode, &scene_and("envVersion", huge.as_str())),
        parse(GetUnlimitedQrCode, &json!({ "scene": huge })),
        parse(GetUnlimitedQrCode, &json!({ "scene": "\u{1F600}".repeat(1_000_000) })),
        parse(GetQrCode, &json!({ "path": huge })),
        parse(CreateQrCode, &json!({ "path": huge })),
        parse(CreateQrCode, &json!({ "path": "p", "width": f64::MAX })),
    ] {
        let shown = format!("{:?}", request.unwrap_err());
        assert!(shown.chars().count() < 1200 && !shown.contains(&huge[..81]), "{shown}");
    }
}

#[test]
fn a_width_is_a_whole_number_of_280_to_1280() {
    let width = |endpoint, width: Value| refused(endpoint, &json!({ "path": "p", "width": width }));
    for wrong in [json!(279), json!(1281), json!(430.5), json!(-1), json!(0), json!(-0.0), json!(1e300)] {
        let (param, errcode, _) = width(CreateQrCode, wrong);
        assert_eq!((param.as_str(), errcode), ("width", None));
    }
    for (text, shown) in [("NaN", "NaN"), ("Infinity", "inf"), ("-Infinity", "-inf")] {
        let (param, _, cause) = width(CreateQrCode, text.into());
        assert_eq!(param, "width");
        assert!(cause.starts_with(&format!("width is {shown}; ")), "{cause}");
    }
    let (_, errcode, cause) = width(GetQrCode, json!(279));
    assert_eq!(errcode, Some(40189));
    assert_eq!(cause, "width is 279; it must be a whole number of pixels from 280 to 1280");
}

#[test]
fn an_env_version_is_one_of_three_words() {
    for wrong in ["", "Release", "dev"] {
        assert_eq!(
            refused(GetUnlimitedQrCode, &scene_and("envVersion", wrong)),
            (
                "envVersion".into(),
                Some(40097),
                format!("envVersion is {wrong:?}; WeChat supports release, trial and develop")
            )
        );
    }
}

#[test]
fn the_error_of_a_colour_names_the_invalid_channel() {
    for name in ["r", "g", "b"] {
        for wrong in [json!(-1), json!(256), json!(0.5), json!("NaN")] {
            let mut color = json!({ "r": 0, "g": 0, "b": 0 });
            color[name] = wrong;
            let invalid = parse(GetUnlimitedQrCode, &scene_and("lineColor", color)).unwrap_err();
            assert_eq!((&*invalid.param, invalid.errcode), (format!("lineColor.{name}").as_str(), None));
            assert!(invalid.explanation.fix.en.contains("decimal RGB"));
        }
    }
}

proptest! {
    #[test]
    fn every_valid_scene_is_sent_unchanged(scene in "[0-9A-Za-z!#$&'()*+,/:;=?@._~-]{1,32}") {
        prop_assert_eq!(sent(GetUnlimitedQrCode, &json!({ "scene": scene })), json!({ "scene": scene }));
    }

    #[test]
    fn every_other_scene_is_refused(scene in any::<String>()) {
        let legal = (1..=32).contains(&scene.chars().count())
            && scene.chars().all(|c| c.is_ascii() && (c.is_ascii_alphanumeric() || "!#$&'()*+,/:;=?@-._~".contains(c)));
        prop_assert_eq!(parse(GetUnlimitedQrCode, &json!({ "scene": scene })).is_ok(), legal);
    }

    #[test]
    fn only_whole_widths_in_range_are_accepted(width in prop_oneof![any::<f64>(), (0..2000).prop_map(f64::from)]) {
        let legal = width.fract() == 0.0 && (280.0..=1280.0).contains(&width);
        let given = if width.is_finite() { json!(width) } else { json!("NaN") };
        prop_assert_eq!(parse(CreateQrCode, &json!({ "path": "p", "width": given })).is_ok(), legal);
    }
}
