use super::*;

/// The parameter of a refusal.
fn param<T>(result: Result<T, InvalidParam>) -> String {
    result.err().expect("to be refused").param.into_owned()
}

fn with_account(cache: &CacheOptions) -> Result<Limits, InvalidParam> {
    limits(cache, true, true)
}

fn of_memory(max_bytes: usize) -> Limits {
    Limits { max_bytes, ttl: None, redis_max_entry_bytes: None, disk: None, store: None }
}

#[test]
fn a_cache_has_64_mib_for_ever_and_shares_what_is_up_to_512_kib() {
    let redis = CacheOptions { redis: true, ..CacheOptions::default() };
    let wanted = Limits { redis_max_entry_bytes: Some(524_288), ..of_memory(67_108_864) };
    assert_eq!(with_account(&redis).unwrap(), wanted);
    let small = CacheOptions { max_bytes: Some(1.0), max_entry_bytes: Some(7.0), ..CacheOptions::default() };
    assert_eq!(with_account(&small).unwrap(), of_memory(1));
    let shared = CacheOptions { max_entry_bytes: Some(7.0), redis: true, ..CacheOptions::default() };
    assert_eq!(with_account(&shared).unwrap().redis_max_entry_bytes, Some(7));
    assert_eq!(param(limits(&redis, false, true)), "cache.redis");
    for wrong in [0.0, -1.0, 1.5, 1e16, f64::INFINITY] {
        let max_bytes = CacheOptions { max_bytes: Some(wrong), ..CacheOptions::default() };
        assert_eq!(param(with_account(&max_bytes)), "cache.maxBytes", "{wrong}");
    }
}

#[test]
fn a_disk_has_one_gib_and_an_absolute_path_and_needs_an_account() {
    let directory = |directory: &str| CacheOptions { directory: Some(directory.into()), ..CacheOptions::default() };
    let disk = with_account(&directory("codes")).unwrap().disk.unwrap();
    assert_eq!((disk.max_bytes, disk.directory.is_absolute()), (1 << 30, true));
    assert!(disk.directory.ends_with("codes"));
    assert_eq!(with_account(&directory("")).unwrap().disk, None);
    assert_eq!(param(limits(&directory("codes"), true, false)), "cache.directory");
    let small = |path: &str, bytes| CacheOptions { max_disk_bytes: Some(bytes), ..directory(path) };
    assert_eq!(with_account(&small("codes", 7.0)).unwrap().disk.unwrap().max_bytes, 7);
    for (path, bytes) in [("", 7.0), ("codes", 0.0), ("codes", 1.5)] {
        assert_eq!(param(with_account(&small(path, bytes))), "cache.maxDiskBytes", "{path} {bytes}");
    }
}

#[test]
fn keys_begin_with_the_account_and_tell_apart_what_may_be_of_another_account() {
    let wechats = ["https://api.weixin.qq.com/".to_owned(), "http://api2.weixin.qq.com/".to_owned()];
    assert_eq!(namespace("wx1", &wechats, true), "wx1");
    assert_eq!(namespace("wx1", &wechats, false), "wx1/unverified");
    let others =
        ["http://127.0.0.1:1/", "https://notweixin.qq.com/"].map(|base| namespace("wx1", &[base.into()], true));
    assert!(others.iter().all(|other| other.starts_with("wx1/host-") && other.len() == "wx1/host-".len() + 16));
    assert_ne!(others[0], others[1]);
    let [a, b] = ["http://a/", "http://b/"].map(str::to_owned);
    let both = namespace("wx1", &[a.clone(), b.clone()], false);
    assert!(both.starts_with("wx1/unverified/host-"));
    assert_eq!(both, namespace("wx1", &[b, a.clone(), a], false), "in any order");
    let key = |text: &String| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_./-".contains(&b));
    assert!(others.iter().chain([&both]).all(key));
}

#[test]
fn a_qr_code_is_cached_for_its_time_to_live_and_for_ever_from_a_century_on() {
    let years = |count: f64| count * 365.0 * 86_400_000.0;
    assert_eq!(time_to_live(0.5).unwrap(), Some(Duration::from_micros(500)));
    assert_eq!(time_to_live(years(99.0)).unwrap(), Some(Duration::from_secs(99 * 365 * 86_400)));
    assert_eq!([years(100.0), f64::INFINITY].map(|ms| time_to_live(ms).unwrap()), [None, None]);
    for wrong in [0.0, -1.0, f64::NAN] {
        assert!(time_to_live(wrong).is_err(), "{wrong}");
    }
}
