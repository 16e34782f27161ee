//! WeChat's other APIs that take the same token: those beside the codes, those that help to find out what went wrong, and
//! any other by its path.

mod debug;
mod links;
pub mod request;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::endpoint::Endpoint;
use super::request::ApiRequest;
use crate::error::explanation::Bilingual;
use crate::error::invalid::InvalidParam;

/// What is asked, and the field without which an answer is none.
#[derive(Debug, PartialEq)]
pub struct Asked {
    pub question: ApiRequest,
    pub wanted: &'static str,
}

/// Who asks, and when.
pub struct Context<'a> {
    pub appid: &'a str,
    /// Seconds since 1970.
    pub now: f64,
}

/// What is sent to an API that has a name here. `params` is JSON in the caller's spelling, whose types have been checked.
pub fn ask(endpoint: &Endpoint, params: &str, context: &Context) -> Result<Asked, InvalidParam> {
    match endpoint {
        Endpoint::GenerateScheme => links::scheme(&read(params)?, context),
        Endpoint::GenerateUrlLink => links::url_link(read(params)?, context),
        Endpoint::GenerateShortLink => links::short_link(&read(params)?),
        Endpoint::GenerateNfcScheme => links::nfc_scheme(&read(params)?),
        Endpoint::QueryScheme => links::query_scheme(&read(params)?),
        Endpoint::QueryUrlLink => links::query_url_link(&read(params)?),
        Endpoint::GetQuota => debug::quota(&read(params)?),
        Endpoint::ClearQuota => Ok(debug::clear_quota(context)),
        Endpoint::GetRid => debug::rid(&read(params)?),
        _ => Err(unreadable()),
    }
}

fn read<T: DeserializeOwned>(params: &str) -> Result<T, InvalidParam> {
    serde_json::from_str(params).map_err(|_| unreadable())
}

fn unreadable() -> InvalidParam {
    InvalidParam::new(
        "params",
        None,
        Bilingual::new("参数无法读取", "the parameters cannot be read"),
        Bilingual::new("按 index.d.ts 中的类型传入参数", "Pass them as index.d.ts types them"),
    )
}

fn asked(endpoint: Endpoint, wanted: &'static str, body: &impl Serialize) -> Asked {
    Asked { question: ApiRequest::post(endpoint, serde_json::to_vec(body).unwrap_or_default()), wanted }
}
