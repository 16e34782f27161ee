//! What a platform says of itself: events, and the ticket of `stats()`.

use super::*;
use crate::redis::fake::FakeRedis;

#[tokio::test]
async fn a_record_in_redis_that_was_changed_is_told_and_replaced() {
    let wechat = WeChat::start().await;
    let redis = Arc::<FakeRedis>::default();
    let first = Process::ready(&wechat, &Place::Redis, Some(redis.clone())).await;
    first.platform.release().await;
    for name in ["ticket", "authorizer"] {
        redis.database().put_field(name, "value", "forged");
    }
    let process = Process::start(&wechat, &Place::Redis, Some(redis.clone()));
    let error = process.call_within(MERCHANT, Duration::from_millis(200)).await.unwrap_err();
    assert_eq!(error.code(), "ERR_WXA_TICKET");
    assert_eq!(redis.database().field_of("ticket", "value").unwrap(), "forged", "reading replaces nothing");
    process.ticket().await;
    process.call(MERCHANT).await.unwrap();
    assert_eq!(wechat.count("api_get_authorizer_list"), 1);
    for name in ["ticket", "authorizer"] {
        let told = process.events.0.lock().iter().any(|event| {
            let text = format!("{:?}", event.kind);
            event.kind.name() == "store.error" && text.contains("DamagedRecord") && text.contains(&format!(":{name}"))
        });
        assert!(told, "{name}");
        assert_ne!(redis.database().field_of(name, "value"), Some("forged".to_owned()), "{name}");
    }
    Process::start(&wechat, &Place::Redis, Some(redis)).call(MERCHANT).await.unwrap();
}

#[tokio::test]
async fn the_count_of_restored_records_is_that_of_the_merchants() {
    let wechat = WeChat::start().await;
    let process = Process::alone(&wechat);
    process.ticket().await;
    let appids: Vec<_> = (0..30).map(|n| format!("wx{n:016}")).collect();
    for appid in &appids {
        wechat.merchant(appid);
    }
    for call in join_all(appids[..12].iter().map(|appid| process.call(appid))).await {
        call.unwrap();
    }
    let restored = || -> usize {
        let events = process.events.0.lock();
        let counts = events.iter().map(|event| match event.kind {
            crate::event::EventKind::Platform(crate::event::PlatformNotice::StoreRestored { records }) => records,
            _ => 0,
        });
        counts.sum()
    };
    until(|| restored() > 0).await;
    assert_eq!(restored(), 30);
}

#[tokio::test]
async fn the_ticket_in_the_store_is_shown_before_any_call_and_locks_no_file() {
    let folder = std::env::temp_dir().join(format!("wxacode-{}", crate::seal::random_id()));
    std::fs::create_dir(&folder).unwrap();
    let wechat = WeChat::start().await;
    let file = Place::File(folder.join("wechat.json").display().to_string());
    for (place, redis) in [(file, None), (Place::Redis, Some(Arc::<FakeRedis>::default() as Arc<dyn ScriptRunner>))] {
        let first = Process::ready(&wechat, &place, redis.clone()).await;
        let second = Process::start(&wechat, &place, redis);
        until(|| second.platform.core.tickets.shown().is_some()).await;
        assert!(second.platform.core.tickets.current().is_none(), "it is not used");
        second.platform.release().await;
        first.call(MERCHANT).await.unwrap();
        first.platform.release().await;
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn waiting_for_a_ticket_is_an_event_once_for_all_calls() {
    let wechat = WeChat::start().await;
    let process = Process::alone(&wechat);
    let calls = (0..5).map(|_| process.platform.component.access_token(false, Some(Duration::from_millis(100))));
    for call in join_all(calls).await {
        assert_eq!(call.unwrap_err().code(), "ERR_WXA_TICKET");
    }
    let awaited = process.events.take().into_iter().filter(|(name, _)| *name == "ticket.awaited");
    assert_eq!(awaited.collect::<Vec<_>>(), [("ticket.awaited", Some("ERR_WXA_TICKET"))]);
}

#[tokio::test(start_paused = true)]
async fn a_change_reaches_another_process_within_a_second_whenever_it_comes() {
    let redis = Arc::<FakeRedis>::default();
    let wechat = WeChat::start().await;
    let [one, other] = [(); 2].map(|()| Process::start(&wechat, &Place::Redis, Some(redis.clone())));
    // So that both have asked once. Time passes only where all wait for it: the figures are the machine's of no load.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let merchant = other.platform.core.merchant(MERCHANT);
    let mut longest = Duration::ZERO;
    for n in 0..40_u64 {
        // At another moment between two polls each time.
        tokio::time::sleep(Duration::from_millis(70)).await;
        merchant.set_known(Some(records::Record::Removed { at: n }));
        let told = tokio::time::Instant::now();
        let is_of_ticket = n % 3 == 0;
        match n % 3 {
            0 => drop(one.platform.core.receive_ticket(TICKET.into(), 1_000 + n).await.unwrap()),
            1 => one.platform.receive_withdrawal(MERCHANT, 2_000_000 + n).await.unwrap(),
            _ => one.platform.import_authorizer(MERCHANT, format!("refresh-c4nary-{n}").into()).await.unwrap(),
        }
        let has_ticket = || other.platform.core.tickets.current().is_some_and(|ticket| ticket.create_time == 1_000 + n);
        while if is_of_ticket { !has_ticket() } else { merchant.known().is_some() } {
            assert!(told.elapsed() < Duration::from_secs(10), "change {n} never came");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        longest = longest.max(told.elapsed());
    }
    assert!(longest < Duration::from_secs(1), "{longest:?}");
    assert!(longest > Duration::from_millis(100), "it is not asked for all the time: {longest:?}");
}
