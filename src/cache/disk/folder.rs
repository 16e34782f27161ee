//! The files of the disk tier. Everything here blocks.
//!
//! `v1/ab/abcd…` is an entry, in a folder by the first two digits of its name. `v1/tmp/` has what is being written, and
//! `v1/lock` is locked by the process that removes entries. No name and no content says whose code it is.

use std::fs::{self, DirBuilder, File, FileTimes, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::seal::random_id;

/// The version of the layout and of the entries. Another version has a folder of its own, and is not read.
const VERSION: &str = "v1";
/// No response of WeChat's that is read is larger, and sealing adds little.
const MAX_ENTRY_BYTES: u64 = (8 << 20) + 64;
/// How much later than the last time a reading is noted: each note is a write.
const NOTE_INTERVAL: Duration = Duration::from_secs(10);

/// The folder of a disk tier.
pub(super) struct Folder {
    pub(super) root: PathBuf,
}

impl Folder {
    pub(super) fn new(directory: &Path) -> Self {
        Self { root: directory.join(VERSION) }
    }

    /// Makes the folders that are missing, and tries to write.
    pub(super) fn prepare(&self) -> io::Result<()> {
        let probe = self.temporary();
        with_folder(&probe, || write_new(&probe, b""))?;
        fs::remove_file(&probe)
    }

    /// The bytes of an entry, and notes that it was used `now`.
    pub(super) fn read(&self, name: &str, now: SystemTime) -> io::Result<Option<Vec<u8>>> {
        let file = match open_to_read(&self.entry(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let metadata = file.metadata()?;
        let mut bytes = Vec::with_capacity(metadata.len().min(MAX_ENTRY_BYTES) as usize + 1);
        // One byte too many makes an entry that does not open.
        (&file).take(MAX_ENTRY_BYTES + 1).read_to_end(&mut bytes)?;
        if metadata.modified().is_ok_and(|noted| noted + NOTE_INTERVAL <= now) {
            // An entry whose use is not noted is removed earlier, and no harm is done.
            let _ = file.set_times(FileTimes::new().set_modified(now));
        }
        Ok(Some(bytes))
    }

    /// Writes an entry beside, and renames it: whenever the process or the machine stops, there is the old one, the new one, none,
    /// or, after a power failure, one that does not open.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.temporary();
        let written = self.write_and_rename(&temporary, name, bytes);
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// Removes an entry.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        absent_is_ok(fs::remove_file(self.entry(name)))
    }

    pub(super) fn entry(&self, name: &str) -> PathBuf {
        self.root.join(name.get(..2).unwrap_or_default()).join(name)
    }

    fn write_and_rename(&self, temporary: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
        with_folder(temporary, || write_new(temporary, bytes))?;
        let entry = self.entry(name);
        with_folder(&entry, || fs::rename(temporary, &entry))
    }

    fn temporary(&self) -> PathBuf {
        self.root.join("tmp").join(random_id())
    }
}

/// Exclusively, so that no link is followed.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}

/// Runs `work` on a path, again if its folder was missing.
fn with_folder(path: &Path, work: impl Fn() -> io::Result<()>) -> io::Result<()> {
    match (work(), path.parent()) {
        (Err(error), Some(folder)) if error.kind() == ErrorKind::NotFound => {
            make_folder(folder)?;
            work()
        }
        (done, _) => done,
    }
}

/// For this user alone, with the folders above that are missing.
fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn open_to_read(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    // FILE_GENERIC_READ and FILE_WRITE_ATTRIBUTES, by which the time of a reading is noted.
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::access_mode(&mut options, 0x0012_0089 | 0x0100);
    options.open(path)
}

/// Another process may have been quicker.
pub(super) fn absent_is_ok(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
