//! The rules that a row of the schema names: what no range and no list of words says.

use serde::Deserialize;

use super::At;
use crate::error::invalid::InvalidParam;
use crate::wechat::apis::{debug, links};
use crate::wechat::codes;

/// Of a text.
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
    pub(crate) fn check(self, at: At, text: &str) -> Result<(), InvalidParam> {
        let rule = match self {
            Self::Scene => codes::rules::scene,
            Self::Page => codes::rules::page,
            Self::Path => codes::rules::path,
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
