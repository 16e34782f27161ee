//! An event as JavaScript gets it.

use std::time::{Duration, UNIX_EPOCH};

use napi_derive::napi;

use crate::error::{Error, ExceededLimit};
use crate::event::{
    CacheEvent, Event, EventKind, PlatformNotice, RedisEvent, RequestEvent, RequestLabel, TokenEvent, TokenLabel,
};

/// All fields of all events; `lib/types/events.d.ts` says which event has which.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub(super) struct NativeEvent {
    /// `token`, `redis`, `request`, `cache` or `platform`.
    pub channel: &'static str,
    pub event: &'static str,
    /// Milliseconds since 1970.
    pub timestamp_ms: f64,
    pub appid: Option<String>,
    pub mode: Option<&'static str>,
    pub token_number: Option<f64>,
    pub fingerprint: Option<String>,
    pub operation: Option<&'static str>,
    pub reason: Option<&'static str>,
    pub source: Option<&'static str>,
    pub endpoint: Option<String>,
    pub host: Option<String>,
    pub status: Option<u32>,
    pub body_bytes: Option<f64>,
    pub code: Option<&'static str>,
    pub errcode: Option<i64>,
    pub rid: Option<String>,
    pub duration_ms: Option<f64>,
    pub max_wait_ms: Option<f64>,
    pub retry_after_ms: Option<f64>,
    pub outage_ms: Option<f64>,
    pub expires_in_ms: Option<f64>,
    pub message: Option<String>,
    pub count: Option<f64>,
    pub used: Option<u32>,
    pub limit: Option<u32>,
    pub percent: Option<u32>,
}

impl From<&Event> for NativeEvent {
    fn from(Event { time, account, kind }: &Event) -> Self {
        let event = match kind {
            EventKind::Token(event) => token(event),
            EventKind::Redis(event) => redis(event),
            EventKind::Request(event) => request(event),
            EventKind::Cache(event) => cache(event),
            EventKind::Platform(notice) => platform(notice),
        };
        Self {
            event: kind.name(),
            timestamp_ms: time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as f64,
            appid: account.as_ref().map(|account| account.appid.to_string()).or(event.appid),
            mode: account.as_ref().and_then(|account| account.mode),
            ..event
        }
    }
}

fn token(event: &TokenEvent) -> NativeEvent {
    let fields = NativeEvent { channel: "token", ..NativeEvent::default() };
    match event {
        TokenEvent::RefreshStart { reason, token } => {
            let fields = NativeEvent { reason: Some(reason), ..fields };
            token.iter().fold(fields, NativeEvent::with_token)
        }
        TokenEvent::RefreshOk { source, duration, token, expires_in } => NativeEvent {
            source: Some(source),
            duration_ms: Some(ms(*duration)),
            expires_in_ms: expires_in.map(whole_ms),
            ..fields.with_token(token)
        },
        TokenEvent::RefreshError { duration, error } => {
            NativeEvent { duration_ms: Some(ms(*duration)), ..fields.with_error(error) }
        }
        TokenEvent::ServedStale { token, expires_in, error } => {
            NativeEvent { expires_in_ms: Some(whole_ms(*expires_in)), ..fields.with_token(token).with_error(error) }
        }
        TokenEvent::Invalidated { token, errcode } => {
            NativeEvent { errcode: Some(*errcode), ..fields.with_token(token) }
        }
        TokenEvent::InvalidateIgnored { reason, fingerprint, errcode } => NativeEvent {
            reason: Some(reason),
            fingerprint: Some(fingerprint.clone()),
            errcode: Some(*errcode),
            ..fields
        },
        TokenEvent::ReplacedExternally { token, errcode, message } => {
            let message = Some((*message).to_owned());
            NativeEvent { errcode: Some(*errcode), message, ..fields.with_token(token) }
        }
        TokenEvent::ForcedRefreshLimit { retry_after } => fields.with_limit(ExceededLimit::ForcedRefresh, *retry_after),
    }
}

fn redis(event: &RedisEvent) -> NativeEvent {
    let fields = NativeEvent { channel: "redis", ..NativeEvent::default() };
    match event {
        RedisEvent::Down { host, message } => {
            NativeEvent { host: Some(host.clone()), message: Some(message.clone()), ..fields }
        }
        RedisEvent::Up { host, outage } => {
            NativeEvent { host: Some(host.clone()), outage_ms: Some(ms(*outage)), ..fields }
        }
        RedisEvent::AccountError { host, appid, error } => {
            NativeEvent { host: Some(host.clone()), appid: Some(appid.clone()), ..fields.with_error(error) }
        }
        RedisEvent::Corrupt { message } => NativeEvent { message: Some((*message).to_owned()), ..fields },
        RedisEvent::LockWait { max_wait } | RedisEvent::QrCodeLockWait { max_wait } => {
            NativeEvent { max_wait_ms: Some(whole_ms(*max_wait)), ..fields }
        }
        RedisEvent::LockTakeover => fields,
        RedisEvent::QrCodeLockSkip { reason } => NativeEvent { reason: Some(reason), ..fields },
    }
}

fn request(event: &RequestEvent) -> NativeEvent {
    let fields = NativeEvent { channel: "request", ..NativeEvent::default() };
    match event {
        RequestEvent::Ok { request, status, body_bytes } => NativeEvent {
            status: Some(u32::from(*status)),
            body_bytes: Some(*body_bytes as f64),
            ..fields.with_request(request)
        },
        RequestEvent::Error { request, status, error } => {
            NativeEvent { status: status.map(u32::from), ..fields.with_request(request).with_error(error) }
        }
        RequestEvent::Abort { request } => fields.with_request(request),
        RequestEvent::RateLimitExceeded { limit, retry_after } => fields.with_limit(*limit, *retry_after),
        RequestEvent::LifetimeQuotaReached { used, limit, percent } => {
            NativeEvent { used: Some(*used), limit: Some(*limit), percent: Some(*percent), ..fields }
        }
    }
}

fn cache(event: &CacheEvent) -> NativeEvent {
    let fields = NativeEvent { channel: "cache", ..NativeEvent::default() };
    match event {
        CacheEvent::DiskError { operation, message } => {
            NativeEvent { operation: Some(operation), message: Some(message.clone()), ..fields }
        }
        CacheEvent::DiskCorrupt { message } => NativeEvent { message: Some((*message).to_owned()), ..fields },
        CacheEvent::StoreError { operation, reason, message } => {
            NativeEvent { operation: Some(operation), reason: Some(reason), message: Some(message.clone()), ..fields }
        }
    }
}

fn platform(notice: &PlatformNotice) -> NativeEvent {
    let fields = NativeEvent { channel: "platform", ..NativeEvent::default() };
    match notice {
        PlatformNotice::TicketReceived | PlatformNotice::AuthorizationCompleted => fields,
        PlatformNotice::TicketAwaited { error }
        | PlatformNotice::TicketRefused { error }
        | PlatformNotice::AuthorizationFailed { error }
        | PlatformNotice::StoreError { error } => fields.with_error(error),
        PlatformNotice::AuthorizationEnded { reason } => NativeEvent { reason: Some(reason), ..fields },
        PlatformNotice::StoreRestored { records } => NativeEvent { count: Some(*records as f64), ..fields },
        PlatformNotice::ListRead { merchants, duration } => {
            NativeEvent { count: Some(*merchants as f64), duration_ms: Some(ms(*duration)), ..fields }
        }
    }
}

impl NativeEvent {
    fn with_token(self, TokenLabel { fingerprint, number }: &TokenLabel) -> Self {
        Self { fingerprint: Some(fingerprint.clone()), token_number: Some(*number as f64), ..self }
    }

    fn with_error(self, error: &Error) -> Self {
        let refusal = error.refusal();
        Self {
            code: Some(error.code()),
            errcode: refusal.map(|refusal| refusal.errcode),
            rid: refusal.and_then(|refusal| refusal.rid.clone()),
            reason: error.reason(),
            message: Some(error.to_string()),
            ..self
        }
    }

    fn with_request(self, RequestLabel { endpoint, host, duration }: &RequestLabel) -> Self {
        let endpoint = Some(endpoint.name().to_owned());
        Self { endpoint, host: Some(host.clone()), duration_ms: Some(ms(*duration)), ..self }
    }

    fn with_limit(self, limit: ExceededLimit, retry_after: Duration) -> Self {
        Self { reason: Some(limit.name()), retry_after_ms: Some(whole_ms(retry_after)), ..self }
    }
}

fn ms(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}

fn whole_ms(time: Duration) -> f64 {
    time.as_millis() as f64
}
