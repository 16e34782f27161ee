use secrecy::ExposeSecret;

use super::*;

/// The English cause of a refusal.
fn cause<T>(result: Result<T, InvalidParam>) -> String {
    result.err().expect("to be refused").explanation.cause.en.into_owned()
}

#[test]
fn an_appid_is_wx_and_16_letters_or_digits() {
    assert_eq!(appid("appid", "wx0123456789abcdef").unwrap(), "wx0123456789abcdef");
    let causes = [
        "",
        "0123456789abcdef0123456789abcdef",
        "x123456789abcdef0123456789abcdef",
        "wx012345678abcdef ",
        "wx0123456789abcde",
    ]
    .map(|wrong| cause(appid("fromAppid", wrong)));
    for (cause, says) in causes.iter().zip(["empty", "AppSecret", "(32 characters)", "neither", "17 characters"]) {
        assert!(cause.starts_with("fromAppid") && cause.contains(says), "{cause}");
    }
    assert!(!causes[4].contains("does not start with wx"), "{}", causes[4]);
}

#[test]
fn an_appid_of_the_caller_goes_with_a_client_without_a_token() {
    assert_eq!(from_appid("wx0123456789abcdef", &TokenChoice::None).unwrap(), "wx0123456789abcdef");
    assert!(from_appid("wx0123456789abcdef", &TokenChoice::Stable).is_err());
}

#[test]
fn a_secret_is_short_and_without_white_space() {
    let given = |text: &str, token| secret(Some(text.into()), token);
    let stable = &TokenChoice::Stable;
    for right in ["s", &"s".repeat(256)] {
        assert_eq!(given(right, stable).unwrap().unwrap().expose_secret(), right);
    }
    for (wrong, says) in [("", "empty"), ("a b", "white space"), ("a\0b", "control"), (&"s".repeat(257), "257 bytes")] {
        assert!(cause(given(wrong, stable)).contains(says), "{wrong:?}");
    }
    assert!(cause(secret(None, stable)).contains("missing") && secret(None, &TokenChoice::Classic).is_err());
    assert!(secret(None, &TokenChoice::None).unwrap().is_none());
}

#[test]
fn a_base_url_is_the_host_of_an_api_or_a_gateway_with_a_prefix() {
    let host = |text: &str| base_url(text, &TokenChoice::Stable);
    for right in [
        "https://api.weixin.qq.com",
        "https://api.weixin.qq.com/",
        "https://gateway.example/wechat",
        "https://gateway.example/cgi-bin/wechat",
        "https://notweixin.qq.com/wechat",
    ] {
        assert_eq!(host(right).unwrap(), right.parse().unwrap());
    }
    for with_path in [
        "https://api.weixin.qq.com/wechat",
        "https://weixin.qq.com/wechat",
        "https://gateway.example/cgi-bin",
        "https://gateway.example/cgi-bin/",
        "https://gateway.example/wechat/WXA/getwxacode",
    ] {
        let refused = host(with_path).unwrap_err();
        let origin = with_path.split('/').take(3).collect::<Vec<_>>().join("/");
        assert!(refused.explanation.fix.en.contains(&format!("'{origin}'")), "{refused:?}");
    }
    for (wrong, says) in [
        ("localhost", "not a URL"),
        ("ftp://localhost", "neither http nor https"),
        ("https://user@localhost", "user name"),
        ("https://:p4ss@localhost", "password"),
        ("https://localhost?a", "query"),
        ("https://localhost#a", "#"),
        ("http://gateway.example", "plain http"),
    ] {
        assert!(cause(host(wrong)).contains(says), "{wrong}");
    }
    assert!(host("https://gateway.example").is_ok() && host("http://localhost:1").is_ok());
    assert!(base_url("http://gateway.example", &TokenChoice::None).is_ok());
}

#[test]
fn without_a_base_url_the_host_is_wechats() {
    let stable = &TokenChoice::Stable;
    let wechats = vec![Url::parse(DEFAULT_BASE_URL).unwrap()];
    assert_eq!(base_urls(&[], stable).unwrap(), wechats);
    assert_eq!(base_urls(&[String::new()], stable).unwrap(), wechats);
    let given = ["", "https://a.example", "https://b.example"].map(str::to_owned);
    assert_eq!(
        base_urls(&given, stable).unwrap(),
        ["https://a.example", "https://b.example"].map(|url| url.parse().unwrap())
    );
}

#[test]
fn a_redis_goes_with_a_token_from_wechat_and_has_defaults() {
    let given = |key_prefix: Option<&str>, timeout_ms| RedisOptions {
        url: "redis://r".into(),
        ca: Some(b"PEM".to_vec()),
        timeout_ms,
        key_prefix: key_prefix.map(str::to_owned),
        allow_unshared_rotation: None,
    };
    let of = |redis, token| super::redis(redis, &token);
    let config = of(given(None, None), TokenChoice::Stable).unwrap();
    assert_eq!((config.url.as_str(), config.key_prefix.as_str()), ("redis://r", "wxacode:"));
    assert_eq!((config.timeout, config.ca), (DEFAULT_TIMEOUT, Some(b"PEM".to_vec())));
    let config = of(given(Some("shop:"), Some(1.5)), TokenChoice::Classic).unwrap();
    assert_eq!((config.key_prefix.as_str(), config.timeout), ("shop:", Duration::from_micros(1500)));
    for wrong in ["a{", "}a"] {
        assert_eq!(of(given(Some(wrong), None), TokenChoice::Stable).unwrap_err().param, "redis.keyPrefix");
    }
    assert_eq!(of(given(None, Some(0.0)), TokenChoice::Stable).unwrap_err().param, "redis.timeoutMs");
    assert_eq!(of(given(None, None), TokenChoice::None).unwrap_err().param, "redis");
}

#[test]
fn a_timeout_is_more_than_nothing_and_at_most_a_day() {
    assert_eq!(timeout("timeoutMs", 0.5).unwrap(), Duration::from_micros(500));
    assert_eq!(timeout("timeoutMs", 86_400_000.0).unwrap(), Duration::from_secs(86_400));
    for wrong in [0.0, -1.0, 86_400_000.5, f64::INFINITY, f64::NAN] {
        assert!(cause(timeout("timeoutMs", wrong)).starts_with("timeoutMs"), "{wrong}");
    }
}

#[test]
fn retries_are_a_whole_number_up_to_10() {
    assert_eq!([0.0, 1.0, 10.0].map(|count| retries(count).unwrap()), [0, 1, 10]);
    for wrong in [-1.0, 0.5, 11.0, f64::NAN] {
        assert!(retries(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_rate_is_a_whole_number_from_1_or_no_limit() {
    assert_eq!([1.0, 5000.0, f64::INFINITY].map(|limit| rate(limit).unwrap()), [Some(1), Some(5000), None]);
    for wrong in [0.0, -1.0, 1.5, 4_294_967_296.0, f64::NEG_INFINITY, f64::NAN] {
        assert!(rate(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn an_empty_proxy_is_none() {
    assert!(proxy(None).unwrap().is_none() && proxy(Some("")).unwrap().is_none());
    assert_eq!(proxy(Some("http://proxy.example:1")).unwrap().unwrap().name(), "proxy.example:1");
}
