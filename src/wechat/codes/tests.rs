use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn sent(body: Result<Vec<u8>, InvalidParam>) -> Value {
    serde_json::from_slice(&body.unwrap()).unwrap()
}

fn written(wire: Result<Wire, InvalidParam>) -> Result<Vec<u8>, InvalidParam> {
    wire.map(|wire| bytes(&wire))
}

impl QrCode {
    fn body(&self) -> Result<Vec<u8>, InvalidParam> {
        written(self.wire())
    }
}

impl UnlimitedQrCode {
    fn body(&self) -> Result<Vec<u8>, InvalidParam> {
        written(self.wire())
    }
}

impl CreateQrCode {
    fn body(&self) -> Result<Vec<u8>, InvalidParam> {
        written(self.wire())
    }
}

fn refused(body: Result<Vec<u8>, InvalidParam>) -> (String, Option<i64>, String) {
    let invalid = body.unwrap_err();
    (invalid.param.into_owned(), invalid.errcode, invalid.explanation.cause.en.into_owned())
}

fn unlimited(scene: &str) -> UnlimitedQrCode {
    UnlimitedQrCode { scene: scene.into(), ..Default::default() }
}

#[test]
fn a_body_has_what_was_asked_and_nothing_else() {
    assert_eq!(sent(unlimited("a=1").body()), json!({ "scene": "a=1" }));
    let everything = UnlimitedQrCode {
        scene: "a".into(),
        page: Some("pages/a".into()),
        check_path: Some(false),
        env_version: Some("trial".into()),
        style: Style {
            width: Some(280.0),
            auto_color: Some(false),
            line_color: Some([0.0, 100.0, 255.0]),
            is_hyaline: Some(true),
        },
    };
    assert_eq!(
        sent(everything.body()),
        json!({ "scene": "a", "page": "pages/a", "check_path": false, "env_version": "trial", "width": 280,
                "auto_color": false, "line_color": { "r": 0, "g": 100, "b": 255 }, "is_hyaline": true })
    );
    let create = CreateQrCode { path: "pages/a?b=1".into(), width: Some(1280.0) };
    assert_eq!(sent(create.body()), json!({ "path": "pages/a?b=1", "width": 1280 }));
}

fn identity(code: Code) -> String {
    String::from_utf8(code.identity().unwrap()).unwrap()
}

#[test]
fn a_default_that_is_spelt_out_is_no_other_picture() {
    let style =
        Style { width: Some(430.0), auto_color: Some(false), line_color: Some([0.0; 3]), is_hyaline: Some(false) };
    let spelt_out = UnlimitedQrCode {
        check_path: Some(true),
        env_version: Some("release".into()),
        style: style.clone(),
        ..unlimited("a")
    };
    assert_eq!(identity(Code::Unlimited(spelt_out)), r#"{"scene":"a"}B"#);
    assert_eq!(identity(Code::Unlimited(unlimited("a"))), r#"{"scene":"a"}B"#);
    let limited = QrCode { path: "a".into(), env_version: Some("release".into()), style };
    assert_eq!(identity(Code::Limited(limited)), r#"{"path":"a"}A"#);
    let square = CreateQrCode { path: "a".into(), width: Some(430.0) };
    assert_eq!(identity(Code::Square(square)), r#"{"path":"a"}C"#);
}

#[test]
fn a_colour_that_does_not_count_is_no_other_picture_and_one_that_counts_is() {
    let of = |auto, color| {
        let style = Style { auto_color: Some(auto), line_color: Some(color), ..Default::default() };
        identity(Code::Unlimited(UnlimitedQrCode { style, ..unlimited("a") }))
    };
    assert_eq!(of(true, [1.0; 3]), of(true, [2.0; 3]));
    assert_ne!(of(false, [1.0; 3]), of(false, [2.0; 3]));
    assert_ne!(of(true, [1.0; 3]), of(false, [1.0; 3]));
}

#[test]
fn text_travels_as_raw_utf8() {
    let body = QrCode { path: "pages/商品?a=1&b=<2>".into(), ..Default::default() }.body().unwrap();
    assert_eq!(String::from_utf8(body).unwrap(), r#"{"path":"pages/商品?a=1&b=<2>"}"#);
}

#[test]
fn an_illegal_scene_names_the_character_and_its_place() {
    let (param, errcode, cause) = refused(unlimited("id=商品").body());
    assert_eq!((param.as_str(), errcode), ("scene", Some(40129)));
    assert!(cause.contains("character 4") && cause.contains("商") && cause.contains("U+5546"), "{cause}");
    assert!(refused(unlimited("a\u{0}").body()).2.contains("U+0000"));
    assert_eq!(refused(unlimited("").body()).1, Some(40169));
    assert_eq!(refused(unlimited(&"a".repeat(33)).body()).1, Some(40169));
    assert_eq!(refused(unlimited(&"中".repeat(33)).body()).1, Some(40129));
}

#[test]
fn a_page_has_no_leading_slash_and_no_query() {
    let page = |page: &str| UnlimitedQrCode { page: Some(page.into()), ..unlimited("a") }.body();
    assert_eq!(refused(page("/pages/a")).1, Some(41030));
    assert_eq!(refused(page("pages/a?b=1")).1, Some(41030));
    assert_eq!(refused(page("pages/a?scancode_time=1")).1, Some(85096));
    assert!(page("pages/scancode_time/a").is_ok());
    assert!(page("packageA/pages/a").is_ok());
}

#[test]
fn a_path_of_get_qr_code_has_at_most_1024_characters_and_one_of_create_qr_code_128_bytes() {
    let limited = |path| QrCode { path, ..Default::default() }.body();
    let square = |path| CreateQrCode { path, width: None }.body();
    for (body, longest, too_long, cause) in [
        (
            limited as fn(String) -> _,
            "品".repeat(1024),
            "品".repeat(1025),
            "1025 characters (3075 bytes); at most 1024 are",
        ),
        (square, "a".repeat(128), "a".repeat(129), "129 bytes (129 characters"),
        (square, "品".repeat(42) + "ab", "品".repeat(43), "129 bytes (43 characters"),
    ] {
        assert!(body(longest).is_ok());
        let (param, errcode, text) = refused(body(too_long));
        assert_eq!((param.as_str(), errcode), ("path", Some(40159)));
        assert!(text.contains(cause), "{text}");
        assert_eq!(refused(body(String::new())).1, Some(40159));
        assert_eq!(refused(body("p?a=1&scancode_time=2".into())).1, Some(85096));
        assert!(body("p?a=scancode_time&xscancode_time=1".into()).is_ok());
    }
}

#[test]
fn a_page_has_a_limit_and_no_value_comes_back_whole() {
    let page = |page: String| UnlimitedQrCode { page: Some(page), ..unlimited("a") }.body();
    assert!(page("页".repeat(1024)).is_ok());
    let (param, errcode, cause) = refused(page("页".repeat(1025)));
    assert_eq!((param.as_str(), errcode), ("page", Some(41030)));
    assert!(cause.contains("1025 characters"), "{cause}");
    let huge = "x".repeat(5_000_000);
    let version = |version: String| UnlimitedQrCode { env_version: Some(version), ..unlimited("a") }.body();
    for body in [
        page(format!("/{}", &huge[..1000])),
        page(format!("{}?a", &huge[..1000])),
        page(format!("/{huge}")),
        page(huge.clone()),
        version(huge.clone()),
        unlimited(&huge).body(),
        unlimited(&"\u{1F600}".repeat(1_000_000)).body(),
        QrCode { path: huge.clone(), ..Default::default() }.body(),
        CreateQrCode { path: huge.clone(), width: None }.body(),
        CreateQrCode { path: "p".into(), width: Some(f64::MAX) }.body(),
    ] {
        let shown = format!("{:?}", body.unwrap_err());
        assert!(shown.chars().count() < 1200 && !shown.contains(&huge[..81]), "{shown}");
    }
}

#[test]
fn a_width_is_a_whole_number_of_280_to_1280() {
    let width = |width| refused(CreateQrCode { path: "p".into(), width: Some(width) }.body()).1;
    for wrong in [279.0, 1281.0, 430.5, f64::NAN, f64::INFINITY, -1.0, 0.0] {
        assert_eq!(width(wrong), None);
    }
    let style = Style { width: Some(279.0), ..Default::default() };
    assert_eq!(refused(QrCode { path: "p".into(), style, ..Default::default() }.body()).1, Some(40189));
}

#[test]
fn an_env_version_is_one_of_three_words() {
    for wrong in ["", "Release", "dev"] {
        let body = UnlimitedQrCode { env_version: Some(wrong.into()), ..unlimited("a") }.body();
        assert_eq!(
            refused(body),
            (
                "envVersion".into(),
                Some(40097),
                format!("envVersion is {wrong:?}; WeChat knows release, trial and develop")
            )
        );
    }
}

#[test]
fn a_colour_names_the_channel_at_fault() {
    for (at, name) in ["lineColor.r", "lineColor.g", "lineColor.b"].into_iter().enumerate() {
        for wrong in [-1.0, 256.0, 0.5, f64::NAN] {
            let mut color = [0.0; 3];
            color[at] = wrong;
            let style = Style { line_color: Some(color), ..Default::default() };
            assert_eq!(refused(UnlimitedQrCode { style, ..unlimited("a") }.body()).0, name);
        }
    }
}

proptest! {
    #[test]
    fn every_legal_scene_is_sent_as_it_is(scene in "[0-9A-Za-z!#$&'()*+,/:;=?@._~-]{1,32}") {
        prop_assert_eq!(sent(unlimited(&scene).body()), json!({ "scene": scene }));
    }

    #[test]
    fn no_other_scene_is(scene in any::<String>()) {
        let legal = (1..=32).contains(&scene.chars().count())
            && scene.chars().all(|c| c.is_ascii() && (c.is_ascii_alphanumeric() || "!#$&'()*+,/:;=?@-._~".contains(c)));
        prop_assert_eq!(unlimited(&scene).body().is_ok(), legal);
    }

    #[test]
    fn whole_widths_in_range_pass_and_no_others(width in prop_oneof![any::<f64>(), (0..2000).prop_map(f64::from)]) {
        let legal = width.fract() == 0.0 && (280.0..=1280.0).contains(&width);
        prop_assert_eq!(CreateQrCode { path: "p".into(), width: Some(width) }.body().is_ok(), legal);
    }
}
