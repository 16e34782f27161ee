//! The record of a run: for the invariants, and for a reader of its trace.

use std::collections::BTreeMap;

use super::wechat::Kind;
use crate::journal::time;
use crate::simulation::Millis;

pub(super) struct Journal {
    pub(super) requests: Vec<Request>,
    /// When the caller removed each merchant.
    pub(super) removed: Vec<Option<Millis>>,
    /// When each merchant last authorised, came back, withdrew or was removed.
    pub(super) changed: Vec<Option<Millis>>,
    /// How often each event occurred. It shows whether the runs cover every case.
    pub(super) seen: BTreeMap<String, u64>,
    pub(super) violation: Option<String>,
    pub(super) trace: Option<Vec<String>>,
}

/// A request of a process to WeChat.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) kind: Kind,
    pub(super) merchant: Option<usize>,
    pub(super) from: usize,
    pub(super) sent: Millis,
    /// The ticket, refresh token or code that it uses.
    pub(super) secret: String,
    /// 0 for success; `None` where WeChat did not answer.
    pub(super) errcode: Option<i64>,
    pub(super) answered: Option<Millis>,
    /// Whether the process got the answer.
    pub(super) heard: bool,
}

impl Journal {
    pub(super) fn new(merchants: usize, traced: bool) -> Self {
        Self {
            requests: Vec::new(),
            removed: vec![None; merchants],
            changed: vec![None; merchants],
            seen: BTreeMap::new(),
            violation: None,
            trace: traced.then(Vec::new),
        }
    }

    pub(super) fn count(&mut self, what: &str) {
        match self.seen.get_mut(what) {
            Some(count) => *count += 1,
            None => drop(self.seen.insert(what.to_owned(), 1)),
        }
    }

    pub(super) fn note(&mut self, now: Millis, text: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{} {}", time(now), text()));
        }
    }
}
