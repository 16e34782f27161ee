//! The catalogue of WeChat's errcodes: what an errcode means at an endpoint, what to do, and how this crate reacts.

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
    /// The same request gets the same response.
    No,
    /// A later request may succeed.
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

/// What the catalogue says of an errcode.
#[derive(Deserialize)]
#[serde(from = "Row")]
struct ErrcodeEntry {
    errcode: i64,
    places: Vec<String>,
    cause_zh: String,
    cause_en: String,
    fix_zh: String,
    fix_en: String,
    reaction: Reaction,
    scope: Scope,
    /// As WeChat sends it, with the rid of the example; `…` where its text is not known.
    errmsg: String,
}

/// The fields of an entry as build.rs leaves them in the file, in this order. Not read by their names, so that nothing that reads
/// names is compiled.
type Row = (i64, Vec<String>, String, String, String, String, Reaction, Scope, String);

impl From<Row> for ErrcodeEntry {
    fn from((errcode, places, cause_zh, cause_en, fix_zh, fix_en, reaction, scope, errmsg): Row) -> Self {
        Self { errcode, places, cause_zh, cause_en, fix_zh, fix_en, reaction, scope, errmsg }
    }
}

static CATALOGUE: LazyLock<Vec<ErrcodeEntry>> = LazyLock::new(|| {
    // The file is part of the crate and a test reads it: a mistake in it cannot reach a user.
    serde_json::from_str(&catalogue_json()).unwrap_or_default()
});

/// `build.rs` trims and compresses the catalogue: its text has 50 KB, and 13 so.
fn catalogue_json() -> String {
    let compressed = include_bytes!(concat!(env!("OUT_DIR"), "/errcodes.json.deflate"));
    String::from_utf8(miniz_oxide::inflate::decompress_to_vec(compressed).unwrap_or_default()).unwrap_or_default()
}

/// An errcode means different things at different endpoints, so an entry that names the endpoint wins over an entry for any. An
/// API without an entry of its own uses the entry of the QR code endpoints.
fn entry(errcode: i64, endpoint: Option<&Endpoint>) -> Option<&'static ErrcodeEntry> {
    let mut entries = CATALOGUE.iter().filter(|entry| entry.errcode == errcode);
    let Some(endpoint) = endpoint else { return entries.next() };
    let name = endpoint.wechat_name();
    let named = |entry: &&ErrcodeEntry| entry.places.iter().any(|place| place == name);
    let any = |entry: &&ErrcodeEntry| entry.places.iter().any(|place| place == "any");
    let qr_code = |entry: &&ErrcodeEntry| {
        entry.places.iter().filter_map(|place| Endpoint::from_any_name(place)).any(|place| place.returns_qr_code())
    };
    let is_other_api = !endpoint.returns_qr_code() && !endpoint.takes_credentials();
    let as_for_qr_codes = || entries.clone().find(qr_code).filter(|_| is_other_api);
    entries.clone().find(named).or_else(|| entries.clone().find(any)).or_else(as_for_qr_codes)
}

/// Whether the catalogue has an errcode, and the documents a section about it.
pub(crate) fn is_listed(errcode: i64) -> bool {
    entry(errcode, None).is_some()
}

/// Cause and fix of an errcode at an endpoint; without an endpoint, of the first entry.
pub(crate) fn explain(errcode: i64, endpoint: Option<&Endpoint>) -> Option<Explanation> {
    entry(errcode, endpoint).map(|entry| entry.explain(&TemplateArgs::default()))
}

/// The text that WeChat sends with an errcode, perhaps with the rid of another request. Where the text is not known at this
/// endpoint, that of another one; empty where it is known of none.
pub(crate) fn typical_errmsg(errcode: i64, endpoint: &Endpoint) -> &'static str {
    let others = CATALOGUE.iter().filter(|entry| entry.errcode == errcode);
    let texts = entry(errcode, Some(endpoint)).into_iter().chain(others).map(|entry| entry.errmsg.as_str());
    let known = texts.map(|text| text.trim_start_matches("[unconfirmed text] ")).find(|text| *text != "…");
    known.unwrap_or_default()
}

/// The first endpoint at which WeChat answers with an errcode; of one that the catalogue does not have, the first of all.
pub(crate) fn usual_endpoint(errcode: i64) -> Endpoint {
    let entries = || CATALOGUE.iter().filter(|entry| entry.errcode == errcode);
    let is_at = |name: &str| entries().any(|entry| entry.places.iter().any(|place| place == name || place == "any"));
    let [first, ..] = Endpoint::KNOWN;
    Endpoint::KNOWN.iter().find(|endpoint| is_at(endpoint.wechat_name())).unwrap_or(first).clone()
}

/// The `page` or `path` of a call that WeChat refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The text, redacted.
    pub(crate) text: String,
    /// UTF-8 bytes that were sent.
    pub(crate) bytes: usize,
}

/// Cause and fix of a refusal.
pub(crate) fn explain_refusal(
    refusal: &Refusal,
    endpoint: &Endpoint,
    subject: Option<&Subject>,
) -> Option<Explanation> {
    let args = TemplateArgs { subject, addresses: addresses(&refusal.errmsg) };
    entry(refusal.errcode, Some(endpoint)).map(|entry| entry.explain(&args))
}

/// The values of `{page}`, `{path}` and `{ip}` in the texts of an entry.
#[derive(Default)]
struct TemplateArgs<'a> {
    subject: Option<&'a Subject>,
    addresses: Vec<IpAddr>,
}

impl ErrcodeEntry {
    fn explain(&'static self, args: &TemplateArgs<'_>) -> Explanation {
        let text = |zh: &'static str, en: &'static str| Bilingual::new(args.fill_zh(zh), args.fill_en(en));
        Explanation { cause: text(&self.cause_zh, &self.cause_en), fix: text(&self.fix_zh, &self.fix_en) }
    }
}

impl TemplateArgs<'_> {
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
    // The address may follow its name without a space.
    let named = |word: &str| word.split_once("IP:").map_or(word, |(_, rest)| rest).parse::<IpAddr>().ok();
    let mut found = Vec::new();
    for address in words.filter_map(named) {
        let address = address.to_canonical();
        if !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

/// How to react to an errcode of an endpoint; `None` where the catalogue does not know it there.
pub(crate) fn reaction(errcode: i64, endpoint: &Endpoint) -> Option<Reaction> {
    entry(errcode, Some(endpoint)).map(|entry| entry.reaction)
}

/// What WeChat refuses by an errcode at an endpoint. Where the catalogue does not have the errcode at the endpoint, or without
/// one, the scope of its first entry; `None` where it has no entry.
pub(crate) fn scope(errcode: i64, endpoint: Option<&Endpoint>) -> Option<Scope> {
    let scope = entry(errcode, endpoint).or_else(|| entry(errcode, None)).map(|entry| entry.scope);
    match scope {
        // A token endpoint gets nothing but the account's credentials.
        None | Some(Scope::Parameter | Scope::Token) if endpoint.is_some_and(Endpoint::takes_credentials) => {
            Some(Scope::Account)
        }
        scope => scope,
    }
}

/// WeChat is busy, and the same request a moment later may well succeed.
pub(crate) const BUSY: i64 = -1;

/// The access token is not valid.
pub(crate) const INVALID_CREDENTIAL: i64 = 40001;

/// The merchant has not authorised the platform.
pub(crate) const NOT_AUTHORIZED: i64 = 61003;

/// The ticket of the platform has expired, or is none.
pub(crate) const INVALID_TICKET: [i64; 2] = [61005, 61006];

/// The authorization code is none, was used, or has expired.
pub(crate) const INVALID_AUTHORIZATION_CODE: [i64; 2] = [61009, 61010];

/// The refresh token of the merchant is not valid.
pub(crate) const INVALID_REFRESH_TOKEN: i64 = 61023;

#[cfg(test)]
mod tests;
