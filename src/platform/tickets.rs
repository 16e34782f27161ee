//! The platform's ticket, which WeChat pushes every ten minutes and cannot be asked for.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;

use super::changes::ChangeNotice;
use super::core::Core;
use super::records::{Change, Record, Ticket, is_outage};
use super::store::RecordKey;
use crate::error::{Error, Result, TicketError};
use crate::event::PlatformNotice;
use crate::wechat::answer::Refusal;
use crate::wechat::endpoint::Endpoint;

/// How long a refresh of the component token waits for a ticket: longer than the time between two pushes.
pub(crate) const TICKET_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// What this process knows of the ticket.
pub(crate) struct Tickets {
    current: watch::Sender<Option<Ticket>>,
    /// The one that was in the store when the platform was opened.
    seen: parking_lot::Mutex<Option<Ticket>>,
    /// Why a refresh waits for a ticket; `None` while none does.
    waiting: watch::Sender<Option<Error>>,
    refusal: parking_lot::Mutex<Option<(Endpoint, Refusal)>>,
}

impl Default for Tickets {
    fn default() -> Self {
        Self {
            current: watch::Sender::new(None),
            seen: parking_lot::Mutex::default(),
            waiting: watch::Sender::new(None),
            refusal: parking_lot::Mutex::default(),
        }
    }
}

impl Tickets {
    /// The ticket that this process knows.
    pub(crate) fn current(&self) -> Option<Ticket> {
        self.current.borrow().clone()
    }

    /// The same, or the one that was in the store when the platform was opened. It is shown, and not sent to WeChat.
    pub(crate) fn shown(&self) -> Option<Ticket> {
        self.current().or_else(|| self.seen.lock().clone())
    }

    /// Why calls wait for a ticket, as it changes.
    pub(crate) fn waiting(&self) -> watch::Receiver<Option<Error>> {
        self.waiting.subscribe()
    }

    /// Takes a ticket, unless this process knows a newer one.
    fn learn(&self, ticket: &Ticket) {
        self.current.send_if_modified(|current| {
            let key = |ticket: &Ticket| (ticket.create_time, ticket.refused);
            let is_newer = current.as_ref().is_none_or(|current| key(ticket) > key(current));
            if is_newer {
                *current = Some(ticket.clone());
            }
            is_newer
        });
    }
}

impl Core {
    /// A ticket was pushed. Returns whether it is newer than the one before. After an error it is used all the same, and saved later.
    pub(crate) async fn receive_ticket(&self, value: SecretString, create_time: u64) -> Result<bool> {
        let ticket = Ticket { value, create_time, received_at: self.seconds(), refused: false };
        let known = self.tickets.current().map(Record::Ticket);
        let is_newer = |current: Option<&Record>| match current {
            Some(Record::Ticket(current)) => current.create_time < create_time,
            _ => true,
        };
        let saved = self
            .records
            .update(&RecordKey::Ticket, known.as_ref(), |current| match is_newer(current) {
                true => Change::Put(Record::Ticket(ticket.clone())),
                false => Change::Keep,
            })
            .await;
        let newest = match &saved {
            Ok(Some(Record::Ticket(stored))) => stored.clone(),
            Err(error) if is_outage(error) && is_newer(known.as_ref()) => ticket.clone(),
            _ => return saved.map(|_| false),
        };
        let received = newest == ticket;
        self.learn_ticket(&newest);
        if received {
            self.notice(|| PlatformNotice::TicketReceived);
            self.tell(ChangeNotice::Ticket).await;
        }
        saved.map(|_| received)
    }

    /// Looks which ticket is in the store, for `stats()`.
    pub(super) async fn see_ticket(&self) -> Result<()> {
        if let Some(Record::Ticket(stored)) = self.records.peek(&RecordKey::Ticket).await? {
            *self.tickets.seen.lock() = Some(stored);
        }
        Ok(())
    }

    /// Reads the ticket from the store, which another process may have written.
    pub(crate) async fn reload_ticket(&self) -> Result<()> {
        if let Some(Record::Ticket(stored)) = self.records.read(&RecordKey::Ticket).await? {
            self.learn_ticket(&stored);
        }
        Ok(())
    }

    /// A ticket that WeChat has not refused yet, as soon as there is one. `on_wait` learns why that takes long.
    pub(crate) async fn usable_ticket(&self, on_wait: &(dyn Fn(Error) + Send + Sync)) -> Result<Ticket> {
        let mut current = self.tickets.current.subscribe();
        let mut reloaded = Ok(());
        if self.usable_now().is_none() || self.records.is_shared() {
            reloaded = self.reload_ticket().await;
        }
        if let Some(ticket) = self.usable_now() {
            return Ok(ticket);
        }
        // Without the store it is unknown whether there is a ticket.
        reloaded?;
        let _waiting = WaitingGuard(&self.tickets.waiting);
        self.notice(|| PlatformNotice::TicketAwaited { error: self.ticket_error() });
        loop {
            let missing = self.ticket_error();
            on_wait(missing.clone());
            self.tickets.waiting.send_replace(Some(missing));
            if current.changed().await.is_err() {
                return Err(Error::Closed);
            }
            if let Some(ticket) = self.usable_now() {
                return Ok(ticket);
            }
        }
    }

    /// Takes a ticket, which no error may show from now on.
    fn learn_ticket(&self, ticket: &Ticket) {
        self.component.secrets().add_request_secret(ticket.value.expose_secret());
        self.tickets.learn(ticket);
    }

    fn usable_now(&self) -> Option<Ticket> {
        self.tickets.current().filter(|ticket| !ticket.refused)
    }

    /// WeChat refused a ticket: it is not sent again, by no process of the fleet.
    pub(crate) async fn refuse_ticket(&self, refused: &Ticket, endpoint: Endpoint, refusal: Refusal) -> Error {
        *self.tickets.refusal.lock() = Some((endpoint, refusal));
        let ticket = Ticket { refused: true, ..refused.clone() };
        self.learn_ticket(&ticket);
        let known = Record::Ticket(refused.clone());
        // A store that does not take it costs the next process one more request.
        let _ = self
            .records
            .update(&RecordKey::Ticket, Some(&known), |current| match current {
                Some(Record::Ticket(current)) if current.create_time > refused.create_time => Change::Keep,
                _ => Change::Put(Record::Ticket(ticket.clone())),
            })
            .await;
        let error = self.ticket_error();
        self.notice(|| PlatformNotice::TicketRefused { error: error.clone() });
        error
    }

    /// The error of calls for which there is no ticket.
    pub(crate) fn ticket_error(&self) -> Error {
        let current = self.tickets.current();
        let age = |ticket: &Ticket| Duration::from_secs(self.seconds().saturating_sub(ticket.received_at));
        let refusal =
            self.tickets.refusal.lock().clone().filter(|_| current.as_ref().is_some_and(|ticket| ticket.refused));
        Error::Ticket(Box::new(TicketError { last_push: current.as_ref().map(age), refusal }))
    }
}

/// Ends the wait that other tokens look at.
struct WaitingGuard<'a>(&'a watch::Sender<Option<Error>>);

impl Drop for WaitingGuard<'_> {
    fn drop(&mut self) {
        self.0.send_replace(None);
    }
}
