//! QR codes on the disk of this machine, which its processes share and which outlast them. Entries are sealed, so that a torn,
//! swapped or forged file is none. A directory may be that of many accounts: the limit is for all of them.
//!
//! | module | what |
//! |---|---|
//! | `folder` | the files: reads, writes and names them |
//! | `sweep` | removes the least recently used |

mod folder;
mod sweep;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use parking_lot::Mutex;
use secrecy::SecretString;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::cooldown::Cooldown;
use super::writes::Writes;
use crate::clock::{self, Clock};
use crate::deadline::Deadline;
use crate::event::{CacheEvent, EventSource};
use crate::seal::Seal;
use crate::task;
use crate::wechat::qr_code::Identity;
use folder::Folder;

/// How many files are read, and how many are written, at once: each takes a thread.
const MAX_AT_ONCE: usize = 8;
/// A call waits for the disk for this fraction of its time.
const WAIT_DIVISOR: u32 = 5;
/// How long a write, or a sweep, may take before `close()` waits for it no longer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// What is on the disk is counted again after this time, because other processes write too,
const COUNT_INTERVAL: Duration = Duration::from_secs(60);
/// or when this process has written this part of the limit: it writes no more until it has counted.
const COUNT_DIVISOR: u64 = 20;
/// How long after a sweep that failed the next one begins.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// Before the image: when it was fetched, in milliseconds since 1970.
const HEADER_BYTES: usize = 8;

/// Which directory a cache uses, and how many bytes of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DiskLimits {
    /// The directory, as an absolute path.
    pub directory: PathBuf,
    /// The most bytes of entries, of all accounts and processes.
    pub max_bytes: u64,
}

/// A directory, which the accounts of this process share.
pub struct Disk {
    folder: Folder,
    max_bytes: u64,
    clock: Clock,
    reads: Arc<Semaphore>,
    writes: Arc<Semaphore>,
    cooldown: Cooldown,
    /// How many reads have ended.
    reads_ended: AtomicU64,
    usage: Mutex<Usage>,
    /// Held by the sweep that runs.
    sweeping: Arc<tokio::sync::Mutex<()>>,
}

/// What is on the disk, as far as this process knows.
#[derive(Default)]
struct Usage {
    /// When it was last counted: `None` before the first time.
    counted: Option<Instant>,
    bytes: u64,
    /// What this process has written since.
    written: u64,
    /// When a sweep failed, until one succeeds.
    failed: Option<Instant>,
}

impl Usage {
    /// Whether this process may write no more until it has counted.
    fn is_full(&self, max_bytes: u64) -> bool {
        self.written > max_bytes / COUNT_DIVISOR || self.bytes + self.written > max_bytes
    }

    /// Whether it is time to sweep.
    fn is_due(&self, max_bytes: u64) -> bool {
        let is_old = self.counted.is_none_or(|counted| counted.elapsed() >= COUNT_INTERVAL);
        let may_try = self.failed.is_none_or(|failed| failed.elapsed() >= RETRY_INTERVAL);
        (is_old || self.is_full(max_bytes)) && may_try
    }
}

impl Disk {
    /// Makes the directory, if it is missing, and tries to write into it.
    ///
    /// # Errors
    ///
    /// If there can be no cache: the path is no directory, or this process may not write there. A disk that is full only now is none.
    pub(crate) fn open(limits: &DiskLimits, clock: Clock) -> io::Result<Self> {
        let folder = Folder::new(&limits.directory);
        match folder.prepare() {
            Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {}
            prepared => prepared?,
        }
        Ok(Self {
            folder,
            max_bytes: limits.max_bytes,
            clock,
            reads: Arc::new(Semaphore::new(MAX_AT_ONCE)),
            writes: Arc::new(Semaphore::new(MAX_AT_ONCE)),
            cooldown: Cooldown::default(),
            reads_ended: AtomicU64::new(0),
            usage: Mutex::default(),
            sweeping: Arc::default(),
        })
    }

    /// The bytes on the disk, as far as this process knows; `None` until it has counted them.
    fn bytes(&self) -> Option<u64> {
        let usage = self.usage.lock();
        usage.counted.map(|_| usage.bytes + usage.written)
    }

    fn is_full(&self) -> bool {
        self.usage.lock().is_full(self.max_bytes)
    }

    fn is_due(&self) -> bool {
        self.usage.lock().is_due(self.max_bytes)
    }

    fn sweep(&self) -> io::Result<()> {
        let before = self.usage.lock().written;
        let swept = self.folder.sweep(self.max_bytes, UNIX_EPOCH + self.clock.wall());
        let mut usage = self.usage.lock();
        usage.failed = swept.is_err().then(clock::monotonic);
        // While another process removes entries, this one knows no more than before.
        if let Some(left) = swept? {
            (usage.counted, usage.bytes) = (Some(clock::monotonic()), left);
            // What was written meanwhile may have been counted or not.
            usage.written -= before;
        }
        Ok(())
    }
}

/// The QR codes of one account on the disk.
pub struct DiskQrCodes {
    disk: Arc<Disk>,
    seal: Seal,
    /// What the names of the account's entries follow from, besides the AppSecret.
    account: String,
    events: EventSource,
    /// `None` is for ever.
    ttl: Option<Duration>,
    /// The second of the last event of a failure, by the monotonic clock.
    last_error: AtomicU64,
}

/// An entry that was read.
type Found = (Bytes, Option<Duration>);

impl DiskQrCodes {
    /// Entries are sealed by a key that follows from `secret`, and are `account`'s: appid and key id. They are used for `ttl`.
    pub fn new(
        disk: Arc<Disk>,
        secret: &SecretString,
        account: String,
        events: EventSource,
        ttl: Option<Duration>,
    ) -> Self {
        let last_error = AtomicU64::new(0);
        Self { disk, seal: Seal::new(secret, "disk code"), account, events, ttl, last_error }
    }

    /// The bytes on the disk, of all accounts, as far as this process knows; `None` until it has counted them.
    pub(super) fn bytes(&self) -> Option<u64> {
        self.disk.bytes()
    }

    /// A QR code from the disk with its remaining time. Whatever is wrong with the disk, a call goes on without it.
    pub(super) async fn get(self: &Arc<Self>, identity: &Identity, deadline: &Deadline) -> Option<Found> {
        if self.disk.cooldown.is_active() {
            return None;
        }
        let (me, name) = (self.clone(), self.name(identity));
        let limit = deadline.remaining() / WAIT_DIVISOR;
        let ended = self.disk.reads_ended.load(Ordering::Relaxed);
        let read = async {
            let permit = self.disk.reads.clone().acquire_owned().await;
            task::spawn_blocking(move || {
                let found = me.read(&name);
                me.disk.reads_ended.fetch_add(1, Ordering::Relaxed);
                drop(permit);
                found
            })
            .await
        };
        match timeout(limit, read).await {
            Ok(Ok(Ok(found))) => found,
            Ok(Ok(Err(error))) => {
                self.emit("read", &error);
                None
            }
            // The runtime is shutting down.
            Ok(Err(_)) => None,
            // Others were quicker: the disk has much to do, and does not hang.
            Err(_) if self.disk.reads_ended.load(Ordering::Relaxed) != ended => None,
            Err(_) => {
                self.hangs("read", limit);
                None
            }
        }
    }

    /// Writes a QR code in the background. `remaining` is what is left of its time.
    pub(super) fn put(
        self: &Arc<Self>,
        identity: &Identity,
        image: Bytes,
        remaining: Option<Duration>,
        writes: &Arc<Writes>,
    ) {
        if image.len() as u64 > self.disk.max_bytes || self.disk.cooldown.is_active() {
            return;
        }
        let Some(write) = writes.begin(image.len()) else { return self.emit("write", &io::Error::other(TOO_SLOW)) };
        let (me, name) = (self.clone(), self.name(identity));
        let age = self.ttl.zip(remaining).map(|(ttl, remaining)| ttl.saturating_sub(remaining));
        let fetched = self.disk.clock.wall().saturating_sub(age.unwrap_or_default());
        task::spawn(async move {
            let permit = me.disk.writes.clone().acquire_owned().await.ok();
            if me.has_room().await {
                me.clone().write_within_limit(name, image, fetched, permit).await;
                me.sweep_if_due().await;
            }
            drop(write);
        });
    }

    /// Waits for the sweep, if there must be one before the next write.
    async fn has_room(&self) -> bool {
        if self.disk.is_full() {
            self.sweep_if_due().await;
        }
        !self.disk.is_full()
    }

    async fn write_within_limit(
        self: Arc<Self>,
        name: String,
        image: Bytes,
        fetched: Duration,
        permit: Option<OwnedSemaphorePermit>,
    ) {
        let me = self.clone();
        let written = task::spawn_blocking(move || {
            let _permit = permit;
            me.write(&name, &image, fetched)
        });
        match timeout(WRITE_TIMEOUT, written).await {
            Ok(Ok(Err(error))) => self.emit("write", &error),
            // Written, or the runtime is shutting down.
            Ok(_) => {}
            Err(_) => self.hangs("write", WRITE_TIMEOUT),
        }
    }

    /// One sweep at a time. A directory with millions of files takes its time; the sweep goes on then.
    async fn sweep_if_due(&self) {
        let disk = self.disk.clone();
        let swept = async {
            let turn = disk.sweeping.clone().lock_owned().await;
            if !disk.is_due() {
                return Ok(());
            }
            let sweep = task::spawn_blocking(move || {
                let _turn = turn;
                disk.sweep()
            });
            // It is not run if the runtime is shutting down.
            sweep.await.unwrap_or(Ok(()))
        };
        if let Ok(Err(error)) = timeout(WRITE_TIMEOUT, swept).await {
            self.emit("evict", &error);
        }
    }

    fn read(&self, name: &str) -> io::Result<Option<Found>> {
        let now = self.disk.clock.wall();
        let Some(sealed) = self.disk.folder.read(name, UNIX_EPOCH + now)? else { return Ok(None) };
        let Some((fetched, image)) = self.open(name, &sealed) else {
            self.events.cache(|| CacheEvent::DiskCorrupt { message: CORRUPT });
            return self.disk.folder.remove(name).map(|()| None);
        };
        let age = now.saturating_sub(fetched);
        let remaining = self.ttl.map(|ttl| ttl.saturating_sub(age));
        Ok((remaining != Some(Duration::ZERO)).then_some((image, remaining)))
    }

    fn open(&self, name: &str, sealed: &[u8]) -> Option<(Duration, Bytes)> {
        let mut content = Bytes::from(self.seal.open(sealed, name)?);
        let header = content.get(..HEADER_BYTES)?.try_into().ok()?;
        let image = content.split_off(HEADER_BYTES);
        Some((Duration::from_millis(u64::from_le_bytes(header)), image))
    }

    fn write(&self, name: &str, image: &[u8], fetched: Duration) -> io::Result<()> {
        let fetched = u64::try_from(fetched.as_millis()).unwrap_or(u64::MAX).to_le_bytes();
        let sealed = self.seal.seal(&[&fetched, image].concat(), name).ok_or_else(|| io::Error::other(UNSEALED))?;
        self.disk.folder.write(name, &sealed)?;
        self.disk.usage.lock().written += sealed.len() as u64;
        Ok(())
    }

    /// 32 hexadecimal digits, by which nobody without the AppSecret finds out whose code an entry is, and which.
    fn name(&self, identity: &Identity) -> String {
        self.seal.opaque_key(&[self.account.as_bytes(), b"\n", identity].concat())
    }

    fn hangs(&self, operation: &'static str, limit: Duration) {
        self.disk.cooldown.begin_after(limit);
        self.emit(operation, &io::Error::other(format!("no answer within {} ms", limit.as_millis())));
    }

    /// A disk that is full fails every write: one event in a second is enough.
    fn emit(&self, operation: &'static str, error: &io::Error) {
        let now = self.disk.clock.mono().as_secs() + 1;
        if self.last_error.swap(now, Ordering::Relaxed) != now {
            self.events.cache(|| CacheEvent::DiskError { operation, message: message(&self.disk.folder.root, error) });
        }
    }
}

const TOO_SLOW: &str = "too many bytes wait to be written";
const UNSEALED: &str = "it cannot be encrypted";

const CORRUPT: &str = "a file of cache.directory cannot be decrypted: it is damaged, incomplete, or of another place. wxacode \
    removes it and fetches the code again. | cache.directory 中的一个文件无法解密（损坏、不完整或来自别处），已删除并重新获取。";

fn message(path: &Path, error: &io::Error) -> String {
    let path = path.display();
    format!(
        "{path}: {error}. Calls go on without the disk: check that the directory can be written and that the disk is not full. | \
         {path}：{error}。调用不受影响，只是不经过磁盘缓存：检查目录是否可写、磁盘是否已满。"
    )
}
