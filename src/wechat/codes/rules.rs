//! Only what WeChat certainly refuses is refused here. Where its documents disagree (characters or bytes in the
//! `path` of getQRCode), the request is sent.

use crate::error::explanation::{Bilingual, excerpt, shown};
use crate::error::invalid::InvalidParam;
use crate::wechat::endpoint::Endpoint;
use crate::wechat::errcode;

/// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getunlimitedqrcode.html>
const SCENE_PUNCTUATION: &str = "!#$&'()*+,/:;=?@-._~";
const SCENE_LENGTH: usize = 32;

pub fn scene(scene: &str) -> Result<&str, InvalidParam> {
    let length = scene.chars().count();
    if length == 0 {
        return Err(InvalidParam::new(
            "scene",
            Some(40169),
            Bilingual::new("scene 为空", "scene is empty"),
            Bilingual::new("scene 必须有 1 到 32 个字符", "Give scene 1 to 32 characters"),
        ));
    }
    if let Some((at, wrong)) = scene.chars().enumerate().find(|(_, c)| !is_scene_character(*c)) {
        return Err(illegal_in_scene(at + 1, wrong));
    }
    if length > SCENE_LENGTH {
        return Err(InvalidParam::new(
            "scene",
            Some(40169),
            Bilingual::new(
                format!("scene 有 {length} 个字符，最多 {SCENE_LENGTH} 个"),
                format!("scene has {length} characters; at most {SCENE_LENGTH} are allowed"),
            ),
            Bilingual::new(
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

fn illegal_in_scene(position: usize, wrong: char) -> InvalidParam {
    let code = wrong as u32;
    // Debug escapes what cannot be seen.
    let visible = wrong.is_ascii_graphic() || wrong.escape_debug().count() == 1;
    let shown = if visible { format!("“{wrong}” (U+{code:04X})") } else { format!("U+{code:04X}") };
    InvalidParam::new(
        "scene",
        Some(40129),
        Bilingual::new(
            format!("scene 的第 {position} 个字符 {shown} 不在微信允许的字符之内"),
            format!("character {position} of scene is {shown}, which WeChat does not allow"),
        ),
        Bilingual::new(
            format!(
                "只用数字、英文字母和 {SCENE_PUNCTUATION}；不支持 %、空格和中文，不能用 URL 编码，可改用十六进制、base64url，或只放服务端记录的编号"
            ),
            format!(
                "Use digits, ASCII letters and {SCENE_PUNCTUATION} only; no %, space or Chinese, so no percent-encoding: use hex, base64url, or the id of a record on your server"
            ),
        ),
    )
}

/// Characters. No page of a mini-program has a longer path, by far: a whole `path` with its query may have as many.
const LONGEST_PAGE: usize = 1024;

pub fn page(page: &str) -> Result<&str, InvalidParam> {
    let length = page.chars().count();
    if length > LONGEST_PAGE {
        return Err(InvalidParam::new(
            "page",
            Some(41030),
            Bilingual::new(
                format!("page 有 {length} 个字符，最多 {LONGEST_PAGE} 个"),
                format!("page has {length} characters; at most {LONGEST_PAGE} are taken"),
            ),
            Bilingual::new(
                "page 只写页面路径，如 pages/index/index，参数放进 scene",
                "Give page as the path of a page, like pages/index/index, and put parameters into scene",
            ),
        ));
    }
    no_scancode_time("page", page)?;
    let bare = page.trim_start_matches('/').split('?').next().filter(|bare| !bare.is_empty());
    let bare = excerpt(bare.unwrap_or("pages/index/index"));
    if page.starts_with('/') {
        return Err(InvalidParam::new(
            "page",
            Some(41030),
            Bilingual::new("page 以 / 开头", "page starts with a /"),
            Bilingual::new(format!("去掉开头的 /，写成 {bare}"), format!("Drop the leading slash: {bare}")),
        ));
    }
    if page.contains('?') {
        return Err(InvalidParam::new(
            "page",
            Some(41030),
            Bilingual::new("page 带有查询参数", "page has a query"),
            Bilingual::new(
                format!("page 只写 {bare}，参数放进 scene，页面里用 decodeURIComponent(query.scene) 取出"),
                format!(
                    "Give page as {bare} and put the parameters into scene; the page reads them by decodeURIComponent(query.scene)"
                ),
            ),
        ));
    }
    Ok(page)
}

/// The longest `path` of an endpoint.
#[derive(Clone, Copy)]
pub enum PathLimit {
    Characters(usize),
    Bytes(usize),
}

/// Its documents say characters on one page and bytes on another: more characters are too many by either, more bytes only
/// perhaps. <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getqrcode.html>
pub const QR_CODE_PATH: PathLimit = PathLimit::Characters(1024);

/// Its table of errcodes says bytes, and a `path` of 119 characters in 139 bytes was refused.
/// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_createqrcode.html>,
/// <https://developers.weixin.qq.com/community/personal/oCJUsw87ROzrI9szR45EDNACfCNI/question>
pub const SQUARE_CODE_PATH: PathLimit = PathLimit::Bytes(128);

pub fn path(path: &str, limit: PathLimit) -> Result<&str, InvalidParam> {
    let (characters, bytes) = (path.chars().count(), path.len());
    if bytes == 0 {
        return Err(InvalidParam::new(
            "path",
            Some(40159),
            Bilingual::new("path 为空", "path is empty"),
            Bilingual::new("写上页面路径，如 pages/index/index?id=42", "Give the page, like pages/index/index?id=42"),
        ));
    }
    let excess = match limit {
        PathLimit::Characters(limit) if characters > limit => Some(Bilingual::new(
            format!("path 有 {characters} 个字符（{bytes} 字节），最多 {limit} 个"),
            format!("path has {characters} characters ({bytes} bytes); at most {limit} are allowed"),
        )),
        PathLimit::Bytes(limit) if bytes > limit => Some(Bilingual::new(
            format!("path 有 {bytes} 字节（{characters} 个字符，一个汉字 3 字节），最多 {limit} 字节"),
            format!(
                "path has {bytes} bytes ({characters} characters, a Chinese one takes 3 bytes); at most {limit} bytes are allowed"
            ),
        )),
        _ => None,
    };
    if let Some(excess) = excess {
        return Err(InvalidParam::new(
            "path",
            Some(40159),
            excess,
            Bilingual::new(
                "缩短 path；较长的数据存在服务端，path 里只放它的编号",
                "Shorten it: keep longer data on your server and put its id into the query",
            ),
        ));
    }
    no_scancode_time("path", path)?;
    Ok(path)
}

/// WeChat sets `scancode_time` itself, when somebody scans.
fn no_scancode_time(param: &'static str, path: &str) -> Result<(), InvalidParam> {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    if query.split('&').any(|pair| pair.split('=').next() == Some("scancode_time")) {
        return Err(InvalidParam::new(
            param,
            Some(85096),
            Bilingual::new(
                format!("{param} 含有微信保留的参数 scancode_time"),
                format!("{param} contains scancode_time, which WeChat keeps for itself"),
            ),
            Bilingual::new("换一个参数名", "Use another name for the parameter"),
        ));
    }
    Ok(())
}

pub fn width(width: f64, endpoint: &Endpoint) -> Result<u32, InvalidParam> {
    if width.fract() == 0.0 && (280.0..=1280.0).contains(&width) {
        return Ok(width as u32);
    }
    let width = shown(width);
    let known_here = *endpoint == Endpoint::GetQrCode && errcode::reaction(40189, endpoint).is_some();
    Err(InvalidParam::new(
        "width",
        known_here.then_some(40189),
        Bilingual::new(
            format!("width 是 {width}，须为 280 到 1280 的整数（像素）"),
            format!("width is {width}; it must be a whole number of pixels from 280 to 1280"),
        ),
        Bilingual::new(
            "取 280 到 1280 之间的整数，需要其他尺寸时自行缩放图片",
            "Ask for 280 to 1280 and scale the picture yourself for other sizes",
        ),
    ))
}

pub fn channel(param: &'static str, value: f64) -> Result<u32, InvalidParam> {
    if value.fract() == 0.0 && (0.0..=255.0).contains(&value) {
        return Ok(value as u32);
    }
    let value = shown(value);
    Err(InvalidParam::new(
        param,
        None,
        Bilingual::new(
            format!("{param} 是 {value}，须为 0 到 255 的整数"),
            format!("{param} is {value}; it must be a whole number from 0 to 255"),
        ),
        Bilingual::new(
            "用十进制的 RGB 分量，如 { r: 0, g: 100, b: 0 }",
            "Give decimal RGB, like { r: 0, g: 100, b: 0 }",
        ),
    ))
}
