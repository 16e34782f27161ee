//! What a process does when others have changed something, or Redis was emptied.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::join_all;

use super::authorization::OUTAGE_PAUSE;
use super::authorizer::not_authorized;
use super::changes::{ChangeNotice, News, POLL_INTERVAL};
use super::core::Core;
use super::merchant::Merchant;
use super::records::{Record, Restore};
use super::store::RecordKey;
use crate::event::PlatformNotice;
use crate::task;

/// Tokens that are written at once into a Redis that was emptied.
const PARALLEL_TOKENS: usize = 32;

impl Core {
    /// Tells the other processes of a change, now or as soon as Redis answers.
    pub(super) async fn tell(&self, change: ChangeNotice) {
        let Some(changes) = &self.changes else { return };
        changes.add(change);
        if let Ok(news) = changes.exchange().await {
            self.learn(news).await;
        }
    }

    /// Looks at the ticket, and listens to the other processes until the last platform is closed.
    pub(super) fn listen(self: &Arc<Self>) {
        let (core, stop) = (self.clone(), self.stopped());
        task::spawn(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = core.listen_for_ever() => {}
            }
        });
    }

    async fn listen_for_ever(&self) {
        let mut has_seen = self.see_ticket().await.is_ok();
        let Some(changes) = &self.changes else { return };
        loop {
            match changes.exchange().await {
                Ok(news) => {
                    self.learn(news).await;
                    has_seen = has_seen || self.see_ticket().await.is_ok();
                }
                Err(_) => changes.recovered().await,
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    async fn learn(&self, news: News) {
        let News { changes, missed, emptied } = news;
        if missed {
            self.merchants().iter().for_each(|merchant| merchant.cache.forget_here(None));
        }
        if missed || changes.contains(&ChangeNotice::Ticket) {
            // Where that fails, the next refresh reads the ticket.
            let _ = self.reload_ticket().await;
        }
        for change in changes {
            match change {
                ChangeNotice::Ticket => {}
                ChangeNotice::Ended(appid) => self.forget_merchant(&appid, true),
                ChangeNotice::Renewed(appid) => self.forget_merchant(&appid, false),
            }
        }
        if emptied {
            self.restore().await;
        }
    }

    /// Deletes the token of a merchant that the fleet shares, as soon as Redis answers: it would be used again.
    pub(super) fn forget_stored_token(&self, merchant: Arc<Merchant>) {
        let stop = self.stopped();
        let forgotten = async move {
            while merchant.cache.forget_stored().await.is_err() {
                tokio::time::sleep(OUTAGE_PAUSE).await;
            }
        };
        task::spawn(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = forgotten => {}
            }
        });
    }

    fn forget_merchant(&self, appid: &str, has_ended: bool) {
        let Some(merchant) = self.known_merchant(appid) else { return };
        merchant.set_known(None);
        merchant.take_waiting();
        merchant.cache.forget_here(has_ended.then(not_authorized).as_ref());
    }

    /// Writes what this process knows into a store that was emptied: records, then tokens.
    async fn restore(&self) {
        self.list.restore_again();
        let ticket = self.tickets.current().map(|ticket| (RecordKey::Ticket, Record::Ticket(ticket)));
        let merchants = self.merchants();
        let known = merchants.iter().filter_map(|merchant| {
            let record = merchant.known().filter(|record| !matches!(record, Record::Withdrawn { .. }))?;
            Some((RecordKey::Authorizer(merchant.appid.to_string()), record))
        });
        let restored = self.records.restore_all(ticket.into_iter().chain(known), Restore::Older).await;
        self.component.restore_stored().await;
        for some in merchants.chunks(PARALLEL_TOKENS) {
            join_all(some.iter().map(|merchant| merchant.cache.restore_stored().boxed())).await;
        }
        if restored > 0 {
            self.notice(|| PlatformNotice::StoreRestored { records: restored });
        }
    }
}
