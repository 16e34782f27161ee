//! Events for subscribers: tokens, Redis, requests. An event is built only while there is a subscriber, and holds no secret.

pub(crate) mod attempt;
mod platform;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use crate::clock::Clock;
use crate::error::{Error, ExceededLimit};
use crate::warning::Warnings;
use crate::wechat::endpoint::Endpoint;
pub(crate) use platform::PlatformNotice;

/// An event, with its time and the account that it concerns.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) time: SystemTime,
    /// `None` for an event of a Redis, which concerns all its accounts.
    pub(crate) account: Option<AccountLabel>,
    pub(crate) kind: EventKind,
}

/// The account of an event.
#[derive(Clone, Debug)]
pub(crate) struct AccountLabel {
    pub(crate) appid: Arc<str>,
    /// `stable`, `classic` or `provider`.
    pub(crate) mode: Option<&'static str>,
}

/// What happened.
#[derive(Clone, Debug)]
pub(crate) enum EventKind {
    Token(TokenEvent),
    Redis(RedisEvent),
    Request(RequestEvent),
    Cache(CacheEvent),
    Platform(PlatformNotice),
}

/// Names a token without giving it away.
#[derive(Clone, Debug)]
pub(crate) struct TokenLabel {
    /// Eight hexadecimal digits.
    pub(crate) fingerprint: String,
    /// Counts the tokens that this process has held, from 1.
    pub(crate) number: u64,
}

/// An event of an access token.
#[derive(Clone, Debug)]
pub(crate) enum TokenEvent {
    /// `token` is the present one.
    RefreshStart {
        reason: &'static str,
        token: Option<TokenLabel>,
    },
    /// `source` is `wechat`, `provider`, `redis` or `unchanged`; `expires_in` is absent for `unchanged`.
    RefreshOk {
        source: &'static str,
        duration: Duration,
        token: TokenLabel,
        expires_in: Option<Duration>,
    },
    RefreshError {
        duration: Duration,
        error: Error,
    },
    /// The refresh failed, and the present token is still served.
    ServedStale {
        token: TokenLabel,
        expires_in: Duration,
        error: Error,
    },
    Invalidated {
        token: TokenLabel,
        errcode: i64,
    },
    InvalidateIgnored {
        reason: &'static str,
        fingerprint: String,
        errcode: i64,
    },
    /// Another system shares the appid.
    ReplacedExternally {
        token: TokenLabel,
        errcode: i64,
        message: &'static str,
    },
    ForcedRefreshLimit {
        retry_after: Duration,
    },
}

/// An event of a Redis, or of the locks there.
#[derive(Clone, Debug)]
pub(crate) enum RedisEvent {
    Down {
        host: String,
        message: String,
    },
    Up {
        host: String,
        outage: Duration,
    },
    /// Redis is well and refuses what one account needs.
    AccountError {
        host: String,
        appid: String,
        error: Error,
    },
    /// A stored value that cannot be decrypted.
    Corrupt {
        message: &'static str,
    },
    LockWait {
        max_wait: Duration,
    },
    LockTakeover,
    QrCodeLockWait {
        max_wait: Duration,
    },
    QrCodeLockSkip {
        reason: &'static str,
    },
}

/// An event of the copies of QR codes on the disk and in the caller's own store.
#[derive(Clone, Debug)]
pub(crate) enum CacheEvent {
    /// The operating system refused, or did not answer in time.
    DiskError { operation: &'static str, message: String },
    /// A file that cannot be decrypted.
    DiskCorrupt { message: &'static str },
    /// The caller's own store threw, did not answer in time, or gave no image. `reason` is `threw`, `timeout` or `invalid`.
    StoreError { operation: &'static str, reason: &'static str, message: String },
}

/// An event of a request to WeChat.
#[derive(Clone, Debug)]
pub(crate) enum RequestEvent {
    Ok {
        request: RequestLabel,
        status: u16,
        body_bytes: usize,
    },
    /// `status` is there if a response came.
    Error {
        request: RequestLabel,
        status: Option<u16>,
        error: Error,
    },
    Abort {
        request: RequestLabel,
    },
    /// A call could not be sent in its time.
    RateLimitExceeded {
        limit: ExceededLimit,
        retry_after: Duration,
    },
    /// The account has used so many percent of the codes that it has for ever.
    LifetimeQuotaReached {
        used: u32,
        limit: u32,
        percent: u32,
    },
}

/// The request of an event.
#[derive(Clone, Debug)]
pub(crate) struct RequestLabel {
    pub(crate) endpoint: Endpoint,
    /// Host and port.
    pub(crate) host: String,
    pub(crate) duration: Duration,
}

impl EventKind {
    /// The name that subscribers see.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Token(event) => match event {
                TokenEvent::RefreshStart { .. } => "refresh.start",
                TokenEvent::RefreshOk { .. } => "refresh.ok",
                TokenEvent::RefreshError { .. } => "refresh.error",
                TokenEvent::ServedStale { .. } => "token.served_stale",
                TokenEvent::Invalidated { .. } => "token.invalidated",
                TokenEvent::InvalidateIgnored { .. } => "token.invalidate_ignored",
                TokenEvent::ReplacedExternally { .. } => "token.replaced_externally",
                TokenEvent::ForcedRefreshLimit { .. } => "rate_limit.exceeded",
            },
            Self::Redis(event) => match event {
                RedisEvent::Down { .. } => "redis.down",
                RedisEvent::Up { .. } => "redis.up",
                RedisEvent::AccountError { .. } => "redis.error",
                RedisEvent::Corrupt { .. } => "redis.corrupt",
                RedisEvent::LockWait { .. } => "lock.wait",
                RedisEvent::LockTakeover => "lock.takeover",
                RedisEvent::QrCodeLockWait { .. } => "qr_code_lock.wait",
                RedisEvent::QrCodeLockSkip { .. } => "qr_code_lock.skip",
            },
            Self::Request(event) => match event {
                RequestEvent::Ok { .. } => "request.ok",
                RequestEvent::Error { .. } => "request.error",
                RequestEvent::Abort { .. } => "request.abort",
                RequestEvent::RateLimitExceeded { .. } => "rate_limit.exceeded",
                RequestEvent::LifetimeQuotaReached { .. } => "lifetime_quota.reached",
            },
            Self::Cache(event) => match event {
                CacheEvent::DiskError { .. } => "cache_disk.error",
                CacheEvent::DiskCorrupt { .. } => "cache_disk.corrupt",
                CacheEvent::StoreError { .. } => "cache_store.error",
            },
            Self::Platform(notice) => notice.name(),
        }
    }
}

/// Receives events. It must not block: it runs where the event happened.
pub(crate) trait Listener: Send + Sync {
    fn on_event(&self, event: &Event);
}

/// The subscribers of a process or of a thread. Emitting without a subscriber is one look at a number.
#[derive(Default)]
pub struct EventBus {
    /// Process warnings, which need no subscriber.
    pub(crate) warnings: Warnings,
    clock: Clock,
    count: AtomicUsize,
    listeners: Mutex<Vec<Arc<dyn Listener>>>,
}

impl EventBus {
    /// A bus without subscribers, whose events have their time by `clock`.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, ..Self::default() }
    }

    /// Adds a subscriber.
    pub(crate) fn add(&self, listener: Arc<dyn Listener>) {
        let mut listeners = self.listeners.lock();
        listeners.push(listener);
        self.count.store(listeners.len(), Ordering::Relaxed);
    }

    /// Removes a subscriber.
    pub(crate) fn remove(&self, listener: &Arc<dyn Listener>) {
        let mut listeners = self.listeners.lock();
        listeners.retain(|other| !Arc::ptr_eq(other, listener));
        self.count.store(listeners.len(), Ordering::Relaxed);
    }

    /// Emits what `build` returns, if there is a subscriber.
    pub(crate) fn emit(&self, account: Option<&AccountLabel>, build: impl FnOnce() -> EventKind) {
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let event = Event { time: UNIX_EPOCH + self.clock.wall(), account: account.cloned(), kind: build() };
        for listener in self.listeners.lock().iter() {
            listener.on_event(&event);
        }
    }
}

/// Emits events of one account.
#[derive(Clone)]
pub struct EventSource {
    pub(crate) bus: Arc<EventBus>,
    pub(crate) account: AccountLabel,
}

impl EventSource {
    /// A source of events of this account.
    pub fn new(bus: Arc<EventBus>, appid: impl Into<Arc<str>>, mode: Option<&'static str>) -> Self {
        Self { bus, account: AccountLabel { appid: appid.into(), mode } }
    }

    /// How the account gets its tokens: `stable`, `classic` or `provider`.
    pub(crate) fn mode(&self) -> Option<&'static str> {
        self.account.mode
    }

    /// The time by the clock of the bus.
    pub(crate) fn wall(&self) -> SystemTime {
        UNIX_EPOCH + self.bus.clock.wall()
    }

    /// Emits an event of the account's token.
    pub(crate) fn token(&self, build: impl FnOnce() -> TokenEvent) {
        self.bus.emit(Some(&self.account), || EventKind::Token(build()));
    }

    /// Emits an event of the account's locks or values in Redis.
    pub(crate) fn redis(&self, build: impl FnOnce() -> RedisEvent) {
        self.bus.emit(Some(&self.account), || EventKind::Redis(build()));
    }

    /// Emits an event of the account's QR codes on the disk or in a store.
    pub(crate) fn cache(&self, build: impl FnOnce() -> CacheEvent) {
        self.bus.emit(Some(&self.account), || EventKind::Cache(build()));
    }

    /// Emits an event of a platform, or of the merchant.
    pub(crate) fn platform(&self, build: impl FnOnce() -> PlatformNotice) {
        self.bus.emit(Some(&self.account), || EventKind::Platform(build()));
    }

    /// Emits an event of the account's requests.
    pub(crate) fn request(&self, build: impl FnOnce() -> RequestEvent) {
        self.bus.emit(Some(&self.account), || EventKind::Request(build()));
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// Records the events it receives.
    #[derive(Default)]
    pub(crate) struct RecordingListener(pub(crate) Mutex<Vec<Event>>);

    impl Listener for RecordingListener {
        fn on_event(&self, event: &Event) {
            self.0.lock().push(event.clone());
        }
    }

    impl RecordingListener {
        /// The names of the events since the last call, each with its reason or with the code of its error.
        pub(crate) fn take(&self) -> Vec<(&'static str, Option<&'static str>)> {
            let events = std::mem::take(&mut *self.0.lock());
            events.iter().map(|event| (event.kind.name(), reason(&event.kind))).collect()
        }
    }

    fn reason(kind: &EventKind) -> Option<&'static str> {
        match kind {
            EventKind::Token(
                TokenEvent::RefreshStart { reason, .. } | TokenEvent::InvalidateIgnored { reason, .. },
            )
            | EventKind::Redis(RedisEvent::QrCodeLockSkip { reason })
            | EventKind::Cache(
                CacheEvent::StoreError { reason, .. } | CacheEvent::DiskError { operation: reason, .. },
            )
            | EventKind::Platform(PlatformNotice::AuthorizationEnded { reason }) => Some(reason),
            EventKind::Token(TokenEvent::ForcedRefreshLimit { .. }) => Some(ExceededLimit::ForcedRefresh.name()),
            EventKind::Token(TokenEvent::RefreshError { error, .. } | TokenEvent::ServedStale { error, .. })
            | EventKind::Redis(RedisEvent::AccountError { error, .. })
            | EventKind::Request(RequestEvent::Error { error, .. })
            | EventKind::Platform(
                PlatformNotice::TicketAwaited { error }
                | PlatformNotice::TicketRefused { error }
                | PlatformNotice::AuthorizationFailed { error }
                | PlatformNotice::StoreError { error },
            ) => Some(error.code()),
            EventKind::Request(RequestEvent::RateLimitExceeded { limit, .. }) => Some(limit.name()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::RecordingListener;
    use super::*;

    #[test]
    fn an_event_is_built_only_while_there_is_a_subscriber() {
        let source = EventSource::new(Arc::default(), "wx", None);
        source.redis(|| panic!("built without a subscriber"));
        let recorder = Arc::new(RecordingListener::default());
        let listener: Arc<dyn Listener> = recorder.clone();
        source.bus.add(listener.clone());
        source.redis(|| RedisEvent::LockTakeover);
        source.bus.remove(&listener);
        source.redis(|| panic!("built without a subscriber"));
        assert_eq!(recorder.take(), [("lock.takeover", None)]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_has_the_time_of_the_clock_of_its_bus() {
        let clock = Clock::manual(Duration::from_secs(1_700_000_000));
        let (bus, recorder) = (Arc::new(EventBus::new(clock.clone())), Arc::new(RecordingListener::default()));
        bus.add(recorder.clone());
        let source = EventSource::new(bus, "wx", None);
        source.redis(|| RedisEvent::LockTakeover);
        clock.shift_wall(-60_000);
        tokio::time::advance(Duration::from_secs(1)).await;
        source.redis(|| RedisEvent::LockTakeover);
        let times = recorder.0.lock().iter().map(|event| event.time).collect::<Vec<_>>();
        assert_eq!(times, [1_700_000_000, 1_699_999_941].map(|second| UNIX_EPOCH + Duration::from_secs(second)));
    }
}
