//! Links that open a mini-program: schemes, URL links, short links, schemes for NFC tags.

pub(crate) mod rules;
#[cfg(test)]
mod tests;

use self::rules::{expected_field, expiry};
use super::Context;
use crate::error::invalid::InvalidParam;
use crate::wechat::params::{Body, Values};

/// Writes when a link expires.
pub(crate) fn write_expiry(values: &Values<'_>, context: &Context, body: &mut Body) -> Result<(), InvalidParam> {
    let expiry = expiry(values.number("expireTime"), values.number("expireInterval"), context)?;
    body.field("expire_type", expiry.expire_type);
    if let Some(time) = expiry.expire_time {
        body.field("expire_time", time);
    }
    if let Some(days) = expiry.expire_interval {
        body.field("expire_interval", days);
    }
    Ok(())
}

/// Writes what is looked up of a link. Gives the field that the response must contain.
pub(crate) fn lookup(
    values: &Values<'_>,
    link: &'static str,
    info: &'static str,
    body: &mut Body,
) -> Result<&'static str, InvalidParam> {
    let query_type = values.number("queryType").unwrap_or(0.0);
    let expected_field = expected_field(link, values.text(link), query_type, info)?;
    body.field("query_type", query_type as u8);
    Ok(expected_field)
}
