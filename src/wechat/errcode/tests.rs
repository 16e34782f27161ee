use super::*;

/// As the addon has it.
fn rows() -> Vec<ErrcodeEntry> {
    serde_json::from_str(&catalogue_json()).unwrap()
}

#[test]
fn the_addon_has_every_row_of_the_catalogue_field_by_field() {
    let catalogue: Vec<serde_json::Value> = serde_json::from_str(include_str!("../errcodes.json")).unwrap();
    assert_eq!(catalogue.len(), rows().len());
    for (row, source) in rows().iter().zip(catalogue) {
        let texts = [&row.cause_zh, &row.cause_en, &row.fix_zh, &row.fix_en];
        let fields = ["cause_zh", "cause_en", "fix_zh", "fix_en"];
        assert_eq!(source["errcode"], row.errcode);
        assert_eq!(source["where"], serde_json::json!(row.places), "{}", row.errcode);
        assert_eq!(texts.map(String::as_str), fields.map(|field| source[field].as_str().unwrap()), "{}", row.errcode);
        assert_eq!(source["scope"], row.scope.name(), "{}", row.errcode);
        assert_eq!(source["errmsg_example"], row.errmsg, "{}", row.errcode);
    }
}

#[test]
fn every_row_has_a_cause_and_a_fix_in_both_languages() {
    let rows = rows();
    assert!(rows.len() >= 71);
    for row in rows {
        for text in [&row.cause_zh, &row.cause_en, &row.fix_zh, &row.fix_en] {
            assert!(!text.trim().is_empty(), "{}", row.errcode);
            assert!(!text.contains('\n'), "{}: a message is one line", row.errcode);
            let filled = TemplateArgs::default().fill_en(text.clone().leak());
            let left = filled.split('{').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
            assert!(!left, "{}: {filled}", row.errcode);
        }
        for place in &row.places {
            assert!(place == "any" || Endpoint::from_any_name(place).is_some(), "{}: {place}", row.errcode);
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
        if row.places.iter().filter_map(|place| Endpoint::from_any_name(place)).any(|place| place.takes_credentials()) {
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
fn an_endpoint_without_a_row_takes_the_scope_of_the_first_row_and_token_endpoints_that_of_the_account() {
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
fn scope_names_are_those_of_the_catalogue() {
    let catalogue = include_str!("../errcodes.json");
    for row in serde_json::from_str::<Vec<serde_json::Value>>(catalogue).unwrap() {
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
fn the_explanation_names_a_refused_page_and_the_bytes_of_a_refused_path() {
    let page = refused(41030, "", &Endpoint::GetUnlimitedQrCode, Some("pages/nowhere"));
    for text in [page.cause.zh, page.cause.en] {
        assert!(text.starts_with("page \"pages/nowhere\" "), "{text}");
    }
    let path = refused(40159, "", &Endpoint::GetQrCode, Some("页?a=1"));
    assert!(path.cause.en.contains("path (7 bytes)"), "{}", path.cause.en);
    assert!(path.cause.zh.contains("path（7 字节）"), "{}", path.cause.zh);
    let odd = refused(41030, "", &Endpoint::GetUnlimitedQrCode, Some("{ip}） {path}"));
    assert!(odd.cause.zh.starts_with("page \"{ip}） {path}\" 不在"), "{}", odd.cause.zh);
    let main_page = refused(41030, "", &Endpoint::GetUnlimitedQrCode, None);
    assert!(main_page.cause.en.starts_with("page is not"), "{}", main_page.cause.en);
}

#[test]
fn the_explanation_names_each_version_of_a_refused_address_once() {
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
        assert_eq!(cause.zh, format!("已开启 IP 白名单，{zh} 不在其中"));
        assert_eq!(cause.en, format!("The IP whitelist is on, and {en} is not in it"));
        assert!(fix.zh.contains(&format!("加入{zh}，")) && fix.en.contains(&format!("Add {en} to")), "{fix:?}");
    }
    let platform =
        refused(61004, "access clientip is not registered requestIP: 123.57.208.67", &Endpoint::GetQrCode, None);
    assert!(platform.fix.en.contains("123.57.208.67"), "{}", platform.fix.en);
}

#[test]
fn an_errcode_is_explained_for_its_endpoint() {
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
fn an_api_without_a_row_takes_the_meaning_of_the_code_endpoints() {
    let other = Endpoint::from_path("/wxa/business/getuserphonenumber", crate::wechat::endpoint::Method::Post);
    assert_eq!(reaction(40001, &other), Some(Reaction::RefreshToken));
    assert_eq!(reaction(47001, &other), Some(Reaction::No));
    assert_eq!(reaction(-1, &other), Some(Reaction::Backoff));
    assert_eq!(reaction(40013, &other), None, "at a token endpoint it has another meaning");
    let link = explain(40013, Some(&Endpoint::GenerateScheme)).unwrap();
    assert!(link.cause.en.contains("permission"), "{}", link.cause.en);
}

#[test]
fn only_the_three_errcodes_of_an_invalid_token_request_another_one() {
    let dead: Vec<_> = (-1..100_000)
        .filter(|&code| reaction(code, &Endpoint::GetUnlimitedQrCode) == Some(Reaction::RefreshToken))
        .collect();
    assert_eq!(dead, [40001, 40014, 42001]);
}

#[test]
fn the_two_most_frequent_errcodes_have_a_fix() {
    let page = explain(41030, Some(&Endpoint::GetUnlimitedQrCode)).unwrap().fix;
    for text in [&page.zh, &page.en] {
        assert!(text.contains("checkPath: false"), "{text}");
    }
    let path = explain(40159, Some(&Endpoint::CreateQrCode)).unwrap();
    assert!(path.cause.en.contains("bytes") && path.cause.zh.contains("字节"));
}
