use std::collections::BTreeSet;

use super::*;
use crate::event::testing::RecordingListener;
use crate::transport::proxy::Proxy;
use proptest::prelude::*;
use secrecy::ExposeSecret;

fn account() -> impl Strategy<Value = Account> {
    let bases = prop::collection::vec(prop::sample::select(vec!["http://a", "http://b", "http://c"]), 1..3);
    (0..2u8, any::<bool>(), 0..2u8, bases).prop_map(|(appid, stable, secret, bases)| Account {
        appid: format!("wx{appid:016}"),
        mode: if stable { Mode::Stable } else { Mode::Classic },
        secret: format!("secret{secret}").into(),
        bases: bases.into_iter().map(str::to_owned).collect(),
        redis: None,
    })
}

fn hosts(account: &Account) -> BTreeSet<String> {
    account.bases.iter().cloned().collect()
}

proptest! {
    #[test]
    fn clients_share_a_token_exactly_if_their_account_settings_are_equal(a in account(), b in account()) {
        let mut registry = Registry::default();
        let agree = a.appid == b.appid && a.mode == b.mode && hosts(&a) == hosts(&b)
            && a.secret.expose_secret() == b.secret.expose_secret();
        let shared = Arc::ptr_eq(&registry.token_cache(&a).unwrap(), &registry.token_cache(&b).unwrap());
        prop_assert_eq!(shared, agree);
    }

    #[test]
    fn clients_share_a_rate_limit_exactly_if_they_have_the_same_appid_and_hosts(a in account(), b in account()) {
        let mut registry = Registry::default();
        let mut window = |account: &Account| registry.sliding_window(&App::new(&account.appid, &account.bases));
        let agree = a.appid == b.appid && hosts(&a) == hosts(&b);
        prop_assert_eq!(Arc::ptr_eq(&window(&a), &window(&b)), agree);
    }
}

#[test]
fn the_order_of_hosts_does_not_change_the_account() {
    let mut registry = Registry::default();
    let mut cache = |bases: [&str; 2]| {
        let bases = bases.map(str::to_owned).to_vec();
        let account = Account { appid: "wx".into(), mode: Mode::Stable, secret: "s".into(), bases, redis: None };
        registry.token_cache(&account).unwrap()
    };
    assert!(Arc::ptr_eq(&cache(["http://a", "http://b"]), &cache(["http://b", "http://a"])));
}

#[test]
fn closing_the_last_environment_drops_everything() {
    let mut registry = Registry::default();
    registry.register_environment();
    registry.register_environment();
    registry.sliding_window(&App::new("wx", &[]));
    registry.unregister_environment();
    assert_eq!(registry.windows.len(), 1);
    registry.unregister_environment();
    assert_eq!(registry.windows.len(), 0);
}

#[test]
fn unused_accounts_are_forgotten() {
    let mut registry = Registry::default();
    for n in 0..10_000 {
        let appid = format!("wx{n:016}");
        registry.sliding_window(&App::new(&appid, &[]));
        let account = Account { appid, mode: Mode::Stable, secret: "s".into(), bases: vec![], redis: None };
        registry.token_cache(&account).unwrap();
    }
    assert!(registry.token_caches.len() <= 1024, "{}", registry.token_caches.len());
    assert!(registry.windows.len() <= 4096, "{}", registry.windows.len());
}

#[test]
fn a_redis_connection_closes_with_its_last_client() {
    let mut registry = Registry::default();
    let redis = RedisConfig {
        url: "redis://localhost".into(),
        ca: None,
        timeout: crate::redis::DEFAULT_TIMEOUT,
        key_prefix: "a:".into(),
    };
    let account = |prefix: &str| Account {
        appid: "wx".into(),
        mode: Mode::Stable,
        secret: "s".into(),
        bases: vec![],
        redis: Some(RedisConfig { key_prefix: prefix.into(), ..redis.clone() }),
    };
    let clients = ["a:", "b:"].map(|prefix| registry.token_cache(&account(prefix)).unwrap());
    assert_eq!((registry.token_caches.len(), registry.redis_clients.len()), (2, 1));
    drop(clients);
    assert_eq!((registry.token_caches.len(), registry.redis_clients.len()), (0, 0));
}

#[test]
fn clients_share_connections_with_the_same_settings_and_codes_with_the_same_account_and_limits() {
    let mut registry = Registry::default();
    let proxied = || HttpSettings { proxy: Some(Proxy::parse("http://proxy.example").unwrap()), ca: None };
    let clients = registry.http_clients(&proxied()).unwrap();
    assert!(Arc::ptr_eq(&clients, &registry.http_clients(&proxied()).unwrap()));
    assert!(!Arc::ptr_eq(&clients, &registry.http_clients(&HttpSettings::default()).unwrap()));
    let account = |appid: &str| Account {
        appid: appid.into(),
        mode: Mode::Stable,
        secret: "s".into(),
        bases: vec![],
        redis: None,
    };
    let limits = |max_bytes| Limits { max_bytes, ttl: None, redis_max_entry_bytes: None, disk: None, store: None };
    let mut qr_codes = |account: Option<Account>, max_bytes| {
        let behind = Behind { appid: "wx", mode: None, disk: None, store: None };
        registry.qr_code_cache(account.as_ref(), &limits(max_bytes), behind).unwrap()
    };
    let first = qr_codes(Some(account("wx1")), 1);
    assert!(Arc::ptr_eq(&first, &qr_codes(Some(account("wx1")), 1)));
    assert!(!Arc::ptr_eq(&first, &qr_codes(Some(account("wx1")), 2)));
    assert!(!Arc::ptr_eq(&first, &qr_codes(Some(account("wx2")), 1)));
    assert!(!Arc::ptr_eq(&qr_codes(None, 1), &qr_codes(None, 1)), "without an account");
}

#[test]
fn the_token_of_a_provider_is_not_shared() {
    let registry = Registry::default();
    assert!(!Arc::ptr_eq(&registry.provider_token_cache("wx"), &registry.provider_token_cache("wx")));
}

#[test]
fn subscribers_hear_the_events_of_every_token_cache() {
    let mut registry = Registry::default();
    let recorder = Arc::<RecordingListener>::default();
    registry.event_bus().add(recorder.clone());
    let account = Account { appid: "wx".into(), mode: Mode::Classic, secret: "s".into(), bases: vec![], redis: None };
    registry.token_cache(&account).unwrap().invalidate("unknown", 40001);
    registry.provider_token_cache("wx").invalidate("unknown", 40001);
    let modes: Vec<_> = recorder.0.lock().iter().map(|event| event.account.as_ref().unwrap().mode).collect();
    assert_eq!(modes, [Some("classic"), Some("provider")]);
}
