//! WeChat's list of all merchants with their refresh tokens: the way back to what the store does not have.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Platform;
use super::calls::{Listed, PAGE};
use super::records::{Authorizer, Record, Restore};
use super::store::RecordKey;
use crate::clock::{self, Timestamp};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::event::PlatformNotice;
use crate::task;
use crate::token::state::RefreshBackoff;
use crate::wechat::endpoint::Endpoint;

/// How long a reading serves other merchants.
const REUSE: Duration = Duration::from_secs(2);
/// A reading is part of a merchant's refresh, which has little more time.
const READING_TIMEOUT: Duration = Duration::from_secs(5);
/// Pages that are read at once, after the first.
const PARALLEL_PAGES: usize = 4;
/// How often what the list has is written into a store.
const RESTORE_INTERVAL: Duration = Duration::from_secs(600);

/// All merchants, by appid.
pub(crate) type List = BTreeMap<String, Listed>;

/// Reads the list, once for all who need it within a moment.
#[derive(Default)]
pub(crate) struct ListReader {
    last: Mutex<Option<Reading>>,
    /// After a reading that failed: each of thousands of merchants would else ask WeChat again.
    backoff: Mutex<Option<RefreshBackoff>>,
    restored_at: Mutex<Option<Instant>>,
    /// Records that calls have restored since the store was last filled.
    by_calls: AtomicUsize,
}

struct Reading {
    progress: watch::Receiver<Option<Done>>,
}

struct Done {
    at: Instant,
    result: Result<Arc<List>>,
}

impl ListReader {
    /// The reading that runs, or has just ended well; else the sender of a new one.
    fn join(&self) -> (watch::Receiver<Option<Done>>, Option<watch::Sender<Option<Done>>>) {
        let mut last = self.last.lock();
        if let Some(Reading { progress }) = &*last {
            let is_fresh = match &*progress.borrow() {
                None => progress.has_changed().is_ok(),
                Some(done) => done.result.is_ok() && done.at.elapsed() < REUSE,
            };
            if is_fresh {
                return (progress.clone(), None);
            }
        }
        let (sender, progress) = watch::channel(None);
        *last = Some(Reading { progress: progress.clone() });
        (progress, Some(sender))
    }

    /// Why the list is not read again yet.
    fn last_failure(&self, now: Timestamp) -> Option<Error> {
        self.backoff.lock().as_ref().filter(|backoff| backoff.is_active(now)).map(|backoff| backoff.error().clone())
    }

    fn note_result<T>(&self, result: &Result<T>, now: Timestamp) {
        let mut backoff = self.backoff.lock();
        match result {
            Ok(_) => *backoff = None,
            Err(error) => {
                let next = RefreshBackoff::after(backoff.as_ref(), error, now, fastrand::f64());
                *backoff = next.or(backoff.take());
            }
        }
    }

    /// Whether it is time to write what the list has into the store.
    fn begin_restore(&self) -> bool {
        let mut at = self.restored_at.lock();
        let due = at.is_none_or(|at| at.elapsed() >= RESTORE_INTERVAL);
        if due {
            *at = Some(clock::monotonic());
        }
        due
    }

    /// A call has restored the record that it needed.
    pub(crate) fn note_restored(&self) {
        self.by_calls.fetch_add(1, Ordering::Relaxed);
    }

    /// The store was emptied: the next reading is written into it.
    pub(crate) fn restore_again(&self) {
        *self.restored_at.lock() = None;
    }
}

impl Platform {
    /// A merchant in WeChat's list, if it is there.
    pub(crate) async fn listed(self: &Arc<Self>, appid: &str) -> Result<Option<Listed>> {
        Ok(self.list().await?.get(appid).cloned())
    }

    /// The list of a moment ago, or a new one. For a while after a failure it is that failure, and WeChat is not asked.
    async fn list(self: &Arc<Self>) -> Result<Arc<List>> {
        if let Some(error) = self.core.list.last_failure(self.core.clock.now()) {
            return Err(error);
        }
        let (mut progress, sender) = self.core.list.join();
        if let Some(sender) = sender {
            let platform = self.clone();
            task::spawn_for_call(async move {
                let result = platform.read_list().await.map(Arc::new);
                platform.core.list.note_result(&result, platform.core.clock.now());
                sender.send_replace(Some(Done { at: clock::monotonic(), result }));
            });
        }
        let done = progress.wait_for(Option::is_some).await.map_err(|_| Error::Closed)?;
        done.as_ref().map_or(Err(Error::Closed), |done| done.result.clone())
    }

    async fn read_list(&self) -> Result<List> {
        let begun = clock::monotonic();
        let deadline = Deadline::new(READING_TIMEOUT, Some(Endpoint::GetAuthorizerList));
        let (total, first) = self.authorizer_list(0, &deadline).await?;
        let offsets = (PAGE..total).step_by(PAGE);
        let rest: Vec<_> = stream::iter(offsets)
            .map(|offset| self.authorizer_list(offset, &deadline))
            .buffer_unordered(PARALLEL_PAGES)
            .try_collect()
            .await?;
        let listed = first.into_iter().chain(rest.into_iter().flat_map(|(_, page)| page));
        let mut list = List::new();
        list.extend(listed.map(|one| (one.appid.clone(), one)));
        let (merchants, duration) = (list.len(), begun.elapsed());
        self.core.notice(|| PlatformNotice::ListRead { merchants, duration });
        Ok(list)
    }

    /// Writes the merchants of the list that the store does not have, in the background and not often: the next of them needs no
    /// reading of its own.
    pub(crate) fn restore_from_list(self: &Arc<Self>) {
        if !self.core.list.begin_restore() {
            return;
        }
        let platform = self.clone();
        let stop = self.core.stopped();
        task::spawn_in_background(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = platform.write_list() => {}
            }
        });
    }

    async fn write_list(self: Arc<Self>) {
        let Ok(list) = self.list().await else { return };
        let known = list
            .values()
            .filter_map(|one| Some((RecordKey::Authorizer(one.appid.clone()), Record::Authorizer(one.authorizer()?))));
        let restored = self.core.records.restore_all(known, Restore::Missing).await;
        let records = restored + self.core.list.by_calls.swap(0, Ordering::Relaxed);
        if records > 0 {
            self.core.notice(|| PlatformNotice::StoreRestored { records });
        }
    }
}

impl Listed {
    /// What the store keeps of it.
    pub(crate) fn authorizer(&self) -> Option<Authorizer> {
        let refresh_token = Some(self.refresh_token.clone()?);
        let (authorized_at, obtained_at) = (self.authorized_at, self.asked_at);
        Some(Authorizer { refresh_token, authorized_at, obtained_at, ..Authorizer::default() })
    }
}
