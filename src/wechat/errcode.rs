//! The catalogue of WeChat's error codes: what one means at an endpoint, what to do, and how this crate reacts.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::LazyLock;

use serde::Deserialize;

use super::answer::Refusal;
use super::endpoint::Endpoint;
use crate::error::explanation::{Bilingual, Explanation, excerpt};

/// How to react to an errcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reaction {
    /// The same request gets the same answer.
    No,
    /// Later it may go through.
    Backoff,
    /// The token was refused: get another one.
    RefreshToken,
    /// A daily quota is used up.
    AfterQuotaReset,
}

/// What WeChat refuses, and so which other calls get the same refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    /// The parameters of this call, whichever client sends them.
    Parameter,
    /// The access token: another one may be accepted.
    Token,
    /// A limit per second or per minute.
    Rate,
    /// A quota of a day or a month.
    Quota,
    /// The account: its credentials, its permissions, its state, or a lifetime cap.
    Account,
    /// The IP address that the request came from.
    Ip,
    /// How requests reach WeChat: host, proxy, cloud run, API signing.
    Configuration,
    /// WeChat itself, which is busy or not ready.
    Service,
}

impl Scope {
    /// The name in the catalogue and in JavaScript.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Parameter => "parameter",
            Self::Token => "token",
            Self::Rate => "rate",
            Self::Quota => "quota",
            Self::Account => "account",
            Self::Ip => "ip",
            Self::Configuration => "configuration",
            Self::Service => "service",
        }
    }
}

#[derive(Deserialize)]
struct Row {
    errcode: i64,
    #[serde(rename = "where")]
    places: Vec<String>,
    cause_zh: String,
    cause_en: String,
    fix_zh: String,
    fix_en: String,
    #[serde(rename = "retryable")]
    reaction: Reaction,
    scope: Scope,
}

static CATALOGUE: LazyLock<Vec<Row>> = LazyLock::new(|| {
    // The file is part of the crate and a test reads it: a mistake in it cannot reach a user.
    serde_json::from_str(include_str!("errcodes.json")).unwrap_or_default()
});

/// The same code means different things at different endpoints, so a row that names the endpoint wins over one for any. Where an
/// API has no row of its own, a code means there what it means where codes are made.
fn row(errcode: i64, endpoint: Option<&Endpoint>) -> Option<&'static Row> {
    let mut rows = CATALOGUE.iter().filter(|row| row.errcode == errcode);
    let Some(endpoint) = endpoint else { return rows.next() };
    let name = endpoint.wechat_name();
    let named = |row: &&Row| row.places.iter().any(|place| place == name);
    let any = |row: &&Row| row.places.iter().any(|place| place == "any");
    let code = |row: &&Row| row.places.iter().filter_map(|place| Endpoint::find(place)).any(|place| place.gives_code());
    let is_neighbour = !endpoint.gives_code() && !endpoint.gives_token();
    let as_for_codes = || rows.clone().find(code).filter(|_| is_neighbour);
    rows.clone().find(named).or_else(|| rows.clone().find(any)).or_else(as_for_codes)
}

/// Whether the catalogue has an errcode, and the documents a section about it.
pub(crate) fn is_listed(errcode: i64) -> bool {
    row(errcode, None).is_some()
}

/// Cause and fix of an errcode at an endpoint; without an endpoint, the first row's.
pub(crate) fn explain(errcode: i64, endpoint: Option<&Endpoint>) -> Option<Explanation> {
    row(errcode, endpoint).map(|row| row.explain(&Facts::default()))
}

/// The `page` or `path` of a call that WeChat refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Without secrets.
    pub(crate) text: String,
    /// UTF-8 bytes that were sent.
    pub(crate) bytes: usize,
}

/// The same for a refusal that WeChat answered.
pub(crate) fn explain_refusal(
    refusal: &Refusal,
    endpoint: &Endpoint,
    subject: Option<&Subject>,
) -> Option<Explanation> {
    let facts = Facts { subject, addresses: addresses(&refusal.errmsg) };
    row(refusal.errcode, Some(endpoint)).map(|row| row.explain(&facts))
}

/// What the texts of a row may name beyond the row: `{page}`, `{path}` and `{ip}`.
#[derive(Default)]
struct Facts<'a> {
    subject: Option<&'a Subject>,
    addresses: Vec<IpAddr>,
}

impl Row {
    fn explain(&'static self, facts: &Facts<'_>) -> Explanation {
        let text = |zh: &'static str, en: &'static str| Bilingual::new(facts.fill_zh(zh), facts.fill_en(en));
        Explanation { cause: text(&self.cause_zh, &self.cause_en), fix: text(&self.fix_zh, &self.fix_en) }
    }
}

impl Facts<'_> {
    fn fill_zh(&self, text: &'static str) -> Cow<'static, str> {
        let path = self.subject.map(|subject| format!("path（{} 字节）", subject.bytes));
        // No space stands behind a full-width bracket.
        let blank = if path.is_some() { "{path} " } else { "{path}" };
        self.fill(text, (blank, path.as_deref().unwrap_or("path")), ("出口 IP", "、"))
    }

    fn fill_en(&self, text: &'static str) -> Cow<'static, str> {
        let path = self.subject.map(|subject| match subject.bytes {
            1 => "path (1 byte)".to_owned(),
            bytes => format!("path ({bytes} bytes)"),
        });
        self.fill(text, ("{path}", path.as_deref().unwrap_or("path")), ("the outgoing IP", ", "))
    }

    /// The page comes last: what a caller wrote is not filled in again.
    fn fill(&self, text: &'static str, (blank, path): (&str, &str), (ip, comma): (&str, &str)) -> Cow<'static, str> {
        if !text.contains('{') {
            return text.into();
        }
        let addresses: Vec<_> = self.addresses.iter().map(IpAddr::to_string).collect();
        let ip = format!("{ip} {}", addresses.join(comma));
        let page = self.subject.map_or("page".into(), |page| format!("page {}", excerpt(&page.text)));
        text.replace(blank, path).replace("{ip}", ip.trim_end()).replace("{page}", &page).into()
    }
}

/// The addresses in WeChat's text, such as `invalid ip 8.149.1.108 ipv6 ::ffff:8.149.1.108, not in whitelist`. One that is
/// written as IPv4 and as IPv6 counts once.
fn addresses(errmsg: &str) -> Vec<IpAddr> {
    let words = errmsg.split(|c: char| c.is_whitespace() || c == ',' || c == ';');
    let mut found = Vec::new();
    for address in words.filter_map(|word| word.parse::<IpAddr>().ok()) {
        let address = address.to_canonical();
        if !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

/// How to react to an errcode of an endpoint; `None` where the catalogue does not know it there.
pub(crate) fn reaction(errcode: i64, endpoint: &Endpoint) -> Option<Reaction> {
    row(errcode, Some(endpoint)).map(|row| row.reaction)
}

/// What WeChat refuses by an errcode at an endpoint. Where the catalogue does not have the errcode at the endpoint, or without
/// one, the scope of its first row; `None` where it has no row.
pub(crate) fn scope(errcode: i64, endpoint: Option<&Endpoint>) -> Option<Scope> {
    let scope = row(errcode, endpoint).or_else(|| row(errcode, None)).map(|row| row.scope);
    match scope {
        // A token endpoint gets nothing but the account's credentials.
        None | Some(Scope::Parameter | Scope::Token) if endpoint.is_some_and(Endpoint::gives_token) => {
            Some(Scope::Account)
        }
        scope => scope,
    }
}

/// WeChat is busy, and the same request a moment later may well succeed.
pub(crate) const BUSY: i64 = -1;

/// The access token is not valid.
pub(crate) const INVALID_CREDENTIAL: i64 = 40001;

#[cfg(test)]
mod tests;
