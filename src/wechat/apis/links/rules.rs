//! Refuses what WeChat certainly refuses in a link. WeChat decides about the rest.

use crate::error::explanation::{Bilingual, excerpt, shown};
use crate::error::invalid::InvalidParam;
use crate::wechat::apis::Context;
use crate::wechat::params::ParamPath;

/// `expire_type` 0 is a time in seconds since 1970, 1 a number of days.
pub(crate) struct Expiry {
    pub(crate) expire_type: u8,
    pub(crate) expire_time: Option<u64>,
    pub(crate) expire_interval: Option<u8>,
}

const MAX_DAYS: u8 = 30;
/// A day in seconds.
pub(crate) const DAY: f64 = 86_400.0;
/// How much our clock and WeChat's may differ, in seconds: WeChat decides about a time in doubt.
const CLOCK_SKEW: f64 = 300.0;

/// When a link expires: by default after the longest time, because WeChat no longer makes permanent links.
pub(crate) fn expiry(time: Option<f64>, days: Option<f64>, context: &Context) -> Result<Expiry, InvalidParam> {
    match (time, days) {
        (Some(_), Some(_)) => Err(InvalidParam::new(
            "expireInterval",
            None,
            Bilingual::new(
                "expireTime 和 expireInterval 只能传一个",
                "expireTime and expireInterval cannot be used together",
            ),
            Bilingual::new(
                "到某一时刻失效用 expireTime，若干天后失效用 expireInterval",
                "Pass expireTime for a point in time, or expireInterval for a number of days",
            ),
        )),
        (Some(time), None) => {
            let remaining = time - context.now;
            if remaining > -CLOCK_SKEW && remaining < f64::from(MAX_DAYS) * DAY + CLOCK_SKEW {
                return Ok(Expiry { expire_type: 0, expire_time: Some(time as u64), expire_interval: None });
            }
            Err(wrong_time(remaining))
        }
        (None, days) => {
            let days = days.unwrap_or(f64::from(MAX_DAYS));
            if days.fract() == 0.0 && (1.0..=f64::from(MAX_DAYS)).contains(&days) {
                return Ok(Expiry { expire_type: 1, expire_time: None, expire_interval: Some(days as u8) });
            }
            Err(wrong_days(days))
        }
    }
}

fn wrong_time(remaining: f64) -> InvalidParam {
    let days = shown((remaining.abs() / DAY * 10.0).round() / 10.0);
    let (zh, en) = if remaining < 0.0 {
        (format!("expireTime 在 {days} 天之前"), format!("expireTime was {days} days ago"))
    } else {
        (format!("expireTime 在 {days} 天之后"), format!("expireTime is {days} days from now"))
    };
    InvalidParam::new(
        "expireTime",
        Some(85401),
        Bilingual::new(zh, en),
        Bilingual::new(
            format!("传入 1 分钟之后、{MAX_DAYS} 天之内的时间"),
            format!("Pass a time between 1 minute and {MAX_DAYS} days from now"),
        ),
    )
}

fn wrong_days(days: f64) -> InvalidParam {
    let errcode = (days > f64::from(MAX_DAYS)).then_some(85401);
    let days = shown(days);
    InvalidParam::new(
        "expireInterval",
        errcode,
        Bilingual::new(
            format!("expireInterval 是 {days}，须为 1 到 {MAX_DAYS} 的整数（天）"),
            format!("expireInterval is {days}; it must be a whole number of days from 1 to {MAX_DAYS}"),
        ),
        Bilingual::new(
            "微信已取消永久有效的链接，最长 30 天",
            "WeChat no longer makes permanent links: pass at most 30",
        ),
    )
}

/// A leading slash is allowed here: WeChat's own samples have one.
pub(crate) fn page_without_query(at: ParamPath, page: &str) -> Result<(), InvalidParam> {
    let Some((bare, _)) = page.split_once('?') else { return Ok(()) };
    let (name, bare) = (at.name(), excerpt(bare));
    Err(at.invalid(
        Bilingual::new(format!("{name} 带有查询参数"), format!("{name} contains a query")),
        Bilingual::new(
            format!("{name} 只写 {bare}，参数放进 query"),
            format!("Pass {bare} as {name} and put the rest into query"),
        ),
    ))
}

/// What a link's query may hold besides letters and digits.
pub(crate) const QUERY_PUNCTUATION: &str = "!#$&'()*+,/:;=?@-._~%";

/// Refuses a query with characters that WeChat does not allow, or with more characters than the schema allows.
pub(crate) fn query(at: ParamPath, query: &str) -> Result<(), InvalidParam> {
    let (param, most) = (at.name(), at.param.max as usize);
    let length = query.chars().count();
    let illegal = |c: &char| !c.is_ascii_alphanumeric() && !QUERY_PUNCTUATION.contains(*c);
    let (zh, en) = if length > most {
        (
            format!("{param} 有 {length} 个字符，最多 {most} 个"),
            format!("{param} has {length} characters; at most {most} are allowed"),
        )
    } else if let Some((index, wrong)) = query.chars().enumerate().find(|(_, c)| illegal(c)) {
        let (position, code) = (index + 1, wrong as u32);
        (
            format!("{param} 的第 {position} 个字符 U+{code:04X} 不是微信允许的字符"),
            format!("character {position} of {param} is U+{code:04X}, which WeChat does not allow"),
        )
    } else {
        return Ok(());
    };
    Err(at.invalid(
        Bilingual::new(zh, en),
        Bilingual::new(
            "写成 k1=v1&k2=v2，中文和空格用 encodeURIComponent 编码，较长的数据存在服务端",
            "Write k1=v1&k2=v2, encode Chinese and spaces with encodeURIComponent, and store longer data on your server",
        ),
    ))
}

/// The field of the response that a query asks for.
pub(crate) fn expected_field(
    param: &'static str,
    link: Option<&str>,
    query_type: f64,
    info: &'static str,
) -> Result<&'static str, InvalidParam> {
    match query_type {
        0.0 if link.is_none_or(str::is_empty) => Err(InvalidParam::new(
            param,
            None,
            Bilingual::new(
                format!("queryType 为 0 时缺少 {param}"),
                format!("{param} is missing; queryType 0 requires it"),
            ),
            Bilingual::new(
                format!("传入要查询的 {param}；只查剩余访问次数时用 queryType: 1"),
                format!("Pass the {param} to look up, or queryType: 1 for the remaining visits"),
            ),
        )),
        0.0 => Ok(info),
        1.0 => Ok("quota_info"),
        other => Err(InvalidParam::new(
            "queryType",
            None,
            Bilingual::new(
                format!("queryType 是 {}，须为 0 或 1", shown(other)),
                format!("queryType is {}; it must be 0 or 1", shown(other)),
            ),
            Bilingual::new(
                "0 查询链接本身，1 查询剩余访问次数",
                "Pass 0 to look the link up, or 1 for the remaining visits",
            ),
        )),
    }
}

/// Refuses an empty text.
pub(crate) fn not_empty(at: ParamPath, text: &str) -> Result<(), InvalidParam> {
    if !text.is_empty() {
        return Ok(());
    }
    let name = at.name();
    let fix = at.fix().unwrap_or_else(|| Bilingual::new(format!("传入 {name}"), format!("Pass {name}")));
    Err(at.invalid(Bilingual::new(format!("{name} 为空"), format!("{name} is empty")), fix))
}

/// From 1 to as many characters as the schema allows, without a leading slash.
pub(crate) fn page_url(at: ParamPath, page: &str) -> Result<(), InvalidParam> {
    let (length, most) = (page.chars().count(), at.param.max as usize);
    if length == 0 || length > most {
        return Err(InvalidParam::new(
            at.name(),
            None,
            Bilingual::new(
                format!("pageUrl 有 {length} 个字符，须为 1 到 {most} 个"),
                format!("pageUrl has {length} characters; it must have 1 to {most}"),
            ),
            Bilingual::new("写成 pages/index/index?id=42", "Pass a page such as pages/index/index?id=42"),
        ));
    }
    // https://developers.weixin.qq.com/community/develop/doc/000c44d4e88138dbd4ad04cf056400
    let Some(bare) = page.strip_prefix('/').map(excerpt) else { return Ok(()) };
    Err(at.invalid(
        Bilingual::new("pageUrl 以 / 开头", "pageUrl starts with a /"),
        Bilingual::new(format!("去掉开头的 /，写成 {bare}"), format!("Remove the leading slash: {bare}")),
    ))
}
