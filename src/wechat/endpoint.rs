//! The endpoints: what each is, by `endpoints.json`. Code names those that it treats in a way of their own.

use std::sync::{Arc, LazyLock};

use serde::Deserialize;

use super::params::Param;

/// A WeChat endpoint that this crate calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// A code for a scene, any number of them: `POST /wxa/getwxacodeunlimit`, 5000 a minute.
    GetUnlimitedQrCode,
    /// A code for a path, within a lifetime cap: `POST /wxa/getwxacode`.
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
    /// Any other that takes an access token.
    Other {
        /// The path on WeChat's host, with its leading slash.
        path: Arc<str>,
        /// How it is sent.
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

/// What an endpoint is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Group {
    Code,
    Token,
    Link,
    Debug,
}

/// An endpoint, as the schema has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    /// What errors call it: the method of ours, or WeChat's word for a token.
    pub(crate) name: String,
    #[cfg(test)]
    variant: String,
    path: String,
    /// Where the last part of the path does not tell it from others.
    wechat_name: Option<String>,
    method: Method,
    group: Group,
    per_minute: Option<u32>,
    /// The field that an answer must contain.
    pub(crate) answer: Option<String>,
    #[serde(default)]
    pub(crate) params: Vec<Param>,
}

#[derive(Deserialize)]
struct Schema {
    endpoints: Vec<Row>,
}

/// In the order of [`Endpoint::KNOWN`].
#[allow(clippy::expect_used, reason = "the file is part of the crate, and a test reads it")]
static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let schema: Schema = serde_json::from_str(include_str!("../../lib/endpoints.json")).expect("lib/endpoints.json");
    schema.endpoints
});

impl Row {
    fn wechat_name(&self) -> &str {
        self.wechat_name.as_deref().unwrap_or_else(|| self.path.rsplit('/').next().unwrap_or_default())
    }
}

impl Endpoint {
    /// All that have a name.
    pub(crate) const KNOWN: [Self; 14] = [
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
    ];

    /// What the schema says of it.
    pub(crate) fn row(&self) -> Option<&'static Row> {
        Self::KNOWN.iter().zip(ROWS.iter()).find(|(known, _)| *known == self).map(|(_, row)| row)
    }

    /// What errors call it: the method of ours, WeChat's word for a token, or the path.
    pub(crate) fn name(&self) -> &str {
        self.row().map_or_else(|| self.path(), |row| &row.name)
    }

    /// The path on WeChat's host, with its leading slash.
    pub fn path(&self) -> &str {
        match self {
            Self::Other { path, .. } => path,
            known => known.row().map_or("", |row| &row.path),
        }
    }

    /// What tells it from others in its path: what the catalogue of error codes calls it.
    pub(crate) fn wechat_name(&self) -> &str {
        self.row().map_or_else(|| self.path(), Row::wechat_name)
    }

    /// How it is called.
    pub(crate) fn method(&self) -> Method {
        match self {
            Self::Other { method, .. } => *method,
            known => known.row().map_or(Method::Post, |row| row.method),
        }
    }

    /// WeChat counts its calls by the minute and answers 45009 or 45011 beyond.
    pub(crate) fn counts_by_the_minute(&self) -> bool {
        self.row().is_some_and(|row| row.per_minute.is_some())
    }

    /// Whether its answers hold a token, so that not even a part of one may be shown.
    pub(crate) fn gives_token(&self) -> bool {
        self.group() == Some(Group::Token)
    }

    /// Whether it answers with a picture.
    pub(crate) fn gives_code(&self) -> bool {
        self.group() == Some(Group::Code)
    }

    fn group(&self) -> Option<Group> {
        self.row().map(|row| row.group)
    }

    /// The one that errors call by this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::KNOWN.iter().zip(ROWS.iter()).find(|(_, row)| row.name == name).map(|(known, _)| known.clone())
    }

    /// Any of its names: `getUnlimitedQRCode`, `getwxacodeunlimit` or `/wxa/getwxacodeunlimit`.
    pub(crate) fn find(name: &str) -> Option<Self> {
        let has_name = |(_, row): &(&Self, &Row)| [row.name.as_str(), row.wechat_name(), &row.path].contains(&name);
        Self::KNOWN.iter().zip(ROWS.iter()).find(has_name).map(|(known, _)| known.clone())
    }

    /// The one at a path, known or not.
    pub(crate) fn at(path: &str, method: Method) -> Self {
        let known = Self::KNOWN.into_iter().find(|known| known.path() == path && known.method() == method);
        known.unwrap_or_else(|| Self::Other { path: path.into(), method })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_has_a_row_in_the_table() {
        let variants: Vec<_> = ROWS.iter().map(|row| row.variant.as_str()).collect();
        assert_eq!(variants, Endpoint::KNOWN.map(|known| format!("{known:?}")));
        for Row { name, params, group, answer, .. } in ROWS.iter() {
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
                assert_eq!(Endpoint::find(name), Some(endpoint.clone()), "{name}");
            }
        }
        assert_eq!(Endpoint::find("getwxacodeunlimited"), None);
        assert_eq!(Endpoint::named("getQRCode"), Some(Endpoint::GetQrCode));
        assert_eq!(Endpoint::named("getwxacode"), None, "WeChat's name, and not the one of errors");
    }

    #[test]
    fn a_path_finds_its_endpoint() {
        assert_eq!(Endpoint::at("/wxa/getwxacode", Method::Post), Endpoint::GetQrCode);
        let other = Endpoint::at("/wxa/getwxacode", Method::Get);
        assert_eq!((other.path(), other.method(), other.name()), ("/wxa/getwxacode", Method::Get, "/wxa/getwxacode"));
    }
}
