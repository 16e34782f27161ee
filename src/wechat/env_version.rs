//! Which version of a mini-program a code or a link opens.

use crate::error::explanation::{Bilingual, excerpt};
use crate::error::invalid::InvalidParam;

/// `errcode` is what WeChat answers to any other.
pub fn env_version<'a>(param: &str, version: Option<&'a str>, errcode: i64) -> Result<Option<&'a str>, InvalidParam> {
    match version {
        None | Some("release" | "trial" | "develop") => Ok(version),
        Some(other) => Err(InvalidParam::new(
            param.to_owned(),
            Some(errcode),
            Bilingual::new(
                format!("{param} 是 {}，微信只认 release、trial、develop", excerpt(other)),
                format!("{param} is {}; WeChat knows release, trial and develop", excerpt(other)),
            ),
            Bilingual::new("用这三个值之一，或不传（即 release）", "Use one of the three, or leave it out for release"),
        )),
    }
}
