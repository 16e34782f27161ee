//! Process warnings, which need no subscriber. Each outage is reported once, by the thread of JavaScript that drains its
//! queue first: no thread is woken for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::clock;

/// An outage that begins again within this time is the same outage.
const DEDUP_WINDOW: Duration = Duration::from_secs(60);
/// The most warnings that wait.
const MAX_WAITING: usize = 16;

/// Warnings that wait to be printed, at most 16, and the outages that were reported.
#[derive(Default)]
pub(crate) struct Warnings {
    /// Whether there is a warning to take: cheap to read each time the queue is drained.
    waiting: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    texts: Vec<String>,
    outages: HashMap<String, Outage>,
}

struct Outage {
    /// The number of clients that have the outage.
    affected: usize,
    began: Instant,
}

impl Warnings {
    /// A client reports an outage of `what`. Warns unless the outage is known.
    pub(crate) fn begin(&self, what: &str, text: impl FnOnce() -> String) {
        self.note(what, 1, text);
    }

    /// Ends the outage for one client.
    pub(crate) fn end(&self, what: &str) {
        if let Some(outage) = self.inner.lock().outages.get_mut(what) {
            outage.affected = outage.affected.saturating_sub(1);
        }
    }

    /// Warns unless there was the same warning a moment ago.
    pub(crate) fn once(&self, what: &str, text: impl FnOnce() -> String) {
        self.note(what, 0, text);
    }

    fn note(&self, what: &str, affected: usize, text: impl FnOnce() -> String) {
        let (mut inner, now) = (self.inner.lock(), clock::monotonic());
        inner.outages.retain(|_, outage| outage.affected > 0 || now < outage.began + DEDUP_WINDOW);
        let known = inner.outages.get_mut(what);
        let is_new = known.is_none();
        match known {
            Some(outage) => {
                outage.affected += affected;
                outage.began = now;
            }
            None => drop(inner.outages.insert(what.to_owned(), Outage { affected, began: now })),
        }
        if is_new && inner.texts.len() < MAX_WAITING {
            inner.texts.push(text());
            self.waiting.store(true, Ordering::Release);
        }
    }

    /// Takes the waiting warnings.
    pub(crate) fn take(&self) -> Vec<String> {
        if !self.waiting.swap(false, Ordering::Acquire) {
            return Vec::new();
        }
        std::mem::take(&mut self.inner.lock().texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(warnings: &Warnings) -> usize {
        warnings.take().len()
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_reported_once_for_all_clients() {
        let warnings = Warnings::default();
        let begin = |what| warnings.begin(what, || what.to_owned());
        assert_eq!(taken(&warnings), 0);
        begin("a");
        begin("a");
        begin("b");
        assert_eq!((taken(&warnings), taken(&warnings)), (2, 0));
        // However long it lasts.
        tokio::time::advance(100 * DEDUP_WINDOW).await;
        warnings.end("a");
        begin("a");
        assert_eq!(taken(&warnings), 0, "one of the two clients still has the outage");
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_outage_is_reported_again_and_a_flapping_one_is_not() {
        let warnings = Warnings::default();
        for _ in 0..5 {
            warnings.begin("a", || "a".to_owned());
            warnings.end("a");
            tokio::time::advance(DEDUP_WINDOW / 2).await;
        }
        assert_eq!(taken(&warnings), 1);
        tokio::time::advance(DEDUP_WINDOW).await;
        warnings.begin("a", || "a".to_owned());
        assert_eq!(taken(&warnings), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn unread_warnings_are_bounded() {
        let warnings = Warnings::default();
        for n in 0..10_000 {
            warnings.once(&n.to_string(), || "x".to_owned());
            tokio::time::advance(DEDUP_WINDOW).await;
        }
        assert_eq!(taken(&warnings), MAX_WAITING);
        assert!(warnings.inner.lock().outages.len() <= 1);
    }
}
