//! Which of two versions of a record stays: several processes write it, and a store may have been emptied in between.

use std::sync::atomic::Ordering;

use super::own_stores::{Disk, Moody};
use super::*;
use crate::platform::records::{Authorizer, Record, Records, Restore, Ticket};
use crate::platform::store::{KeyNames, MemoryStore, RecordKey, RecordStore, RedisRecordStore};
use crate::redis::fake::FakeRedis;

fn authorizer(refresh_token: &str, authorized_at: u64, obtained_at: u64) -> Record {
    let refresh_token = Some(refresh_token.into());
    Record::Authorizer(Authorizer { refresh_token, authorized_at, obtained_at, ..Authorizer::default() })
}

async fn refresh_token_in(records: &Records) -> String {
    let key = RecordKey::Authorizer(MERCHANT.to_owned());
    let Some(Record::Authorizer(stored)) = records.read(&key).await.unwrap() else { panic!("no record") };
    stored.refresh_token.unwrap().expose_secret().to_owned()
}

#[tokio::test]
async fn a_restored_record_replaces_an_older_one_that_another_process_has_restored_before() {
    let records = Records::new(Arc::<MemoryStore>::default());
    let key = RecordKey::Authorizer(MERCHANT.to_owned());
    for (record, how, is_wanted, stays) in [
        (authorizer("older", 5, 10), Restore::Older, true, "older"),
        (authorizer("newer", 5, 11), Restore::Missing, false, "older"),
        (authorizer("newer", 5, 11), Restore::Older, true, "newer"),
        (authorizer("newer", 5, 11), Restore::Older, false, "newer"),
        (authorizer("older", 5, 10), Restore::Older, false, "newer"),
        (authorizer("of an earlier authorisation", 4, 10), Restore::Older, false, "newer"),
    ] {
        assert_eq!(records.restore(&key, &record, how).await.unwrap(), is_wanted, "{record:?}");
        assert_eq!(refresh_token_in(&records).await, stays);
    }
    let ticket = |value: &str, create_time| {
        Record::Ticket(Ticket { value: value.into(), create_time, received_at: 0, refused: false })
    };
    records.restore(&RecordKey::Ticket, &ticket("t1", 1), Restore::Older).await.unwrap();
    assert!(records.restore(&RecordKey::Ticket, &ticket("t2", 2), Restore::Older).await.unwrap());
    assert!(!records.restore(&RecordKey::Ticket, &ticket("t1", 1), Restore::Older).await.unwrap());
}

#[test]
fn a_refresh_token_is_later_than_the_one_before_whatever_the_clock_says() {
    let before = Authorizer { obtained_at: 1_000, ..Authorizer::default() };
    assert_eq!([before.next_time(5_000), before.next_time(1_000), before.next_time(0)], [5_000, 1_001, 1_001]);
}

#[test]
fn of_two_versions_the_later_refresh_token_and_the_code_of_the_later_authorisation_hold() {
    let version = |token: &str, obtained_at, code: Option<&str>, authorized_at| Authorizer {
        refresh_token: Some(token.into()),
        code: code.map(Into::into),
        authorized_at,
        obtained_at,
        ..Authorizer::default()
    };
    let pushed = version("before", 10_000, Some("code"), 20);
    let rotated = version("after", 15_000, None, 10);
    let expected = version("after", 15_000, Some("code"), 20);
    assert_eq!(pushed.merged(&rotated), expected);
    assert_eq!(rotated.merged(&pushed), expected);
    // The merchant's page has exchanged the code and was late to save that. Its clock is another one than WeChat's.
    let page = version("of the code", 21_000, None, 22);
    let later = version("of a refresh after it", 25_000, None, 20);
    assert_eq!(later.merged(&page), version("of a refresh after it", 25_000, None, 22));
    assert_eq!(pushed.merged(&version("exchanged", 21_000, None, 20)), version("exchanged", 21_000, None, 20));
    let first = Authorizer { code: Some("code".into()), authorized_at: 20, ..Authorizer::default() };
    assert_eq!(first.merged(&first), first);
}

/// What a fleet without a common view of its store does: one process cannot save its refresh token for a while, and another one
/// refreshes meanwhile, by the refresh token before.
#[tokio::test]
async fn of_two_refresh_tokens_that_were_got_by_the_same_one_the_later_is_saved_whoever_saves_first() {
    let wechat = WeChat::start().await;
    let (disk, redis) = (Disk::default(), Arc::<FakeRedis>::default());
    let stores = [(); 2].map(|()| Arc::new(Moody { disk: disk.clone(), ..Moody::default() }));
    let [early, late] =
        [0, 1].map(|n: usize| Process::start(&wechat, &Place::Own(stores[n].clone()), Some(redis.clone())));
    early.ticket().await;
    early.platform.import_authorizer(MERCHANT, wechat.merchant(MERCHANT).into()).await.unwrap();
    early.platform.component.token(&crate::deadline::Deadline::new(Duration::from_secs(5), None)).await.unwrap();
    {
        let mut state = wechat.state.lock();
        (state.rotates, state.overlaps, state.delay) = (true, true, Duration::from_millis(200));
    }
    let (failed, ()) = tokio::join!(early.call(MERCHANT), async {
        until(|| wechat.count("api_authorizer_token") == 1).await;
        stores[0].fails.store(true, Ordering::Relaxed);
    });
    assert_eq!(failed.unwrap_err().code(), "ERR_WXA_STORE");
    let (called, ()) = tokio::join!(late.call(MERCHANT), async {
        until(|| wechat.count("api_authorizer_token") == 2).await;
        stores[0].fails.store(false, Ordering::Relaxed);
        early.platform.core.records.save(&RecordKey::Authorizer(MERCHANT.to_owned())).await.unwrap();
        assert_eq!(early.platform.core.records.unsaved(), 0, "the earlier one is saved first");
    });
    called.unwrap();
    let valid = wechat.state.lock().merchants[MERCHANT].refresh_token.clone();
    assert_eq!(refresh_token_in(&late.platform.core.records).await, valid);
    assert_eq!(wechat.count("api_get_authorizer_list"), 0);
}

#[tokio::test]
async fn a_writer_that_read_a_record_before_it_was_deleted_does_not_replace_the_next_one() {
    let (wechat, redis) = (WeChat::start().await, Arc::<FakeRedis>::default());
    let process = Process::start(&wechat, &Place::Redis, Some(redis.clone()));
    let names = KeyNames { prefix: String::new(), appid: PLATFORM.to_owned(), key_id: "f".to_owned() };
    let core = &process.platform.core;
    let store = RedisRecordStore::new(redis, &core.secret, names, core.events.clone());
    let key = RecordKey::Authorizer(MERCHANT.to_owned());
    let revision = async || store.read(&key).await.unwrap().unwrap().revision;
    assert!(store.write(&key, Some("1"), 0).await.unwrap());
    let read = revision().await;
    assert!(store.write(&key, None, read).await.unwrap());
    assert!(store.write(&key, Some("2"), 0).await.unwrap());
    assert!(!store.write(&key, Some("late"), read).await.unwrap());
    let next = revision().await;
    assert!(store.write(&key, Some("3"), next).await.unwrap());
    assert_eq!(revision().await, next + 1);
}
