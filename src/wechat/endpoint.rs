//! The endpoints, as `lib/endpoints.json` describes them: `npm run docs:endpoints` generates it from `src/wechat/endpoints.json`.

use std::sync::{Arc, LazyLock};

use serde::Deserialize;

use super::params::Param;

/// A WeChat endpoint that this crate calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// A QR code for a scene, any number of them: `POST /wxa/getwxacodeunlimit`, 5000 a minute.
    GetUnlimitedQrCode,
    /// A QR code for a path, within a lifetime cap: `POST /wxa/getwxacode`.
    GetQrCode,
    /// A square QR code for a path, within the same cap: `POST /cgi-bin/wxaapp/createwxaqrcode`.
    CreateQrCode,
    /// An access token in stable mode: `POST /cgi-bin/stable_token`.
    StableToken,
    /// An access token in classic mode: `GET /cgi-bin/token`.
    ClassicToken,
    /// A URL scheme: `POST /wxa/generatescheme`.
    GenerateScheme,
    /// A URL link: `POST /wxa/generate_urllink`.
    GenerateUrlLink,
    /// A short link: `POST /wxa/genwxashortlink`.
    GenerateShortLink,
    /// A URL scheme for NFC tags: `POST /wxa/generatenfcscheme`.
    GenerateNfcScheme,
    /// What a URL scheme opens: `POST /wxa/queryscheme`.
    QueryScheme,
    /// What a URL link opens: `POST /wxa/query_urllink`.
    QueryUrlLink,
    /// How often an API may still be called today: `POST /cgi-bin/openapi/quota/get`.
    GetQuota,
    /// Resets the quotas of all APIs: `POST /cgi-bin/clear_quota`, itself ten times a month.
    ClearQuota,
    /// WeChat's record of one request: `POST /cgi-bin/openapi/rid/get`.
    GetRid,
    /// A component access token: `POST /cgi-bin/component/api_component_token`.
    ComponentToken,
    /// Starts the pushes of tickets again: `POST /cgi-bin/component/api_start_push_ticket`.
    StartPushTicket,
    /// A code for the page on which a merchant authorises: `POST /cgi-bin/component/api_create_preauthcode`.
    CreatePreauthcode,
    /// The tokens of a merchant, for its authorization code: `POST /cgi-bin/component/api_query_auth`.
    QueryAuth,
    /// An access token of a merchant: `POST /cgi-bin/component/api_authorizer_token`.
    AuthorizerToken,
    /// The merchants with their refresh tokens: `POST /cgi-bin/component/api_get_authorizer_list`.
    GetAuthorizerList,
    /// What a merchant has granted: `POST /cgi-bin/component/api_get_authorizer_info`.
    GetAuthorizerInfo,
    /// Any other endpoint that takes an access token.
    Other {
        /// The path on WeChat's host, with its leading slash.
        path: Arc<str>,
        /// The HTTP method.
        method: Method,
    },
}

/// The HTTP method of an endpoint. `GET` or `POST` in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// `GET`, without a body.
    Get,
    /// `POST`.
    Post,
}

/// The purpose of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Group {
    #[serde(rename = "code")]
    QrCode,
    Token,
    Link,
    Debug,
    /// Of a third-party platform. Responses may hold tokens of merchants.
    Component,
}

/// An endpoint of the schema.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EndpointSpec {
    /// The name in errors: our method, or WeChat's word for a token.
    pub(crate) name: String,
    #[cfg(test)]
    variant: String,
    path: String,
    /// Set where the last part of the path is not unique.
    wechat_name: Option<String>,
    method: Method,
    group: Group,
    per_minute: Option<u32>,
    /// Whether a code counts against the 100,000 that an account has for ever.
    #[serde(default)]
    for_life: bool,
    /// The field that a response must contain.
    pub(crate) answer: Option<String>,
    #[serde(default)]
    pub(crate) params: Vec<Param>,
}

#[derive(Deserialize)]
struct Schema {
    endpoints: Vec<EndpointSpec>,
}

/// In the order of [`Endpoint::KNOWN`].
#[allow(clippy::expect_used, reason = "the file is part of the crate, and a test reads it")]
static SPECS: LazyLock<Vec<EndpointSpec>> = LazyLock::new(|| {
    let schema: Schema = serde_json::from_str(include_str!("../../lib/endpoints.json")).expect("lib/endpoints.json");
    schema.endpoints
});

impl EndpointSpec {
    fn wechat_name(&self) -> &str {
        self.wechat_name.as_deref().unwrap_or_else(|| self.path.rsplit('/').next().unwrap_or_default())
    }
}

impl Endpoint {
    /// The endpoints of the schema. By reference: every call looks here several times, and an array would be made each time.
    pub(crate) const KNOWN: &'static [Self; 21] = &[
        Self::GetUnlimitedQrCode,
        Self::GetQrCode,
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
        Self::ComponentToken,
        Self::StartPushTicket,
        Self::CreatePreauthcode,
        Self::QueryAuth,
        Self::AuthorizerToken,
        Self::GetAuthorizerList,
        Self::GetAuthorizerInfo,
    ];

    /// The endpoint in the schema.
    pub(crate) fn spec(&self) -> Option<&'static EndpointSpec> {
        Self::KNOWN.iter().zip(SPECS.iter()).find(|(known, _)| *known == self).map(|(_, spec)| spec)
    }

    /// The name in errors: our method, WeChat's word for a token, or the path.
    pub(crate) fn name(&self) -> &str {
        self.spec().map_or_else(|| self.path(), |spec| &spec.name)
    }

    /// The path on WeChat's host, with its leading slash.
    pub fn path(&self) -> &str {
        match self {
            Self::Other { path, .. } => path,
            known => known.spec().map_or("", |spec| &spec.path),
        }
    }

    /// The name in the catalogue of errcodes: the part of the path that is unique.
    pub(crate) fn wechat_name(&self) -> &str {
        self.spec().map_or_else(|| self.path(), EndpointSpec::wechat_name)
    }

    /// The HTTP method.
    pub(crate) fn method(&self) -> Method {
        match self {
            Self::Other { method, .. } => *method,
            known => known.spec().map_or(Method::Post, |spec| spec.method),
        }
    }

    /// Whether its codes count against those that an account has for ever.
    pub(crate) fn counts_for_life(&self) -> bool {
        self.spec().is_some_and(|spec| spec.for_life)
    }

    /// Whether WeChat counts calls by the minute, and answers 45009 or 45011 beyond the limit.
    pub(crate) fn counts_by_the_minute(&self) -> bool {
        self.spec().is_some_and(|spec| spec.per_minute.is_some())
    }

    /// Whether responses hold a token, so that no part of a response may be shown.
    pub(crate) fn returns_token(&self) -> bool {
        matches!(self.group(), Some(Group::Token | Group::Component))
    }

    /// Whether it takes an account's credentials in place of an access token.
    pub(crate) fn takes_credentials(&self) -> bool {
        self.group() == Some(Group::Token)
    }

    /// Whether responses are images of QR codes.
    pub(crate) fn returns_qr_code(&self) -> bool {
        self.group() == Some(Group::QrCode)
    }

    fn group(&self) -> Option<Group> {
        self.spec().map(|spec| spec.group)
    }

    /// The endpoint of any of its names: `getUnlimitedQRCode`, `getwxacodeunlimit` or `/wxa/getwxacodeunlimit`.
    pub(crate) fn from_any_name(name: &str) -> Option<Self> {
        let has_name =
            |(_, spec): &(&Self, &EndpointSpec)| [spec.name.as_str(), spec.wechat_name(), &spec.path].contains(&name);
        Self::KNOWN.iter().zip(SPECS.iter()).find(has_name).map(|(known, _)| known.clone())
    }

    /// The endpoint at a path, known or not.
    pub(crate) fn from_path(path: &str, method: Method) -> Self {
        let known = Self::KNOWN.iter().find(|known| known.path() == path && known.method() == method);
        known.cloned().unwrap_or_else(|| Self::Other { path: path.into(), method })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_has_a_row_in_the_table() {
        let variants: Vec<_> = SPECS.iter().map(|spec| spec.variant.as_str()).collect();
        assert_eq!(variants, Endpoint::KNOWN.each_ref().map(|known| format!("{known:?}")));
        for EndpointSpec { name, params, group, answer, .. } in SPECS.iter() {
            assert_eq!(answer.is_none(), *group == Group::Token, "{name}");
            for param in params {
                param.assert_sound(name);
            }
        }
    }

    #[test]
    fn every_endpoint_is_found_by_each_of_its_names() {
        for endpoint in Endpoint::KNOWN {
            for name in [endpoint.name(), endpoint.wechat_name(), endpoint.path()] {
                assert_eq!(Endpoint::from_any_name(name), Some(endpoint.clone()), "{name}");
            }
        }
        assert_eq!(Endpoint::from_any_name("getwxacodeunlimited"), None);
    }

    #[test]
    fn a_path_finds_its_endpoint() {
        assert_eq!(Endpoint::from_path("/wxa/getwxacode", Method::Post), Endpoint::GetQrCode);
        let other = Endpoint::from_path("/wxa/getwxacode", Method::Get);
        assert_eq!((other.path(), other.method(), other.name()), ("/wxa/getwxacode", Method::Get, "/wxa/getwxacode"));
    }
}
