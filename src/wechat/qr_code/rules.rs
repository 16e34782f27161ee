//! Only what WeChat certainly refuses is refused here. Where its documents disagree (characters or bytes in the
//! `path` of getQRCode), the request is sent.

use crate::error::explanation::{Bilingual, excerpt};
use crate::error::invalid::InvalidParam;
use crate::wechat::params::{Param, ParamPath};

/// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getunlimitedqrcode.html>
const SCENE_PUNCTUATION: &str = "!#$&'()*+,/:;=?@-._~";

/// From 1 to as many characters as the schema allows, of those that WeChat takes.
pub(crate) fn scene(at: ParamPath, scene: &str) -> Result<(), InvalidParam> {
    let most = at.param.max as usize;
    let length = scene.chars().count();
    if length == 0 {
        return Err(at.invalid(
            Bilingual::new("scene 为空", "scene is empty"),
            Bilingual::new(format!("scene 须有 1 到 {most} 个字符"), format!("Pass a scene of 1 to {most} characters")),
        ));
    }
    if let Some((index, wrong)) = scene.chars().enumerate().find(|(_, c)| !is_scene_character(*c)) {
        return Err(illegal_in_scene(index + 1, wrong));
    }
    if length > most {
        return Err(at.invalid(
            Bilingual::new(
                format!("scene 有 {length} 个字符，最多 {most} 个"),
                format!("scene has {length} characters; at most {most} are allowed"),
            ),
            Bilingual::new(
                "缩短 scene：较长的数据存在服务端，scene 里只放它的 id（UUID 去掉连字符正好 32 个字符）",
                "Shorten scene: store longer data on your server and put its id into scene (a UUID without dashes has exactly 32 characters)",
            ),
        ));
    }
    Ok(())
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
            format!("scene 的第 {position} 个字符 {shown} 不是微信允许的字符"),
            format!("character {position} of scene is {shown}, which WeChat does not allow"),
        ),
        Bilingual::new(
            format!(
                "只用数字、英文字母和 {SCENE_PUNCTUATION}；不支持 %、空格和中文，也就不能用 URL 编码：改用十六进制、base64url，或只放服务端记录的 id"
            ),
            format!(
                "Use digits, ASCII letters and {SCENE_PUNCTUATION} only; %, spaces and Chinese are not allowed, so percent-encoding does not work: use hex, base64url, or the id of a record on your server"
            ),
        ),
    )
}

/// The limit is in characters. No page of a mini-program has a longer path, by far: a whole `path` with its query may have
/// as many.
pub(crate) fn page(at: ParamPath, page: &str) -> Result<(), InvalidParam> {
    let most = at.param.max as usize;
    let length = page.chars().count();
    if length > most {
        return Err(at.invalid(
            Bilingual::new(
                format!("page 有 {length} 个字符，最多 {most} 个"),
                format!("page has {length} characters; at most {most} are allowed"),
            ),
            Bilingual::new(
                "page 只写页面路径，如 pages/index/index，参数放进 scene",
                "Pass the path of a page, such as pages/index/index, and put parameters into scene",
            ),
        ));
    }
    no_scancode_time("page", page)?;
    let bare = page.trim_start_matches('/').split('?').next().filter(|bare| !bare.is_empty());
    let bare = excerpt(bare.unwrap_or("pages/index/index"));
    if page.starts_with('/') {
        return Err(at.invalid(
            Bilingual::new("page 以 / 开头", "page starts with a /"),
            Bilingual::new(format!("去掉开头的 /，写成 {bare}"), format!("Remove the leading slash: {bare}")),
        ));
    }
    if page.contains('?') {
        return Err(at.invalid(
            Bilingual::new("page 带有查询参数", "page contains a query"),
            Bilingual::new(
                format!("page 只写 {bare}，参数放进 scene，页面里用 decodeURIComponent(query.scene) 取出"),
                format!(
                    "Pass {bare} as page and put the parameters into scene; the page reads them with decodeURIComponent(query.scene)"
                ),
            ),
        ));
    }
    Ok(())
}

/// The documents of `getQRCode` count characters on one page and bytes on another: more characters are too many by either,
/// more bytes only perhaps. Those of `createQRCode` count bytes, and a `path` of 119 characters in 139 bytes was refused.
/// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_createqrcode.html>,
/// <https://developers.weixin.qq.com/community/personal/oCJUsw87ROzrI9szR45EDNACfCNI/question>
pub(crate) fn path(at: ParamPath, path: &str) -> Result<(), InvalidParam> {
    let (characters, bytes) = (path.chars().count(), path.len());
    if bytes == 0 {
        return Err(at.invalid(
            Bilingual::new("path 为空", "path is empty"),
            Bilingual::new("传入页面路径，如 pages/index/index?id=42", "Pass a page, such as pages/index/index?id=42"),
        ));
    }
    if let Some(excess) = excess(at.param, characters, bytes) {
        return Err(at.invalid(
            excess,
            Bilingual::new(
                "缩短 path：较长的数据存在服务端，path 里只放它的 id",
                "Shorten path: store longer data on your server and put its id into the query",
            ),
        ));
    }
    no_scancode_time("path", path)?;
    Ok(())
}

/// The error of a path that is too long for its endpoint.
fn excess(param: &Param, characters: usize, bytes: usize) -> Option<Bilingual> {
    match (param.max as usize, param.max_bytes as usize) {
        (max @ 1.., _) if characters > max => Some(Bilingual::new(
            format!("path 有 {characters} 个字符（{bytes} 字节），最多 {max} 个"),
            format!("path has {characters} characters ({bytes} bytes); at most {max} are allowed"),
        )),
        (_, max @ 1..) if bytes > max => Some(Bilingual::new(
            format!("path 有 {bytes} 字节（{characters} 个字符，一个汉字 3 字节），最多 {max} 字节"),
            format!(
                "path has {bytes} bytes ({characters} characters; a Chinese character takes 3 bytes); at most {max} bytes are allowed"
            ),
        )),
        _ => None,
    }
}

/// WeChat sets `scancode_time` itself, when the QR code is scanned.
fn no_scancode_time(param: &'static str, path: &str) -> Result<(), InvalidParam> {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    if query.split('&').any(|pair| pair.split('=').next() == Some("scancode_time")) {
        return Err(InvalidParam::new(
            param,
            Some(85096),
            Bilingual::new(
                format!("{param} 含有微信保留的参数 scancode_time"),
                format!("{param} contains the parameter scancode_time, which WeChat reserves"),
            ),
            Bilingual::new("换一个参数名", "Use another name for the parameter"),
        ));
    }
    Ok(())
}
