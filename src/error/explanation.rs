//! Why something failed and what to do about it, in Chinese and English.

use std::borrow::Cow;

use serde::Deserialize;

/// A language of the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Zh,
    En,
}

/// A text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Bilingual {
    /// In Chinese.
    pub zh: Cow<'static, str>,
    /// In English.
    pub en: Cow<'static, str>,
}

impl Bilingual {
    pub(crate) fn new(zh: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }

    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::Zh => &self.zh,
            Language::En => &self.en,
        }
    }

    /// For a message in both languages: of a long fix the first clause, and once what both end with, such as a list of names.
    /// `lib/language.js` shortens by the same rule.
    pub fn shortened(&self) -> (String, &str) {
        let (zh, en): (&str, &str) = if self.en.len() > LONG_FIX {
            (first_clause(&self.zh), first_clause(&self.en))
        } else {
            (&self.zh, &self.en)
        };
        let both = zh.chars().rev().zip(en.chars().rev()).take_while(|(zh, en)| zh == en);
        let same: usize = both.map(|(c, _)| c.len_utf8()).sum();
        let zh = if same > LONG_TAIL { format!("{}…", &zh[..zh.len() - same]) } else { zh.to_owned() };
        (zh, en)
    }
}

/// Bytes of English up to which a message in both languages has the whole of it.
const LONG_FIX: usize = 100;

/// Bytes that both languages may end with before they are written once.
const LONG_TAIL: usize = 40;

/// A sentence with its end, which a question has already.
pub(crate) fn stopped(text: &str, stop: &str) -> String {
    let stop = if text.ends_with(['?', '？']) { "" } else { stop };
    format!("{text}{stop}")
}

/// What stands before the first semicolon or the end of the first sentence, outside brackets.
fn first_clause(text: &str) -> &str {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '（' | '{' | '[' => depth += 1,
            ')' | '）' | '}' | ']' => depth = depth.saturating_sub(1),
            '；' | '。' if depth == 0 => return &text[..at],
            ';' | '.' if depth == 0 && text[at + 1..].starts_with(' ') => return &text[..at],
            _ => {}
        }
    }
    text
}

/// Characters of a caller's value in a message: it may be a whole file.
const EXCERPT: usize = 80;

/// The beginning of a caller's value, in quotation marks and escaped.
pub(crate) fn excerpt(value: &str) -> String {
    let mut rest = value.chars();
    let mut shown: String = rest.by_ref().take(EXCERPT).collect();
    if rest.next().is_some() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// A caller's number, without the hundreds of digits that it may have.
pub(crate) fn shown(number: f64) -> String {
    if number.is_finite() && number.abs() >= 1e16 { format!("{number:e}") } else { number.to_string() }
}

/// The cause of a failure and its fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What went wrong.
    pub cause: Bilingual,
    /// What to do about it.
    pub fix: Bilingual,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_both_languages_is_its_first_clause_and_a_list_stands_once() {
        let short = |zh: &'static str, en: &'static str| {
            let text = Bilingual::new(zh, en);
            let (zh, en) = text.shortened();
            (zh, en.to_owned())
        };
        let of = |zh: &str, en: &str| (zh.to_owned(), en.to_owned());
        assert_eq!(
            short("稍后再试；或联系微信", "Try later; or call"),
            of("稍后再试；或联系微信", "Try later; or call")
        );
        let long = |en: &str| -> &'static str { format!("{en}{}", "!".repeat(100)).leak() };
        assert_eq!(short("稍后再试；或联系微信", long("Try later; or call")), of("稍后再试", "Try later"));
        assert_eq!(short("写明（a；b）。其他", long("Write it (a; b). More")), of("写明（a；b）", "Write it (a; b)"));
        assert_eq!(short("见 a.json;b", long("See a.json;b. ")), of("见 a.json;b", "See a.json;b"));
        let list = "+eval +time +get +set +incr +del +pexpire";
        assert_eq!(
            short("ACL：+eval +time +get +set +incr +del +pexpire", "ACL: +eval +time +get +set +incr +del +pexpire"),
            ("ACL：…".to_owned(), format!("ACL: {list}"))
        );
    }

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
