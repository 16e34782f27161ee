use super::*;

/// A folder of its own, which is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("wxacode-{}", crate::seal::random_id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("wechat.json")
    }

    fn store(&self) -> Arc<FileStore> {
        FileStore::new(&self.file(), "wx1", &"s3cret".into())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn merchant(number: usize) -> RecordKey {
    RecordKey::Authorizer(format!("wx{number}"))
}

async fn put(store: &FileStore, key: &RecordKey, json: &str) -> Result<bool> {
    let revision = store.read(key).await?.map_or(0, |stored| stored.revision);
    store.write(key, Some(json), revision).await
}

/// What a process does that ends.
async fn put_and_end(folder: &Folder, json: &str) {
    let store = folder.store();
    put(&store, &RecordKey::Ticket, json).await.unwrap();
    store.release().await;
}

async fn read(store: &FileStore, key: &RecordKey) -> Option<String> {
    store.read(key).await.unwrap().and_then(|stored| stored.json)
}

fn problem<T>(result: Result<T>) -> StoreProblem {
    match result.err() {
        Some(Error::Store(problem)) => *problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_was_written_is_there_for_the_next_process_and_for_nobody_else() {
    let folder = Folder::new();
    let store = folder.store();
    assert!(put(&store, &RecordKey::Ticket, "c4nary").await.unwrap());
    store.release().await;
    let store = folder.store();
    assert_eq!(read(&store, &RecordKey::Ticket).await.as_deref(), Some("c4nary"));
    let bytes = fs::read(folder.file()).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("c4nary"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for entry in fs::read_dir(&folder.0).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}

#[tokio::test]
async fn a_second_process_is_refused_until_the_first_one_ends() {
    let folder = Folder::new();
    let (first, second) = (folder.store(), folder.store());
    put(&first, &RecordKey::Ticket, "1").await.unwrap();
    let refused = second.read(&RecordKey::Ticket).await.err().unwrap();
    assert!(refused.to_string().contains("redis"), "{refused}");
    assert!(matches!(problem::<()>(Err(refused)), StoreProblem::Locked { .. }));
    first.release().await;
    assert_eq!(read(&second, &RecordKey::Ticket).await.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_not_overwritten() {
    let folder = Folder::new();
    put_and_end(&folder, "1").await;
    let other = FileStore::new(&folder.file(), "wx1", &"other".into());
    assert!(matches!(problem(put(&other, &RecordKey::Ticket, "2").await), StoreProblem::OtherSecret { .. }));
    other.release().await;
    fs::write(folder.file(), "{").unwrap();
    assert!(matches!(problem(put(&folder.store(), &RecordKey::Ticket, "2").await), StoreProblem::Damaged { .. }));
    assert_eq!(fs::read(folder.file()).unwrap(), b"{");
}

#[tokio::test]
async fn a_process_that_dies_while_it_writes_leaves_the_file_as_it_was() {
    let folder = Folder::new();
    put_and_end(&folder, "1").await;
    fs::write(folder.0.join("wechat.json.tmp"), "half").unwrap();
    let store = folder.store();
    assert_eq!(read(&store, &RecordKey::Ticket).await.as_deref(), Some("1"));
    put(&store, &RecordKey::Ticket, "2").await.unwrap();
    store.release().await;
    assert_eq!(read(&folder.store(), &RecordKey::Ticket).await.as_deref(), Some("2"));
}

#[tokio::test]
async fn changes_that_come_together_share_a_write() {
    let folder = Folder::new();
    let store = folder.store();
    let keys: Vec<_> = (0..2000).map(merchant).collect();
    let writes = futures_util::future::join_all(keys.iter().map(|key| put(&store, key, "json"))).await;
    assert!(writes.into_iter().all(|written| written.unwrap()));
    let saves = store.progress.borrow().writes;
    assert!(saves < 20, "{saves} writes");
    store.release().await;
    let store = folder.store();
    for key in &keys {
        assert!(read(&store, key).await.is_some());
    }
}

#[tokio::test]
async fn a_change_that_could_not_be_saved_is_saved_with_the_next_one() {
    let folder = Folder::new();
    let store = folder.store();
    put(&store, &merchant(1), "1").await.unwrap();
    // A folder in the place of the neighbour: the file cannot be written.
    let trap = folder.0.join("wechat.json.tmp");
    fs::create_dir(&trap).unwrap();
    assert!(matches!(problem(put(&store, &merchant(2), "2").await), StoreProblem::File { .. }));
    assert!(!fs::read_to_string(folder.file()).unwrap().is_empty());
    fs::remove_dir(&trap).unwrap();
    put(&store, &merchant(3), "3").await.unwrap();
    store.release().await;
    let store = folder.store();
    for (number, json) in [(1, "1"), (2, "2"), (3, "3")] {
        assert_eq!(read(&store, &merchant(number)).await.as_deref(), Some(json));
    }
}

#[tokio::test]
async fn a_record_that_could_not_be_saved_is_not_read_before_it_is() {
    let folder = Folder::new();
    let store = folder.store();
    put(&store, &merchant(1), "1").await.unwrap();
    let trap = folder.0.join("wechat.json.tmp");
    fs::create_dir(&trap).unwrap();
    put(&store, &merchant(2), "2").await.unwrap_err();
    for _ in 0..2 {
        assert!(matches!(problem(store.read(&merchant(2)).await), StoreProblem::File { .. }));
    }
    assert_eq!(read(&store, &merchant(1)).await.as_deref(), Some("1"), "what is in the file is read");
    fs::remove_dir(&trap).unwrap();
    assert_eq!(read(&store, &merchant(2)).await.as_deref(), Some("2"));
    store.release().await;
    assert_eq!(read(&folder.store(), &merchant(2)).await.as_deref(), Some("2"));
}

#[tokio::test]
async fn a_record_is_written_only_by_who_has_read_it_last() {
    let folder = Folder::new();
    let store = folder.store();
    assert!(store.write(&RecordKey::Ticket, Some("1"), 0).await.unwrap());
    assert!(!store.write(&RecordKey::Ticket, Some("2"), 0).await.unwrap());
    assert!(store.write(&RecordKey::Ticket, None, 1).await.unwrap());
    assert_eq!(read(&store, &RecordKey::Ticket).await, None);
}
