use super::*;
use crate::redis::fake::FakeRedis;

#[test]
fn only_a_refusal_of_the_parameters_is_shared_with_waiting_processes() {
    let is_shared = |errcode| {
        let refusal = Refusal { errcode, errmsg: String::new(), rid: None, hint: None };
        SharedRefusal::of(&Error::Api { endpoint: Endpoint::GetUnlimitedQrCode, refusal, subject: None }).is_some()
    };
    for errcode in [40097, 40129, 40159, 40169, 40189, 41030, 45002, 47001, 47002, 85096] {
        assert!(is_shared(errcode), "{errcode}");
    }
    for errcode in [-1, 40001, 40164, 45009, 45011, 45029, 48001, 61004, 123_456] {
        assert!(!is_shared(errcode), "{errcode}");
    }
    assert!(SharedRefusal::of(&Error::Closed).is_none());
}

fn shared_codes(redis: &Arc<FakeRedis>) -> Arc<SharedQrCodes> {
    let place = KeySpace { prefix: "p:".into(), account: "wx:print".into() };
    let events = EventSource::new(Arc::default(), "wx", None);
    Arc::new(SharedQrCodes::new(redis.clone(), &"s".into(), place, events, None, 1 << 20))
}

#[tokio::test(start_paused = true)]
async fn a_reply_of_no_known_form_is_an_error() {
    let lock = QrCodeLock::of(shared_codes(&Arc::default()), &b"a".to_vec());
    let text = |text: &str| Value::BulkString(text.into());
    assert!(matches!(lock.read(Value::Array(vec![text("lead")])), Ok(Lookup::Lead)));
    assert!(matches!(lock.read(Value::Array(vec![text("go")])), Ok(Lookup::Go)));
    assert!(matches!(lock.read(Value::Array(vec![text("note"), text("n")])), Ok(Lookup::Go)), "nobody was waited for");
    match lock.read(Value::Array(vec![text("wait"), Value::Int(7), text("owner")])) {
        Ok(Lookup::Wait(time, owner)) => assert_eq!((time, owner.as_str()), (Duration::from_millis(7), "owner")),
        _ => panic!("a wait"),
    }
    for reply in [
        Value::Nil,
        Value::Array(Vec::new()),
        Value::Array(vec![text("other")]),
        Value::Array(vec![text("lead"), text("n")]),
        Value::Array(vec![text("go"), Value::Int(7), text("owner")]),
        Value::Array(vec![text("wait"), text("sealed"), Value::Int(7)]),
    ] {
        let shown = format!("{reply:?}");
        assert!(lock.read(reply).is_err(), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_renews_its_lock_while_its_code_waits_to_be_stored() {
    let redis = Arc::new(FakeRedis::default());
    let codes = shared_codes(&redis);
    let identity = b"a".to_vec();
    let [code, lock] = codes.keys(&identity);
    let mut leader = QrCodeLock::of(codes.clone(), &identity);
    assert!(matches!(leader.look().await, Ok(Lookup::Lead)));
    let others = codes.store_permits.acquire_many(KEPT_AT_ONCE as u32).await.unwrap();
    leader.end(&Ok("a picture".into()));
    sleep(3 * LOCK).await;
    assert!(redis.database().text(&lock).is_some() && redis.database().bytes(&code).is_none());
    drop(others);
    sleep(RENEWAL).await;
    assert_eq!(redis.database().keys(), [code]);
}
