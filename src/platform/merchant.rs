//! A merchant: its access token, and what this process remembers of its record.

use std::sync::Arc;

use parking_lot::Mutex;
use secrecy::ExposeSecret;

use super::records::{Authorizer, Record};
use crate::event::EventSource;
use crate::token::TokenCache;
use crate::token::source::SourceToken;

/// A merchant of the platform, or an appid that a caller takes for one.
pub(crate) struct Merchant {
    pub(crate) appid: Arc<str>,
    /// The authorizer access token.
    pub(crate) cache: Arc<TokenCache>,
    pub(crate) events: EventSource,
    known: Mutex<Option<Record>>,
    waiting: Mutex<Option<WaitingToken>>,
}

/// An access token that is not used yet: the refresh token that came with it is not saved.
pub(crate) struct WaitingToken {
    pub(crate) token: SourceToken,
    /// When it expires, on the monotonic clock of the platform.
    pub(crate) expires: std::time::Duration,
}

impl Merchant {
    pub(crate) fn new(appid: Arc<str>, cache: Arc<TokenCache>, events: EventSource) -> Self {
        Self { appid, cache, events, known: Mutex::default(), waiting: Mutex::default() }
    }

    /// The record when this process last read or wrote it.
    pub(crate) fn known(&self) -> Option<Record> {
        self.known.lock().clone()
    }

    /// What WeChat's answers to calls for this merchant are searched for includes its refresh token.
    pub(crate) fn set_known(&self, record: Option<Record>) {
        if let Some(Record::Authorizer(Authorizer { refresh_token: Some(token), .. })) = &record {
            self.cache.secrets().add_request_secret(token.expose_secret());
        }
        *self.known.lock() = record;
    }

    /// Keeps an access token until its refresh token is saved.
    pub(crate) fn keep_waiting(&self, token: WaitingToken) {
        *self.waiting.lock() = Some(token);
    }

    pub(crate) fn has_waiting(&self) -> bool {
        self.waiting.lock().is_some()
    }

    pub(crate) fn take_waiting(&self) -> Option<WaitingToken> {
        self.waiting.lock().take()
    }

    /// Whether there is more to it than an appid.
    pub(crate) fn is_worth_keeping(&self) -> bool {
        self.has_waiting() || self.known.lock().is_some() || self.cache.current().is_some()
    }
}
