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

#[tokio::test(start_paused = true)]
async fn a_leader_renews_its_lock_while_its_code_waits_to_be_stored() {
    let redis = Arc::new(FakeRedis::default());
    let place = KeySpace { prefix: "p:".into(), account: "wx:print".into() };
    let events = EventSource::new(Arc::default(), "wx", None);
    let codes = Arc::new(SharedQrCodes::new(redis.clone(), &"s".into(), place, events, None, 1 << 20));
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
