//! Memory, disk, Redis or a store: in which order, and what is copied to what is nearer.

use std::collections::HashMap;
use std::path::PathBuf;

use futures_util::future::BoxFuture;

use super::*;
use crate::clock::Clock;
use crate::event::EventSource;
use crate::redis::fake::FakeRedis;
use crate::seal::random_id;

const HOUR: Duration = Duration::from_secs(3600);

/// A directory of its own, which is removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("wxacode-tiers-{}", random_id())))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[derive(Default)]
struct MapStore(Mutex<HashMap<String, Vec<u8>>>);

impl CodeStore for MapStore {
    fn get(&self, code: StoredCode) -> BoxFuture<'static, std::result::Result<Option<Vec<u8>>, StoreFailure>> {
        let image = self.0.lock().get(&code.identity).cloned();
        Box::pin(async { Ok(image) })
    }

    fn set(&self, code: StoredCode, image: Bytes) -> BoxFuture<'static, std::result::Result<(), StoreFailure>> {
        self.0.lock().insert(code.identity, image.to_vec());
        Box::pin(async { Ok(()) })
    }
}

fn events() -> EventSource {
    EventSource::new(Arc::default(), "wx", None)
}

/// Which tiers a process has. Each process begins with an empty memory.
#[derive(Default)]
struct Places<'a> {
    directory: Option<&'a Directory>,
    redis: Option<&'a Arc<FakeRedis>>,
    store: Option<&'a Arc<MapStore>>,
    ttl: Option<Duration>,
}

impl Places<'_> {
    fn cache(&self) -> Arc<QrCodeCache> {
        let disk = self.directory.map(|directory| {
            let limits = DiskLimits { directory: directory.0.clone(), max_bytes: 1 << 20 };
            let disk = Arc::new(Disk::open(&limits, Clock::default()).unwrap());
            DiskQrCodes::new(disk, &"s".into(), "wx:id".into(), events(), self.ttl)
        });
        let redis = self.redis.map(|redis| {
            let key_space = KeySpace { prefix: "p:".into(), account: "wx:id".into() };
            RedisQrCodes::new(redis.clone(), &"s".into(), key_space, events(), self.ttl, 1 << 20)
        });
        let store = self.store.map(|store| StoredQrCodes::new(SharedStore::new(store.clone()), "wx", events()));
        Arc::new(QrCodeCache::new(&Limits { ttl: self.ttl, ..limits() }, Tiers { disk, redis, store }))
    }

    /// Where the processes that ask one after the other, twice each, find a code.
    async fn found(&self, wechat: &WeChat) -> [CacheOutcome; 2] {
        let (cache, deadline) = (self.cache(), seconds(10));
        let first = wechat.qr_code(&cache, "a", &deadline).await.unwrap();
        let second = wechat.qr_code(&cache, "a", &deadline).await.unwrap();
        cache.flush().await;
        [first, second]
    }
}

#[tokio::test]
async fn a_code_is_looked_for_in_memory_on_the_disk_and_in_the_store() {
    use CacheOutcome::{Disk, Memory, Miss, Store};

    let (wechat, store) = (WeChat::default(), Arc::<MapStore>::default());
    let [one, other] = [Directory::new(), Directory::new()];
    let on = |directory| Places { directory: Some(directory), store: Some(&store), ..Places::default() };
    assert_eq!(on(&one).found(&wechat).await, [Miss, Memory]);
    assert_eq!(on(&one).found(&wechat).await, [Disk, Memory]);
    assert_eq!(on(&other).found(&wechat).await, [Store, Memory]);
    store.0.lock().clear();
    assert_eq!(on(&other).found(&wechat).await, [Disk, Memory], "what the store gave is on the disk");
    assert_eq!(wechat.requests(), 1);
    assert!(store.0.lock().is_empty(), "what the disk gave is not stored again");
}

#[tokio::test]
async fn a_code_is_looked_for_on_the_disk_before_redis() {
    use CacheOutcome::{Disk, Memory, Miss, Redis};

    let (wechat, redis) = (WeChat::default(), Arc::<FakeRedis>::default());
    let [one, other] = [Directory::new(), Directory::new()];
    let on = |directory| Places { directory: Some(directory), redis: Some(&redis), ..Places::default() };
    assert_eq!(on(&one).found(&wechat).await, [Miss, Memory]);
    while redis.database().keys().iter().all(|key| !key.ends_with(":code")) {
        tokio::task::yield_now().await;
    }
    assert_eq!(on(&other).found(&wechat).await, [Redis, Memory]);
    for directory in [&one, &other] {
        assert_eq!(on(directory).found(&wechat).await, [Disk, Memory]);
    }
    assert_eq!(wechat.requests(), 1);
}

#[tokio::test]
async fn a_code_from_the_disk_expires_in_memory_when_it_does_on_the_disk() {
    let (directory, wechat) = (Directory::new(), WeChat::default());
    let places = Places { directory: Some(&directory), ttl: Some(HOUR), ..Places::default() };
    places.found(&wechat).await;
    let cache = places.cache();
    assert_eq!(wechat.qr_code(&cache, "a", &seconds(10)).await.unwrap(), CacheOutcome::Disk);
    tokio::time::pause();
    tokio::time::advance(HOUR - Duration::from_secs(60)).await;
    assert!(cache.cached(&identity("a")).is_some());
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(cache.cached(&identity("a")).is_none());
}

#[tokio::test]
async fn an_error_is_on_no_tier() {
    let (wechat, store, directory) = (WeChat::default(), Arc::<MapStore>::default(), Directory::new());
    wechat.fails.store(true, Ordering::Relaxed);
    let cache = Places { directory: Some(&directory), store: Some(&store), ..Places::default() }.cache();
    assert!(wechat.qr_code(&cache, "a", &seconds(10)).await.is_err());
    cache.flush().await;
    wechat.fails.store(false, Ordering::Relaxed);
    assert!(store.0.lock().is_empty());
    assert_eq!(wechat.qr_code(&cache, "a", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
    cache.flush().await;
}

#[test]
fn a_cache_of_memory_alone_has_nothing_to_flush() {
    assert!(!local_cache().writes_behind());
    assert!(local_cache().flush().now_or_never().is_some());
}
