//! What an error says, in one language or in both.

use std::fmt;

use super::explanation::{Explanation, Language, stopped};
use super::{Error, messages};
use crate::wechat::answer::Refusal;

/// One line for a log in both languages: where, what, and the first thing to do about it.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Explanation { cause, fix }) = self.explanation_or_lookup() else {
            return f.write_str(&self.headline(Language::En));
        };
        let (fix_zh, fix_en) = fix.shortened();
        let (cause_zh, cause_en) = (stopped(&cause.zh, "。"), stopped(&cause.en, "."));
        write!(f, "{}{cause_en} {fix_en}. | {cause_zh}{fix_zh}。", self.beginning())?;
        match self.excerpt() {
            Some(excerpt) => write!(f, " | response: {excerpt}"),
            None => Ok(()),
        }
    }
}

impl Error {
    /// One line for a log in one language: where, what, and what to do about it.
    pub fn message(&self, language: Language) -> String {
        let Some(Explanation { cause, fix }) = self.explanation_or_lookup() else { return self.headline(language) };
        let (cause, fix) = (cause.in_language(language), fix.in_language(language));
        let (beginning, excerpt) = (self.beginning(), self.excerpt());
        match language {
            Language::Zh => {
                let excerpt = excerpt.map(|excerpt| format!("响应：{excerpt}")).unwrap_or_default();
                format!("{beginning}{}{fix}。{excerpt}", stopped(cause, "。"))
            }
            Language::En => {
                let excerpt = excerpt.map(|excerpt| format!(" Response: {excerpt}")).unwrap_or_default();
                format!("{beginning}{} {fix}.{excerpt}", stopped(cause, "."))
            }
        }
    }

    /// The part before the cause, the same in both languages: the endpoint, and the text of WeChat or of the network.
    fn beginning(&self) -> String {
        let said = self.said().map(|said| format!("{said} - "));
        let said = said.as_deref().unwrap_or_default();
        match self.endpoint() {
            Some(endpoint) => format!("{}: {said}", endpoint.name()),
            None => said.to_owned(),
        }
    }

    /// The text of WeChat or of the network.
    fn said(&self) -> Option<String> {
        match self {
            Self::Api { .. } | Self::Ticket(_) => {
                let Refusal { errcode, errmsg, rid, .. } = self.refusal()?;
                let rid = rid.as_ref().map(|rid| format!(" (rid {rid})")).unwrap_or_default();
                Some(one_line(&format!("{errcode} {errmsg}{rid}")))
            }
            Self::Network { detail, .. } => Some(detail.clone()),
            _ => None,
        }
    }

    /// The explanation; for an errcode that the catalogue does not have, where to look it up.
    fn explanation_or_lookup(&self) -> Option<Explanation> {
        match self {
            Self::Api { refusal, .. } => {
                self.explanation().or_else(|| Some(messages::unlisted(refusal.errcode, refusal.rid.as_deref())))
            }
            _ => self.explanation(),
        }
    }

    fn excerpt(&self) -> Option<&str> {
        match self {
            Self::Response { excerpt, .. } if !excerpt.is_empty() => Some(excerpt),
            _ => None,
        }
    }

    /// Endpoint and cause without the fix, as a timeout error names the last failure.
    pub(super) fn headline(&self, language: Language) -> String {
        let cause = || match (self, self.explanation_or_lookup()) {
            (_, Some(why)) => why.cause,
            (Self::Provider(_), None) => messages::provider(),
            (_, None) => messages::cancelled(),
        };
        let cause_text = || cause().in_language(language).to_owned();
        let what = match (self, self.said()) {
            // The detail alone names no host.
            (Self::Network { host, .. }, Some(detail)) => format!("{detail} ({host})"),
            (_, Some(said)) => said,
            (_, None) => cause_text(),
        };
        match self.endpoint() {
            Some(endpoint) => format!("{}: {what}", endpoint.name()),
            None => what,
        }
    }
}

/// `text` in one line: whitespace and control characters become single spaces.
pub(crate) fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
