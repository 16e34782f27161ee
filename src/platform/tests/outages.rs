//! What a process does during an outage of its store, and after it.

use std::sync::atomic::Ordering;

use super::own_stores::{Disk, Moody};
use super::*;
use crate::platform::records::Record;
use crate::platform::store::RecordKey;
use crate::redis::fake::FakeRedis;

fn record() -> RecordKey {
    RecordKey::Authorizer(MERCHANT.to_owned())
}

#[tokio::test]
async fn a_refresh_token_that_could_not_be_saved_is_saved_before_it_is_used() {
    let wechat = WeChat::start().await;
    let store = Arc::<Moody>::default();
    let process = Process::start(&wechat, &Place::Own(store.clone()), None);
    process.ticket().await;
    store.fails.store(true, Ordering::Relaxed);
    let imported = process.platform.import_authorizer(MERCHANT, wechat.merchant(MERCHANT).into()).await;
    assert_eq!(imported.unwrap_err().code(), "ERR_WXA_STORE");
    let error = process.call_within(MERCHANT, Duration::from_millis(300)).await.unwrap_err();
    assert_eq!(error.code(), "ERR_WXA_STORE");
    assert_eq!(wechat.count("api_authorizer_token"), 0);
    store.fails.store(false, Ordering::Relaxed);
    process.call(MERCHANT).await.unwrap();
    assert!(store.disk.lock().keys().any(|key| key.contains(MERCHANT)));
    assert_eq!(process.platform.core.records.unsaved(), 0);
}

#[tokio::test]
async fn a_withdrawal_during_an_outage_is_not_undone_after_it() {
    let wechat = WeChat::start().await;
    let redis = Arc::<FakeRedis>::default();
    let process = Process::ready(&wechat, &Place::Redis, Some(redis.clone())).await;
    process.call(MERCHANT).await.unwrap();
    redis.set_up(false);
    wechat.state.lock().merchants.get_mut(MERCHANT).unwrap().authorized = false;
    process.platform.receive_withdrawal(MERCHANT, 1_000_001).await.unwrap_err();
    redis.set_up(true);
    until(|| process.platform.core.records.unsaved() == 0).await;
    pass(Duration::from_secs(61)).await;
    assert_eq!(code(&process.call(MERCHANT).await.unwrap_err()), ("ERR_WXA_API", Some(61003)));
    assert_eq!(process.platform.core.records.read(&record()).await.unwrap(), None);
    assert_eq!(["api_authorizer_token", "api_get_authorizer_list"].map(|call| wechat.count(call)), [1, 1]);
}

#[tokio::test]
async fn what_redis_did_not_take_is_saved_as_soon_as_it_is_back() {
    let wechat = WeChat::start().await;
    let redis = Arc::<FakeRedis>::default();
    let process = Process::ready(&wechat, &Place::Redis, Some(redis.clone())).await;
    redis.set_up(false);
    let refresh_token = "refresh-c4nary-newer";
    process.platform.import_authorizer(MERCHANT, refresh_token.into()).await.unwrap_err();
    // By now the pauses between tries are 16 s.
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(90)).await;
    redis.set_up(true);
    tokio::time::sleep(Duration::from_millis(500)).await;
    tokio::time::resume();
    assert_eq!(process.platform.core.records.unsaved(), 0);
    let Some(Record::Authorizer(saved)) = process.platform.core.records.read(&record()).await.unwrap() else {
        panic!("no record")
    };
    assert_eq!(saved.refresh_token.unwrap().expose_secret(), refresh_token);
}

/// A merchant that has authorised, and does so again with other permissions.
fn authorises_again(wechat: &WeChat) -> &'static str {
    let code = "code-c4nary-again";
    wechat.state.lock().codes.insert(code.into(), MERCHANT.into());
    code
}

#[tokio::test]
async fn a_code_that_was_pushed_during_an_outage_is_exchanged_after_it_without_a_call() {
    let wechat = WeChat::start().await;
    let redis = Arc::<FakeRedis>::default();
    let process = Process::ready(&wechat, &Place::Redis, Some(redis.clone())).await;
    process.call(MERCHANT).await.unwrap();
    redis.set_up(false);
    let code = authorises_again(&wechat);
    process.platform.receive_authorization(MERCHANT, code.into(), 1_000_500).await.unwrap_err();
    // Longer than WeChat pushes it again.
    pass(Duration::from_secs(120)).await;
    assert_eq!(wechat.count("api_query_auth"), 0);
    redis.set_up(true);
    until(|| wechat.count("api_query_auth") == 1).await;
    let completed = || process.events.0.lock().iter().any(|event| event.kind.name() == "authorization.completed");
    until(completed).await;
    process.call(MERCHANT).await.unwrap();
    assert_eq!(wechat.count("api_authorizer_token"), 1, "the token came with the code");
}

#[tokio::test]
async fn a_code_that_is_pushed_amid_a_refresh_is_exchanged_after_it() {
    let wechat = WeChat::start().await;
    let process = Process::ready(&wechat, &Place::Memory, None).await;
    process.platform.component.token(&crate::deadline::Deadline::new(Duration::from_secs(5), None)).await.unwrap();
    wechat.state.lock().delay = Duration::from_millis(200);
    let code = authorises_again(&wechat);
    let (called, ()) = tokio::join!(process.call(MERCHANT), async {
        until(|| wechat.count("api_authorizer_token") == 1).await;
        process.platform.receive_authorization(MERCHANT, code.into(), 1_000_500).await.unwrap();
    });
    called.unwrap();
    until(|| wechat.count("api_query_auth") == 1).await;
    let completed = || process.events.0.lock().iter().any(|event| event.kind.name() == "authorization.completed");
    until(completed).await;
}

#[tokio::test]
async fn an_access_token_that_waits_for_its_store_is_not_used_after_a_later_one() {
    let wechat = WeChat::start().await;
    let redis = Arc::<FakeRedis>::default();
    let disk = Disk::default();
    let stores = [(); 2].map(|()| Arc::new(Moody { disk: disk.clone(), ..Moody::default() }));
    let [late, other] =
        [0, 1].map(|n: usize| Process::start(&wechat, &Place::Own(stores[n].clone()), Some(redis.clone())));
    late.ticket().await;
    late.platform.import_authorizer(MERCHANT, wechat.merchant(MERCHANT).into()).await.unwrap();
    late.platform.component.token(&crate::deadline::Deadline::new(Duration::from_secs(5), None)).await.unwrap();
    {
        let mut state = wechat.state.lock();
        (state.rotates, state.overlaps, state.delay) = (true, true, Duration::from_millis(100));
    }
    let (failed, ()) = tokio::join!(late.call(MERCHANT), async {
        until(|| wechat.count("api_authorizer_token") == 1).await;
        stores[0].fails.store(true, Ordering::Relaxed);
    });
    failed.unwrap_err();
    // WeChat gives lives in whole seconds.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    other.call(MERCHANT).await.unwrap();
    late.call(MERCHANT).await.unwrap();
    stores[0].fails.store(false, Ordering::Relaxed);
    // The merchant's token is rejected: what waits is no help.
    wechat.revoke_access_tokens(MERCHANT);
    let before = wechat.count("getwxacodeunlimit");
    late.call(MERCHANT).await.unwrap();
    assert_eq!(wechat.count("getwxacodeunlimit"), before + 2, "{:?}", wechat.calls());
    assert_eq!(wechat.count("api_authorizer_token"), 3);
}

#[tokio::test]
async fn a_refresh_token_that_a_full_disk_did_not_take_is_not_taken_for_saved() {
    let folder = std::env::temp_dir().join(format!("wxacode-{}", crate::seal::random_id()));
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("wechat.json").display().to_string();
    let wechat = WeChat::start().await;
    let process = Process::start(&wechat, &Place::File(path.clone()), None);
    process.ticket().await;
    // A folder in the place of the neighbour: the file cannot be written.
    let trap = folder.join("wechat.json.tmp");
    std::fs::create_dir(&trap).unwrap();
    process.platform.import_authorizer(MERCHANT, wechat.merchant(MERCHANT).into()).await.unwrap_err();
    // It is tried again in the background too.
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        let error = process.call_within(MERCHANT, Duration::from_millis(800)).await.unwrap_err();
        assert_eq!(error.code(), "ERR_WXA_STORE");
    }
    assert_eq!((process.platform.core.records.unsaved(), wechat.count("api_authorizer_token")), (1, 0));
    std::fs::remove_dir(&trap).unwrap();
    process.call(MERCHANT).await.unwrap();
    process.platform.release().await;
    let next = Process::start(&wechat, &Place::File(path), None);
    assert!(next.platform.core.records.read(&record()).await.unwrap().is_some());
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_merchant_that_is_imported_again_keeps_its_access_token() {
    let wechat = WeChat::start().await;
    let redis = Arc::<FakeRedis>::default();
    let process = Process::ready(&wechat, &Place::Redis, Some(redis.clone())).await;
    process.call(MERCHANT).await.unwrap();
    // What a service does at each start of its processes.
    let next = Process::start(&wechat, &Place::Redis, Some(redis.clone()));
    let refresh_token = wechat.state.lock().merchants[MERCHANT].refresh_token.clone();
    next.platform.import_authorizer(MERCHANT, refresh_token.into()).await.unwrap();
    for process in [&process, &next] {
        process.call(MERCHANT).await.unwrap();
    }
    assert_eq!(wechat.count("api_authorizer_token"), 1);
    next.platform.import_authorizer(MERCHANT, "refresh-c4nary-other".into()).await.unwrap();
    next.call(MERCHANT).await.unwrap();
    assert_eq!(wechat.count("api_authorizer_token"), 3, "refused, and then by the list");
}
