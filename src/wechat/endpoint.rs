//! The endpoints: path, method, names.

/// A WeChat endpoint that this crate calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
}

impl Endpoint {
    pub const ALL: [Self; 5] =
        [Self::GetQrCode, Self::GetUnlimitedQrCode, Self::CreateQrCode, Self::StableToken, Self::ClassicToken];

    /// What errors call it: the method of ours for a code, WeChat's word for a token.
    pub fn name(self) -> &'static str {
        match self {
            Self::GetQrCode => "getQRCode",
            Self::GetUnlimitedQrCode => "getUnlimitedQRCode",
            Self::CreateQrCode => "createQRCode",
            Self::StableToken => "stable_token",
            Self::ClassicToken => "token",
        }
    }

    /// The path on WeChat's host, with its leading slash.
    pub fn path(self) -> &'static str {
        match self {
            Self::GetQrCode => "/wxa/getwxacode",
            Self::GetUnlimitedQrCode => "/wxa/getwxacodeunlimit",
            Self::CreateQrCode => "/cgi-bin/wxaapp/createwxaqrcode",
            Self::StableToken => "/cgi-bin/stable_token",
            Self::ClassicToken => "/cgi-bin/token",
        }
    }

    /// The last part of the path: what the catalogue of error codes calls it.
    pub fn wechat_name(self) -> &'static str {
        self.path().rsplit('/').next().unwrap_or_default()
    }

    pub fn method(self) -> Method {
        match self {
            Self::ClassicToken => Method::Get,
            _ => Method::Post,
        }
    }

    /// 5000 calls a minute, answered 45009 or 45011 beyond.
    /// <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getunlimitedqrcode.html>
    pub fn counts_by_the_minute(self) -> bool {
        self == Self::GetUnlimitedQrCode
    }

    /// Whether its answers hold a token, so that not even a part of one may be shown.
    pub fn gives_token(self) -> bool {
        matches!(self, Self::StableToken | Self::ClassicToken)
    }

    /// Any of its names: `getUnlimitedQRCode`, `getwxacodeunlimit` or `/wxa/getwxacodeunlimit`.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|e| [e.name(), e.wechat_name(), e.path()].contains(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_is_found_by_each_of_its_names() {
        for endpoint in Endpoint::ALL {
            for name in [endpoint.name(), endpoint.wechat_name(), endpoint.path()] {
                assert_eq!(Endpoint::find(name), Some(endpoint), "{name}");
            }
        }
        assert_eq!(Endpoint::find("getwxacodeunlimited"), None);
    }
}
