//! What WeChat tells of an account's own calls.

use serde::Deserialize;
use serde_json::json;

use super::{Asked, Context, asked};
use crate::error::explanation::{Bilingual, excerpt};
use crate::error::invalid::InvalidParam;
use crate::wechat::endpoint::Endpoint;

#[derive(Deserialize)]
pub struct QuotaOf {
    path: String,
}

/// <https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/api_getapiquota.html>
pub fn quota(QuotaOf { path }: &QuotaOf) -> Result<Asked, InvalidParam> {
    if path.starts_with('/') && !path.contains(['?', '#', ' ']) {
        return Ok(asked(Endpoint::GetQuota, "quota", &json!({ "cgi_path": path })));
    }
    let bare = path.split(['?', '#']).next().unwrap_or_default();
    let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let bare = format!("/{}", bare.trim_matches(['/', ' ']));
    let example = excerpt(if bare == "/" { "/wxa/getwxacodeunlimit" } else { &bare });
    Err(InvalidParam::new(
        "path",
        Some(76021),
        Bilingual::new(
            "path 不是以 / 开头、不带主机和参数的接口路径",
            "path is not an API's path with a leading / and without host and query",
        ),
        Bilingual::new(format!("写成 {example}"), format!("Write {example}")),
    ))
}

/// <https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/api_clearquota.html>
pub fn clear_quota(context: &Context) -> Asked {
    asked(Endpoint::ClearQuota, "errcode", &json!({ "appid": context.appid }))
}

#[derive(Deserialize)]
pub struct Rid {
    rid: String,
}

/// <https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/api_getridinfo.html>
pub fn rid(Rid { rid }: &Rid) -> Result<Asked, InvalidParam> {
    if !rid.is_empty() && rid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        return Ok(asked(Endpoint::GetRid, "request", &json!({ "rid": rid })));
    }
    Err(InvalidParam::new(
        "rid",
        Some(76002),
        Bilingual::new(
            "rid 为空，或含有十六进制数字和 - 以外的字符",
            "rid is empty or has more than hexadecimal digits and -",
        ),
        Bilingual::new(
            "只写错误信息中 rid: 后面的部分，如 69661ec0-6b445e0b-755fcdc6（WeChatAPIError 的 rid）",
            "Give only what stands behind rid: in the message, like 69661ec0-6b445e0b-755fcdc6 (a WeChatAPIError's rid)",
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_asked_without_host_and_query_and_a_wrong_one_is_shown_right() {
        let quota = |path: &str| quota(&QuotaOf { path: path.into() });
        let body = quota("/wxa/getwxacode").unwrap().question.body.unwrap();
        assert_eq!(body, r#"{"cgi_path":"/wxa/getwxacode"}"#);
        for (wrong, right) in [
            ("wxa/getwxacode", "\"/wxa/getwxacode\""),
            ("https://api.weixin.qq.com/wxa/getwxacode?access_token=x", "\"/wxa/getwxacode\""),
            ("", "\"/wxa/getwxacodeunlimit\""),
        ] {
            let fix = quota(wrong).unwrap_err().explanation.fix.en;
            assert!(fix.contains(right) && !fix.contains("access_token"), "{fix}");
        }
    }

    #[test]
    fn a_rid_is_the_number_alone() {
        let rid = |rid: &str| rid_of(rid);
        assert!(rid("69661ec0-6b445e0b-755fcdc6").is_ok());
        for wrong in ["", "rid: 69661ec0-6b445e0b-755fcdc6", "(69661ec0-6b445e0b-755fcdc6)"] {
            assert_eq!(rid(wrong).unwrap_err().errcode, Some(76002));
        }
    }

    fn rid_of(text: &str) -> Result<Asked, InvalidParam> {
        rid(&Rid { rid: text.into() })
    }
}
