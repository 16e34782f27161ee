//! What survives: stores that fail, processes that end, a Redis that is emptied.

use std::sync::atomic::Ordering;

use futures_util::future::BoxFuture;

use super::own_stores::{Disk, Moody, Mortal};
use super::*;
use crate::platform::push::{Authorization, PlatformEvent};
use crate::redis::fake::FakeRedis;

const OTHER: &str = "wx00000000000000ee";

/// A life of a process: everything that changes a record. Returns whether the push of the authorisation was answered.
async fn live(process: &Process, wechat: &WeChat) -> bool {
    let core = &process.platform.core;
    let _ = core.receive_ticket(TICKET.into(), 1_000).await;
    let refresh_token = wechat.state.lock().merchants[MERCHANT].refresh_token.clone();
    let _ = process.platform.import_authorizer(MERCHANT, refresh_token.into()).await;
    let timeout = Duration::from_millis(300);
    let _ = process.call_within(MERCHANT, timeout).await;
    wechat.state.lock().codes.insert("code-c4nary".into(), OTHER.into());
    let pushed = process.platform.receive_authorization(OTHER, "code-c4nary".into(), 1_000_500).await;
    let _ = process.call_within(OTHER, timeout).await;
    wechat.revoke_access_tokens(MERCHANT);
    let _ = process.call_within(MERCHANT, timeout).await;
    pushed.is_ok()
}

#[tokio::test]
async fn a_process_that_dies_at_any_operation_of_its_store_loses_no_merchant() {
    let mut lives = 0;
    for dies_at in 0..40 {
        for after in [false, true] {
            let (wechat, disk) = (WeChat::start().await, Disk::default());
            wechat.merchant(MERCHANT);
            wechat.state.lock().rotates = true;
            let store = Mortal::new(&disk, dies_at, after);
            let process = Process::start(&wechat, &Place::Own(store.clone()), None);
            let answered = live(&process, &wechat).await;
            if store.operations.load(Ordering::Relaxed) <= dies_at {
                assert!(dies_at > 8, "the life is too short to show anything: {dies_at}");
                return assert!(lives > 16);
            }
            lives += 1;
            drop(process);
            let next = Process::start(&wechat, &Place::Own(Mortal::healthy(&disk)), None);
            // WeChat pushes tickets for ever, and what was not answered again.
            next.platform.core.receive_ticket(TICKET.into(), 1_001).await.unwrap();
            if !answered {
                next.platform.receive_authorization(OTHER, "code-c4nary".into(), 1_000_500).await.unwrap();
            }
            let at = format!("operation {dies_at}, after {after}: {:?}", wechat.calls());
            for merchant in [MERCHANT, OTHER] {
                next.call(merchant).await.unwrap_or_else(|error| panic!("{merchant}: {error} at {at}"));
            }
        }
    }
}

#[tokio::test]
async fn an_access_token_is_used_only_when_its_refresh_token_is_saved() {
    let wechat = WeChat::start().await;
    wechat.state.lock().rotates = true;
    let store = Arc::<Moody>::default();
    let process = Process::ready(&wechat, &Place::Own(store.clone()), None).await;
    process.call(MERCHANT).await.unwrap();
    let saved = store.disk.lock().clone();
    wechat.revoke_access_tokens(MERCHANT);
    pass(Duration::from_secs(40)).await;
    // Reads go on, and the write after the answer fails.
    let failing = store.clone();
    wechat.state.lock().delay = Duration::from_millis(100);
    let (call, ()) = tokio::join!(process.call_within(MERCHANT, Duration::from_secs(2)), async {
        until(|| wechat.count("api_authorizer_token") == 2).await;
        failing.fails.store(true, Ordering::Relaxed);
    });
    wechat.state.lock().delay = Duration::ZERO;
    assert_eq!(call.unwrap_err().code(), "ERR_WXA_STORE");
    assert_eq!(*store.disk.lock(), saved);
    let codes = wechat.count("getwxacodeunlimit");
    process.call_within(MERCHANT, Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(wechat.count("getwxacodeunlimit"), codes, "the new token was shown to nobody");
    store.fails.store(false, Ordering::Relaxed);
    process.call(MERCHANT).await.unwrap();
    assert_eq!(wechat.count("api_authorizer_token"), 2, "the token that waited is used");
    assert_ne!(*store.disk.lock(), saved);
}

#[tokio::test]
async fn a_cancelled_refresh_saves_its_refresh_token() {
    let wechat = WeChat::start().await;
    wechat.state.lock().rotates = true;
    let store = Arc::<Moody>::default();
    let process = Process::ready(&wechat, &Place::Own(store.clone()), None).await;
    process.platform.component.token(&crate::deadline::Deadline::new(Duration::from_secs(5), None)).await.unwrap();
    wechat.state.lock().delay = Duration::from_millis(100);
    let client = process.client(MERCHANT);
    let sets = store.sets.lock().len();
    tokio::select! {
        _ = process.call(MERCHANT) => panic!("too fast"),
        () = until(|| wechat.count("api_authorizer_token") == 1) => {}
    }
    // The last user of the token: its refreshes are cancelled.
    client.dispose();
    until(|| store.sets.lock().len() > sets).await;
    process.call(MERCHANT).await.unwrap();
    assert_eq!(wechat.count("api_authorizer_token"), 1);
}

/// A store whose reads wait while its gate is closed.
struct Gated {
    disk: Disk,
    open: tokio::sync::watch::Sender<bool>,
}

impl StoreFunctions for Gated {
    fn get(&self, key: String) -> BoxFuture<'static, Result<Option<Vec<u8>>>> {
        let (disk, mut open) = (self.disk.clone(), self.open.subscribe());
        Box::pin(async move {
            let _ = open.wait_for(|open| *open).await;
            Ok(disk.lock().get(&key).cloned())
        })
    }

    fn set(&self, key: String, value: Vec<u8>) -> BoxFuture<'static, Result<()>> {
        self.disk.lock().insert(key, value);
        Box::pin(async { Ok(()) })
    }

    fn delete(&self, key: String) -> BoxFuture<'static, Result<()>> {
        self.disk.lock().remove(&key);
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn a_refresh_that_was_given_up_sends_nothing_more() {
    let wechat = WeChat::start().await;
    let store = Arc::new(Gated { disk: Disk::default(), open: tokio::sync::watch::Sender::new(true) });
    let process = Process::ready(&wechat, &Place::Own(store.clone()), None).await;
    process.platform.component.token(&crate::deadline::Deadline::new(Duration::from_secs(5), None)).await.unwrap();
    let client = process.client(MERCHANT);
    let idle = Arc::strong_count(&process.platform);
    store.open.send_replace(false);
    tokio::select! {
        _ = process.call(MERCHANT) => panic!("the gate is closed"),
        () = until(|| store.open.receiver_count() > 0) => {}
    }
    // The lock is another process's from now on.
    client.dispose();
    store.open.send_replace(true);
    until(|| Arc::strong_count(&process.platform) == idle).await;
    assert_eq!(wechat.count("api_authorizer_token"), 0);
}

#[tokio::test]
async fn a_store_that_hangs_is_an_error_and_valid_tokens_serve_on() {
    let wechat = WeChat::start().await;
    let store = Arc::<Moody>::default();
    let process = Process::ready(&wechat, &Place::Own(store.clone()), None).await;
    process.call(MERCHANT).await.unwrap();
    store.hangs.store(true, Ordering::Relaxed);
    process.call_within(MERCHANT, Duration::from_millis(500)).await.unwrap();
    let begun = std::time::Instant::now();
    let error = process.platform.core.receive_ticket("ticket@@@c4nary2".into(), 2_000).await.unwrap_err();
    assert_eq!(error.code(), "ERR_WXA_STORE");
    assert!(begun.elapsed() < Duration::from_secs(4));
    assert_eq!(process.platform.core.tickets.current().unwrap().create_time, 2_000, "it is used from memory");
    store.hangs.store(false, Ordering::Relaxed);
    until(|| process.platform.core.records.unsaved() == 0).await;
}

#[tokio::test]
async fn a_push_is_answered_before_wechat_stops_waiting_however_slow_its_store_is_and_is_saved_all_the_same() {
    let wechat = WeChat::start().await;
    let store = Arc::<Moody>::default();
    let process = Process::ready(&wechat, &Place::Own(store.clone()), None).await;
    wechat.state.lock().codes.insert("code-c4nary".into(), OTHER.into());
    // In time for each of its operations, and not for all of them.
    store.takes.store(2_500, Ordering::Relaxed);
    let begun = std::time::Instant::now();
    let pushed = PlatformEvent::Authorized(Authorization {
        authorizer_appid: OTHER.to_owned(),
        authorization_code: "code-c4nary".into(),
        code_expires: None,
        pre_auth_code: None,
        create_time: 1_000_500,
    });
    let error = process.platform.receive(&pushed).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_millis(4_900), "{:?}", begun.elapsed());
    assert_eq!(error.code(), "ERR_WXA_STORE");
    assert!(error.to_string().contains("WeChat sends the push again"), "{error}");
    until(|| store.disk.lock().keys().any(|key| key.contains(OTHER))).await;
    store.takes.store(0, Ordering::Relaxed);
    process.platform.receive(&pushed).await.unwrap();
    process.call(OTHER).await.unwrap();
}

#[tokio::test]
async fn an_emptied_redis_gets_back_what_living_processes_know() {
    let wechat = WeChat::start().await;
    let redis = Arc::<FakeRedis>::default();
    let living = Process::ready(&wechat, &Place::Redis, Some(redis.clone())).await;
    living.call(MERCHANT).await.unwrap();
    // So that it has asked for changes once.
    tokio::time::sleep(Duration::from_millis(600)).await;
    redis.database().clear();
    let restored = || living.events.0.lock().iter().any(|event| event.kind.name() == "store.restored");
    until(restored).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let cold = Process::start(&wechat, &Place::Redis, Some(redis.clone()));
    cold.call(MERCHANT).await.unwrap();
    let counts =
        ["api_component_token", "api_authorizer_token", "api_get_authorizer_list"].map(|call| wechat.count(call));
    assert_eq!(counts, [1, 1, 0]);
}

#[tokio::test]
async fn a_cold_process_with_an_emptied_redis_recovers_by_the_list_and_the_next_push() {
    let wechat = WeChat::start().await;
    wechat.merchant(MERCHANT);
    let process = Process::start(&wechat, &Place::Redis, Some(Arc::<FakeRedis>::default()));
    let error = process.call_within(MERCHANT, Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(error.code(), "ERR_WXA_TICKET");
    process.ticket().await;
    process.call(MERCHANT).await.unwrap();
    until(|| process.events.0.lock().iter().any(|event| event.kind.name() == "store.restored")).await;
}

#[tokio::test]
async fn without_redis_valid_tokens_serve_on_and_nothing_is_refreshed() {
    let wechat = WeChat::start().await;
    let redis = Arc::<FakeRedis>::default();
    let process = Process::ready(&wechat, &Place::Redis, Some(redis.clone())).await;
    process.call(MERCHANT).await.unwrap();
    redis.set_up(false);
    process.call(MERCHANT).await.unwrap();
    wechat.revoke_access_tokens(MERCHANT);
    let error = process.call_within(MERCHANT, Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(error.code(), "ERR_WXA_STORE");
    assert_eq!(wechat.count("api_authorizer_token"), 1);
}

#[tokio::test]
async fn a_late_writer_does_not_replace_a_newer_refresh_token() {
    let wechat = WeChat::start().await;
    let redis = Arc::<FakeRedis>::default();
    let [late, other] = [(); 2].map(|()| Process::start(&wechat, &Place::Redis, Some(redis.clone())));
    late.ticket().await;
    late.platform.import_authorizer(MERCHANT, wechat.merchant(MERCHANT).into()).await.unwrap();
    wechat.state.lock().rotates = true;
    // The lock of `late` has expired while it was suspended: both refresh.
    wechat.state.lock().delay = Duration::from_millis(200);
    let slow = late.client(MERCHANT);
    let begun = tokio::spawn(async move { slow.access_token(false, None).await });
    until(|| wechat.count("api_authorizer_token") == 1).await;
    other.platform.import_authorizer(MERCHANT, "refresh-c4nary-newer".into()).await.unwrap();
    let _ = begun.await.unwrap();
    let key = store::RecordKey::Authorizer(MERCHANT.to_owned());
    let Some(records::Record::Authorizer(kept)) = other.platform.core.records.read(&key).await.unwrap() else {
        panic!("no record")
    };
    assert_eq!(kept.refresh_token.unwrap().expose_secret(), "refresh-c4nary-newer");
}

#[tokio::test]
async fn a_locked_or_damaged_file_is_no_outage() {
    let folder = std::env::temp_dir().join(format!("wxacode-{}", crate::seal::random_id()));
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("wechat.json").display().to_string();
    let wechat = WeChat::start().await;
    let first = Process::ready(&wechat, &Place::File(path.clone()), None).await;
    first.call(MERCHANT).await.unwrap();
    let second = Process::start(&wechat, &Place::File(path.clone()), None);
    for error in [
        second.platform.core.receive_ticket(TICKET.into(), 2_000).await.unwrap_err(),
        second.platform.import_authorizer(MERCHANT, "r".into()).await.unwrap_err(),
        second.call(MERCHANT).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), "ERR_WXA_STORE");
        assert!(error.to_string().contains("redis"), "{error}");
    }
    assert_eq!(wechat.count("api_component_token"), 1);
    first.platform.release().await;
    second.call(MERCHANT).await.unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_record_in_an_own_store_that_does_not_open_may_be_another_secrets_and_stays() {
    let wechat = WeChat::start().await;
    let disk = Disk::default();
    let first = Process::ready(&wechat, &Place::Own(Mortal::healthy(&disk)), None).await;
    first.call(MERCHANT).await.unwrap();
    for value in disk.lock().values_mut() {
        value.reverse();
    }
    let before = disk.lock().clone();
    let process = Process::start(&wechat, &Place::Own(Mortal::healthy(&disk)), None);
    for error in [
        process.platform.core.receive_ticket(TICKET.into(), 2_000).await.unwrap_err(),
        process.platform.import_authorizer(MERCHANT, "r".into()).await.unwrap_err(),
        process.call(MERCHANT).await.unwrap_err(),
    ] {
        assert_eq!((error.code(), error.reason()), ("ERR_WXA_STORE", Some("damaged")));
    }
    assert_eq!(*disk.lock(), before);
}
