//! Links that open a mini-program: schemes, URL links, short links, schemes for NFC tags.

pub(crate) mod rules;
#[cfg(test)]
mod tests;

use self::rules::{end, wanted};
use super::Context;
use crate::error::invalid::InvalidParam;
use crate::wechat::params::{Body, Values};

/// When a link ends.
pub(crate) fn expiry(values: &Values<'_>, context: &Context, body: &mut Body) -> Result<(), InvalidParam> {
    let end = end(values.number("expireTime"), values.number("expireInterval"), context)?;
    body.field("expire_type", end.expire_type);
    if let Some(time) = end.expire_time {
        body.field("expire_time", time);
    }
    if let Some(days) = end.expire_interval {
        body.field("expire_interval", days);
    }
    Ok(())
}

/// What is looked up of a link. Gives the field that the answer has to have.
pub(crate) fn lookup(
    values: &Values<'_>,
    link: &'static str,
    info: &'static str,
    body: &mut Body,
) -> Result<&'static str, InvalidParam> {
    let query_type = values.number("queryType").unwrap_or(0.0);
    let wanted = wanted(link, values.text(link), query_type, info)?;
    body.field("query_type", query_type as u8);
    Ok(wanted)
}
