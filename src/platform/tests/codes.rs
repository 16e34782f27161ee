//! Authorization codes in a fleet: each is exchanged once, and completes the authorisation in every process.

use secrecy::SecretString;

use super::*;
use crate::deadline::Deadline;
use crate::platform::calls::{Granted, MerchantTokens};
use crate::platform::fleet_codes::{Claim, FleetCodes};
use crate::redis::fake::FakeRedis;

const CODE: &str = "code-c4nary";

struct Fleet {
    wechat: WeChat,
    redis: Arc<FakeRedis>,
    one: Process,
    other: Process,
}

/// Two processes with a ticket, and a code of a merchant.
async fn fleet() -> Fleet {
    let (wechat, redis) = (WeChat::start().await, Arc::<FakeRedis>::default());
    let [one, other] = [(); 2].map(|()| Process::start(&wechat, &Place::Redis, Some(redis.clone())));
    one.ticket().await;
    other.platform.component.access_token(false, None).await.unwrap();
    wechat.state.lock().codes.insert(CODE.into(), MERCHANT.into());
    Fleet { wechat, redis, one, other }
}

async fn complete(process: &Process, code: &str) -> Result<(String, Vec<i64>)> {
    let deadline = Deadline::new(Duration::from_secs(20), None);
    process.platform.complete_authorization(&code.into(), &deadline).await
}

/// What a third process has of the fleet's codes.
fn stranger(fleet: &Fleet) -> FleetCodes {
    let core = &fleet.one.platform.core;
    FleetCodes::new(fleet.redis.clone(), &core.secret, core.clock.clone(), core.component_prefix())
}

fn granted(fleet: &Fleet) -> Granted {
    let tokens = MerchantTokens {
        asked_at: 0,
        access_token: "access-c4nary-told".into(),
        expires_in: Some(7200),
        refresh_token: Some("refresh-c4nary-told".into()),
    };
    let requested_at = fleet.one.platform.core.clock.now();
    Granted { requested_at, appid: MERCHANT.into(), permissions: vec![17, 88], tokens }
}

fn has_completed(answer: &Result<(String, Vec<i64>)>) -> bool {
    matches!(answer, Ok((appid, permissions)) if appid == MERCHANT && *permissions == [17])
}

#[tokio::test]
async fn a_code_that_one_process_exchanges_completes_the_authorisation_in_all_of_them() {
    let fleet = fleet().await;
    fleet.wechat.state.lock().delay = Duration::from_millis(30);
    fleet.one.platform.receive_authorization(MERCHANT, CODE.into(), 1_000_100).await.unwrap();
    let answers = join_all([complete(&fleet.other, CODE), complete(&fleet.one, CODE), complete(&fleet.other, CODE)]);
    for answer in answers.await {
        assert!(has_completed(&answer), "{answer:?}");
    }
    assert!(has_completed(&complete(&fleet.other, CODE).await), "later too");
    for process in [&fleet.one, &fleet.other] {
        process.call(MERCHANT).await.unwrap();
    }
    assert_eq!(fleet.wechat.count("api_query_auth"), 1);
    // Two processes that complete it at the same moment may each drop the other's access token once.
    assert!(fleet.wechat.count("api_authorizer_token") <= 2, "{:?}", fleet.wechat.calls());
    let events = format!("{:?} {:?}", fleet.one.events.0.lock(), fleet.other.events.0.lock());
    assert!(!events.contains("AuthorizationFailed"), "{events}");
}

#[tokio::test]
async fn the_push_may_come_to_another_process_than_the_page_and_much_later() {
    let fleet = fleet().await;
    assert!(has_completed(&complete(&fleet.one, CODE).await));
    // Nobody tells of the code any more.
    let told = fleet.redis.database().keys().into_iter().find(|key| key.contains(":code:")).unwrap();
    fleet.redis.database().remove(told.rsplit(':').next().unwrap());
    fleet.other.platform.receive_authorization(MERCHANT, CODE.into(), 1_000_100).await.unwrap();
    for process in [&fleet.one, &fleet.other] {
        process.call(MERCHANT).await.unwrap();
    }
    assert_eq!(["api_query_auth", "api_authorizer_token"].map(|call| fleet.wechat.count(call)), [1, 0]);
}

#[tokio::test]
async fn a_refusal_that_a_process_remembers_ends_when_another_one_has_completed_the_authorisation() {
    let fleet = fleet().await;
    assert_eq!(code(&fleet.other.call(MERCHANT).await.unwrap_err()), ("ERR_WXA_API", Some(61003)));
    assert!(has_completed(&complete(&fleet.one, CODE).await));
    assert!(has_completed(&complete(&fleet.other, CODE).await));
    fleet.other.call(MERCHANT).await.unwrap();
}

#[tokio::test]
async fn a_code_that_is_completed_again_does_not_bring_back_a_refresh_token_that_was_replaced() {
    let fleet = fleet().await;
    assert!(has_completed(&complete(&fleet.one, CODE).await));
    fleet.wechat.state.lock().rotates = true;
    fleet.wechat.revoke_access_tokens(MERCHANT);
    fleet.one.call(MERCHANT).await.unwrap();
    for process in [&fleet.one, &fleet.other] {
        assert!(has_completed(&complete(process, CODE).await));
    }
    let key = store::RecordKey::Authorizer(MERCHANT.to_owned());
    let Some(records::Record::Authorizer(kept)) = fleet.other.platform.core.records.read(&key).await.unwrap() else {
        panic!("no record")
    };
    let current = fleet.wechat.state.lock().merchants[MERCHANT].refresh_token.clone();
    assert_eq!(kept.refresh_token.unwrap().expose_secret(), current);
}

#[tokio::test]
async fn a_process_that_dies_amid_an_exchange_holds_up_the_others_for_three_seconds() {
    let fleet = fleet().await;
    assert!(matches!(stranger(&fleet).claim(&CODE.into()).await, Claim::Ours));
    let begun = tokio::time::Instant::now();
    assert!(has_completed(&complete(&fleet.other, CODE).await));
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(2500), "{took:?}");
    assert_eq!(fleet.wechat.count("api_query_auth"), 1);
}

#[tokio::test]
async fn a_process_that_is_slow_to_tell_is_waited_for_after_a_refusal() {
    let fleet = fleet().await;
    let slow = stranger(&fleet);
    assert!(matches!(slow.claim(&CODE.into()).await, Claim::Ours));
    fleet.wechat.state.lock().codes.clear();
    let told = async {
        until(|| fleet.wechat.count("api_query_auth") == 1).await;
        slow.tell(&CODE.into(), &granted(&fleet)).await;
    };
    let (answer, ()) = tokio::join!(complete(&fleet.other, CODE), told);
    assert_eq!(answer.unwrap(), (MERCHANT.to_owned(), vec![17, 88]));
}

#[tokio::test]
async fn a_code_that_nobody_has_exchanged_is_refused_at_once_and_may_be_tried_by_any_process() {
    let fleet = fleet().await;
    fleet.wechat.script("api_query_auth", [WeChat::refusal(61010), WeChat::refusal(-1)]);
    let begun = tokio::time::Instant::now();
    for _ in 0..2 {
        assert_eq!(code(&complete(&fleet.one, CODE).await.unwrap_err()), ("ERR_WXA_API", Some(61010)));
    }
    assert_eq!(fleet.wechat.count("api_query_auth"), 1, "the process remembers what WeChat has refused for good");
    assert_eq!(code(&complete(&fleet.other, CODE).await.unwrap_err()), ("ERR_WXA_API", Some(-1)));
    assert!(has_completed(&complete(&fleet.other, CODE).await));
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(3), "no process was waited for: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_told_of_a_code_is_sealed_and_stays_ten_minutes() {
    let redis = Arc::<FakeRedis>::default();
    let clock = Clock::manual(Duration::from_secs(1_000_000));
    let secret = SecretString::from("component-s3cret");
    let [one, other] =
        [(); 2].map(|()| FleetCodes::new(redis.clone(), &secret, clock.clone(), "{wx1:component:f}".into()));
    assert!(matches!(one.claim(&CODE.into()).await, Claim::Ours));
    let tokens = MerchantTokens {
        asked_at: 0,
        access_token: "access-c4nary".into(),
        expires_in: Some(7200),
        refresh_token: Some("refresh-c4nary".into()),
    };
    let granted =
        Granted { requested_at: clock.now(), appid: MERCHANT.into(), permissions: vec![17], tokens: tokens.clone() };
    one.tell(&CODE.into(), &granted).await;
    assert!(!redis.database().holds(b"c4nary"), "{:?}", redis.database().keys());
    tokio::time::advance(Duration::from_secs(500)).await;
    let Claim::Told(told) = other.claim(&CODE.into()).await else { panic!("not told") };
    assert_eq!((told.appid.as_str(), told.permissions.as_slice()), (MERCHANT, &[17][..]));
    let left = told.tokens_at(clock.now());
    assert!((6698..=6700).contains(&left.expires_in.unwrap()), "{:?}", left.expires_in);
    assert_eq!(left.refresh_token.unwrap().expose_secret(), "refresh-c4nary");
    assert!(matches!(other.claim(&"another".into()).await, Claim::Ours));
    tokio::time::advance(Duration::from_secs(101)).await;
    assert!(matches!(other.claim(&CODE.into()).await, Claim::Ours));
}

#[tokio::test(start_paused = true)]
async fn without_redis_each_process_exchanges_for_itself() {
    let redis = Arc::<FakeRedis>::default();
    let clock = Clock::manual(Duration::from_secs(1_000_000));
    let codes = FleetCodes::new(redis.clone(), &"s3cret".into(), clock, "p".into());
    redis.set_up(false);
    assert!(matches!(codes.claim(&CODE.into()).await, Claim::Ours));
    assert!(codes.told(&CODE.into(), true).await.is_none());
}
