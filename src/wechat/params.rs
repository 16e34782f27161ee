//! What a code is asked with: typed parameters, checked against WeChat's rules, to the JSON body.
//!
//! Only what WeChat certainly refuses is refused here. Where its documents disagree (characters or bytes in a
//! `path`), the request is sent. Types and unknown keys are the business of whoever builds these structs.

use std::borrow::Cow;

use serde::Serialize;

use super::endpoint::Endpoint;
use super::errcode;
use super::explanation::{Explanation, Text};
use super::question::Question;

/// A parameter or option that was refused before anything was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// As the caller spells it: `scene`, `lineColor.r`, `secret`.
    pub param: Cow<'static, str>,
    /// What WeChat would have answered, where that is known.
    pub errcode: Option<i64>,
    pub explanation: Box<Explanation>,
}

impl Invalid {
    pub fn new(param: impl Into<Cow<'static, str>>, errcode: Option<i64>, cause: Text, fix: Text) -> Self {
        Self { param: param.into(), errcode, explanation: Box::new(Explanation { cause, fix }) }
    }
}

/// How a code looks. Sizes are pixels, colours 0 to 255.
#[derive(Clone, Debug, Default)]
pub struct Style {
    pub width: Option<f64>,
    pub auto_color: Option<bool>,
    pub line_color: Option<[f64; 3]>,
    pub is_hyaline: Option<bool>,
}

#[derive(Clone, Debug, Default)]
pub struct QrCode {
    pub path: String,
    pub env_version: Option<String>,
    pub style: Style,
}

#[derive(Clone, Debug, Default)]
pub struct UnlimitedQrCode {
    pub scene: String,
    pub page: Option<String>,
    pub check_path: Option<bool>,
    pub env_version: Option<String>,
    pub style: Style,
}

#[derive(Clone, Debug, Default)]
pub struct CreateQrCode {
    pub path: String,
    pub width: Option<f64>,
}

/// What may be asked for.
#[derive(Clone, Debug)]
pub enum Code {
    Limited(QrCode),
    Unlimited(UnlimitedQrCode),
    Square(CreateQrCode),
}

impl Code {
    pub fn endpoint(&self) -> Endpoint {
        match self {
            Self::Limited(_) => Endpoint::GetQrCode,
            Self::Unlimited(_) => Endpoint::GetUnlimitedQrCode,
            Self::Square(_) => Endpoint::CreateQrCode,
        }
    }

    /// What is sent, or what is wrong with the parameters.
    pub fn question(&self) -> Result<Question, Invalid> {
        Ok(Question::post(self.endpoint(), bytes(&self.wire()?)))
    }

    /// What the picture depends on: the same for two codes that differ only in a default that is spelt out.
    pub fn identity(&self) -> Result<Identity, Invalid> {
        let mut identity = bytes(&self.wire()?.without_defaults());
        identity.push(self.kind());
        Ok(identity)
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Limited(_) => b'A',
            Self::Unlimited(_) => b'B',
            Self::Square(_) => b'C',
        }
    }

    fn wire(&self) -> Result<Wire<'_>, Invalid> {
        match self {
            Self::Limited(params) => params.wire(),
            Self::Unlimited(params) => params.wire(),
            Self::Square(params) => params.wire(),
        }
    }
}

/// See [`Code::identity`].
pub type Identity = Vec<u8>;

/// The body as WeChat reads it: snake_case names, nothing for what was not asked.
#[derive(Default, Serialize)]
struct Wire<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    scene: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    check_path: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    env_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_color: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line_color: Option<Color>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_hyaline: Option<bool>,
}

impl Wire<'_> {
    /// Defaults as in WeChat's tables of parameters. `line_color` counts only without `auto_color`.
    fn without_defaults(self) -> Self {
        let auto_color = self.auto_color.filter(|&auto| auto);
        Self {
            check_path: self.check_path.filter(|&check| !check),
            env_version: self.env_version.filter(|&version| version != "release"),
            width: self.width.filter(|&width| width != 430),
            line_color: self.line_color.filter(|color| auto_color.is_none() && *color != Color { r: 0, g: 0, b: 0 }),
            auto_color,
            is_hyaline: self.is_hyaline.filter(|&hyaline| hyaline),
            ..self
        }
    }
}

#[derive(PartialEq, Serialize)]
struct Color {
    r: u32,
    g: u32,
    b: u32,
}

impl QrCode {
    fn wire(&self) -> Result<Wire<'_>, Invalid> {
        Ok(Wire {
            path: Some(path(&self.path, 1024)?),
            env_version: env_version("envVersion", self.env_version.as_deref(), 40097)?,
            ..self.style.wire(&Endpoint::GetQrCode)?
        })
    }
}

impl UnlimitedQrCode {
    fn wire(&self) -> Result<Wire<'_>, Invalid> {
        Ok(Wire {
            scene: Some(scene(&self.scene)?),
            page: self.page.as_deref().map(page).transpose()?,
            check_path: self.check_path,
            env_version: env_version("envVersion", self.env_version.as_deref(), 40097)?,
            ..self.style.wire(&Endpoint::GetUnlimitedQrCode)?
        })
    }
}

impl CreateQrCode {
    fn wire(&self) -> Result<Wire<'_>, Invalid> {
        Ok(Wire {
            path: Some(path(&self.path, 128)?),
            width: self.width.map(|w| width(w, &Endpoint::CreateQrCode)).transpose()?,
            ..Wire::default()
        })
    }
}

impl Style {
    fn wire<'a>(&self, endpoint: &Endpoint) -> Result<Wire<'a>, Invalid> {
        let color = |[r, g, b]: [f64; 3]| -> Result<Color, Invalid> {
            Ok(Color { r: channel("lineColor.r", r)?, g: channel("lineColor.g", g)?, b: channel("lineColor.b", b)? })
        };
        Ok(Wire {
            width: self.width.map(|w| width(w, endpoint)).transpose()?,
            auto_color: self.auto_color,
            line_color: self.line_color.map(color).transpose()?,
            is_hyaline: self.is_hyaline,
            ..Wire::default()
        })
    }
}

/// serde_json writes UTF-8 as it is: WeChat refuses `\u0026` where it takes `&`.
fn bytes(wire: &Wire) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(192);
    match serde_json::to_writer(&mut bytes, wire) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}

/// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getunlimitedqrcode.html>
const SCENE_PUNCTUATION: &str = "!#$&'()*+,/:;=?@-._~";
const SCENE_LENGTH: usize = 32;

fn scene(scene: &str) -> Result<&str, Invalid> {
    let length = scene.chars().count();
    if length == 0 {
        return Err(Invalid::new(
            "scene",
            Some(40169),
            Text::new("scene 为空", "scene is empty"),
            Text::new("scene 必须有 1 到 32 个字符", "Give scene 1 to 32 characters"),
        ));
    }
    if let Some((at, wrong)) = scene.chars().enumerate().find(|(_, c)| !is_scene_character(*c)) {
        return Err(illegal_in_scene(at + 1, wrong));
    }
    if length > SCENE_LENGTH {
        return Err(Invalid::new(
            "scene",
            Some(40169),
            Text::new(
                format!("scene 有 {length} 个字符，最多 {SCENE_LENGTH} 个"),
                format!("scene has {length} characters; at most {SCENE_LENGTH} are allowed"),
            ),
            Text::new(
                "缩短 scene，较长的数据存在服务端，scene 里只放它的编号（UUID 去掉连字符正好 32 个字符）",
                "Shorten it: keep longer data on your server and put its id into scene (a UUID without dashes has exactly 32 characters)",
            ),
        ));
    }
    Ok(scene)
}

fn is_scene_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || SCENE_PUNCTUATION.contains(c)
}

fn illegal_in_scene(position: usize, wrong: char) -> Invalid {
    let code = wrong as u32;
    // Debug escapes what cannot be seen.
    let visible = wrong.is_ascii_graphic() || wrong.escape_debug().count() == 1;
    let shown = if visible { format!("“{wrong}” (U+{code:04X})") } else { format!("U+{code:04X}") };
    Invalid::new(
        "scene",
        Some(40129),
        Text::new(
            format!("scene 的第 {position} 个字符 {shown} 不在微信允许的字符之内"),
            format!("character {position} of scene is {shown}, which WeChat does not allow"),
        ),
        Text::new(
            format!(
                "只用数字、英文字母和 {SCENE_PUNCTUATION}；不支持 %、空格和中文，不能用 URL 编码，可改用十六进制、base64url，或只放服务端记录的编号"
            ),
            format!(
                "Use digits, ASCII letters and {SCENE_PUNCTUATION} only; no %, space or Chinese, so no percent-encoding: use hex, base64url, or the id of a record on your server"
            ),
        ),
    )
}

fn page(page: &str) -> Result<&str, Invalid> {
    no_scancode_time("page", page)?;
    let bare = page.trim_start_matches('/').split('?').next().filter(|bare| !bare.is_empty());
    let bare = bare.unwrap_or("pages/index/index");
    if page.starts_with('/') {
        return Err(Invalid::new(
            "page",
            Some(41030),
            Text::new("page 以 / 开头", "page starts with a /"),
            Text::new(format!("去掉开头的 /，写成 {bare:?}"), format!("Drop the leading slash: {bare:?}")),
        ));
    }
    if page.contains('?') {
        return Err(Invalid::new(
            "page",
            Some(41030),
            Text::new("page 带有查询参数", "page has a query"),
            Text::new(
                format!("page 只写 {bare:?}，参数放进 scene，页面里用 decodeURIComponent(query.scene) 取出"),
                format!(
                    "Give page as {bare:?} and put the parameters into scene; the page reads them by decodeURIComponent(query.scene)"
                ),
            ),
        ));
    }
    Ok(page)
}

/// The limit is in characters by one page of the documents and in bytes by another: more characters than that are
/// too many by either, more bytes only perhaps.
fn path(path: &str, limit: usize) -> Result<&str, Invalid> {
    let length = path.chars().count();
    if length == 0 {
        return Err(Invalid::new(
            "path",
            Some(40159),
            Text::new("path 为空", "path is empty"),
            Text::new("写上页面路径，如 pages/index/index?id=42", "Give the page, like pages/index/index?id=42"),
        ));
    }
    if length > limit {
        return Err(Invalid::new(
            "path",
            Some(40159),
            Text::new(
                format!("path 有 {length} 个字符（{} 字节），最多 {limit} 个", path.len()),
                format!("path has {length} characters ({} bytes); at most {limit} are allowed", path.len()),
            ),
            Text::new(
                "缩短 path；较长的数据存在服务端，path 里只放它的编号",
                "Shorten it: keep longer data on your server and put its id into the query",
            ),
        ));
    }
    no_scancode_time("path", path)?;
    Ok(path)
}

/// WeChat sets `scancode_time` itself, when somebody scans.
fn no_scancode_time(param: &'static str, path: &str) -> Result<(), Invalid> {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    if query.split('&').any(|pair| pair.split('=').next() == Some("scancode_time")) {
        return Err(Invalid::new(
            param,
            Some(85096),
            Text::new(
                format!("{param} 含有微信保留的参数 scancode_time"),
                format!("{param} contains scancode_time, which WeChat keeps for itself"),
            ),
            Text::new("换一个参数名", "Use another name for the parameter"),
        ));
    }
    Ok(())
}

/// `errcode` is what WeChat answers to any other.
pub fn env_version<'a>(param: &str, version: Option<&'a str>, errcode: i64) -> Result<Option<&'a str>, Invalid> {
    match version {
        None | Some("release" | "trial" | "develop") => Ok(version),
        Some(other) => Err(Invalid::new(
            param.to_owned(),
            Some(errcode),
            Text::new(
                format!("{param} 是 {other:?}，微信只认 release、trial、develop"),
                format!("{param} is {other:?}; WeChat knows release, trial and develop"),
            ),
            Text::new("用这三个值之一，或不传（即 release）", "Use one of the three, or leave it out for release"),
        )),
    }
}

fn width(width: f64, endpoint: &Endpoint) -> Result<u32, Invalid> {
    if width.fract() == 0.0 && (280.0..=1280.0).contains(&width) {
        return Ok(width as u32);
    }
    let known_here = *endpoint == Endpoint::GetQrCode && errcode::reaction(40189, endpoint).is_some();
    Err(Invalid::new(
        "width",
        known_here.then_some(40189),
        Text::new(
            format!("width 是 {width}，须为 280 到 1280 的整数（像素）"),
            format!("width is {width}; it must be a whole number of pixels from 280 to 1280"),
        ),
        Text::new(
            "取 280 到 1280 之间的整数，需要其他尺寸时自行缩放图片",
            "Ask for 280 to 1280 and scale the picture yourself for other sizes",
        ),
    ))
}

fn channel(param: &'static str, value: f64) -> Result<u32, Invalid> {
    if value.fract() == 0.0 && (0.0..=255.0).contains(&value) {
        return Ok(value as u32);
    }
    Err(Invalid::new(
        param,
        None,
        Text::new(
            format!("{param} 是 {value}，须为 0 到 255 的整数"),
            format!("{param} is {value}; it must be a whole number from 0 to 255"),
        ),
        Text::new("用十进制的 RGB 分量，如 { r: 0, g: 100, b: 0 }", "Give decimal RGB, like { r: 0, g: 100, b: 0 }"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn sent(body: Result<Vec<u8>, Invalid>) -> Value {
        serde_json::from_slice(&body.unwrap()).unwrap()
    }

    fn written(wire: Result<Wire, Invalid>) -> Result<Vec<u8>, Invalid> {
        wire.map(|wire| bytes(&wire))
    }

    impl QrCode {
        fn body(&self) -> Result<Vec<u8>, Invalid> {
            written(self.wire())
        }
    }

    impl UnlimitedQrCode {
        fn body(&self) -> Result<Vec<u8>, Invalid> {
            written(self.wire())
        }
    }

    impl CreateQrCode {
        fn body(&self) -> Result<Vec<u8>, Invalid> {
            written(self.wire())
        }
    }

    fn refused(body: Result<Vec<u8>, Invalid>) -> (String, Option<i64>, String) {
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
    fn a_path_is_counted_in_characters_and_its_bytes_are_left_to_wechat() {
        for (limit, body) in [
            (1024, (|path| QrCode { path, ..Default::default() }.body()) as fn(String) -> _),
            (128, |path| CreateQrCode { path, width: None }.body()),
        ] {
            assert!(body("品".repeat(limit)).is_ok());
            let (param, errcode, cause) = refused(body("品".repeat(limit + 1)));
            assert_eq!((param.as_str(), errcode), ("path", Some(40159)));
            assert!(cause.contains(&format!("{} bytes", 3 * (limit + 1))), "{cause}");
            assert_eq!(refused(body(String::new())).1, Some(40159));
            assert_eq!(refused(body("p?a=1&scancode_time=2".into())).1, Some(85096));
            assert!(body("p?a=scancode_time&xscancode_time=1".into()).is_ok());
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
}
