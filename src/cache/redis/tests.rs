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

#[tokio::test(start_paused = true)]
async fn a_leader_renews_its_lock_while_its_qr_code_waits_to_be_stored() {
    let redis = Arc::new(FakeRedis::default());
    let key_space = KeySpace { prefix: "p:".into(), account: "wx:id".into() };
    let events = EventSource::new(Arc::default(), "wx", None);
    let qr_codes = Arc::new(RedisQrCodes::new(redis.clone(), &"s".into(), key_space, events, None, 1 << 20));
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
