//! Why something failed and what to do about it, in Chinese and English.

use std::borrow::Cow;

/// The same sentence twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub zh: Cow<'static, str>,
    pub en: Cow<'static, str>,
}

impl Text {
    pub fn new(zh: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }
}

/// The cause of a failure and its fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub cause: Text,
    pub fix: Text,
}
