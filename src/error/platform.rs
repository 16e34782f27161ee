//! What fails of a third-party platform.

use std::time::Duration;

use crate::wechat::answer::Refusal;
use crate::wechat::endpoint::Endpoint;

/// Why there is no ticket to work with.
#[derive(Clone, Debug)]
pub struct TicketError {
    /// How long ago the last ticket was pushed; `None` if none has come yet.
    pub last_push: Option<Duration>,
    /// How WeChat refused the ticket; `None` if there was none to send.
    pub refusal: Option<(Endpoint, Refusal)>,
}

impl TicketError {
    pub(super) fn code(&self) -> &'static str {
        if self.refusal.is_some() { "ERR_WXA_API" } else { "ERR_WXA_TICKET" }
    }

    pub(super) fn endpoint(&self) -> Option<&Endpoint> {
        self.refusal.as_ref().map(|(endpoint, _)| endpoint)
    }
}

/// What is wrong with the store of a platform. Texts are without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreProblem {
    /// Another process, or another platform of this one, has locked the file.
    Locked {
        /// The file.
        path: String,
    },
    /// The file was written with another AppSecret.
    OtherSecret {
        /// The file.
        path: String,
    },
    /// The file is of another platform.
    OtherPlatform {
        /// The file.
        path: String,
    },
    /// The file cannot be read: it is damaged, or no file of this package.
    Damaged {
        /// The file.
        path: String,
    },
    /// The operating system refused to read or write the file.
    File {
        /// The file.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// Redis did not answer, or refused.
    Redis {
        /// What Redis or its driver says.
        reason: String,
    },
    /// The caller's own store threw.
    Threw {
        /// `get`, `set` or `delete`.
        operation: &'static str,
        /// The message of the exception, without secrets.
        reason: String,
    },
    /// The caller's own store did not answer in time.
    Hangs {
        /// `get`, `set` or `delete`.
        operation: &'static str,
        /// The time that it had.
        limit: Duration,
    },
    /// What a push brought was not saved in the time that WeChat waits for an answer.
    PushNotSaved {
        /// The time that the store had.
        limit: Duration,
    },
    /// The caller's own store gave what this package has not stored there, or a record is of no known form.
    Unreadable {
        /// The key.
        key: String,
    },
    /// A value in Redis was changed. It counts as absent, and is replaced. Only an event says so.
    DamagedRecord {
        /// The key.
        key: String,
    },
}

impl StoreProblem {
    /// Whether the store is this platform's and only out of order, so that work goes on in memory meanwhile.
    pub(crate) fn is_outage(&self) -> bool {
        self.is_retryable() && !matches!(self, Self::Locked { .. })
    }

    /// Whether the same call may succeed without a change.
    pub(super) fn is_retryable(&self) -> bool {
        !matches!(
            self,
            Self::OtherSecret { .. }
                | Self::OtherPlatform { .. }
                | Self::Damaged { .. }
                | Self::Unreadable { .. }
                | Self::DamagedRecord { .. }
        )
    }

    /// The problem in a word, which `lib/types/errors.d.ts` explains.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "locked",
            Self::OtherSecret { .. } => "secret",
            Self::OtherPlatform { .. } => "platform",
            Self::Damaged { .. } | Self::Unreadable { .. } | Self::DamagedRecord { .. } => "damaged",
            Self::File { .. } => "file",
            Self::Redis { .. } => "redis",
            Self::Threw { .. } => "threw",
            Self::Hangs { .. } | Self::PushNotSaved { .. } => "timeout",
        }
    }
}
