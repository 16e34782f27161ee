use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;

use super::*;

const SECRET: &str = "a+/&=\"b-C_d\\e";

#[test]
fn a_secret_is_redacted_in_every_encoding() {
    for encoded in [
        r#"a+/&="b-C_d\e"#,
        "A+/&=\"B-c_D\\E",
        r"a%2B%2f%26%3D%22b%2dC_d%5Ce",
        "a%252B%25252F%26=%22b-C_d%5ce",
        "a%u002B/&=\"b-C_d\\e",
        r#"a+\/&=\"b-C_d\\e"#,
        r#"a+\\\/&=\\\"b-C_d\\\\e"#,
        r"a\u002B/\u0026=\u0022b-C_d\\e",
        r#"a\\u002b\\x2F\x26=\"b-C_d\u005ce"#,
        "a+/&amp;=&quot;b-C_d&bsol;e",
        "a&plus;&sol;&amp;&equals;&QUOT;b-C&lowbar;d\\e",
        "a&#43;&#x2F;&#038;&#000000061;&#X22;b-C_d\\e",
        "a&#43/&amp;amp;=&amp;amp;#34;b-C_d\\e",
        "a%26%2343%3B/&=\"b-C_d\\e",
    ] {
        assert_eq!(redact(&format!("x {encoded} y"), &[SECRET]), "x *** y", "{encoded}");
    }
}

#[test]
fn a_secret_that_looks_escaped_is_redacted_where_its_digits_are_encoded() {
    let secret = r"G$03\X03\BUTTON;";
    for encoded in [secret, r"G$03\X%30\x33\BUTTON;", r"G$03\X0&#51;\BUTTON;"] {
        assert_eq!(redact(encoded, &[secret]), "***", "{encoded}");
    }
}

#[test]
fn a_secret_is_redacted_in_base64_at_every_offset() {
    let secret = "0123456789abcdef+/?>0123";
    for before in ["", "a", "ab", "appid:", "user-of-7:"] {
        for behind in ["", "x", "xy", "&more"] {
            let content = format!("{before}{secret}{behind}");
            for encoded in
                [STANDARD.encode(&content), URL_SAFE.encode(&content), STANDARD.encode(&content).replace('=', "%3D")]
            {
                let clean = redact(&encoded, &[secret]).into_owned();
                let left: usize = clean.split("***").map(str::len).sum();
                assert!(
                    clean.contains("***") && left <= 4 * (before.len() + behind.len()) / 3 + 11,
                    "{encoded} -> {clean}"
                );
            }
        }
    }
}

#[test]
fn a_revealing_part_of_a_secret_is_redacted() {
    let secret = "0123456789abcdefghijklmnopqrstuv";
    assert_eq!(redact("cut: 0123456789abcd", &[secret]), "cut: ***");
    assert_eq!(redact("cut: ...jklmnopqrstuv!", &[secret]), "cut: ...***!");
    assert_eq!(redact("kept: abcdefg", &[secret]), "kept: abcdefg");
}

#[test]
fn a_short_secret_is_redacted_where_it_stands_alone() {
    assert_eq!(redact("secretsecret", &["secret"]), "***");
    assert_eq!(redact("T: no Token in ?a=T&b", &["T", ""]), "***: no Token in ?a=***&b");
    assert_eq!(redact("中T文 é", &["T"]), "中***文 é");
}

#[test]
fn a_value_named_like_a_secret_is_redacted() {
    for (text, clean) in [
        ("a=1&access_token=91_abc&b=2", "a=1&access_token=***&b=2"),
        (
            r#"{"appid":"wx1","secret":"c4nary","force_refresh":false}"#,
            r#"{"appid":"wx1","secret":"***","force_refresh":false}"#,
        ),
        (
            r#"{"component_access_token" : "91_abc","expires_in":7200}"#,
            r#"{"component_access_token" : "***","expires_in":7200}"#,
        ),
        (r#"{\"authorizer_refresh_token\":\"r@x\",\"a\":1}"#, r#"{\"authorizer_refresh_token\":\"***\",\"a\":1}"#),
        ("q=%26session_key%3Dtiihtny%252BQ%26x", "q=%26session_key%3D***%26x"),
        ("&quot;appSecret&quot;:&quot;abc&quot;", "&quot;appSecret&quot;:&quot;***&quot;"),
        ("component_verify_ticket: t@1 rest", "component_verify_ticket: *** rest"),
        ("access_token=***", "access_token=***"),
        ("the access_token is invalid, rid: 1-2-3", "the access_token is invalid, rid: 1-2-3"),
        ("secret:", "secret:"),
    ] {
        assert_eq!(redact(text, &[]), clean);
    }
    assert!(
        is_secret_name("component_appsecret")
            && is_secret_name("sessionKey")
            && !is_secret_name("secret_id")
            && !is_secret_name("")
    );
    assert_eq!(named_values(r#"{"appid":"a","appsecret":"s1"}"#).collect::<Vec<_>>(), ["s1"]);
}

#[test]
fn a_text_without_a_secret_is_unchanged() {
    for text in
        ["nothing here 中文 %", "C:\\path\\\\x", "a &amp; b &#; %zz \\u12", "", "%", "\\", "&", "&#x", "%25", "100%25"]
    {
        assert_eq!(redact(text, &[SECRET]), text);
    }
}

#[test]
fn the_oldest_secrets_of_a_client_are_forgotten_first() {
    let secrets = Secrets::default();
    secrets.add_permanent(&"app-secret-of-this-client".into());
    secrets.add_permanent(&"app-secret-of-this-client".into());
    for n in 0..5 {
        secrets.add_token(&format!("token-number-{n}-{n}{n}{n}{n}{n}{n}{n}{n}"));
    }
    secrets.add_request_secret("session-key-of-a-user");
    let redactor = secrets.redactor(&["a-token-of-the-call"]);
    let clean = redactor
        .redact("app-secret-of-this-client 33333333 44444444 00000000 session-key-of-a-user a-token-of-the-call");
    assert_eq!(clean, "*** *** *** 00000000 *** ***");
}

#[test]
fn an_account_of_a_platform_has_the_secrets_of_the_platform_too() {
    let (platform, merchant) = (Arc::new(Secrets::default()), Secrets::default());
    merchant.include(platform.clone());
    platform.add_permanent(&"platform0secret1".into());
    merchant.add_token("merchant9token8");
    let text = "platform0secret1 merchant9token8";
    assert_eq!(merchant.redactor(&[]).redact(text), "*** ***");
    assert_eq!(platform.redactor(&[]).redact(text), "*** merchant9token8");
}

/// What is linear takes a hundredth of this even on a busy machine, what is quadratic many times as long.
const LONG: Duration = Duration::from_secs(2);

#[test]
fn redaction_is_fast_for_any_text_and_secret() {
    const LENGTH: usize = 1 << 15;
    let secret = "0123456789abcdef0123456789abcdef";
    for unit in [
        "\\",
        "%25",
        "%",
        "&amp;",
        "&#0",
        "&",
        "\\u005c",
        "%5C",
        "%26%2337%3B",
        "0123456789abcdef",
        "=",
        "access_token",
        "access_token=",
        "access_token: ",
        ":_",
        "\"",
        "中",
    ] {
        for secret in [secret, "\\\\\\\\\\\\\\\\\\\\", "%25%25%25%25%25", "aaaaaaaaaaaaaaaa"] {
            let text = unit.repeat(LENGTH / unit.len());
            let begun = Instant::now();
            assert!(redact(&text, &[secret]).len() <= text.len() + 3);
            assert!(begun.elapsed() < LONG, "{unit}: {:?}", begun.elapsed());
        }
    }
    let long = "0123456789abcdef/+\\".repeat(1700);
    assert_eq!(redact(&format!("x {long} y"), &[&long]), "x *** y");
}

/// In how many ways a character is encoded below.
const WAYS: usize = 9;

fn encoded(c: char, way: usize) -> String {
    let code = c as u32;
    match way {
        0 => format!("%{code:02X}"),
        1 => format!("\\u{code:04x}"),
        2 => format!("&#{code};"),
        3 => format!("%25{code:02x}"),
        4 => format!("&#x000{code:X};"),
        5 => format!("\\\\\\u{code:04X}"),
        6 if c.is_ascii_punctuation() => format!("\\\\\\{c}"),
        _ => c.to_string(),
    }
}

#[test]
fn overlapping_secrets_are_both_redacted() {
    assert_eq!(redact("x 1234567価7654321 y", &["1234567信", "信7654321"]), "x *** y");
}

proptest! {
    #[test]
    fn mixed_encodings_of_a_secret_are_redacted(secret in "[!-~]{16,60}", before in ".{0,20}", after in ".{0,20}", ways in prop::collection::vec(0..WAYS, 60)) {
        let encoded: String = secret.chars().zip(ways).map(|(c, way)| encoded(c, way)).collect();
        let clean = redact(&format!("{before}{encoded}{after}"), &[&secret]).into_owned();
        prop_assert!(clean.contains("***"), "{encoded} -> {clean}");
        // A neighbour can take the first or the last character for a part of itself, and no more.
        let parts: Vec<_> = encoded.as_bytes().windows(48).filter_map(|part| std::str::from_utf8(part).ok()).collect();
        prop_assert!(!parts.iter().any(|part| clean.contains(part)), "{encoded} -> {clean}");
    }

    #[test]
    fn nested_encodings_of_a_secret_are_redacted(secret in "[!-~]{12,40}", layers in prop::collection::vec(0..3usize, 0..4)) {
        let text = layers.iter().fold(secret.clone(), |text, layer| match layer {
            0 => url::form_urlencoded::byte_serialize(text.as_bytes()).collect(),
            1 => serde_json::to_string(&text).unwrap(),
            _ => text.replace('&', "&amp;").replace('"', "&#34;").replace('<', "&lt;"),
        });
        let clean = redact(&text, &[&secret]).into_owned();
        let shown = clean.split("***").map(str::len).max().unwrap_or_default();
        prop_assert!(clean.contains("***") && shown < 64, "{text} -> {clean}");
    }

    #[test]
    fn any_text_without_a_secret_is_unchanged(text in ".*") {
        prop_assume!(!text.contains(['=', ':']));
        prop_assert_eq!(redact(&text, &["\u{1}never\u{1}\u{1}\u{1}"]), text.as_str());
    }
}
