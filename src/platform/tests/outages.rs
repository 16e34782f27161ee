//! What a process does during an outage of its store, and after it.

use std::sync::atomic::Ordering;

use super::own_stores::Moody;
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
