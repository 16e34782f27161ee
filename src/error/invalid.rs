//! What was refused before anything was sent.

use std::borrow::Cow;

use super::explanation::{Bilingual, Explanation};

/// A parameter or option that was refused before anything was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidParam {
    /// As the caller spells it: `scene`, `lineColor.r`, `secret`.
    pub param: Cow<'static, str>,
    /// What WeChat would have answered, where that is known.
    pub(crate) errcode: Option<i64>,
    /// Why it was refused and what to do, in Chinese and English.
    pub explanation: Box<Explanation>,
}

impl InvalidParam {
    pub(crate) fn new(
        param: impl Into<Cow<'static, str>>,
        errcode: Option<i64>,
        cause: Bilingual,
        fix: Bilingual,
    ) -> Self {
        Self { param: param.into(), errcode, explanation: Box::new(Explanation { cause, fix }) }
    }
}
