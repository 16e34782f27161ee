use super::*;

fn good() -> PlatformOptions {
    PlatformOptions {
        appid: "wx0123456789abcdef".into(),
        secret: Some("s3cret".into()),
        store: Some("memory".into()),
        ..PlatformOptions::default()
    }
}

fn refused(options: PlatformOptions) -> String {
    match options.open(Arc::default()) {
        Err(Error::Params { invalid, .. }) => invalid.param.into_owned(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("accepted"),
    }
}

fn with(change: impl FnOnce(&mut PlatformOptions)) -> PlatformOptions {
    let mut options = good();
    change(&mut options);
    options
}

#[tokio::test]
async fn an_error_names_the_invalid_option() {
    assert!(good().open(Arc::default()).is_ok());
    let keys = || vec![SecretText("x".repeat(43))];
    for (param, options) in [
        ("appid", with(|o| o.appid = "wx1".into())),
        ("secret", with(|o| o.secret = None)),
        ("secret", with(|o| o.secret = Some("s3cret\n".into()))),
        ("baseUrl", with(|o| o.base_urls = vec!["http://api.weixin.qq.com".into()])),
        ("timeoutMs", with(|o| o.timeout_ms = Some(0.0))),
        ("retries", with(|o| o.retries = Some(0.5))),
        ("proxy", with(|o| o.proxy = Some("socks5://localhost".into()))),
        ("store", with(|o| o.store = None)),
        ("store", with(|o| o.store = Some(String::new()))),
        ("store", with(|o| o.store = Some("/var/lib/s3cret.json".into()))),
        ("store", with(|o| o.store = Some("file:".into()))),
        ("pushToken", with(|o| o.encoding_aes_key = keys())),
        ("encodingAESKey", with(|o| o.push_token = Some("token".into()))),
    ] {
        assert_eq!(refused(options), param);
    }
}

#[test]
fn a_file_has_one_name_however_it_is_written() {
    let folder = std::env::temp_dir().canonicalize().unwrap();
    let file = |text: &str| match store(Some(text), false, true) {
        Ok(StoreChoice::File(path)) => path,
        _ => panic!("{text}"),
    };
    let plain = file(&format!("file:{}/wechat.json", folder.display()));
    assert_eq!(plain, folder.join("wechat.json"));
    #[cfg(unix)]
    for other in ["file://", "file:", "file:/."] {
        assert_eq!(file(&format!("{other}{}/wechat.json", folder.display())), plain, "{other}");
    }
    assert!(file("file:wechat.json").is_absolute());
}

#[test]
fn without_a_store_the_records_are_in_redis() {
    assert!(matches!(store(None, false, true), Ok(StoreChoice::Redis)));
    assert!(matches!(store(Some("memory"), false, true), Ok(StoreChoice::Memory)));
    assert!(matches!(store(None, true, true), Ok(StoreChoice::Own(_))));
    let own = || store(None, true, false).ok().unwrap();
    assert!(own() != own(), "two stores of one's own are never the same");
}

#[tokio::test]
async fn platforms_share_what_they_have_exactly_if_their_settings_are_equal() {
    let open = |change: fn(&mut PlatformOptions)| with(change).open(Arc::default()).ok().unwrap();
    let appid = |o: &mut PlatformOptions| o.appid = "wxfedcba9876543210".into();
    let first = open(|_| {});
    let shared = |other: &OpenPlatform| Arc::ptr_eq(&first.platform.core, &other.platform.core);
    assert!(shared(&open(|o| o.timeout_ms = Some(1.0))));
    assert!(!shared(&open(appid)));
    assert!(!shared(&open(|o| o.secret = Some("other".into()))));
    assert!(!shared(&open(|o| o.base_urls = vec!["http://localhost:1".into()])));
    assert!(!shared(&open(|o| o.store = Some("file:/tmp/wxacode-none.json".into()))));
}

#[tokio::test]
async fn the_client_of_a_merchant_has_the_settings_of_the_platform_unless_it_has_its_own() {
    let open = with(|o| (o.timeout_ms, o.retries) = (Some(1234.0), Some(1.0))).open(Arc::default()).ok().unwrap();
    let merchant = "wx00000000000000aa";
    let client = open.client(merchant, &MerchantOptions::default()).ok().unwrap();
    assert_eq!((client.timeout, client.retries, &*client.appid), (Duration::from_millis(1234), 1, merchant));
    let own = MerchantOptions { timeout_ms: Some(5.0), retries: Some(0.0), ..MerchantOptions::default() };
    let client = open.client(merchant, &own).ok().unwrap();
    assert_eq!((client.timeout, client.retries), (Duration::from_millis(5), 0));
    let cache = MerchantOptions { cache: Some(CacheOptions { redis: true, ..CacheOptions::default() }), ..own };
    assert!(open.client(merchant, &cache).is_err(), "without redis");
    assert!(open.client("wx1", &MerchantOptions::default()).is_err());
    open.close();
    assert!(matches!(client.check_open(), Err(Error::PlatformClosed)));
    assert!(matches!(open.client(merchant, &MerchantOptions::default()), Err(Error::PlatformClosed)));
}

#[test]
fn an_imported_refresh_token_is_a_token() {
    let check = |appid: &str, token: &str| check_imported(appid, &token.into());
    assert!(check("wx00000000000000aa", "refreshtoken@@@abc").is_ok());
    for (appid, token) in [("wx1", "r"), ("wx00000000000000aa", ""), ("wx00000000000000aa", "a b")] {
        assert!(check(appid, token).is_err());
    }
}

#[test]
fn the_names_in_json_are_those_of_the_public_interface() {
    let json = r#"{"appid":"wx1","secret":"s","pushToken":"t","encodingAESKey":["k"],"store":"memory","redis":{"url":"redis://r"},
        "baseUrl":["a"],"timeoutMs":1,"retries":2,"proxy":"env","ca":"PEM"}"#;
    let options: PlatformOptions = serde_json::from_str(json).unwrap();
    assert!(options.push_token.is_some() && options.encoding_aes_key.len() == 1 && options.redis.is_some());
    assert_eq!((options.store.as_deref(), options.timeout_ms, options.retries), (Some("memory"), Some(1.0), Some(2.0)));
}
