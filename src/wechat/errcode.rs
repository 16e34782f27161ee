//! The catalogue of WeChat's error codes: what one means at an endpoint, what to do, and how this crate reacts.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::LazyLock;

use serde::Deserialize;

use super::answer::Refusal;
use super::endpoint::Endpoint;
use crate::error::explanation::{Bilingual, Explanation, excerpt};

/// How to react to an errcode, whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reaction {
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
pub enum Scope {
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
    pub fn name(self) -> &'static str {
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

/// Cause and fix of an errcode at an endpoint; without an endpoint, the first row's.
pub fn explain(errcode: i64, endpoint: Option<&Endpoint>) -> Option<Explanation> {
    row(errcode, endpoint).map(|row| row.explain(&Facts::default()))
}

/// The `page` or `path` of a call that WeChat refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Without secrets.
    pub text: String,
    /// UTF-8 bytes that were sent.
    pub bytes: usize,
}

/// The same for a refusal that WeChat answered.
pub fn explain_refusal(refusal: &Refusal, endpoint: &Endpoint, subject: Option<&Subject>) -> Option<Explanation> {
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
        let path = |bytes: usize| format!("path（{bytes} 字节）");
        // No space stands behind a full-width bracket.
        self.fill(text, path, "出口 IP", "、").replace("） ", "）").into()
    }

    fn fill_en(&self, text: &'static str) -> Cow<'static, str> {
        let path = |bytes: usize| match bytes {
            1 => "path (1 byte)".to_owned(),
            bytes => format!("path ({bytes} bytes)"),
        };
        self.fill(text, path, "the outgoing IP", ", ")
    }

    fn fill(&self, text: &'static str, path: impl Fn(usize) -> String, ip: &str, comma: &str) -> Cow<'static, str> {
        if !text.contains('{') {
            return text.into();
        }
        let page = self.subject.map_or("page".into(), |page| format!("page {}", excerpt(&page.text)));
        let path = self.subject.map_or("path".into(), |subject| path(subject.bytes));
        let addresses: Vec<_> = self.addresses.iter().map(IpAddr::to_string).collect();
        let ip = format!("{ip} {}", addresses.join(comma));
        text.replace("{page}", &page).replace("{path}", &path).replace("{ip}", ip.trim_end()).into()
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
pub fn reaction(errcode: i64, endpoint: &Endpoint) -> Option<Reaction> {
    row(errcode, Some(endpoint)).map(|row| row.reaction)
}

/// What WeChat refuses by an errcode at an endpoint. Where the catalogue does not have the errcode at the endpoint, or without
/// one, the scope of its first row; `None` where it has no row.
pub fn scope(errcode: i64, endpoint: Option<&Endpoint>) -> Option<Scope> {
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
pub const BUSY: i64 = -1;

/// The access token is not valid.
pub const INVALID_CREDENTIAL: i64 = 40001;

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        serde_json::from_str(include_str!("errcodes.json")).unwrap()
    }

    #[test]
    fn every_row_has_a_cause_and_a_fix_in_both_languages() {
        let rows = rows();
        assert!(rows.len() >= 71);
        for row in rows {
            for text in [&row.cause_zh, &row.cause_en, &row.fix_zh, &row.fix_en] {
                assert!(!text.trim().is_empty(), "{}", row.errcode);
                assert!(!text.contains('\n'), "{}: a message is one line", row.errcode);
                let filled = Facts::default().fill_en(text.clone().leak());
                let left = filled.split('{').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
                assert!(!left, "{}: {filled}", row.errcode);
            }
            for place in &row.places {
                assert!(place == "any" || Endpoint::find(place).is_some(), "{}: {place}", row.errcode);
            }
        }
    }

    #[test]
    fn no_cause_or_fix_holds_research_notes_or_advises_what_the_client_does_itself() {
        const NOTES: [&str; 18] = [
            "unconfirmed",
            "observed",
            "inferred",
            "older docs",
            "field report",
            "listed for",
            "docs",
            "seen on",
            "staff",
            "未证实",
            "实测",
            "推断",
            "旧消息",
            "旧文档",
            "未见",
            "反馈",
            "列于",
            "答复",
        ];
        const ADVICE: [&str; 12] = [
            "post JSON",
            "Always send",
            "not forced",
            "cached token",
            "raw UTF-8",
            "Emit",
            "token in the query",
            "以 JSON 提交",
            "固定传",
            "作废本地缓存",
            "直接输出",
            "放在查询串",
        ];
        for row in rows() {
            for text in [row.cause_zh, row.cause_en, row.fix_zh, row.fix_en] {
                let found = NOTES.iter().chain(&ADVICE).find(|phrase| text.contains(**phrase));
                assert_eq!(found, None, "{}: {text}", row.errcode);
            }
        }
    }

    #[test]
    fn a_row_of_a_token_endpoint_is_about_neither_parameters_nor_a_token() {
        for row in rows() {
            if row.places.iter().filter_map(|place| Endpoint::find(place)).any(|place| place.gives_token()) {
                assert!(!matches!(row.scope, Scope::Parameter | Scope::Token), "{}", row.errcode);
            }
        }
    }

    #[test]
    fn a_scope_is_that_of_the_errcode_at_its_endpoint() {
        use Endpoint::*;
        for (errcode, endpoint, expected) in [
            (-1, GetQrCode, Scope::Service),
            (40001, GetQrCode, Scope::Token),
            (40001, StableToken, Scope::Account),
            (40013, ClassicToken, Scope::Account),
            (40164, StableToken, Scope::Ip),
            (41030, GetUnlimitedQrCode, Scope::Parameter),
            (45009, GetUnlimitedQrCode, Scope::Quota),
            (45011, GetUnlimitedQrCode, Scope::Rate),
            (45029, CreateQrCode, Scope::Account),
            (45035, GetQrCode, Scope::Ip),
            (47001, GetQrCode, Scope::Parameter),
            (47001, StableToken, Scope::Configuration),
            (48001, GetQrCode, Scope::Account),
            (50003, GetQrCode, Scope::Account),
            (61004, GetQrCode, Scope::Ip),
            (85107, GetQrCode, Scope::Configuration),
            (89503, StableToken, Scope::Ip),
            (40066, GetQrCode, Scope::Configuration),
            (40066, GenerateShortLink, Scope::Parameter),
        ] {
            assert_eq!(scope(errcode, Some(&endpoint)), Some(expected), "{errcode} {endpoint:?}");
        }
        assert_eq!(scope(123_456, Some(&GetQrCode)), None);
        assert_eq!(scope(123_456, None), None);
        assert_eq!(scope(45009, None), Some(Scope::Quota));
    }

    #[test]
    fn where_the_catalogue_has_no_row_of_an_endpoint_the_first_row_gives_the_scope_and_tokens_are_refused_accounts() {
        use Endpoint::*;
        assert_eq!(scope(40169, Some(&CreateQrCode)), Some(Scope::Parameter));
        assert_eq!(scope(40164, Some(&GetQrCode)), Some(Scope::Ip));
        for errcode in [40029, 41030, 42001, 48001, 123_456] {
            assert_eq!(scope(errcode, Some(&StableToken)), Some(Scope::Account), "{errcode}");
        }
        for (errcode, expected) in [(-1, Scope::Service), (45011, Scope::Rate), (45035, Scope::Ip)] {
            assert_eq!(scope(errcode, Some(&ClassicToken)), Some(expected));
        }
    }

    #[test]
    fn a_scope_has_the_name_that_the_catalogue_gives_it() {
        for row in serde_json::from_str::<Vec<serde_json::Value>>(include_str!("errcodes.json")).unwrap() {
            let scope: Scope = serde_json::from_value(row["scope"].clone()).unwrap();
            assert_eq!(row["scope"], scope.name());
        }
    }

    fn refused(errcode: i64, errmsg: &str, endpoint: &Endpoint, subject: Option<&str>) -> Explanation {
        let refusal = Refusal { errcode, errmsg: errmsg.into(), rid: None, hint: None };
        let subject = subject.map(|text| Subject { text: text.to_owned(), bytes: text.len() });
        explain_refusal(&refusal, endpoint, subject.as_ref()).unwrap()
    }

    #[test]
    fn a_refused_page_is_named_and_a_refused_path_is_counted_in_bytes() {
        let page = refused(41030, "", &Endpoint::GetUnlimitedQrCode, Some("pages/nowhere"));
        for text in [page.cause.zh, page.cause.en] {
            assert!(text.starts_with("page \"pages/nowhere\" "), "{text}");
        }
        let path = refused(40159, "", &Endpoint::GetQrCode, Some("页?a=1"));
        assert!(path.cause.en.contains("path (7 bytes)"), "{}", path.cause.en);
        assert!(path.cause.zh.contains("path（7 字节）"), "{}", path.cause.zh);
        let main_page = refused(41030, "", &Endpoint::GetUnlimitedQrCode, None);
        assert!(main_page.cause.en.starts_with("page is not"), "{}", main_page.cause.en);
    }

    #[test]
    fn a_refused_address_is_named_in_each_of_its_versions_once() {
        for (errmsg, zh, en) in [
            (
                "invalid ip 8.149.1.108 ipv6 ::ffff:8.149.1.108, not in whitelist",
                "出口 IP 8.149.1.108",
                "the outgoing IP 8.149.1.108",
            ),
            (
                "invalid ip 2001:db8::1 ipv6 2001:db8::1, not in whitelist",
                "出口 IP 2001:db8::1",
                "the outgoing IP 2001:db8::1",
            ),
            (
                "invalid ip 8.149.1.108 ipv6 2001:db8::1, not in whitelist",
                "出口 IP 8.149.1.108、2001:db8::1",
                "the outgoing IP 8.149.1.108, 2001:db8::1",
            ),
            ("invalid ip, not in whitelist", "出口 IP", "the outgoing IP"),
        ] {
            let Explanation { cause, fix } = refused(40164, errmsg, &Endpoint::StableToken, None);
            assert_eq!(cause.zh, format!("已开启 API IP 白名单，{zh} 不在其中"));
            assert_eq!(cause.en, format!("The API IP whitelist is on, and {en} is not in it"));
            assert!(fix.zh.contains(&format!("加入{zh}，")) && fix.en.contains(&format!("Add {en} to")), "{fix:?}");
        }
        let platform =
            refused(61004, "access clientip is not registered requestIP: 123.57.208.67", &Endpoint::GetQrCode, None);
        assert!(platform.fix.en.contains("123.57.208.67"), "{}", platform.fix.en);
    }

    #[test]
    fn a_code_means_what_it_means_at_its_endpoint() {
        use Endpoint::*;
        use Reaction::*;
        assert_eq!(reaction(40001, &GetUnlimitedQrCode), Some(RefreshToken));
        assert_eq!(reaction(40001, &StableToken), Some(No));
        assert_eq!(reaction(45009, &GetUnlimitedQrCode), Some(Backoff));
        assert_eq!(reaction(45009, &GetQrCode), Some(AfterQuotaReset));
        assert_eq!(reaction(-1, &CreateQrCode), Some(Backoff));
        assert_eq!(reaction(40169, &CreateQrCode), None);
        assert_eq!(reaction(123_456, &GetQrCode), None);
    }

    #[test]
    fn an_api_without_a_row_of_its_own_takes_the_meaning_that_a_code_has_where_codes_are_made() {
        let other = Endpoint::at("/wxa/business/getuserphonenumber", crate::wechat::endpoint::Method::Post);
        assert_eq!(reaction(40001, &other), Some(Reaction::RefreshToken));
        assert_eq!(reaction(47001, &other), Some(Reaction::No));
        assert_eq!(reaction(-1, &other), Some(Reaction::Backoff));
        assert_eq!(reaction(40013, &other), None, "where a token is asked for it means something else");
        let link = explain(40013, Some(&Endpoint::GenerateScheme)).unwrap();
        assert!(link.cause.en.contains("permission"), "{}", link.cause.en);
    }

    #[test]
    fn only_the_three_codes_of_a_dead_token_ask_for_another_one() {
        let dead: Vec<_> = (-1..100_000)
            .filter(|&code| reaction(code, &Endpoint::GetUnlimitedQrCode) == Some(Reaction::RefreshToken))
            .collect();
        assert_eq!(dead, [40001, 40014, 42001]);
    }

    #[test]
    fn the_two_codes_that_cost_most_hours_say_what_to_do() {
        let page = explain(41030, Some(&Endpoint::GetUnlimitedQrCode)).unwrap().fix;
        for text in [&page.zh, &page.en] {
            assert!(text.contains("checkPath: false"), "{text}");
        }
        let path = explain(40159, Some(&Endpoint::CreateQrCode)).unwrap();
        assert!(path.cause.en.contains("bytes") && path.cause.zh.contains("字节"));
    }
}
