//! Links that open a mini-program: schemes, URL links, short links, schemes for NFC tags.

mod rules;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::json;

use self::rules::{End, LONGEST, bare_path, empty, end, legal_query, wanted};
use super::{Asked, Context, asked};
use crate::error::explanation::{Bilingual, excerpt};
use crate::error::invalid::InvalidParam;
use crate::wechat::endpoint::Endpoint;

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
    #[serde(flatten)]
    jump: JumpWxa,
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
pub fn scheme(scheme: &Scheme, context: &Context) -> Result<Asked, InvalidParam> {
    #[derive(Serialize)]
    struct Wire<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        jump_wxa: Option<&'a JumpWxa>,
        /// Missing in the table of parameters, but in the samples: without it a scheme was permanent.
        is_expire: bool,
        #[serde(flatten)]
        end: End,
    }
    let jump_wxa = scheme.jump_wxa.as_ref().map(|jump| jump.checked("jumpWxa.")).transpose()?;
    let end = end(scheme.expire_time, scheme.expire_interval, context)?;
    let wire = Wire { jump_wxa, is_expire: true, end };
    Ok(asked(Endpoint::GenerateScheme, "openlink", &wire))
}

/// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-link/api_generateurllink.html>
pub fn url_link(link: UrlLink, context: &Context) -> Result<Asked, InvalidParam> {
    #[derive(Serialize)]
    struct Wire {
        #[serde(flatten)]
        jump: JumpWxa,
        #[serde(flatten)]
        end: End,
        #[serde(skip_serializing_if = "Option::is_none")]
        cloud_base: Option<CloudBase>,
    }
    let UrlLink { jump, expire_time, expire_interval, cloud_base } = link;
    if let Some(CloudBase { env, path, query, .. }) = &cloud_base {
        if env.is_empty() {
            return Err(empty("cloudBase.env", "云开发环境", "the environment of your cloud"));
        }
        bare_path("cloudBase.path", path.as_deref())?;
        legal_query("cloudBase.query", query.as_deref())?;
    }
    jump.checked("")?;
    let wire = Wire { jump, end: end(expire_time, expire_interval, context)?, cloud_base };
    Ok(asked(Endpoint::GenerateUrlLink, "url_link", &wire))
}

/// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/short-link/api_generateshortlink.html>
pub fn short_link(link: &ShortLink) -> Result<Asked, InvalidParam> {
    let length = link.page_url.chars().count();
    if length == 0 || length > LONGEST {
        return Err(InvalidParam::new(
            "pageUrl",
            None,
            Bilingual::new(
                format!("pageUrl 有 {length} 个字符，须为 1 到 {LONGEST} 个"),
                format!("pageUrl has {length} characters; it must have 1 to {LONGEST}"),
            ),
            Bilingual::new("写成 pages/index/index?id=42", "Write it like pages/index/index?id=42"),
        ));
    }
    // https://developers.weixin.qq.com/community/develop/doc/000c44d4e88138dbd4ad04cf056400
    if let Some(bare) = link.page_url.strip_prefix('/').map(excerpt) {
        return Err(InvalidParam::new(
            "pageUrl",
            Some(40066),
            Bilingual::new("pageUrl 以 / 开头", "pageUrl starts with a /"),
            Bilingual::new(format!("去掉开头的 /，写成 {bare}"), format!("Drop the leading slash: {bare}")),
        ));
    }
    Ok(asked(Endpoint::GenerateShortLink, "link", link))
}

/// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-scheme/api_generatenfcscheme.html>
pub fn nfc_scheme(scheme: &NfcScheme) -> Result<Asked, InvalidParam> {
    if scheme.model_id.is_empty() {
        return Err(empty("modelId", "设备的 model_id", "the device's model_id"));
    }
    scheme.jump_wxa.as_ref().map(|jump| jump.checked("jumpWxa.")).transpose()?;
    Ok(asked(Endpoint::GenerateNfcScheme, "openlink", scheme))
}

/// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-scheme/api_queryscheme.html>
pub fn query_scheme(QueryScheme { scheme, query_type }: &QueryScheme) -> Result<Asked, InvalidParam> {
    let wanted = wanted("scheme", scheme.as_deref(), *query_type, "scheme_info")?;
    Ok(asked(Endpoint::QueryScheme, wanted, &query("scheme", scheme.as_deref(), *query_type)))
}

/// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-link/api_queryurllink.html>
pub fn query_url_link(QueryUrlLink { url_link, query_type }: &QueryUrlLink) -> Result<Asked, InvalidParam> {
    let wanted = wanted("urlLink", url_link.as_deref(), *query_type, "url_link_info")?;
    Ok(asked(Endpoint::QueryUrlLink, wanted, &query("url_link", url_link.as_deref(), *query_type)))
}

fn query(name: &str, link: Option<&str>, query_type: Option<f64>) -> serde_json::Value {
    let mut body = json!({ "query_type": query_type.unwrap_or(0.0) as u8 });
    if let Some(link) = link {
        body[name] = link.into();
    }
    body
}
