//! Requests to any API by its path.

use crate::error::explanation::Bilingual;
use crate::error::invalid::InvalidParam;
use crate::wechat::endpoint::{Endpoint, Method};
use crate::wechat::request::ApiRequest;

const MAX_PATH_BYTES: usize = 256;

/// The request to a path. `body` is JSON.
///
/// # Errors
///
/// [`InvalidParam`] for a path that is none or hands out tokens, for a token in the query, and for a body with `GET`.
pub fn build(
    path: &str,
    method: Method,
    query: Vec<(String, String)>,
    body: Option<String>,
) -> Result<ApiRequest, InvalidParam> {
    let endpoint = Endpoint::from_path(checked(path)?, method);
    if endpoint.returns_token() {
        return Err(of_token(&endpoint));
    }
    refuse_token(&query)?;
    if method == Method::Get && body.is_some() {
        return Err(InvalidParam::new(
            "body",
            None,
            Bilingual::new("GET 请求不能带 body", "a GET request cannot have a body"),
            Bilingual::new("去掉 method，或把参数放进 query", "Omit method, or put the parameters into query"),
        ));
    }
    // WeChat answers 44002 to an empty body, and some APIs have no parameters.
    let body = (method == Method::Post).then(|| body.unwrap_or_else(|| "{}".to_owned()).into());
    Ok(ApiRequest { endpoint, query, body })
}

/// The same for a third-party platform, whose own APIs are among them, but for those that hand out a token.
///
/// # Errors
///
/// As `build`.
pub fn build_for_platform(path: &str, query: Vec<(String, String)>, body: String) -> Result<ApiRequest, InvalidParam> {
    let endpoint = Endpoint::from_path(checked(path)?, Method::Post);
    let hands_out = [Endpoint::StableToken, Endpoint::ComponentToken, Endpoint::AuthorizerToken, Endpoint::QueryAuth];
    if hands_out.contains(&endpoint) {
        return Err(of_token(&endpoint));
    }
    refuse_token(&query)?;
    Ok(ApiRequest { endpoint, query, body: Some(body.into()) })
}

fn of_token(endpoint: &Endpoint) -> InvalidParam {
    InvalidParam::new(
        "path",
        None,
        Bilingual::new(
            format!("{} 是获取 access_token 的接口", endpoint.path()),
            format!("{} is an endpoint of the access token", endpoint.path()),
        ),
        Bilingual::new(
            "access_token 由 WxaCode 管理：用 getAccessToken() 获取，用 getAccessToken({ forceRefresh: true }) 强制刷新",
            "WxaCode manages the access token: use getAccessToken(), or getAccessToken({ forceRefresh: true })",
        ),
    )
}

fn refuse_token(query: &[(String, String)]) -> Result<(), InvalidParam> {
    if !query.iter().any(|(name, _)| matches!(name.as_str(), "access_token" | "component_access_token")) {
        return Ok(());
    }
    Err(InvalidParam::new(
        "query.access_token",
        None,
        Bilingual::new("query 含有 access_token", "query contains an access_token"),
        Bilingual::new("去掉它：wxacode 会加上 access_token", "Remove it: wxacode adds the access token"),
    ))
}
fn checked(path: &str) -> Result<&str, InvalidParam> {
    let invalid = |zh: &str, en: &str| {
        InvalidParam::new(
            "path",
            None,
            Bilingual::new(format!("path {zh}"), format!("path {en}")),
            Bilingual::new(
                "写成 /wxa/business/getuserphonenumber 这样的路径：以 / 开头，不带主机，参数放进 query",
                "Pass a path such as /wxa/business/getuserphonenumber: with a leading /, without a host, and with parameters in query",
            ),
        )
    };
    match path {
        _ if path.contains("://") => Err(invalid("含有主机名", "contains a host")),
        _ if !path.starts_with('/') || path.starts_with("//") => {
            Err(invalid("没有以单个 / 开头", "does not begin with a single /"))
        }
        _ if path.contains(['?', '#']) => Err(invalid("带有查询参数或 #", "contains a query or a #")),
        _ if path.len() > MAX_PATH_BYTES => Err(invalid("过长", "is too long")),
        _ if !path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b)) => Err(invalid(
            "含有字母、数字和 / - _ . 以外的字符",
            "contains characters other than letters, digits and / - _ .",
        )),
        _ if path.split('/').any(|part| part == "." || part == "..") => {
            Err(invalid("含有 . 或 .. 段", "contains a segment . or .."))
        }
        _ => Ok(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(path: &str) -> Result<ApiRequest, String> {
        build(path, Method::Post, Vec::new(), None).map_err(|invalid| invalid.param.into_owned())
    }

    #[test]
    fn a_path_finds_its_endpoint_and_only_a_post_has_a_body() {
        let known = post("/wxa/getwxacodeunlimit").unwrap();
        assert_eq!(known.endpoint, Endpoint::GetUnlimitedQrCode);
        let other = post("/wxa/business/getuserphonenumber").unwrap();
        assert_eq!((other.endpoint.name(), &other.body.unwrap()[..]), ("/wxa/business/getuserphonenumber", &b"{}"[..]));
        let get = build("/cgi-bin/get_api_domain_ip", Method::Get, Vec::new(), None).unwrap();
        assert_eq!((get.endpoint.method(), get.body), (Method::Get, None));
    }

    #[test]
    fn a_path_cannot_change_the_host() {
        for wrong in [
            "",
            "wxa/a",
            "//evil.example/a",
            "https://api.weixin.qq.com/wxa/a",
            "/wxa/a?b=1",
            "/wxa/a#b",
            "/wxa/../cgi-bin/token",
            "/wxa/./a",
            "/wxa/%2e%2e/a",
            "/wxa\\a",
            "/wxa/ a",
            "/wxa/中",
        ] {
            assert_eq!(post(wrong), Err("path".to_owned()), "{wrong}");
        }
        assert!(post(&format!("/{}", "a".repeat(MAX_PATH_BYTES))).is_err());
        assert!(post(&format!("/{}", "a".repeat(MAX_PATH_BYTES - 1))).is_ok());
    }

    #[test]
    fn token_endpoints_are_refused() {
        assert_eq!(post("/cgi-bin/stable_token"), Err("path".to_owned()));
        let classic = build("/cgi-bin/token", Method::Get, Vec::new(), None);
        assert_eq!(classic.unwrap_err().param, "path");
        let own = build("/wxa/a", Method::Post, vec![("access_token".into(), "x".into())], None);
        assert_eq!(own.unwrap_err().param, "query.access_token");
        let get = build("/wxa/a", Method::Get, Vec::new(), Some("{}".into()));
        assert_eq!(get.unwrap_err().param, "body");
    }
}
