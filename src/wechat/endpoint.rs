//! The endpoints: path, method, names.

use std::sync::Arc;

/// A WeChat endpoint that this crate calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getqrcode.html>
    GetQrCode,
    /// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getunlimitedqrcode.html>
    GetUnlimitedQrCode,
    /// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_createqrcode.html>
    CreateQrCode,
    /// <https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html>
    StableToken,
    /// <https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getaccesstoken.html>
    ClassicToken,
    /// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-scheme/api_generatescheme.html>
    GenerateScheme,
    /// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-link/api_generateurllink.html>
    GenerateUrlLink,
    /// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/short-link/api_generateshortlink.html>
    GenerateShortLink,
    /// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-scheme/api_generatenfcscheme.html>
    GenerateNfcScheme,
    /// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-scheme/api_queryscheme.html>
    QueryScheme,
    /// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-link/api_queryurllink.html>
    QueryUrlLink,
    /// <https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/api_getapiquota.html>
    GetQuota,
    /// <https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/api_clearquota.html>
    ClearQuota,
    /// <https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/api_getridinfo.html>
    GetRid,
    /// Any other that takes an access token.
    Other { path: Arc<str>, method: Method },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    Get,
    Post,
}

impl Endpoint {
    /// All that have a name.
    pub const KNOWN: [Self; 14] = [
        Self::GetQrCode,
        Self::GetUnlimitedQrCode,
        Self::CreateQrCode,
        Self::StableToken,
        Self::ClassicToken,
        Self::GenerateScheme,
        Self::GenerateUrlLink,
        Self::GenerateShortLink,
        Self::GenerateNfcScheme,
        Self::QueryScheme,
        Self::QueryUrlLink,
        Self::GetQuota,
        Self::ClearQuota,
        Self::GetRid,
    ];

    /// What errors call it: the method of ours, WeChat's word for a token, or the path.
    pub fn name(&self) -> &str {
        match self {
            Self::GetQrCode => "getQRCode",
            Self::GetUnlimitedQrCode => "getUnlimitedQRCode",
            Self::CreateQrCode => "createQRCode",
            Self::StableToken => "stable_token",
            Self::ClassicToken => "token",
            Self::GenerateScheme => "generateScheme",
            Self::GenerateUrlLink => "generateUrlLink",
            Self::GenerateShortLink => "generateShortLink",
            Self::GenerateNfcScheme => "generateNFCScheme",
            Self::QueryScheme => "queryScheme",
            Self::QueryUrlLink => "queryUrlLink",
            Self::GetQuota => "getQuota",
            Self::ClearQuota => "clearQuota",
            Self::GetRid => "getRid",
            Self::Other { path, .. } => path,
        }
    }

    /// The path on WeChat's host, with its leading slash.
    pub fn path(&self) -> &str {
        match self {
            Self::GetQrCode => "/wxa/getwxacode",
            Self::GetUnlimitedQrCode => "/wxa/getwxacodeunlimit",
            Self::CreateQrCode => "/cgi-bin/wxaapp/createwxaqrcode",
            Self::StableToken => "/cgi-bin/stable_token",
            Self::ClassicToken => "/cgi-bin/token",
            Self::GenerateScheme => "/wxa/generatescheme",
            Self::GenerateUrlLink => "/wxa/generate_urllink",
            Self::GenerateShortLink => "/wxa/genwxashortlink",
            Self::GenerateNfcScheme => "/wxa/generatenfcscheme",
            Self::QueryScheme => "/wxa/queryscheme",
            Self::QueryUrlLink => "/wxa/query_urllink",
            Self::GetQuota => "/cgi-bin/openapi/quota/get",
            Self::ClearQuota => "/cgi-bin/clear_quota",
            Self::GetRid => "/cgi-bin/openapi/rid/get",
            Self::Other { path, .. } => path,
        }
    }

    /// What tells it from others in its path: what the catalogue of error codes calls it.
    pub fn wechat_name(&self) -> &str {
        match self {
            Self::GetQuota => "quota/get",
            Self::GetRid => "rid/get",
            Self::Other { path, .. } => path,
            known => known.path().rsplit('/').next().unwrap_or_default(),
        }
    }

    pub fn method(&self) -> Method {
        match self {
            Self::ClassicToken => Method::Get,
            Self::Other { method, .. } => *method,
            _ => Method::Post,
        }
    }

    /// 5000 calls a minute, answered 45009 or 45011 beyond.
    /// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getunlimitedqrcode.html>
    pub fn counts_by_the_minute(&self) -> bool {
        *self == Self::GetUnlimitedQrCode
    }

    /// Whether its answers hold a token, so that not even a part of one may be shown.
    pub fn gives_token(&self) -> bool {
        matches!(self, Self::StableToken | Self::ClassicToken)
    }

    pub fn gives_code(&self) -> bool {
        matches!(self, Self::GetQrCode | Self::GetUnlimitedQrCode | Self::CreateQrCode)
    }

    /// Any of its names: `getUnlimitedQRCode`, `getwxacodeunlimit` or `/wxa/getwxacodeunlimit`.
    pub fn find(name: &str) -> Option<Self> {
        Self::KNOWN.into_iter().find(|e| [e.name(), e.wechat_name(), e.path()].contains(&name))
    }

    /// The one at a path, known or not.
    pub fn at(path: &str, method: Method) -> Self {
        let known = Self::KNOWN.into_iter().find(|known| known.path() == path && known.method() == method);
        known.unwrap_or_else(|| Self::Other { path: path.into(), method })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_is_found_by_each_of_its_names() {
        for endpoint in Endpoint::KNOWN {
            for name in [endpoint.name(), endpoint.wechat_name(), endpoint.path()] {
                assert_eq!(Endpoint::find(name), Some(endpoint.clone()), "{name}");
            }
        }
        assert_eq!(Endpoint::find("getwxacodeunlimited"), None);
    }

    #[test]
    fn a_path_leads_to_the_endpoint_that_is_known_there() {
        assert_eq!(Endpoint::at("/wxa/getwxacode", Method::Post), Endpoint::GetQrCode);
        let other = Endpoint::at("/wxa/getwxacode", Method::Get);
        assert_eq!((other.path(), other.method(), other.name()), ("/wxa/getwxacode", Method::Get, "/wxa/getwxacode"));
    }
}
