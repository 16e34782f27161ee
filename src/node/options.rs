//! The options of a client as they come over the boundary. JavaScript has checked their types and keys.

use std::sync::Arc;

use napi::bindgen_prelude::{Buffer, Either};
use napi_derive::napi;

use super::provider::{JsProvider, TokenFn};
use crate::options::{CacheOptions, Options, RedisOptions, TokenChoice};

#[napi(object, object_to_js = false)]
pub struct ClientOptions {
    pub appid: String,
    pub secret: Option<String>,
    /// `stable`, `classic` or `none`; a provider comes beside the options.
    pub token: Option<String>,
    pub redis: Option<RedisDto>,
    pub base_url: Option<Vec<String>>,
    pub from_appid: Option<String>,
    pub timeout_ms: Option<f64>,
    pub retries: Option<f64>,
    pub rate_per_minute: Option<f64>,
    pub cache: Option<CacheDto>,
    pub proxy: Option<String>,
    pub ca: Option<Either<String, Buffer>>,
}

#[napi(object, object_to_js = false)]
pub struct RedisDto {
    pub url: String,
    pub ca: Option<Either<String, Buffer>>,
    pub timeout_ms: Option<f64>,
    pub key_prefix: Option<String>,
    pub allow_unshared_rotation: Option<bool>,
}

#[napi(object, object_to_js = false)]
pub struct CacheDto {
    pub max_bytes: Option<f64>,
    pub ttl_ms: Option<f64>,
    pub redis: Option<bool>,
    pub max_entry_bytes: Option<f64>,
}

impl From<CacheDto> for CacheOptions {
    fn from(CacheDto { max_bytes, ttl_ms, redis, max_entry_bytes }: CacheDto) -> Self {
        Self { max_bytes, ttl_ms, redis: redis.unwrap_or(false), max_entry_bytes }
    }
}

impl From<RedisDto> for RedisOptions {
    fn from(RedisDto { url, ca, timeout_ms, key_prefix, allow_unshared_rotation }: RedisDto) -> Self {
        Self { url, ca: ca.map(pem), timeout_ms, key_prefix, allow_unshared_rotation }
    }
}

fn pem(pem: Either<String, Buffer>) -> Vec<u8> {
    match pem {
        Either::A(text) => text.into_bytes(),
        // Copied: JavaScript may change the Buffer.
        Either::B(bytes) => bytes.to_vec(),
    }
}

impl ClientOptions {
    pub fn with(self, provider: Option<TokenFn>) -> Options {
        let token = match (provider, self.token.as_deref()) {
            (Some(ask), _) => TokenChoice::Provider(Arc::new(JsProvider::new(self.appid.clone(), ask))),
            (None, Some("classic")) => TokenChoice::Classic,
            (None, Some("none")) => TokenChoice::None,
            (None, _) => TokenChoice::Stable,
        };
        Options {
            appid: self.appid,
            secret: self.secret.map(Into::into),
            token,
            redis: self.redis.map(Into::into),
            base_urls: self.base_url.unwrap_or_default(),
            from_appid: self.from_appid,
            timeout_ms: self.timeout_ms,
            retries: self.retries,
            rate_per_minute: self.rate_per_minute,
            cache: self.cache.map(Into::into),
            proxy: self.proxy,
            ca: self.ca.map(pem),
        }
    }
}
