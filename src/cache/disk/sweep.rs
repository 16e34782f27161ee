//! Keeps the disk tier below its limit: the least recently used entries are removed, by one process at a time.

use std::fs::{self, File, OpenOptions, ReadDir, TryLockError};
use std::io::{self, ErrorKind};
use std::time::{Duration, SystemTime};

use super::folder::{Folder, absent_is_ok};

/// A temporary file of this age is of a process that died: writing one takes moments.
const STALE: Duration = Duration::from_secs(60);
/// The length of the name of an entry: 128 bits.
const NAME_DIGITS: usize = 32;

/// An entry, as small as it can be: there may be millions.
struct Entry {
    used: SystemTime,
    bytes: u64,
    name: u128,
}

impl Folder {
    /// Removes what is stale, and the least recently used entries if there are more bytes than `max_bytes`. Gives the bytes that are
    /// left, of whichever process; `None` if another process does the same now.
    pub(super) fn sweep(&self, max_bytes: u64, now: SystemTime) -> io::Result<Option<u64>> {
        let Some(_lock) = self.lock()? else { return Ok(None) };
        self.remove_stale(now)?;
        let mut entries = self.entries()?;
        let total = entries.iter().map(|entry| entry.bytes).sum();
        if total <= max_bytes {
            return Ok(Some(total));
        }
        let goal = max_bytes - max_bytes / 10;
        entries.sort_unstable_by_key(|entry| entry.used);
        let mut left = total;
        for Entry { name, bytes, .. } in entries {
            if left <= goal {
                break;
            }
            self.remove(&format!("{name:0NAME_DIGITS$x}"))?;
            left -= bytes;
        }
        Ok(Some(left))
    }

    fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for shard in 0..=u8::MAX {
            let Some(files) = listed(fs::read_dir(self.root.join(format!("{shard:02x}"))))? else { continue };
            for file in files {
                let file = file?;
                let name = file.file_name();
                let name = name.to_str().filter(|name| name.len() == NAME_DIGITS);
                // What is no entry is not ours to remove. Another process may have removed one meanwhile.
                if let Some(name) = name.and_then(|name| u128::from_str_radix(name, 16).ok())
                    && let Ok(metadata) = file.metadata()
                    && metadata.is_file()
                {
                    let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                    entries.push(Entry { used, bytes: metadata.len(), name });
                }
            }
        }
        Ok(entries)
    }

    fn remove_stale(&self, now: SystemTime) -> io::Result<()> {
        let Some(files) = listed(fs::read_dir(self.root.join("tmp")))? else { return Ok(()) };
        for file in files {
            let file = file?;
            let begun = file.metadata().and_then(|metadata| metadata.modified());
            if begun.is_ok_and(|begun| begun + STALE <= now) {
                absent_is_ok(fs::remove_file(file.path()))?;
            }
        }
        Ok(())
    }

    /// `None` if another process has it. The lock of a process that dies is free at once.
    fn lock(&self) -> io::Result<Option<File>> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(self.root.join("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// A folder that is missing has no files.
fn listed(files: io::Result<ReadDir>) -> io::Result<Option<ReadDir>> {
    match files {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        files => files.map(Some),
    }
}
