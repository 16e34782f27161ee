//! What happens to a third-party platform.

use std::time::Duration;

use crate::error::Error;

/// An event of a third-party platform. Its account is the platform, or the merchant that it concerns.
#[derive(Clone, Debug)]
pub(crate) enum PlatformNotice {
    /// A newer ticket was pushed.
    TicketReceived,
    /// Calls wait for a ticket; `error` says why there is none.
    TicketAwaited {
        error: Error,
    },
    /// WeChat refused the ticket.
    TicketRefused {
        error: Error,
    },
    /// An authorization code was exchanged for the merchant's tokens.
    AuthorizationCompleted,
    AuthorizationFailed {
        error: Error,
    },
    /// `reason` is `withdrawn` or `removed`.
    AuthorizationEnded {
        reason: &'static str,
    },
    /// What was to be saved is kept in memory, or a record cannot be decrypted and counts as absent.
    StoreError {
        error: Error,
    },
    /// The store was empty, and has so many records again.
    StoreRestored {
        records: usize,
    },
    /// All merchants were read at WeChat.
    ListRead {
        merchants: usize,
        duration: Duration,
    },
}

impl PlatformNotice {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::TicketReceived => "ticket.received",
            Self::TicketAwaited { .. } => "ticket.awaited",
            Self::TicketRefused { .. } => "ticket.refused",
            Self::AuthorizationCompleted => "authorization.completed",
            Self::AuthorizationFailed { .. } => "authorization.failed",
            Self::AuthorizationEnded { .. } => "authorization.ended",
            Self::StoreError { .. } => "store.error",
            Self::StoreRestored { .. } => "store.restored",
            Self::ListRead { .. } => "list.read",
        }
    }
}
