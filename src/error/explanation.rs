//! Why something failed and what to do about it, in Chinese and English.

use std::borrow::Cow;

/// The same sentence twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bilingual {
    pub zh: Cow<'static, str>,
    pub en: Cow<'static, str>,
}

impl Bilingual {
    pub fn new(zh: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }
}

/// Characters of a caller's value in a message: it may be a whole file.
const EXCERPT: usize = 80;

/// The beginning of a caller's value, in quotation marks and escaped.
pub fn excerpt(value: &str) -> String {
    let mut rest = value.chars();
    let mut shown: String = rest.by_ref().take(EXCERPT).collect();
    if rest.next().is_some() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// A caller's number, without the hundreds of digits that it may have.
pub fn shown(number: f64) -> String {
    if number.is_finite() && number.abs() >= 1e16 { format!("{number:e}") } else { number.to_string() }
}

/// The cause of a failure and its fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub cause: Bilingual,
    pub fix: Bilingual,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_shown_shortened() {
        assert_eq!(excerpt("a\"b\n"), r#""a\"b\n""#);
        assert_eq!(excerpt(&"页".repeat(80)), format!("\"{}\"", "页".repeat(80)));
        assert_eq!(excerpt(&"x".repeat(10_000_000)), format!("\"{}…\"", "x".repeat(80)));
        assert_eq!(
            [shown(430.5), shown(-1.0), shown(f64::MAX), shown(f64::NAN)],
            ["430.5", "-1", "1.7976931348623157e308", "NaN"]
        );
        assert_eq!(
            [shown(9_007_199_254_740_991.0), shown(-1e16), shown(f64::INFINITY)],
            ["9007199254740991", "-1e16", "inf"]
        );
    }
}
