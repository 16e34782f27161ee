//! The rules that the schema names, for texts that no range and no list of words describes.

use serde::Deserialize;

use super::ParamPath;
use crate::error::invalid::InvalidParam;
use crate::wechat::apis::{debug, links};
use crate::wechat::qr_code;

/// A rule for a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Rule {
    Scene,
    Page,
    Path,
    PageWithoutQuery,
    Query,
    NotEmpty,
    PageUrl,
    ApiPath,
    Rid,
}

impl Rule {
    /// Refuses what WeChat certainly refuses.
    pub(crate) fn check(self, at: ParamPath, text: &str) -> Result<(), InvalidParam> {
        let rule = match self {
            Self::Scene => qr_code::rules::scene,
            Self::Page => qr_code::rules::page,
            Self::Path => qr_code::rules::path,
            Self::PageWithoutQuery => links::rules::page_without_query,
            Self::Query => links::rules::query,
            Self::NotEmpty => links::rules::not_empty,
            Self::PageUrl => links::rules::page_url,
            Self::ApiPath => debug::api_path,
            Self::Rid => debug::rid,
        };
        rule(at, text)
    }
}
