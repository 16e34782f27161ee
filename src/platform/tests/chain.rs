//! The chain of credentials, and what each refusal costs in requests.

use super::*;
use crate::redis::fake::FakeRedis;

const CODE: &str = "getwxacodeunlimit";

#[tokio::test]
async fn a_cold_call_makes_one_request_for_each_credential() {
    let wechat = WeChat::start().await;
    let process = Process::ready(&wechat, &Place::Memory, None).await;
    let calls = join_all((0..50).map(|_| process.call(MERCHANT))).await;
    assert!(calls.iter().all(Result::is_ok), "{calls:?}");
    let counts = ["api_component_token", "api_authorizer_token", CODE].map(|call| wechat.count(call));
    assert_eq!(counts, [1, 1, 50]);
}

#[tokio::test]
async fn two_hundred_merchants_share_one_component_token() {
    let wechat = WeChat::start().await;
    let process = Process::ready(&wechat, &Place::Memory, None).await;
    let appids: Vec<_> = (0..200).map(|n| format!("wx{n:016}")).collect();
    for appid in &appids {
        process.platform.import_authorizer(appid, wechat.merchant(appid).into()).await.unwrap();
    }
    let calls = join_all(appids.iter().map(|appid| process.call(appid))).await;
    assert!(calls.iter().all(Result::is_ok));
    assert_eq!(["api_component_token", "api_authorizer_token"].map(|call| wechat.count(call)), [1, 200]);
}

#[tokio::test]
async fn a_fleet_makes_one_request_for_each_credential() {
    let wechat = WeChat::start().await;
    let redis = Arc::<FakeRedis>::default();
    let first = Process::ready(&wechat, &Place::Redis, Some(redis.clone())).await;
    let others: Vec<_> = (0..7).map(|_| Process::start(&wechat, &Place::Redis, Some(redis.clone()))).collect();
    let fleet: Vec<_> = std::iter::once(&first).chain(&others).collect();
    let calls = join_all(fleet.iter().flat_map(|process| (0..20).map(|_| process.call(MERCHANT)))).await;
    assert!(calls.iter().all(Result::is_ok), "{:?}", calls.iter().find(|call| call.is_err()));
    assert_eq!(["api_component_token", "api_authorizer_token", CODE].map(|call| wechat.count(call)), [1, 1, 160]);
}

#[tokio::test]
async fn a_call_waits_for_the_first_ticket_within_its_time() {
    let wechat = WeChat::start().await;
    let process = Process::alone(&wechat);
    let refresh_token = wechat.merchant(MERCHANT);
    process.platform.import_authorizer(MERCHANT, refresh_token.into()).await.unwrap();
    let error = process.call_within(MERCHANT, Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(code(&error), ("ERR_WXA_TICKET", None));
    let text = error.to_string();
    assert!(text.contains("no push has come yet") && text.contains("startPushTicket"), "{text}");
    assert!(wechat.calls().is_empty(), "an empty ticket is never sent");
    let (call, ()) = tokio::join!(process.call(MERCHANT), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        process.ticket().await;
    });
    call.unwrap();
    assert_eq!(wechat.count("api_component_token"), 1);
}

#[tokio::test]
async fn a_refused_ticket_is_sent_once_and_a_newer_one_ends_the_wait() {
    for errcode in [61005, 61006] {
        let wechat = WeChat::start().await;
        let process = Process::ready(&wechat, &Place::Memory, None).await;
        wechat.script("api_component_token", [WeChat::refusal(errcode)]);
        let calls = (0..20).map(|_| process.call_within(MERCHANT, Duration::from_millis(100)));
        for call in join_all(calls).await {
            let error = call.unwrap_err();
            assert_eq!(code(&error), ("ERR_WXA_API", Some(errcode)));
            assert!(error.to_string().contains("the last push came"), "{error}");
        }
        assert_eq!(wechat.count("api_component_token"), 1);
        assert!(
            !process.platform.core.receive_ticket(TICKET.into(), 999).await.unwrap(),
            "an older one changes nothing"
        );
        let (call, newer) = tokio::join!(process.call(MERCHANT), async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            process.platform.core.receive_ticket(TICKET.into(), 1_001).await
        });
        assert!(call.is_ok() && newer.unwrap());
        assert_eq!(wechat.count("api_component_token"), 2);
    }
}

#[tokio::test]
async fn a_component_token_that_is_gone_is_replaced_once_for_all() {
    let wechat = WeChat::start().await;
    let process = Process::ready(&wechat, &Place::Memory, None).await;
    let appids: Vec<_> = (0..20).map(|n| format!("wx{n:016}")).collect();
    for appid in &appids {
        process.platform.import_authorizer(appid, wechat.merchant(appid).into()).await.unwrap();
    }
    process.call(MERCHANT).await.unwrap();
    wechat.revoke_component_token();
    let calls = join_all(appids.iter().map(|appid| process.call(appid))).await;
    assert!(calls.iter().all(Result::is_ok), "{calls:?}");
    assert_eq!(wechat.count("api_component_token"), 2);
    assert_eq!(wechat.count("api_authorizer_token"), 1 + 20 + 20, "each merchant asks again once");
}

#[tokio::test]
async fn an_access_token_that_is_gone_is_replaced_once_for_all() {
    let wechat = WeChat::start().await;
    let process = Process::ready(&wechat, &Place::Memory, None).await;
    process.call(MERCHANT).await.unwrap();
    wechat.revoke_access_tokens(MERCHANT);
    let calls = join_all((0..20).map(|_| process.call(MERCHANT))).await;
    assert!(calls.iter().all(Result::is_ok), "{calls:?}");
    assert_eq!(["api_component_token", "api_authorizer_token"].map(|call| wechat.count(call)), [1, 2]);
}

#[tokio::test]
async fn a_token_that_is_always_refused_costs_few_requests() {
    let wechat = WeChat::start().await;
    let process = Process::ready(&wechat, &Place::Memory, None).await;
    wechat.script(CODE, (0..200).map(|_| WeChat::refusal(40001)));
    for _ in 0..10 {
        assert_eq!(code(&process.call(MERCHANT).await.unwrap_err()), ("ERR_WXA_API", Some(40001)));
    }
    assert_eq!(["api_component_token", "api_authorizer_token"].map(|call| wechat.count(call)), [1, 2]);
    wechat.script("api_authorizer_token", (0..200).map(|_| WeChat::refusal(40001)));
    let other = "wx00000000000000bb";
    process.platform.import_authorizer(other, wechat.merchant(other).into()).await.unwrap();
    for _ in 0..10 {
        assert_eq!(code(&process.call(other).await.unwrap_err()), ("ERR_WXA_API", Some(40001)));
    }
    assert!(
        wechat.count("api_component_token") <= 2 && wechat.count("api_authorizer_token") <= 4,
        "{:?}",
        wechat.calls()
    );
}

#[tokio::test]
async fn a_component_token_that_was_refused_twice_in_a_row_holds_up_its_merchants_for_ten_seconds() {
    let wechat = WeChat::start().await;
    let process = Process::ready(&wechat, &Place::Memory, None).await;
    wechat.script("api_authorizer_token", [WeChat::refusal(40001), WeChat::refusal(40001)]);
    for _ in 0..3 {
        assert_eq!(code(&process.call(MERCHANT).await.unwrap_err()), ("ERR_WXA_API", Some(40001)));
    }
    assert_eq!(["api_component_token", "api_authorizer_token"].map(|call| wechat.count(call)), [2, 2]);
    pass(Duration::from_secs(11)).await;
    process.call(MERCHANT).await.unwrap();
    assert_eq!(["api_component_token", "api_authorizer_token"].map(|call| wechat.count(call)), [2, 3]);
}

#[tokio::test]
async fn a_refused_refresh_token_is_looked_up_once() {
    let wechat = WeChat::start().await;
    let process = Process::ready(&wechat, &Place::Memory, None).await;
    wechat.state.lock().merchants.get_mut(MERCHANT).unwrap().refresh_token = "refresh-c4nary-other".into();
    process.call(MERCHANT).await.unwrap();
    assert_eq!(["api_authorizer_token", "api_get_authorizer_list"].map(|call| wechat.count(call)), [2, 1]);
    // The list has none but the one that was refused.
    wechat.revoke_access_tokens(MERCHANT);
    wechat.script("api_authorizer_token", [WeChat::refusal(61023)]);
    pass(Duration::from_secs(40)).await;
    for _ in 0..10 {
        assert_eq!(code(&process.call(MERCHANT).await.unwrap_err()), ("ERR_WXA_API", Some(61023)));
    }
    assert_eq!(["api_authorizer_token", "api_get_authorizer_list"].map(|call| wechat.count(call)), [3, 2]);
}

#[tokio::test]
async fn a_merchant_without_authorisation_is_asked_for_once_a_minute() {
    let wechat = WeChat::start().await;
    let process = Process::ready(&wechat, &Place::Memory, None).await;
    let stranger = "wx00000000000000cc";
    for _ in 0..10 {
        let error = process.call(stranger).await.unwrap_err();
        assert_eq!(code(&error), ("ERR_WXA_API", Some(61003)));
        assert!(error.to_string().contains("authorise"), "{error}");
    }
    assert_eq!(wechat.count("api_get_authorizer_list"), 1);
    pass(Duration::from_secs(61)).await;
    process.call(stranger).await.unwrap_err();
    assert_eq!(wechat.count("api_get_authorizer_list"), 2);
    // An import ends the memory.
    process.platform.import_authorizer(stranger, wechat.merchant(stranger).into()).await.unwrap();
    process.call(stranger).await.unwrap();
}

#[tokio::test]
async fn one_reading_of_the_list_serves_many_merchants_and_fills_the_store() {
    let wechat = WeChat::start().await;
    let process = Process::alone(&wechat);
    process.ticket().await;
    let appids: Vec<_> = (0..1200).map(|n| format!("wx{n:016}")).collect();
    for appid in &appids {
        wechat.merchant(appid);
    }
    let calls = join_all(appids[..40].iter().map(|appid| process.call(appid))).await;
    assert!(calls.iter().all(Result::is_ok), "{calls:?}");
    assert_eq!(wechat.count("api_get_authorizer_list"), 3, "three pages");
    let restored = || process.events.0.lock().iter().any(|event| event.kind.name() == "store.restored");
    until(restored).await;
    pass(Duration::from_secs(10)).await;
    process.call(&appids[1199]).await.unwrap();
    assert_eq!(wechat.count("api_get_authorizer_list"), 3, "the store has it now");
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_asked_for_seldom_however_many_merchants_need_it() {
    let wechat = WeChat::start().await;
    let process = Process::alone(&wechat);
    process.ticket().await;
    let appids: Vec<_> = (0..100).map(|n| format!("wx{n:016}")).collect();
    for appid in &appids {
        wechat.merchant(appid);
    }
    wechat.script("api_get_authorizer_list", (0..1_000).map(|_| WeChat::refusal(-1)));
    let timeout = Duration::from_secs(3);
    for call in join_all(appids.iter().map(|appid| process.call_within(appid, timeout))).await {
        let error = call.unwrap_err();
        assert!(error.errcode() == Some(-1) || error.code() == "ERR_WXA_TIMEOUT", "{error}");
    }
    // After 0.5 s, 1 s, 2 s and so on, each of them shortened at random.
    let asked = wechat.count("api_get_authorizer_list");
    assert!((1..=20).contains(&asked), "{asked}");
    wechat.state.lock().scripted.clear();
    pass(Duration::from_secs(61)).await;
    process.call(&appids[0]).await.unwrap();
    assert_eq!(wechat.count("api_get_authorizer_list"), asked + 1);
}

#[tokio::test]
async fn a_merchant_whose_call_is_refused_with_61003_loses_its_token() {
    let wechat = WeChat::start().await;
    let process = Process::ready(&wechat, &Place::Memory, None).await;
    process.call(MERCHANT).await.unwrap();
    wechat.script(CODE, [WeChat::refusal(61003)]);
    assert_eq!(code(&process.call(MERCHANT).await.unwrap_err()), ("ERR_WXA_API", Some(61003)));
    let before = wechat.calls().len();
    let is_remembered = || process.platform.core.merchant(MERCHANT).cache.current().is_none();
    until(is_remembered).await;
    assert_eq!(code(&process.call(MERCHANT).await.unwrap_err()), ("ERR_WXA_API", Some(61003)));
    assert_eq!(wechat.calls().len(), before, "no request for a minute");
    pass(Duration::from_secs(61)).await;
    process.call(MERCHANT).await.unwrap();
}

#[tokio::test]
async fn a_busy_wechat_is_asked_again() {
    let wechat = WeChat::start().await;
    let process = Process::ready(&wechat, &Place::Memory, None).await;
    wechat.script("api_authorizer_token", [WeChat::refusal(-1)]);
    process.call(MERCHANT).await.unwrap();
    assert_eq!(wechat.count("api_authorizer_token"), 2);
}

#[tokio::test]
async fn a_pushed_authorisation_is_completed_and_calls_wait_for_it() {
    let wechat = WeChat::start().await;
    let process = Process::ready(&wechat, &Place::Memory, None).await;
    let merchant = "wx00000000000000dd";
    assert_eq!(code(&process.call(merchant).await.unwrap_err()), ("ERR_WXA_API", Some(61003)));
    wechat.state.lock().codes.insert("code-c4nary".into(), merchant.into());
    wechat.state.lock().delay = Duration::from_millis(30);
    process.platform.receive_authorization(merchant, "code-c4nary".into(), 1_000_100).await.unwrap();
    process.call(merchant).await.unwrap();
    assert_eq!(["api_query_auth", "api_authorizer_token"].map(|call| wechat.count(call)), [1, 0]);
    // A replay of the push, and the page that the merchant returns to.
    process.platform.receive_authorization(merchant, "code-c4nary".into(), 1_000_100).await.unwrap();
    let deadline = crate::deadline::Deadline::new(Duration::from_secs(5), None);
    let (appid, permissions) = process.platform.complete_authorization(&"code-c4nary".into(), &deadline).await.unwrap();
    assert_eq!((appid.as_str(), permissions.as_slice()), (merchant, &[17][..]));
    process.call(merchant).await.unwrap();
    assert_eq!(["api_query_auth", "api_authorizer_token"].map(|call| wechat.count(call)), [1, 0]);
}

#[tokio::test]
async fn a_code_that_cannot_be_exchanged_is_an_event_and_the_earlier_authorisation_goes_on() {
    let wechat = WeChat::start().await;
    let process = Process::ready(&wechat, &Place::Memory, None).await;
    process.platform.receive_authorization(MERCHANT, "wrong-c4nary".into(), 2_000_000).await.unwrap();
    process.call(MERCHANT).await.unwrap();
    let failed = || process.events.0.lock().iter().any(|event| event.kind.name() == "authorization.failed");
    until(failed).await;
    assert_eq!(["api_query_auth", "api_authorizer_token"].map(|call| wechat.count(call)), [1, 1]);
}

#[tokio::test]
async fn a_withdrawal_forgets_the_merchant_in_the_fleet_within_a_second() {
    let wechat = WeChat::start().await;
    let redis = Arc::<FakeRedis>::default();
    let one = Process::ready(&wechat, &Place::Redis, Some(redis.clone())).await;
    let other = Process::start(&wechat, &Place::Redis, Some(redis.clone()));
    other.call(MERCHANT).await.unwrap();
    one.call(MERCHANT).await.unwrap();
    one.platform.receive_withdrawal(MERCHANT, 999_999).await.unwrap();
    one.call(MERCHANT).await.unwrap();
    other.call(MERCHANT).await.unwrap();
    wechat.state.lock().merchants.get_mut(MERCHANT).unwrap().authorized = false;
    one.platform.receive_withdrawal(MERCHANT, 1_000_001).await.unwrap();
    assert_eq!(code(&one.call(MERCHANT).await.unwrap_err()), ("ERR_WXA_API", Some(61003)));
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert_eq!(code(&other.call(MERCHANT).await.unwrap_err()), ("ERR_WXA_API", Some(61003)));
    assert_eq!(wechat.count("api_authorizer_token"), 1);
}

#[tokio::test]
async fn a_removed_merchant_is_not_looked_up() {
    let wechat = WeChat::start().await;
    let process = Process::ready(&wechat, &Place::Memory, None).await;
    process.platform.remove_authorizer(MERCHANT).await.unwrap();
    pass(Duration::from_secs(120)).await;
    assert_eq!(code(&process.call(MERCHANT).await.unwrap_err()), ("ERR_WXA_API", Some(61003)));
    assert_eq!(wechat.count("api_get_authorizer_list"), 0);
}

#[tokio::test]
async fn a_ticket_that_one_process_gets_reaches_the_others() {
    let wechat = WeChat::start().await;
    let redis = Arc::<FakeRedis>::default();
    let [one, other] = [(); 2].map(|()| Process::start(&wechat, &Place::Redis, Some(redis.clone())));
    one.platform.import_authorizer(MERCHANT, wechat.merchant(MERCHANT).into()).await.unwrap();
    let (call, ()) = tokio::join!(other.call(MERCHANT), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        one.ticket().await;
    });
    call.unwrap();
}

#[tokio::test]
async fn no_secret_is_in_an_error_or_event() {
    let wechat = WeChat::start().await;
    let process = Process::ready(&wechat, &Place::Memory, None).await;
    let mut errors = Vec::new();
    let refusal = |text: &str| serde_json::json!({ "errcode": 61011, "errmsg": text });
    let refresh_token = wechat.state.lock().merchants[MERCHANT].refresh_token.clone();
    wechat.script("api_component_token", [refusal(&format!("wrong {TICKET} of component-s3cret"))]);
    errors.push(process.call(MERCHANT).await.unwrap_err());
    pass(Duration::from_secs(61)).await;
    wechat.script("api_authorizer_token", [refusal(&format!("wrong {refresh_token}"))]);
    errors.push(process.call(MERCHANT).await.unwrap_err());
    let deadline = crate::deadline::Deadline::new(Duration::from_secs(5), None);
    wechat.script("api_query_auth", [refusal("wrong queryauth@@@c4nary-code")]);
    let completed = process.platform.complete_authorization(&"queryauth@@@c4nary-code".into(), &deadline).await;
    errors.push(completed.unwrap_err());
    let texts: Vec<_> = errors.iter().map(|error| format!("{error} {error:?}")).collect();
    let events = format!("{:?}", process.events.0.lock());
    for text in texts.iter().chain([&events]) {
        assert!(!text.contains("c4nary") && !text.contains("s3cret"), "{text}");
    }
}
