//! WeChat's other APIs that take the same token: links, APIs for debugging, and any other API by its path.

pub(crate) mod debug;
pub(crate) mod links;
pub mod request;

use super::endpoint::Endpoint;
use super::params::{Values, unreadable};
use super::request::ApiRequest;
use crate::error::invalid::InvalidParam;

/// A request, and the field that its response must contain.
#[derive(Debug, PartialEq)]
pub(crate) struct ApiCall {
    pub(crate) request: ApiRequest,
    pub(crate) expected_field: &'static str,
}

/// The account that calls, and the time.
pub(crate) struct Context<'a> {
    pub(crate) appid: &'a str,
    /// Seconds since 1970.
    pub(crate) now: f64,
}

/// The request to send.to an API that has a name here. `params` is JSON in the caller's spelling, whose types have been checked.
pub(crate) fn call(endpoint: &Endpoint, params: &str, context: &Context) -> Result<ApiCall, InvalidParam> {
    let spec = endpoint.spec().ok_or_else(unreadable)?;
    let mut expected_field = spec.answer.as_deref().ok_or_else(unreadable)?;
    let values = Values::read(&spec.params, params)?;
    let mut body = values.write()?;
    match endpoint {
        Endpoint::GenerateScheme => {
            // Missing in the table of parameters, but in the samples: without it a scheme was permanent.
            body.field("is_expire", true);
            links::write_expiry(&values, context, &mut body)?;
        }
        Endpoint::GenerateUrlLink => links::write_expiry(&values, context, &mut body)?,
        Endpoint::QueryScheme => expected_field = links::lookup(&values, "scheme", expected_field, &mut body)?,
        Endpoint::QueryUrlLink => expected_field = links::lookup(&values, "urlLink", expected_field, &mut body)?,
        Endpoint::ClearQuota => body.field("appid", context.appid),
        _ => {}
    }
    Ok(ApiCall { request: ApiRequest::post(endpoint.clone(), body.finish()), expected_field })
}
