//! An event as JavaScript gets it.

use std::time::{Duration, UNIX_EPOCH};

use napi_derive::napi;

use crate::error::Error;
use crate::event::{Channel, Event};

#[napi(object, object_from_js = false)]
pub struct NativeEvent {
    /// `token`, `redis` or `request`.
    pub channel: &'static str,
    pub event: &'static str,
    /// Milliseconds since 1970.
    pub timestamp_ms: f64,
    pub appid: Option<String>,
    pub mode: Option<&'static str>,
    pub generation: Option<f64>,
    pub fingerprint: Option<String>,
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
}

impl From<&Event> for NativeEvent {
    fn from(event: &Event) -> Self {
        let ms = |time: Duration| time.as_micros() as f64 / 1000.0;
        let whole_ms = |time: Duration| time.as_millis() as f64;
        let refusal = match &event.error {
            Some(Error::Api { refusal, .. }) => Some(refusal),
            _ => None,
        };
        Self {
            channel: match event.channel {
                Channel::Token => "token",
                Channel::Redis => "redis",
                Channel::Request => "request",
            },
            event: event.name,
            timestamp_ms: event.time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as f64,
            appid: event.appid.as_deref().map(str::to_owned),
            mode: event.mode,
            generation: event.generation.map(|generation| generation as f64),
            fingerprint: event.fingerprint.clone(),
            reason: event.reason,
            source: event.source,
            endpoint: event.endpoint.as_ref().map(|endpoint| endpoint.name().to_owned()),
            host: event.host.clone(),
            status: event.status.map(u32::from),
            body_bytes: event.bytes.map(|bytes| bytes as f64),
            code: event.error.as_ref().map(Error::code),
            errcode: event.errcode.or(refusal.map(|refusal| refusal.errcode)),
            rid: refusal.and_then(|refusal| refusal.rid.clone()),
            duration_ms: event.took.map(ms),
            max_wait_ms: event.max_wait.map(whole_ms),
            retry_after_ms: event.retry_after.map(whole_ms),
            outage_ms: event.outage.map(ms),
            expires_in_ms: event.left.map(whole_ms),
            message: event.message.clone().or_else(|| event.error.as_ref().map(Error::to_string)),
        }
    }
}
