//! The counters of a client.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::Client;
use crate::cache::{CacheOutcome, CacheStats};
use crate::error::Error;
use crate::lifetime_quota::Usage;
use crate::token::TokenCache;
use crate::token::state::Token;

/// The result of `stats()`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stats {
    pub(crate) requests: u64,
    pub(crate) images: u64,
    pub(crate) image_bytes: u64,
    pub(crate) replays: u64,
    pub(crate) refreshes: u64,
    /// How often a call failed, by errcode or by our own code.
    pub(crate) errors: BTreeMap<String, u64>,
    /// How long ago the present token was first handed out.
    pub(crate) token_age: Option<Duration>,
    /// Whether Redis answers; `None` without one.
    pub(crate) redis_is_up: Option<bool>,
    /// How many codes the account has used; `None` until WeChat has told it.
    pub(crate) usage: Option<Usage>,
    /// `None` without a cache.
    pub(crate) cache: Option<CacheStats>,
}

/// What `stats()` counts, from 0 when the client is made.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) requests: AtomicU64,
    pub(crate) replays: AtomicU64,
    images: AtomicU64,
    image_bytes: AtomicU64,
    errors: Mutex<BTreeMap<String, u64>>,
    found: [AtomicU64; CacheOutcome::COUNT],
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// An image came from WeChat.
    pub(crate) fn image(&self, bytes: usize) {
        Self::add(&self.images);
        self.image_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// A QR code was found there.
    pub(crate) fn found(&self, found: CacheOutcome) {
        Self::add(&self.found[found as usize]);
    }

    /// A call failed. An exception of the caller's own provider is not counted: such an exception is not one of our errors.
    pub(crate) fn error(&self, error: &Error) {
        let name = match error {
            Error::Provider(_) => return,
            error => error.errcode().map_or_else(|| error.code().to_owned(), |errcode| errcode.to_string()),
        };
        *self.errors.lock().entry(name).or_default() += 1;
    }
}

impl Client {
    /// A reading of all counters. They are read one by one, so that a call under way may be in some and not yet in others.
    pub(crate) fn stats(&self) -> Stats {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { requests, replays, images, image_bytes, errors, found } = &self.stats;
        let tokens = self.tokens.as_ref().map(|tokens| &tokens.cache);
        let age = |token: Token, cache: &TokenCache| cache.now().mono.saturating_sub(token.first_seen().mono);
        let cache = self.qr_codes.as_ref().map(|qr_codes| {
            let count = |place: CacheOutcome| load(&found[place as usize]);
            let (entries, size_bytes) = qr_codes.size();
            CacheStats {
                hits: count(CacheOutcome::Memory),
                disk_hits: count(CacheOutcome::Disk),
                redis_hits: count(CacheOutcome::Redis),
                store_hits: count(CacheOutcome::Store),
                coalesced: count(CacheOutcome::Coalesced),
                misses: count(CacheOutcome::Miss),
                entries,
                size_bytes,
                disk_bytes: qr_codes.disk_bytes(),
            }
        });
        Stats {
            requests: load(requests),
            images: load(images),
            image_bytes: load(image_bytes),
            replays: load(replays),
            refreshes: tokens.map_or(0, |cache| cache.refreshes()),
            errors: errors.lock().clone(),
            redis_is_up: tokens.and_then(|cache| cache.store_is_up()),
            token_age: tokens.and_then(|cache| Some(age(cache.current()?, cache))),
            usage: self.lifetime_quota.usage(),
            cache,
        }
    }
}
