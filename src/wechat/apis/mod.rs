//! WeChat's other APIs that take the same token: those beside the codes, those that help to find out what went wrong, and
//! any other by its path.

pub(crate) mod debug;
pub(crate) mod links;
pub mod request;

use super::endpoint::Endpoint;
use super::params::{Values, unreadable};
use super::request::ApiRequest;
use crate::error::invalid::InvalidParam;

/// A request, and the field that its answer must contain.
#[derive(Debug, PartialEq)]
pub(crate) struct ApiCall {
    pub(crate) question: ApiRequest,
    pub(crate) wanted: &'static str,
}

/// Who calls, and when.
pub(crate) struct Context<'a> {
    pub(crate) appid: &'a str,
    /// Seconds since 1970.
    pub(crate) now: f64,
}

/// What is sent to an API that has a name here. `params` is JSON in the caller's spelling, whose types have been checked.
pub(crate) fn call(endpoint: &Endpoint, params: &str, context: &Context) -> Result<ApiCall, InvalidParam> {
    let row = endpoint.row().ok_or_else(unreadable)?;
    let mut wanted = row.answer.as_deref().ok_or_else(unreadable)?;
    let values = Values::read(&row.params, params)?;
    let mut body = values.write()?;
    match endpoint {
        Endpoint::GenerateScheme => {
            // Missing in the table of parameters, but in the samples: without it a scheme was permanent.
            body.field("is_expire", true);
            links::expiry(&values, context, &mut body)?;
        }
        Endpoint::GenerateUrlLink => links::expiry(&values, context, &mut body)?,
        Endpoint::QueryScheme => wanted = links::lookup(&values, "scheme", wanted, &mut body)?,
        Endpoint::QueryUrlLink => wanted = links::lookup(&values, "urlLink", wanted, &mut body)?,
        Endpoint::ClearQuota => body.field("appid", context.appid),
        _ => {}
    }
    Ok(ApiCall { question: ApiRequest::post(endpoint.clone(), body.finish()), wanted })
}
