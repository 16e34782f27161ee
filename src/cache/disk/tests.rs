use std::fs::{self, FileTimes};
use std::time::SystemTime;

use super::*;
use crate::event::testing::RecordingListener;
use crate::seal::random_id;

const HOUR: Duration = Duration::from_secs(3600);

/// A directory of its own, which is removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("wxacode-disk-{}", random_id())))
    }

    fn disk(&self, max_bytes: u64, clock: &Clock) -> Arc<Disk> {
        let limits = DiskLimits { directory: self.0.clone(), max_bytes };
        Arc::new(Disk::open(&limits, clock.clone()).unwrap())
    }

    /// The entries, by name.
    fn entries(&self) -> Vec<String> {
        let shards = fs::read_dir(self.0.join("v1")).unwrap().map(|shard| shard.unwrap());
        let shards = shards.filter(|shard| shard.file_name().len() == 2 && shard.path().is_dir());
        let files = shards.flat_map(|shard| fs::read_dir(shard.path()).unwrap());
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Account {
    codes: Arc<DiskQrCodes>,
    writes: Arc<Writes>,
    events: Arc<RecordingListener>,
}

impl Account {
    fn new(disk: &Arc<Disk>, secret: &str, name: &str, ttl: Option<Duration>) -> Self {
        let (source, events) = (EventSource::new(Arc::default(), "wx", None), Arc::<RecordingListener>::default());
        source.bus.add(events.clone());
        let codes = DiskQrCodes::new(disk.clone(), &secret.into(), name.into(), source, ttl);
        Self { codes: Arc::new(codes), writes: Arc::default(), events }
    }

    async fn get(&self, code: &str) -> Option<Found> {
        let deadline = Deadline::new(HOUR, None);
        self.codes.get(&code.into(), &deadline).await
    }

    async fn has(&self, code: &str) -> bool {
        self.get(code).await.is_some()
    }

    async fn put(&self, code: &str, bytes: usize) {
        self.codes.put(&code.into(), vec![7; bytes].into(), None, &self.writes);
        self.writes.finished().await;
    }

    fn path(&self, code: &str) -> PathBuf {
        self.codes.disk.folder.entry(&self.codes.name(&code.into()))
    }

    /// As if it was last used so long ago.
    fn age(&self, code: &str, age: Duration) {
        let file = fs::OpenOptions::new().write(true).open(self.path(code)).unwrap();
        file.set_times(FileTimes::new().set_modified(UNIX_EPOCH + self.codes.disk.clock.wall() - age)).unwrap();
    }

    fn used(&self, code: &str) -> SystemTime {
        fs::metadata(self.path(code)).unwrap().modified().unwrap()
    }
}

fn account(directory: &Directory, max_bytes: u64) -> Account {
    Account::new(&directory.disk(max_bytes, &Clock::default()), "s", "wx1:id", None)
}

#[tokio::test]
async fn what_is_put_is_got_by_whoever_has_the_same_account() {
    let directory = Directory::new();
    let first = account(&directory, 1 << 20);
    assert_eq!(first.get("a").await, None);
    first.codes.put(&"a".into(), "image".into(), None, &first.writes);
    first.writes.finished().await;
    let disk = directory.disk(1 << 20, &Clock::default());
    let second = Account::new(&disk, "s", "wx1:id", None);
    assert_eq!(second.get("a").await, Some(("image".into(), None)));
    for (secret, name) in [("t", "wx1:id"), ("s", "wx2:id")] {
        let other = Account::new(&disk, secret, name, None);
        assert!(!other.has("a").await && other.events.take().is_empty());
    }
    assert!(second.has("a").await, "and they leave it alone");
}

#[tokio::test]
async fn whatever_is_not_the_whole_entry_is_none_and_is_removed() {
    let directory = Directory::new();
    let me = account(&directory, 1 << 20);
    me.put("b", 100).await;
    let other = fs::read(me.path("b")).unwrap();
    me.put("a", 100).await;
    let whole = fs::read(me.path("a")).unwrap();
    let flipped = |at: usize| whole.iter().enumerate().map(|(n, byte)| byte ^ u8::from(n == at)).collect::<Vec<_>>();
    let longer = [&whole[..], &[0]].concat();
    for forged in
        [Vec::new(), whole[..whole.len() / 2].to_vec(), flipped(0), flipped(60), longer, other, vec![0; 9 << 20]]
    {
        fs::write(me.path("a"), &forged).unwrap();
        assert!(!me.has("a").await && !me.path("a").exists());
        assert_eq!(me.events.take(), [("cache_disk.corrupt", None)]);
    }
    fs::create_dir_all(me.path("a").parent().unwrap()).unwrap();
    fs::write(me.path("a"), whole).unwrap();
    assert!(me.has("a").await);
}

#[tokio::test]
async fn an_entry_lasts_for_its_time_to_live_from_when_it_was_fetched() {
    let (directory, clock) = (Directory::new(), Clock::manual(1000 * HOUR));
    let me = Account::new(&directory.disk(1 << 20, &clock), "s", "wx1:id", Some(HOUR));
    me.put("a", 1).await;
    me.codes.put(&"b".into(), "image".into(), Some(HOUR / 4), &me.writes);
    me.writes.finished().await;
    clock.shift_wall(600_000);
    let left = async |code| me.get(code).await.unwrap().1.unwrap();
    assert!(left("a").await.abs_diff(HOUR * 5 / 6) < HOUR / 60);
    assert!(left("b").await.abs_diff(HOUR / 12) < HOUR / 60, "a copy from Redis is no younger");
    clock.shift_wall(600_000);
    assert!(me.has("a").await && !me.has("b").await);
    clock.shift_wall(2_400_000);
    assert!(!me.has("a").await);
    me.put("a", 1).await;
    assert!(me.has("a").await);
}

#[tokio::test]
async fn a_reading_is_noted_at_most_every_ten_seconds() {
    let directory = Directory::new();
    let me = account(&directory, 1 << 20);
    me.put("a", 1).await;
    for (age, is_noted) in [(Duration::from_secs(2), false), (HOUR, true)] {
        me.age("a", age);
        let before = me.used("a");
        assert!(me.has("a").await);
        assert_eq!(me.used("a") > before, is_noted, "{age:?}");
    }
}

#[tokio::test]
async fn the_least_recently_used_are_removed_down_to_nine_tenths() {
    let directory = Directory::new();
    let me = account(&directory, 10_500);
    for n in 0..10u32 {
        me.put(&n.to_string(), 1000 - 36).await;
        me.age(&n.to_string(), HOUR * (20 - n));
    }
    assert_eq!(directory.entries().len(), 10);
    assert!(me.has("0").await);
    me.put("more", 1000 - 36).await;
    assert_eq!(directory.entries().len(), 9);
    assert!(me.has("0").await && me.has("more").await && !me.has("1").await && !me.has("2").await && me.has("3").await);
    assert!(me.codes.bytes().unwrap() <= 10_500);
    me.put("large", 10_600).await;
    assert!(!me.has("large").await);
}

#[tokio::test]
async fn what_other_processes_write_counts_too() {
    let directory = Directory::new();
    let [one, other] = [(); 2].map(|()| account(&directory, 10_000));
    for n in 0..20 {
        let writer = if n % 2 == 0 { &one } else { &other };
        writer.put(&n.to_string(), 1000 - 36).await;
        writer.age(&n.to_string(), HOUR);
        assert!(directory.entries().len() <= 10, "{n}");
    }
}

#[tokio::test]
async fn one_process_at_a_time_removes_entries_and_the_others_write_no_more_meanwhile() {
    let directory = Directory::new();
    let me = account(&directory, 10_000);
    me.put("a", 4000).await;
    let lock = fs::File::options().write(true).create(true).truncate(false).open(directory.0.join("v1/lock")).unwrap();
    lock.try_lock().unwrap();
    for n in 0..5 {
        me.put(&n.to_string(), 4000).await;
    }
    assert_eq!(directory.entries().len(), 2, "another process has the lock");
    drop(lock);
    me.put("last", 4000).await;
    assert!(directory.entries().len() == 2 && me.has("last").await);
    assert!(me.events.take().is_empty());
}

#[tokio::test]
async fn codes_that_are_put_at_once_stay_within_the_limit() {
    let directory = Directory::new();
    let me = account(&directory, 10_000);
    for n in 0..200 {
        me.codes.put(&n.to_string().as_str().into(), vec![7; 500].into(), None, &me.writes);
    }
    me.writes.finished().await;
    // Those that were being written when there was one too many.
    assert!((8..20 + MAX_AT_ONCE).contains(&directory.entries().len()), "{}", directory.entries().len());
    assert!(me.events.take().is_empty());
}

#[tokio::test(start_paused = true)]
async fn when_entries_cannot_be_removed_no_more_are_written_than_a_twentieth_of_the_limit() {
    let directory = Directory::new();
    let me = account(&directory, 10_000);
    fs::write(directory.0.join("v1/00"), "a file in the place of a folder").unwrap();
    for n in 0..20 {
        me.put(&n.to_string(), 400).await;
    }
    assert!((1..=2).contains(&directory.entries().len()));
    assert_eq!(me.events.take(), [("cache_disk.error", Some("evict"))]);
    fs::remove_file(directory.0.join("v1/00")).unwrap();
    me.put("at once", 400).await;
    assert!(!me.path("at once").exists(), "the directory is not listed at each write");
    tokio::time::advance(RETRY_INTERVAL).await;
    me.put("later", 400).await;
    assert!(me.path("later").exists());
}

#[tokio::test]
async fn temporary_files_of_dead_processes_are_removed_and_others_stay() {
    let directory = Directory::new();
    let me = account(&directory, 1 << 20);
    let left = ["old", "new"].map(|name| directory.0.join("v1/tmp").join(name));
    left.iter().for_each(|path| fs::write(path, "half").unwrap());
    let old = fs::File::options().write(true).open(&left[0]).unwrap();
    old.set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH)).unwrap();
    let foreign = directory.0.join("v1/ab");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("README"), "not ours").unwrap();
    me.put("a", 1).await;
    assert_eq!(left.map(|path| path.exists()), [false, true]);
    assert!(foreign.join("README").exists());
}

#[tokio::test]
async fn a_directory_that_vanishes_is_made_again() {
    let directory = Directory::new();
    let me = account(&directory, 1 << 20);
    me.put("a", 1).await;
    fs::remove_dir_all(&directory.0).unwrap();
    assert!(!me.has("a").await);
    me.put("a", 1).await;
    assert!(me.has("a").await && me.events.take().is_empty());
}

#[tokio::test]
async fn a_write_that_fails_is_told_at_most_once_in_a_second_and_leaves_nothing() {
    let directory = Directory::new();
    let me = account(&directory, 1 << 20);
    fs::remove_dir_all(directory.0.join("v1")).unwrap();
    fs::write(directory.0.join("v1"), "a file").unwrap();
    assert!(!me.has("a").await);
    me.put("a", 1).await;
    me.put("b", 1).await;
    let events = me.events.take();
    assert!((1..3).contains(&events.len()), "{events:?}");
    assert_eq!(events[0].0, "cache_disk.error");
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_hangs_costs_a_call_a_fifth_of_its_time_once() {
    let directory = Directory::new();
    let me = account(&directory, 1 << 20);
    me.put("a", 1).await;
    let all = me.codes.disk.reads.acquire_many(MAX_AT_ONCE as u32).await.unwrap();
    let begun = Instant::now();
    let deadline = Deadline::new(Duration::from_secs(4), None);
    assert!(me.codes.get(&"a".into(), &deadline).await.is_none());
    assert_eq!(begun.elapsed().as_millis(), 800);
    assert_eq!(me.events.take(), [("cache_disk.error", Some("read"))]);
    assert!(!me.has("a").await && begun.elapsed().as_millis() == 800, "it is left alone");
    drop(all);
    tokio::time::advance(super::super::cooldown::COOLDOWN).await;
    assert!(me.has("a").await);
}

#[tokio::test(start_paused = true)]
async fn a_disk_is_not_left_alone_by_a_call_of_little_time_nor_while_it_reads_for_others() {
    let directory = Directory::new();
    let me = account(&directory, 1 << 20);
    me.put("a", 1).await;
    let all = me.codes.disk.reads.acquire_many(MAX_AT_ONCE as u32).await.unwrap();
    let short = Deadline::new(Duration::from_secs(2), None);
    assert!(me.codes.get(&"a".into(), &short).await.is_none());
    assert_eq!(me.events.take(), [("cache_disk.error", Some("read"))]);
    let busy = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        me.codes.disk.reads_ended.fetch_add(1, Ordering::Relaxed);
    };
    let (found, ()) = tokio::join!(me.get("a"), busy);
    assert!(found.is_none() && me.events.take().is_empty());
    drop(all);
    assert!(me.has("a").await);
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_for_this_user_alone_and_a_link_is_not_followed() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let directory = Directory::new();
    let me = account(&directory, 1 << 20);
    me.put("a", 1).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&me.path("a")), mode(me.path("a").parent().unwrap()), mode(&directory.0)), (0o600, 0o700, 0o700));
    let target = directory.0.join("target");
    fs::write(&target, "precious").unwrap();
    fs::remove_file(me.path("a")).unwrap();
    symlink(&target, me.path("a")).unwrap();
    assert!(!me.has("a").await && !me.path("a").is_symlink());
    symlink(&target, me.path("a")).unwrap();
    me.put("a", 1).await;
    assert!(me.has("a").await && !me.path("a").is_symlink());
    assert_eq!(fs::read(&target).unwrap(), b"precious");
}

#[test]
fn a_path_that_is_no_directory_is_refused() {
    let directory = Directory::new();
    fs::write(&directory.0, "a file").unwrap();
    let limits = |directory: PathBuf| DiskLimits { directory, max_bytes: 1 };
    for path in [directory.0.clone(), directory.0.join("below")] {
        assert!(Disk::open(&limits(path), Clock::default()).is_err());
    }
    fs::remove_file(&directory.0).unwrap();
    fs::create_dir(&directory.0).unwrap();
}
