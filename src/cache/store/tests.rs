use std::collections::HashMap;

use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

use super::*;
use crate::event::testing::RecordingListener;
use crate::wechat::image::tests::jpeg;

/// A store that does what a test says.
#[derive(Default)]
struct FakeStore {
    images: Mutex<HashMap<String, Vec<u8>>>,
    answer: Mutex<Answer>,
    asked: Mutex<Vec<StoredCode>>,
}

#[derive(Clone, Default)]
enum Answer {
    #[default]
    Well,
    After(Duration),
    Fails(StoreFailure),
}

impl FakeStore {
    fn answer(&self, code: &StoredCode) -> BoxFuture<'static, Result<(), StoreFailure>> {
        self.asked.lock().push(code.clone());
        match self.answer.lock().clone() {
            Answer::Well => Box::pin(async { Ok(()) }),
            Answer::After(time) => Box::pin(async move {
                sleep(time).await;
                Ok(())
            }),
            Answer::Fails(failure) => Box::pin(async { Err(failure) }),
        }
    }
}

impl CodeStore for FakeStore {
    fn get(&self, code: StoredCode) -> BoxFuture<'static, Result<Option<Vec<u8>>, StoreFailure>> {
        let (answer, image) = (self.answer(&code), self.images.lock().get(&code.identity).cloned());
        Box::pin(async move { answer.await.map(|()| image) })
    }

    fn set(&self, code: StoredCode, image: Bytes) -> BoxFuture<'static, Result<(), StoreFailure>> {
        self.images.lock().insert(code.identity.clone(), image.to_vec());
        self.answer(&code)
    }
}

fn stored() -> (Arc<StoredQrCodes>, Arc<FakeStore>, Arc<RecordingListener>) {
    let (store, events) = (Arc::<FakeStore>::default(), Arc::<RecordingListener>::default());
    let source = EventSource::new(Arc::default(), "wx", None);
    source.bus.add(events.clone());
    (Arc::new(StoredQrCodes::new(SharedStore::new(store.clone()), "wx/a", source)), store, events)
}

async fn get(codes: &StoredQrCodes, seconds: u64) -> Option<Bytes> {
    codes.get(&b"a".to_vec(), &Deadline::new(Duration::from_secs(seconds), None)).await
}

#[tokio::test(start_paused = true)]
async fn what_is_set_is_got_under_the_namespace() {
    let (codes, store, events) = stored();
    assert_eq!(get(&codes, 10).await, None);
    let writes = Arc::<Writes>::default();
    codes.put(&b"a".to_vec(), jpeg().into(), &writes);
    writes.finished().await;
    assert_eq!(get(&codes, 10).await.unwrap(), jpeg());
    let asked = store.asked.lock().clone();
    assert!(asked.iter().all(|code| (&*code.namespace, code.identity.as_str()) == ("wx/a", "a")));
    assert_eq!([0, 1].map(|n| asked[n].limit.as_secs()), [2, 10]);
    assert!(events.take().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_no_whole_picture_is_none() {
    let (codes, store, events) = stored();
    for wrong in [Vec::new(), b"{}".to_vec(), jpeg()[..jpeg().len() - 1].to_vec()] {
        store.images.lock().insert("a".into(), wrong);
        assert_eq!(get(&codes, 10).await, None);
        assert_eq!(events.take(), [("cache_store.error", Some("invalid"))]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_throws_is_none_and_one_that_ends_says_nothing() {
    let (codes, store, events) = stored();
    for (failure, told) in [(StoreFailure::Threw("no".into()), 2), (StoreFailure::Closing, 0)] {
        *store.answer.lock() = Answer::Fails(failure);
        assert_eq!(get(&codes, 10).await, None);
        let writes = Arc::<Writes>::default();
        codes.put(&b"a".to_vec(), jpeg().into(), &writes);
        writes.finished().await;
        assert_eq!(events.take(), vec![("cache_store.error", Some("threw")); told]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_costs_a_call_a_fifth_of_its_time_once() {
    let (codes, store, events) = stored();
    store.images.lock().insert("a".into(), jpeg());
    *store.answer.lock() = Answer::After(3 * Duration::from_secs(1));
    let begun = Instant::now();
    assert_eq!(get(&codes, 10).await, None);
    assert_eq!(begun.elapsed().as_secs(), 2);
    assert_eq!(events.take(), [("cache_store.error", Some("timeout"))]);
    assert!(get(&codes, 10).now_or_never().is_some(), "it is left alone");
    tokio::time::advance(super::super::cooldown::COOLDOWN).await;
    assert_eq!(get(&codes, 20).await.unwrap(), jpeg());
}

#[tokio::test(start_paused = true)]
async fn a_store_is_not_left_alone_by_a_call_of_little_time() {
    let (codes, store, _) = stored();
    store.images.lock().insert("a".into(), jpeg());
    *store.answer.lock() = Answer::After(Duration::from_millis(450));
    assert_eq!(get(&codes, 2).await, None);
    assert_eq!(get(&codes, 10).await.unwrap(), jpeg());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_takes_an_image_is_waited_for_ten_seconds_and_by_no_call() {
    let (codes, store, events) = stored();
    *store.answer.lock() = Answer::After(Duration::from_secs(3600));
    let (writes, begun) = (Arc::<Writes>::default(), Instant::now());
    codes.put(&b"a".to_vec(), jpeg().into(), &writes);
    assert_eq!(begun.elapsed(), Duration::ZERO);
    writes.finished().await;
    assert_eq!((begun.elapsed(), events.take()), (SET_TIMEOUT, vec![("cache_store.error", Some("timeout"))]));
}

#[tokio::test(start_paused = true)]
async fn no_more_than_sixteen_images_are_handed_over_at_once() {
    let (codes, store, _) = stored();
    *store.answer.lock() = Answer::After(Duration::from_secs(1));
    let writes = Arc::<Writes>::default();
    (0..40).for_each(|n: u8| codes.put(&vec![n], jpeg().into(), &writes));
    sleep(Duration::from_millis(500)).await;
    assert_eq!(store.asked.lock().len(), MAX_SETS);
    writes.finished().await;
    assert_eq!(store.asked.lock().len(), 40);
}
