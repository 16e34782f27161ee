//! The file of a platform: one line of JSON, in which the records are sealed as one.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};

use super::memory::Table;
use crate::error::StoreProblem;
use crate::seal::Seal;

const FORMAT: &str = "wxacode-platform";
const VERSION: u32 = 1;

/// Reads and writes the file of one platform.
pub(super) struct FileFormat {
    seal: Seal,
    appid: String,
    /// Names the AppSecret without giving it away.
    key: String,
}

#[derive(Serialize, Deserialize)]
struct Contents {
    format: String,
    version: u32,
    /// Of the platform.
    appid: String,
    key: String,
    /// The records, in base64.
    sealed: String,
}

impl FileFormat {
    pub(super) fn new(appid: &str, secret: &SecretString) -> Self {
        let seal = Seal::new(secret, "platform file");
        let key = seal.opaque_key(appid.as_bytes());
        Self { seal, appid: appid.to_owned(), key }
    }

    pub(super) fn write(&self, table: &Table) -> Option<Vec<u8>> {
        let mut plain = Vec::new();
        serde_json::Serializer::new(&mut plain).collect_map(table.records()).ok()?;
        let contents = Contents {
            format: FORMAT.to_owned(),
            version: VERSION,
            appid: self.appid.clone(),
            key: self.key.clone(),
            sealed: STANDARD.encode(self.seal.seal(&plain, &self.appid)?),
        };
        let mut bytes = serde_json::to_vec(&contents).ok()?;
        bytes.push(b'\n');
        Some(bytes)
    }

    /// `path` is for the error.
    pub(super) fn read(&self, bytes: &[u8], path: &str) -> Result<Table, StoreProblem> {
        let path = || path.to_owned();
        let contents: Option<Contents> = str::from_utf8(bytes).ok().and_then(|text| serde_json::from_str(text).ok());
        let Some(contents) = contents.filter(|contents| contents.format == FORMAT && contents.version == VERSION)
        else {
            return Err(StoreProblem::Damaged { path: path() });
        };
        if contents.appid != self.appid {
            return Err(StoreProblem::OtherPlatform { path: path() });
        }
        if contents.key != self.key {
            return Err(StoreProblem::OtherSecret { path: path() });
        }
        let sealed = STANDARD.decode(&contents.sealed).ok();
        let records: Option<BTreeMap<String, String>> =
            sealed.and_then(|sealed| self.seal.open_json(&sealed, &self.appid));
        records.map(Table::from_iter).ok_or_else(|| StoreProblem::Damaged { path: path() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::RecordKey;
    use super::*;

    fn format(appid: &str, secret: &str) -> FileFormat {
        FileFormat::new(appid, &secret.into())
    }

    fn table() -> Table {
        let mut table = Table::default();
        assert!(table.write(&RecordKey::Ticket, Some("c4nary-1"), 0));
        assert!(table.write(&RecordKey::Authorizer("wxm".into()), Some("c4nary-2"), 0));
        table
    }

    #[test]
    fn what_was_written_is_read_and_shows_no_record() {
        let written = format("wx1", "s").write(&table()).unwrap();
        assert!(
            !String::from_utf8_lossy(&written).contains("c4nary") && !written.windows(3).any(|part| part == b"wxm")
        );
        let read = format("wx1", "s").read(&written, "f").unwrap();
        assert_eq!(read.records().collect::<Vec<_>>(), table().records().collect::<Vec<_>>());
    }

    #[test]
    fn a_file_of_another_platform_or_secret_or_with_another_byte_is_refused() {
        let written = format("wx1", "s").write(&table()).unwrap();
        let path = || "f".to_owned();
        let refused = |appid, secret| format(appid, secret).read(&written, "f").err().unwrap();
        assert_eq!(refused("wx2", "s"), StoreProblem::OtherPlatform { path: path() });
        assert_eq!(refused("wx1", "t"), StoreProblem::OtherSecret { path: path() });
        for at in 0..written.len() - 1 {
            let mut damaged = written.clone();
            damaged[at] ^= 1;
            assert!(format("wx1", "s").read(&damaged, "f").is_err(), "byte {at}");
            assert!(format("wx1", "s").read(&written[..at], "f").is_err(), "cut at {at}");
        }
    }
}
