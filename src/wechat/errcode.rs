//! The catalogue of WeChat's error codes: what one means at an endpoint, what to do, and how this crate reacts.

use std::sync::LazyLock;

use serde::Deserialize;

use super::endpoint::Endpoint;
use crate::error::explanation::{Bilingual, Explanation};

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

/// Cause and fix of an errcode at an endpoint; without one, its first meaning.
pub fn explain(errcode: i64, endpoint: Option<&Endpoint>) -> Option<Explanation> {
    row(errcode, endpoint).map(|row| Explanation {
        cause: Bilingual::new(row.cause_zh.as_str(), row.cause_en.as_str()),
        fix: Bilingual::new(row.fix_zh.as_str(), row.fix_en.as_str()),
    })
}

/// How to react to an errcode of an endpoint; `None` where the catalogue does not know it there.
pub fn reaction(errcode: i64, endpoint: &Endpoint) -> Option<Reaction> {
    row(errcode, Some(endpoint)).map(|row| row.reaction)
}

/// -1: WeChat is busy, and the same request a moment later may well go through.
pub const BUSY: i64 = -1;

/// WeChat does not take the token, or is too busy to look: nothing shows that the account is the caller's.
pub const ABOUT_WHO_ASKS: [i64; 7] = [BUSY, 40001, 40013, 40014, 41001, 42001, 48001];

/// WeChat does not take calls from the IP address that it saw.
pub const ABOUT_THE_ADDRESS: [i64; 6] = [40164, 45035, 61004, 89503, 89506, 89507];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_cause_and_a_fix_in_both_languages() {
        let rows: Vec<Row> = serde_json::from_str(include_str!("errcodes.json")).unwrap();
        assert!(rows.len() >= 71);
        for row in rows {
            for text in [&row.cause_zh, &row.cause_en, &row.fix_zh, &row.fix_en] {
                assert!(!text.trim().is_empty(), "{}", row.errcode);
                assert!(!text.contains('\n'), "{}: a message is one line", row.errcode);
            }
            for place in &row.places {
                assert!(place == "any" || Endpoint::find(place).is_some(), "{}: {place}", row.errcode);
            }
        }
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
