//! What processes of a fleet tell each other: a new ticket, merchants whose tokens are void. One script tells and asks; it runs
//! twice a second as long as a platform is open.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use redis::Value;

use super::store::{as_store_error, failed};
use crate::error::{Result, StoreProblem};
use crate::redis::{ScriptCall, ScriptRunner};
use crate::seal::random_id;

const CHANGES: &str = include_str!("changes.lua");
/// How often a process asks. What it is told holds within a second.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(400);
/// How many changes Redis keeps for processes that ask late.
const KEPT: usize = 512;

/// A change that other processes have to know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChangeNotice {
    /// A newer ticket is stored.
    Ticket,
    /// The merchant has withdrawn its authorisation, or was removed: its tokens are void.
    Ended(String),
    /// The merchant has authorised anew: it has other tokens.
    Renewed(String),
}

/// What a process learns when it asks.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    pub(crate) changes: Vec<ChangeNotice>,
    /// This process has missed changes.
    pub(crate) missed: bool,
    /// Redis was emptied since this process last asked.
    pub(crate) emptied: bool,
}

/// The changes of one platform's fleet.
pub(crate) struct Changes {
    scripts: Arc<dyn ScriptRunner>,
    key: String,
    /// Names this process: what it has told comes back with its name.
    origin: String,
    /// Epoch and number of the last change that this process knows; `None` before it has asked.
    seen: Mutex<Option<(String, i64)>>,
    /// What this process could not tell yet.
    untold: Mutex<VecDeque<ChangeNotice>>,
    turn: tokio::sync::Mutex<()>,
}

impl Changes {
    pub(crate) fn new(scripts: Arc<dyn ScriptRunner>, key: String) -> Self {
        let (seen, untold, turn) = (Mutex::default(), Mutex::default(), tokio::sync::Mutex::default());
        Self { scripts, key, origin: random_id(), seen, untold, turn }
    }

    /// Notes a change for the next `exchange`.
    pub(crate) fn add(&self, change: ChangeNotice) {
        self.untold.lock().push_back(change);
    }

    /// Tells what this process has changed, and returns what others have.
    pub(crate) async fn exchange(&self) -> Result<News> {
        let _turn = self.turn.lock().await;
        let told: Vec<_> = self.untold.lock().iter().cloned().collect();
        let seen = self.seen.lock().clone();
        let (epoch, number) = seen.clone().unwrap_or_default();
        let mut call = ScriptCall::new(CHANGES, vec![self.key.clone()])
            .arg(random_id())
            .arg(&epoch)
            .arg(number)
            .arg(KEPT)
            .background();
        for change in &told {
            call = call.arg(format!("{} {}", self.origin, change.written()));
        }
        let reply = self.scripts.run(call).await.map_err(as_store_error)?;
        self.untold.lock().drain(..told.len());
        let Some((now, last, changes)) = read(&reply) else {
            return Err(failed(StoreProblem::Redis { reason: "an answer of no known form".to_owned() }));
        };
        let emptied = seen.is_some() && now != epoch;
        *self.seen.lock() = Some((now, last));
        if seen.is_none() || emptied {
            return Ok(News { emptied, ..News::default() });
        }
        let missed = changes.iter().any(|change| change == "all");
        let of_others =
            changes.iter().filter_map(|change| change.split_once(' ')).filter(|(origin, _)| *origin != self.origin);
        Ok(News { emptied, missed, changes: of_others.filter_map(|(_, change)| ChangeNotice::read(change)).collect() })
    }

    /// Resolves when Redis is expected to answer.
    pub(crate) async fn recovered(&self) {
        self.scripts.recovered().await;
    }
}

impl ChangeNotice {
    fn written(&self) -> String {
        match self {
            Self::Ticket => "ticket".to_owned(),
            Self::Ended(appid) => format!("ended {appid}"),
            Self::Renewed(appid) => format!("renewed {appid}"),
        }
    }

    fn read(text: &str) -> Option<Self> {
        match text.split_once(' ') {
            None if text == "ticket" => Some(Self::Ticket),
            Some(("ended", appid)) => Some(Self::Ended(appid.to_owned())),
            Some(("renewed", appid)) => Some(Self::Renewed(appid.to_owned())),
            _ => None,
        }
    }
}

fn read(reply: &Value) -> Option<(String, i64, Vec<String>)> {
    let Value::Array(row) = reply else { return None };
    let [Value::BulkString(epoch), Value::Int(last), changes @ ..] = row.as_slice() else { return None };
    let text = |value: &Value| match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        _ => None,
    };
    Some((String::from_utf8(epoch.clone()).ok()?, *last, changes.iter().filter_map(text).collect()))
}
