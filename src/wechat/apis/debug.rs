//! The rules of the APIs for debugging: quotas, and WeChat's records of requests.

use crate::error::explanation::{Bilingual, excerpt};
use crate::error::invalid::InvalidParam;
use crate::wechat::params::ParamPath;

/// A path with its leading slash, and without host and query.
pub(crate) fn api_path(at: ParamPath, path: &str) -> Result<(), InvalidParam> {
    if path.starts_with('/') && !path.contains(['?', '#', ' ']) {
        return Ok(());
    }
    let bare = path.split(['?', '#']).next().unwrap_or_default();
    let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let bare = format!("/{}", bare.trim_matches(['/', ' ']));
    let example = excerpt(if bare == "/" { "/wxa/getwxacodeunlimit" } else { &bare });
    Err(at.invalid(
        Bilingual::new(
            "path 不是以 / 开头、不带主机和参数的接口路径",
            "path is not the path of an API with a leading /, without host and query",
        ),
        Bilingual::new(format!("写成 {example}"), format!("Write {example}")),
    ))
}

/// Hexadecimal digits and hyphens.
pub(crate) fn rid(at: ParamPath, rid: &str) -> Result<(), InvalidParam> {
    if !rid.is_empty() && rid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        return Ok(());
    }
    Err(at.invalid(
        Bilingual::new(
            "rid 为空，或含有十六进制数字和 - 以外的字符",
            "rid is empty or contains characters other than hexadecimal digits and -",
        ),
        Bilingual::new(
            "只传错误信息中 rid: 后面的部分，如 69661ec0-6b445e0b-755fcdc6（WeChatAPIError 的 rid）",
            "Pass only the text after rid: in the message, such as 69661ec0-6b445e0b-755fcdc6 (the rid of a WeChatAPIError)",
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::{Context, call};
    use crate::error::invalid::InvalidParam;
    use crate::wechat::endpoint::Endpoint;

    fn sent(endpoint: &Endpoint, params: serde_json::Value) -> Result<Vec<u8>, InvalidParam> {
        let context = Context { appid: "wx", now: 0.0 };
        call(endpoint, &params.to_string(), &context).map(|call| call.request.body.unwrap().to_vec())
    }

    #[test]
    fn a_path_is_sent_without_host_and_query_and_an_error_shows_the_right_form() {
        let quota = |path: &str| sent(&Endpoint::GetQuota, serde_json::json!({ "path": path }));
        assert_eq!(quota("/wxa/getwxacode").unwrap(), br#"{"cgi_path":"/wxa/getwxacode"}"#);
        for (wrong, right) in [
            ("wxa/getwxacode", "\"/wxa/getwxacode\""),
            ("https://api.weixin.qq.com/wxa/getwxacode?access_token=x", "\"/wxa/getwxacode\""),
            ("", "\"/wxa/getwxacodeunlimit\""),
        ] {
            let invalid = quota(wrong).unwrap_err();
            let fix = invalid.explanation.fix.en;
            assert!(invalid.errcode == Some(76021) && fix.contains(right) && !fix.contains("access_token"), "{fix}");
        }
    }

    #[test]
    fn a_rid_is_sent_without_its_label() {
        let rid = |rid: &str| sent(&Endpoint::GetRid, serde_json::json!({ "rid": rid }));
        assert!(rid("69661ec0-6b445e0b-755fcdc6").is_ok());
        for wrong in ["", "rid: 69661ec0-6b445e0b-755fcdc6", "(69661ec0-6b445e0b-755fcdc6)"] {
            assert_eq!(rid(wrong).unwrap_err().errcode, Some(76002));
        }
    }

    #[test]
    fn an_account_clears_its_own_quota() {
        assert_eq!(sent(&Endpoint::ClearQuota, serde_json::json!({})).unwrap(), br#"{"appid":"wx"}"#);
    }
}
