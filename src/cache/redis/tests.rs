use super::*;
use crate::redis::fake::FakeRedis;

#[test]
fn only_a_refusal_of_the_parameters_is_shared_with_waiting_processes() {
    let is_shared = |errcode| {
        let refusal = Refusal { errcode, errmsg: String::new(), rid: None, hint: None };
        StoredRefusal::new(&Error::Api { endpoint: Endpoint::GetUnlimitedQrCode, refusal, subject: None }).is_some()
    };
    for errcode in [40097, 40129, 40159, 40169, 40189, 41030, 45002, 47001, 47002, 85096] {
        assert!(is_shared(errcode), "{errcode}");
    }
    for errcode in [-1, 40001, 40164, 45009, 45011, 45029, 48001, 61004, 123_456] {
        assert!(!is_shared(errcode), "{errcode}");
    }
    assert!(StoredRefusal::new(&Error::Closed).is_none());
}

fn shared_codes(redis: &Arc<FakeRedis>) -> Arc<RedisQrCodes> {
    let key_space = KeySpace { prefix: "p:".into(), account: "wx:id".into() };
    let events = EventSource::new(Arc::default(), "wx", None);
    Arc::new(RedisQrCodes::new(redis.clone(), &"s".into(), key_space, events, None, 1 << 20))
}

#[tokio::test(start_paused = true)]
async fn a_reply_of_no_known_form_is_an_error() {
    let lock = QrCodeLock::new(shared_codes(&Arc::default()), &b"a".to_vec());
    let text = |text: &str| Value::BulkString(text.into());
    assert!(matches!(lock.read(Value::Array(vec![text("locked")])), Ok(Lookup::Locked)));
    assert!(matches!(lock.read(Value::Array(vec![text("fetch")])), Ok(Lookup::FetchWithoutLock)));
    let foreign = lock.read(Value::Array(vec![text("result"), text("n")]));
    assert!(matches!(foreign, Ok(Lookup::FetchWithoutLock)), "the lock has waited for no owner");
    match lock.read(Value::Array(vec![text("wait"), Value::Int(7), text("owner")])) {
        Ok(Lookup::Wait(time, owner)) => assert_eq!((time, owner.as_str()), (Duration::from_millis(7), "owner")),
        _ => panic!("a wait"),
    }
    for reply in [
        Value::Nil,
        Value::Array(Vec::new()),
        Value::Array(vec![text("other")]),
        Value::Array(vec![text("locked"), text("n")]),
        Value::Array(vec![text("fetch"), Value::Int(7), text("owner")]),
        Value::Array(vec![text("wait"), text("sealed"), Value::Int(7)]),
    ] {
        let shown = format!("{reply:?}");
        assert!(lock.read(reply).is_err(), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_renews_its_lock_while_its_qr_code_waits_to_be_stored() {
    let redis = Arc::new(FakeRedis::default());
    let qr_codes = shared_codes(&redis);
    let identity = b"a".to_vec();
    let [qr_code, lock] = qr_codes.keys(&identity);
    let mut leader = QrCodeLock::new(qr_codes.clone(), &identity);
    assert!(matches!(leader.get_or_lock().await, Ok(Lookup::Locked)));
    let others = qr_codes.store_permits.acquire_many(MAX_STORES as u32).await.unwrap();
    leader.finish(&Ok("an image".into()));
    sleep(3 * LOCK_TTL).await;
    assert!(redis.database().text(&lock).is_some() && redis.database().bytes(&qr_code).is_none());
    drop(others);
    sleep(RENEW_INTERVAL).await;
    assert_eq!(redis.database().keys(), [qr_code]);
}
