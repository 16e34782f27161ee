//! Links that open a mini-program: schemes, URL links, short links, schemes for NFC tags.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Asked, Context, asked};
use crate::wechat::endpoint::Endpoint;
use crate::wechat::explanation::Text;
use crate::wechat::params::{Invalid, env_version};

/// Where a link leads.
#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"))]
pub struct JumpWxa {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    env_version: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scheme {
    jump_wxa: Option<JumpWxa>,
    expire_time: Option<f64>,
    expire_interval: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UrlLink {
    path: Option<String>,
    query: Option<String>,
    env_version: Option<String>,
    expire_time: Option<f64>,
    expire_interval: Option<f64>,
    cloud_base: Option<CloudBase>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"))]
pub struct CloudBase {
    env: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_appid: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"))]
pub struct ShortLink {
    page_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_permanent: Option<bool>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"))]
pub struct NfcScheme {
    #[serde(skip_serializing_if = "Option::is_none")]
    jump_wxa: Option<JumpWxa>,
    model_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryScheme {
    scheme: Option<String>,
    query_type: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryUrlLink {
    url_link: Option<String>,
    query_type: Option<f64>,
}

/// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-scheme/api_generatescheme.html>
pub fn scheme(scheme: &Scheme, context: &Context) -> Result<Asked, Invalid> {
    #[derive(Serialize)]
    struct Wire<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        jump_wxa: Option<&'a JumpWxa>,
        /// Missing in the table of parameters, but in the samples: without it a scheme was permanent.
        is_expire: bool,
        expire_type: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        expire_time: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        expire_interval: Option<u8>,
    }
    let jump_wxa = scheme.jump_wxa.as_ref().map(|jump| jump.checked("jumpWxa.")).transpose()?;
    let End { expire_type, expire_time, expire_interval } = end(scheme.expire_time, scheme.expire_interval, context)?;
    let wire = Wire { jump_wxa, is_expire: true, expire_type, expire_time, expire_interval };
    Ok(asked(Endpoint::GenerateScheme, Some("openlink"), &wire))
}

/// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-link/api_generateurllink.html>
pub fn url_link(link: UrlLink, context: &Context) -> Result<Asked, Invalid> {
    #[derive(Serialize)]
    struct Wire {
        #[serde(skip_serializing_if = "Option::is_none")]
        path: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        query: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        env_version: Option<String>,
        expire_type: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        expire_time: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        expire_interval: Option<u8>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cloud_base: Option<CloudBase>,
    }
    let UrlLink { path, query, env_version, expire_time, expire_interval, cloud_base } = link;
    if let Some(CloudBase { env, path, query, .. }) = &cloud_base {
        if env.is_empty() {
            return Err(empty("cloudBase.env", "云开发环境", "the environment of your cloud"));
        }
        bare_path("cloudBase.path", path.as_deref())?;
        legal_query("cloudBase.query", query.as_deref())?;
    }
    let jump = JumpWxa { path, query, env_version };
    jump.checked("")?;
    let JumpWxa { path, query, env_version } = jump;
    let End { expire_type, expire_time, expire_interval } = end(expire_time, expire_interval, context)?;
    let wire = Wire { path, query, env_version, expire_type, expire_time, expire_interval, cloud_base };
    Ok(asked(Endpoint::GenerateUrlLink, Some("url_link"), &wire))
}

/// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/short-link/api_generateshortlink.html>
pub fn short_link(link: &ShortLink) -> Result<Asked, Invalid> {
    let length = link.page_url.chars().count();
    if length == 0 || length > LONGEST {
        return Err(Invalid::new(
            "pageUrl",
            None,
            Text::new(
                format!("pageUrl 有 {length} 个字符，须为 1 到 {LONGEST} 个"),
                format!("pageUrl has {length} characters; it must have 1 to {LONGEST}"),
            ),
            Text::new("写成 pages/index/index?id=42", "Write it like pages/index/index?id=42"),
        ));
    }
    // https://developers.weixin.qq.com/community/develop/doc/000c44d4e88138dbd4ad04cf056400
    if let Some(bare) = link.page_url.strip_prefix('/') {
        return Err(Invalid::new(
            "pageUrl",
            Some(40066),
            Text::new("pageUrl 以 / 开头", "pageUrl starts with a /"),
            Text::new(format!("去掉开头的 /，写成 {bare:?}"), format!("Drop the leading slash: {bare:?}")),
        ));
    }
    Ok(asked(Endpoint::GenerateShortLink, Some("link"), link))
}

/// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-scheme/api_generatenfcscheme.html>
pub fn nfc_scheme(scheme: &NfcScheme) -> Result<Asked, Invalid> {
    if scheme.model_id.is_empty() {
        return Err(empty("modelId", "设备的 model_id", "the device's model_id"));
    }
    scheme.jump_wxa.as_ref().map(|jump| jump.checked("jumpWxa.")).transpose()?;
    Ok(asked(Endpoint::GenerateNfcScheme, Some("openlink"), scheme))
}

/// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-scheme/api_queryscheme.html>
pub fn query_scheme(QueryScheme { scheme, query_type }: &QueryScheme) -> Result<Asked, Invalid> {
    let wanted = wanted("scheme", scheme.as_deref(), *query_type, "scheme_info")?;
    Ok(asked(Endpoint::QueryScheme, Some(wanted), &query("scheme", scheme.as_deref(), *query_type)))
}

/// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-link/api_queryurllink.html>
pub fn query_url_link(QueryUrlLink { url_link, query_type }: &QueryUrlLink) -> Result<Asked, Invalid> {
    let wanted = wanted("urlLink", url_link.as_deref(), *query_type, "url_link_info")?;
    Ok(asked(Endpoint::QueryUrlLink, Some(wanted), &query("url_link", url_link.as_deref(), *query_type)))
}

/// `expire_type` 0 is a time in seconds since 1970, 1 a number of days.
struct End {
    expire_type: u8,
    expire_time: Option<u64>,
    expire_interval: Option<u8>,
}

const LONGEST: usize = 1024;
const MOST_DAYS: u8 = 30;
const DAY: f64 = 86_400.0;
/// By so much our clock and WeChat's may differ: what is doubtful is left to WeChat.
const DOUBT: f64 = 300.0;

/// The longest life, where nothing is said: permanent ones are no longer made.
fn end(time: Option<f64>, days: Option<f64>, context: &Context) -> Result<End, Invalid> {
    match (time, days) {
        (Some(_), Some(_)) => Err(Invalid::new(
            "expireInterval",
            None,
            Text::new("expireTime 和 expireInterval 只能传一个", "expireTime and expireInterval exclude each other"),
            Text::new(
                "到某一时刻失效用 expireTime，若干天后失效用 expireInterval",
                "Give expireTime for a moment, or expireInterval for a number of days",
            ),
        )),
        (Some(time), None) => {
            let left = time - context.now;
            if left > -DOUBT && left < f64::from(MOST_DAYS) * DAY + DOUBT {
                return Ok(End { expire_type: 0, expire_time: Some(time as u64), expire_interval: None });
            }
            Err(wrong_time(left))
        }
        (None, days) => {
            let days = days.unwrap_or(f64::from(MOST_DAYS));
            if days.fract() == 0.0 && (1.0..=f64::from(MOST_DAYS)).contains(&days) {
                return Ok(End { expire_type: 1, expire_time: None, expire_interval: Some(days as u8) });
            }
            Err(wrong_days(days))
        }
    }
}

fn wrong_time(left: f64) -> Invalid {
    let days = (left.abs() / DAY * 10.0).round() / 10.0;
    let (zh, en) = if left < 0.0 {
        (format!("expireTime 在 {days} 天之前"), format!("expireTime was {days} days ago"))
    } else {
        (format!("expireTime 在 {days} 天之后"), format!("expireTime is {days} days from now"))
    };
    Invalid::new(
        "expireTime",
        Some(85401),
        Text::new(zh, en),
        Text::new(
            format!("须在 1 分钟之后、{MOST_DAYS} 天之内"),
            format!("It must lie between a minute and {MOST_DAYS} days from now"),
        ),
    )
}

fn wrong_days(days: f64) -> Invalid {
    Invalid::new(
        "expireInterval",
        (days > f64::from(MOST_DAYS)).then_some(85401),
        Text::new(
            format!("expireInterval 是 {days}，须为 1 到 {MOST_DAYS} 的整数（天）"),
            format!("expireInterval is {days}; it must be a whole number of days from 1 to {MOST_DAYS}"),
        ),
        Text::new("永久有效的链接已取消，最长 30 天", "Links no longer last for ever: give at most 30"),
    )
}

impl JumpWxa {
    fn checked(&self, place: &str) -> Result<&Self, Invalid> {
        bare_path(&format!("{place}path"), self.path.as_deref())?;
        legal_query(&format!("{place}query"), self.query.as_deref())?;
        env_version(&format!("{place}envVersion"), self.env_version.as_deref(), 85402)?;
        Ok(self)
    }
}

/// A leading slash is allowed here: WeChat's own samples have one.
fn bare_path(param: &str, path: Option<&str>) -> Result<(), Invalid> {
    let Some((bare, _)) = path.and_then(|path| path.split_once('?')) else { return Ok(()) };
    Err(Invalid::new(
        param.to_owned(),
        Some(40165),
        Text::new(format!("{param} 带有查询参数"), format!("{param} has a query")),
        Text::new(
            format!("{param} 只写 {bare:?}，参数放进 query"),
            format!("Give {param} as {bare:?} and put the rest into query"),
        ),
    ))
}

const QUERY_PUNCTUATION: &str = "!#$&'()*+,/:;=?@-._~%";

fn legal_query(param: &str, query: Option<&str>) -> Result<(), Invalid> {
    let Some(query) = query else { return Ok(()) };
    let length = query.chars().count();
    let illegal = |c: &char| !c.is_ascii_alphanumeric() && !QUERY_PUNCTUATION.contains(*c);
    let (zh, en) = if length > LONGEST {
        (
            format!("{param} 有 {length} 个字符，最多 {LONGEST} 个"),
            format!("{param} has {length} characters; at most {LONGEST} are allowed"),
        )
    } else if let Some((at, wrong)) = query.chars().enumerate().find(|(_, c)| illegal(c)) {
        let (position, code) = (at + 1, wrong as u32);
        (
            format!("{param} 的第 {position} 个字符 U+{code:04X} 不在微信允许的字符之内"),
            format!("character {position} of {param} is U+{code:04X}, which WeChat does not allow"),
        )
    } else {
        return Ok(());
    };
    Err(Invalid::new(
        param.to_owned(),
        Some(40212),
        Text::new(zh, en),
        Text::new(
            "写成 k1=v1&k2=v2，中文和空格用 encodeURIComponent 编码，较长的数据存在服务端",
            "Write k1=v1&k2=v2, Chinese and spaces by encodeURIComponent, and keep longer data on your server",
        ),
    ))
}

/// The field of the answer that a query asks for.
fn wanted(
    param: &'static str,
    link: Option<&str>,
    query_type: Option<f64>,
    info: &'static str,
) -> Result<&'static str, Invalid> {
    match query_type.unwrap_or(0.0) {
        0.0 if link.is_none_or(str::is_empty) => Err(Invalid::new(
            param,
            None,
            Text::new(format!("queryType 为 0 时缺少 {param}"), format!("{param} is missing, and queryType is 0")),
            Text::new(
                format!("传入要查询的 {param}；只查剩余访问次数时用 queryType: 1"),
                format!("Give the {param} that you ask of, or queryType: 1 for the visits that are left"),
            ),
        )),
        0.0 => Ok(info),
        1.0 => Ok("quota_info"),
        other => Err(Invalid::new(
            "queryType",
            None,
            Text::new(format!("queryType 是 {other}，须为 0 或 1"), format!("queryType is {other}; it must be 0 or 1")),
            Text::new("0 查询链接本身，1 查询剩余访问次数", "0 asks what the link is, 1 how many visits are left"),
        )),
    }
}

fn query(name: &str, link: Option<&str>, query_type: Option<f64>) -> serde_json::Value {
    let mut body = json!({ "query_type": query_type.unwrap_or(0.0) as u8 });
    if let Some(link) = link {
        body[name] = link.into();
    }
    body
}

fn empty(param: &'static str, zh: &str, en: &str) -> Invalid {
    Invalid::new(
        param,
        None,
        Text::new(format!("{param} 为空"), format!("{param} is empty")),
        Text::new(format!("写上{zh}"), format!("Give {en}")),
    )
}

#[cfg(test)]
mod tests {
    use super::super::ask;
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    const NOW: f64 = 1_700_000_000.0;

    fn sent(endpoint: Endpoint, params: Value) -> Result<Value, (String, Option<i64>)> {
        let context = Context { appid: "wx", now: NOW };
        let asked = ask(&endpoint, &params.to_string(), &context);
        let asked = asked.map_err(|invalid| (invalid.param.into_owned(), invalid.errcode))?;
        assert_eq!(asked.question.endpoint, endpoint);
        Ok(serde_json::from_slice(&asked.question.body.unwrap()).unwrap())
    }

    fn scheme(params: Value) -> Result<Value, (String, Option<i64>)> {
        sent(Endpoint::GenerateScheme, params)
    }

    #[test]
    fn a_scheme_says_where_it_leads_and_when_it_ends() {
        let jump = json!({ "path": "/pages/a", "query": "a=1&b=%20", "envVersion": "trial" });
        let all = scheme(json!({ "jumpWxa": jump, "expireTime": NOW + 3600.0 })).unwrap();
        let wire = json!({ "path": "/pages/a", "query": "a=1&b=%20", "env_version": "trial" });
        assert_eq!(
            all,
            json!({ "jump_wxa": wire, "is_expire": true, "expire_type": 0, "expire_time": NOW as u64 + 3600 })
        );
        let days = scheme(json!({ "expireInterval": 7 })).unwrap();
        assert_eq!(days, json!({ "is_expire": true, "expire_type": 1, "expire_interval": 7 }));
        assert_eq!(scheme(json!({})).unwrap()["expire_interval"], 30, "the longest life");
    }

    #[test]
    fn a_url_link_may_pass_through_a_page_of_the_cloud() {
        let cloud = json!({ "env": "e", "path": "/h5", "resourceAppid": "wx1" });
        let all = sent(Endpoint::GenerateUrlLink, json!({ "path": "pages/a", "cloudBase": cloud })).unwrap();
        let wire = json!({ "env": "e", "path": "/h5", "resource_appid": "wx1" });
        assert_eq!(all, json!({ "path": "pages/a", "expire_type": 1, "expire_interval": 30, "cloud_base": wire }));
        let refused = |cloud: Value| sent(Endpoint::GenerateUrlLink, json!({ "cloudBase": cloud })).unwrap_err();
        assert_eq!(refused(json!({ "env": "" })), ("cloudBase.env".into(), None));
        assert_eq!(refused(json!({ "env": "e", "path": "a?b" })), ("cloudBase.path".into(), Some(40165)));
        assert_eq!(refused(json!({ "env": "e", "query": "品" })), ("cloudBase.query".into(), Some(40212)));
    }

    #[test]
    fn what_wechat_certainly_refuses_is_refused_with_its_code() {
        let jump = |jump: Value| scheme(json!({ "jumpWxa": jump })).unwrap_err();
        assert_eq!(jump(json!({ "path": "pages/a?b=1" })), ("jumpWxa.path".into(), Some(40165)));
        assert_eq!(jump(json!({ "query": "a b" })), ("jumpWxa.query".into(), Some(40212)));
        assert_eq!(jump(json!({ "query": "a".repeat(1025) })), ("jumpWxa.query".into(), Some(40212)));
        assert_eq!(jump(json!({ "envVersion": "" })), ("jumpWxa.envVersion".into(), Some(85402)));
        let url = sent(Endpoint::GenerateUrlLink, json!({ "query": "a b" }));
        assert_eq!(url.unwrap_err(), ("query".into(), Some(40212)));
    }

    #[test]
    fn an_end_lies_within_30_days_give_or_take_the_difference_of_two_clocks() {
        let at = |left: f64| scheme(json!({ "expireTime": NOW + left }));
        for left in [-299.0, 60.0, 30.0 * DAY + 299.0] {
            assert!(at(left).is_ok(), "{left}");
        }
        for left in [-300.0, 30.0 * DAY + 300.0, -1e12] {
            assert_eq!(at(left).unwrap_err(), ("expireTime".into(), Some(85401)));
        }
        for (days, errcode) in [(0.0, None), (31.0, Some(85401)), (1.5, None), (-1.0, None)] {
            assert_eq!(scheme(json!({ "expireInterval": days })).unwrap_err(), ("expireInterval".into(), errcode));
        }
        let both = scheme(json!({ "expireInterval": 1, "expireTime": NOW + 60.0 }));
        assert_eq!(both.unwrap_err(), ("expireInterval".into(), None));
    }

    #[test]
    fn a_short_link_has_a_page_without_a_leading_slash() {
        let short = |params: Value| sent(Endpoint::GenerateShortLink, params);
        let all = json!({ "pageUrl": "pages/a?b=品", "pageTitle": "t", "isPermanent": true });
        assert_eq!(short(all).unwrap(), json!({ "page_url": "pages/a?b=品", "page_title": "t", "is_permanent": true }));
        assert_eq!(short(json!({ "pageUrl": "/pages/a" })).unwrap_err(), ("pageUrl".into(), Some(40066)));
        assert_eq!(short(json!({ "pageUrl": "" })).unwrap_err().0, "pageUrl");
        assert_eq!(short(json!({ "pageUrl": "a".repeat(1025) })).unwrap_err().0, "pageUrl");
    }

    #[test]
    fn an_nfc_scheme_has_a_model() {
        let nfc = |params: Value| sent(Endpoint::GenerateNfcScheme, params);
        let all = json!({ "modelId": "m", "sn": "1", "jumpWxa": { "path": "a" } });
        assert_eq!(nfc(all).unwrap(), json!({ "model_id": "m", "sn": "1", "jump_wxa": { "path": "a" } }));
        assert_eq!(nfc(json!({ "modelId": "" })).unwrap_err().0, "modelId");
        let jump = json!({ "modelId": "m", "jumpWxa": { "path": "a?b" } });
        assert_eq!(nfc(jump).unwrap_err(), ("jumpWxa.path".into(), Some(40165)));
    }

    #[test]
    fn a_query_asks_of_a_link_or_how_many_visits_are_left() {
        let query = |params: Value| sent(Endpoint::QueryScheme, params);
        assert_eq!(query(json!({ "scheme": "s" })).unwrap(), json!({ "scheme": "s", "query_type": 0 }));
        assert_eq!(query(json!({ "queryType": 1 })).unwrap(), json!({ "query_type": 1 }));
        assert_eq!(query(json!({})).unwrap_err().0, "scheme");
        assert_eq!(query(json!({ "scheme": "s", "queryType": 2 })).unwrap_err().0, "queryType");
        let url = sent(Endpoint::QueryUrlLink, json!({ "urlLink": "https://wxaurl.cn/a" }));
        assert_eq!(url.unwrap(), json!({ "url_link": "https://wxaurl.cn/a", "query_type": 0 }));
    }

    proptest! {
        #[test]
        fn every_legal_query_is_sent_as_it_is_and_no_other(query in "\\PC{0,40}") {
            let legal = query.chars().all(|c| c.is_ascii_alphanumeric() || QUERY_PUNCTUATION.contains(c));
            let sent = scheme(json!({ "jumpWxa": { "query": query } }));
            prop_assert_eq!(sent.is_ok(), legal);
            if let Ok(body) = sent {
                prop_assert_eq!(&body["jump_wxa"]["query"], &json!(query));
            }
        }
    }
}
