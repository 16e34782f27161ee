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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::fake::FakeRedis;

    fn processes(redis: &Arc<FakeRedis>) -> [Changes; 2] {
        [(); 2].map(|()| Changes::new(redis.clone(), "{wx1:component:f}:changes".into()))
    }

    #[tokio::test(start_paused = true)]
    async fn each_process_hears_once_what_others_have_changed_since_it_began() {
        let [one, other] = processes(&Arc::default());
        one.add(ChangeNotice::Ticket);
        assert_eq!(one.exchange().await.unwrap(), News::default());
        assert_eq!(other.exchange().await.unwrap(), News::default(), "what was before is read from the store");
        one.add(ChangeNotice::Ended("wxm".into()));
        one.add(ChangeNotice::Renewed("wxn".into()));
        assert_eq!(one.exchange().await.unwrap(), News::default(), "it knows its own");
        let heard = [ChangeNotice::Ended("wxm".into()), ChangeNotice::Renewed("wxn".into())];
        assert_eq!(other.exchange().await.unwrap().changes, heard);
        assert_eq!(other.exchange().await.unwrap(), News::default());
    }

    #[tokio::test(start_paused = true)]
    async fn what_could_not_be_told_is_told_when_redis_is_back() {
        let redis = Arc::<FakeRedis>::default();
        let [one, other] = processes(&redis);
        other.exchange().await.unwrap();
        redis.set_up(false);
        one.add(ChangeNotice::Ticket);
        assert_eq!(one.exchange().await.unwrap_err().code(), "ERR_WXA_STORE");
        redis.set_up(true);
        one.exchange().await.unwrap();
        assert_eq!(other.exchange().await.unwrap().changes, [ChangeNotice::Ticket]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_learns_that_it_has_missed_changes_and_that_redis_was_emptied() {
        let redis = Arc::<FakeRedis>::default();
        let [one, other] = processes(&redis);
        other.exchange().await.unwrap();
        for n in 0..=KEPT {
            one.add(ChangeNotice::Ended(format!("wx{n}")));
        }
        one.exchange().await.unwrap();
        let news = other.exchange().await.unwrap();
        assert!(news.missed && !news.emptied && news.changes.is_empty());
        redis.database().clear();
        let news = other.exchange().await.unwrap();
        assert!(news.emptied && !news.missed);
        assert_eq!(other.exchange().await.unwrap(), News::default());
    }
}
