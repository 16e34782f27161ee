//! Records in one file of one process. A write replaces the whole file, durably: changes that come while one write runs share the
//! next one, so that thousands of them take few.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use secrecy::SecretString;
use tokio::sync::watch;

use super::format::FileFormat;
use super::memory::Table;
use super::{RecordKey, RecordStore, STORE_TIMEOUT, Stored, failed};
use crate::clock;
use crate::error::{Error, Result, StoreProblem};
use crate::task;

/// After a write the file rests for so many times the time of the write: a large file takes a fifth of the time, at most.
const REST: u32 = 4;
const MAX_REST: Duration = Duration::from_millis(500);

/// The store of a `file:` option.
pub(crate) struct FileStore {
    me: Weak<Self>,
    disk: Arc<Disk>,
    /// Opens the file once, whoever comes first.
    opening: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    progress: watch::Sender<Progress>,
}

#[derive(Default)]
struct State {
    open: Option<OpenFile>,
    /// The number of the last change.
    changes: u64,
    /// Records that are not in the file yet, with their last changes.
    unwritten: BTreeMap<RecordKey, u64>,
    is_writing: bool,
}

struct OpenFile {
    table: Table,
    /// Locked as long as it is open. The lock of a process that dies is free at once.
    _lock: File,
}

/// Which changes a write has tried to save, and with what result.
#[derive(Default)]
struct Progress {
    saved: u64,
    failed: u64,
    error: Option<Error>,
    #[cfg(test)]
    writes: usize,
}

impl FileStore {
    /// A store of the platform `appid`. Touches no file yet.
    pub(crate) fn new(path: &Path, appid: &str, secret: &SecretString) -> Arc<Self> {
        let disk = Arc::new(Disk { path: path.to_owned(), format: FileFormat::new(appid, secret) });
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            disk,
            opening: tokio::sync::Mutex::default(),
            state: Mutex::default(),
            progress: watch::Sender::default(),
        })
    }

    /// Locks and reads the file, if that was not done yet.
    async fn open(&self) -> Result<()> {
        let _opening = self.opening.lock().await;
        if self.state.lock().open.is_some() {
            return Ok(());
        }
        let disk = self.disk.clone();
        let open = self.bounded(task::spawn_blocking(move || disk.open())).await?;
        self.state.lock().open = Some(open);
        Ok(())
    }

    async fn bounded<T>(&self, work: tokio::task::JoinHandle<Result<T, StoreProblem>>) -> Result<T> {
        match tokio::time::timeout(STORE_TIMEOUT, work).await {
            Ok(Ok(result)) => result.map_err(failed),
            // The runtime is shutting down.
            Ok(Err(_)) => Err(Error::Closed),
            Err(_) => Err(failed(self.disk.problem("no answer"))),
        }
    }

    /// Notes a change, and has it written. Returns its number, or `None` if the record has changed.
    fn change(&self, key: &RecordKey, json: Option<&str>, revision: u64) -> Result<Option<u64>> {
        let mut state = self.state.lock();
        let Some(open) = &mut state.open else { return Err(Error::Closed) };
        if !open.table.write(key, json, revision) {
            return Ok(None);
        }
        Ok(Some(self.write_soon(&mut state, key)))
    }

    fn write_soon(&self, state: &mut State, key: &RecordKey) -> u64 {
        state.changes += 1;
        state.unwritten.insert(key.clone(), state.changes);
        if !state.is_writing {
            state.is_writing = true;
            task::spawn(Self::write_changes(self.me.clone()));
        }
        state.changes
    }

    /// Waits until a record is in the file. One that could not be written is written again: who reads it takes it for saved.
    async fn written(&self, key: &RecordKey) -> Result<()> {
        let change = {
            let mut state = self.state.lock();
            let Some(change) = state.unwritten.get(key).copied() else { return Ok(()) };
            let has_failed = self.progress.borrow().failed >= change;
            if has_failed { self.write_soon(&mut state, key) } else { change }
        };
        self.saved(change).await
    }

    /// Writes until there is nothing new. Between two writes nobody but the users of the store keeps the file locked.
    async fn write_changes(store: Weak<Self>) {
        while let Some(open) = store.upgrade() {
            let begun = clock::monotonic();
            if !open.write_once().await {
                return;
            }
            drop(open);
            tokio::time::sleep((begun.elapsed() * REST).min(MAX_REST)).await;
        }
    }

    /// Returns whether there was something to write.
    async fn write_once(&self) -> bool {
        let (changes, table) = {
            let mut state = self.state.lock();
            let progress = self.progress.borrow();
            let tried = progress.saved.max(progress.failed);
            match state.open.as_ref().filter(|_| state.changes > tried).map(|open| open.table.clone()) {
                Some(table) => (state.changes, table),
                None => {
                    state.is_writing = false;
                    return false;
                }
            }
        };
        let disk = self.disk.clone();
        let written = self.bounded(task::spawn_blocking(move || disk.write(&table))).await;
        if written.is_ok() {
            self.state.lock().unwritten.retain(|_, change| *change > changes);
        }
        self.progress.send_modify(|progress| {
            #[cfg(test)]
            {
                progress.writes += 1;
            }
            match written {
                Ok(()) => progress.saved = changes,
                Err(error) => (progress.failed, progress.error) = (changes, Some(error)),
            }
        });
        true
    }

    async fn saved(&self, change: u64) -> Result<()> {
        let mut progress = self.progress.subscribe();
        let reached = progress.wait_for(|progress| progress.saved >= change || progress.failed >= change);
        match tokio::time::timeout(STORE_TIMEOUT, reached).await {
            Ok(Ok(progress)) if progress.saved >= change => Ok(()),
            Ok(Ok(progress)) => Err(progress.error.clone().unwrap_or(Error::Closed)),
            Ok(Err(_)) => Err(Error::Closed),
            Err(_) => Err(failed(self.disk.problem("no answer"))),
        }
    }
}

impl RecordStore for FileStore {
    fn read<'a>(&'a self, key: &'a RecordKey) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(async move {
            self.open().await?;
            self.written(key).await?;
            Ok(self.state.lock().open.as_ref().and_then(|open| open.table.read(key)))
        })
    }

    /// The file is whole at any time, whoever has locked it.
    fn peek<'a>(&'a self, key: &'a RecordKey) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(async move {
            if let Some(open) = &self.state.lock().open {
                return Ok(open.table.read(key));
            }
            let disk = self.disk.clone();
            let table = self.bounded(task::spawn_blocking(move || disk.read())).await?;
            Ok(table.read(key))
        })
    }

    fn write<'a>(&'a self, key: &'a RecordKey, json: Option<&'a str>, revision: u64) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            self.open().await?;
            match self.change(key, json, revision)? {
                None => Ok(false),
                Some(change) => self.saved(change).await.map(|()| true),
            }
        })
    }

    fn release(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let _opening = self.opening.lock().await;
            loop {
                let changes = {
                    let mut state = self.state.lock();
                    let progress = self.progress.borrow();
                    if state.changes <= progress.saved.max(progress.failed) {
                        state.open = None;
                        return;
                    }
                    state.changes
                };
                if let Err(Error::Store(_)) = self.saved(changes).await
                    && self.progress.borrow().failed < changes
                {
                    // The disk does not answer.
                    self.state.lock().open = None;
                    return;
                }
            }
        })
    }
}

/// The file system's part. Blocks.
struct Disk {
    path: PathBuf,
    format: FileFormat,
}

impl Disk {
    fn open(&self) -> Result<OpenFile, StoreProblem> {
        let lock = self.lock()?;
        Ok(OpenFile { table: self.read()?, _lock: lock })
    }

    fn read(&self) -> Result<Table, StoreProblem> {
        match fs::read(&self.path) {
            Ok(bytes) => self.format.read(&bytes, &self.shown()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Table::default()),
            Err(error) => Err(self.io(&error)),
        }
    }

    /// A file beside, because the file itself is replaced.
    fn lock(&self) -> Result<File, StoreProblem> {
        let file = private(OpenOptions::new().create(true).truncate(false).write(true))
            .open(self.beside(".lock"))
            .map_err(|error| self.io(&error))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(StoreProblem::Locked { path: self.shown() }),
            Err(TryLockError::Error(error)) => Err(self.io(&error)),
        }
    }

    /// Writes the file beside itself and renames it: whenever the machine stops, there is the old one or the new one.
    fn write(&self, table: &Table) -> Result<(), StoreProblem> {
        let bytes = self.format.write(table).ok_or_else(|| self.problem("it cannot be encrypted"))?;
        self.replace(&bytes).map_err(|error| self.io(&error))
    }

    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let neighbour = self.beside(".tmp");
        // What is there is of a process that died, or a trap.
        match fs::remove_file(&neighbour) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = private(OpenOptions::new().create_new(true).write(true)).open(&neighbour)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&neighbour, &self.path)?;
        sync_folder(&self.path)
    }

    fn beside(&self, end: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(end);
        name.into()
    }

    fn shown(&self) -> String {
        self.path.display().to_string()
    }

    fn io(&self, error: &io::Error) -> StoreProblem {
        self.problem(&error.to_string())
    }

    fn problem(&self, reason: &str) -> StoreProblem {
        StoreProblem::File { path: self.shown(), reason: reason.to_owned() }
    }
}

/// Readable by this user alone.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// The new name is durable when its folder is. Windows has no such call.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(windows) {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests;
