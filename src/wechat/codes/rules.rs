//! Only what WeChat certainly refuses is refused here. Where its documents disagree (characters or bytes in a
//! `path`), the request is sent.

use crate::wechat::explanation::{Text, excerpt};
use crate::wechat::invalid::Invalid;
use crate::wechat::params::At;

/// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getunlimitedqrcode.html>
const SCENE_PUNCTUATION: &str = "!#$&'()*+,/:;=?@-._~";

pub fn scene(at: At, scene: &str) -> Result<(), Invalid> {
    let most = at.param.max as usize;
    let length = scene.chars().count();
    if length == 0 {
        return Err(at.refused(
            Text::new("scene 为空", "scene is empty"),
            Text::new(format!("scene 必须有 1 到 {most} 个字符"), format!("Give scene 1 to {most} characters")),
        ));
    }
    if let Some((at, wrong)) = scene.chars().enumerate().find(|(_, c)| !is_scene_character(*c)) {
        return Err(illegal_in_scene(at + 1, wrong));
    }
    if length > most {
        return Err(at.refused(
            Text::new(
                format!("scene 有 {length} 个字符，最多 {most} 个"),
                format!("scene has {length} characters; at most {most} are allowed"),
            ),
            Text::new(
                "缩短 scene，较长的数据存在服务端，scene 里只放它的编号（UUID 去掉连字符正好 32 个字符）",
                "Shorten it: keep longer data on your server and put its id into scene (a UUID without dashes has exactly 32 characters)",
            ),
        ));
    }
    Ok(())
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

/// The limit is in characters. No page of a mini-program has a longer path, by far: a whole `path` with its query may have
/// as many.
pub fn page(at: At, page: &str) -> Result<(), Invalid> {
    let most = at.param.max as usize;
    let length = page.chars().count();
    if length > most {
        return Err(at.refused(
            Text::new(
                format!("page 有 {length} 个字符，最多 {most} 个"),
                format!("page has {length} characters; at most {most} are taken"),
            ),
            Text::new(
                "page 只写页面路径，如 pages/index/index，参数放进 scene",
                "Give page as the path of a page, like pages/index/index, and put parameters into scene",
            ),
        ));
    }
    no_scancode_time("page", page)?;
    let bare = page.trim_start_matches('/').split('?').next().filter(|bare| !bare.is_empty());
    let bare = excerpt(bare.unwrap_or("pages/index/index"));
    if page.starts_with('/') {
        return Err(at.refused(
            Text::new("page 以 / 开头", "page starts with a /"),
            Text::new(format!("去掉开头的 /，写成 {bare}"), format!("Drop the leading slash: {bare}")),
        ));
    }
    if page.contains('?') {
        return Err(at.refused(
            Text::new("page 带有查询参数", "page has a query"),
            Text::new(
                format!("page 只写 {bare}，参数放进 scene，页面里用 decodeURIComponent(query.scene) 取出"),
                format!(
                    "Give page as {bare} and put the parameters into scene; the page reads them by decodeURIComponent(query.scene)"
                ),
            ),
        ));
    }
    Ok(())
}

/// The limit is in characters by one page of the documents and in bytes by another: more characters than that are
/// too many by either, more bytes only perhaps.
pub fn path(at: At, path: &str) -> Result<(), Invalid> {
    let limit = at.param.max as usize;
    let length = path.chars().count();
    if length == 0 {
        return Err(at.refused(
            Text::new("path 为空", "path is empty"),
            Text::new("写上页面路径，如 pages/index/index?id=42", "Give the page, like pages/index/index?id=42"),
        ));
    }
    if length > limit {
        return Err(at.refused(
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
    Ok(())
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
