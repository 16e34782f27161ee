//! Process warnings, which need no subscriber. Each outage is reported once, by the thread of JavaScript that drains its
//! queue first: no thread is woken for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::clock;

/// What begins again within this is the same outage.
const QUIET: Duration = Duration::from_secs(60);
/// The most warnings that wait.
const MOST: usize = 16;

/// Warnings that wait to be printed, at most 16, and the outages that they told of.
#[derive(Default)]
pub(crate) struct Warnings {
    /// Whether there is something to take, for those who look at each turn.
    waiting: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    texts: Vec<String>,
    outages: HashMap<String, Outage>,
}

struct Outage {
    /// Several meet it, each in its time.
    lasts_for: usize,
    began: Instant,
}

impl Warnings {
    /// Somebody meets an outage of `what`. Told unless others have met it already.
    pub(crate) fn begin(&self, what: &str, text: impl FnOnce() -> String) {
        self.note(what, 1, text);
    }

    /// And for that somebody it is over.
    pub(crate) fn end(&self, what: &str) {
        if let Some(outage) = self.inner.lock().outages.get_mut(what) {
            outage.lasts_for = outage.lasts_for.saturating_sub(1);
        }
    }

    /// Told unless it was told a moment ago.
    pub(crate) fn once(&self, what: &str, text: impl FnOnce() -> String) {
        self.note(what, 0, text);
    }

    fn note(&self, what: &str, lasts_for: usize, text: impl FnOnce() -> String) {
        let (mut inner, now) = (self.inner.lock(), clock::monotonic());
        inner.outages.retain(|_, outage| outage.lasts_for > 0 || now < outage.began + QUIET);
        let known = inner.outages.get_mut(what);
        let is_new = known.is_none();
        match known {
            Some(outage) => {
                outage.lasts_for += lasts_for;
                outage.began = now;
            }
            None => drop(inner.outages.insert(what.to_owned(), Outage { lasts_for, began: now })),
        }
        if is_new && inner.texts.len() < MOST {
            inner.texts.push(text());
            self.waiting.store(true, Ordering::Release);
        }
    }

    /// Each is given once.
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
        tokio::time::advance(100 * QUIET).await;
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
            tokio::time::advance(QUIET / 2).await;
        }
        assert_eq!(taken(&warnings), 1);
        tokio::time::advance(QUIET).await;
        warnings.begin("a", || "a".to_owned());
        assert_eq!(taken(&warnings), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn unread_warnings_are_bounded() {
        let warnings = Warnings::default();
        for n in 0..10_000 {
            warnings.once(&n.to_string(), || "x".to_owned());
            tokio::time::advance(QUIET).await;
        }
        assert_eq!(taken(&warnings), MOST);
        assert!(warnings.inner.lock().outages.len() <= 1);
    }
}
