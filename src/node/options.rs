//! The options of a client as they come over the boundary: JSON, whose types and names JavaScript has checked.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use super::code_store::CodeStoreHandle;
use super::platform_store::{JsStore, StoreFn};
use super::provider::{JsProvider, TokenFn};
use crate::error::{Error, Result};
use crate::options::platform::{MerchantOptions, PlatformOptions};
use crate::options::{CacheOptions, Options, TokenChoice};
use crate::wechat::params::unreadable;

/// The text holds the AppSecret: it is wiped when it has been read.
pub(super) fn read(json: String, provider: Option<TokenFn>, store: Option<&CodeStoreHandle>) -> Result<Options> {
    let json = SecretString::from(json);
    let mut options: Options = parsed(json.expose_secret())?;
    if let Some(call) = provider {
        options.token = TokenChoice::Provider(Arc::new(JsProvider::new(options.appid.clone(), call)));
    }
    set_store(&mut options.cache, store);
    Ok(options)
}

/// The options of a platform, with the caller's own store.
pub(super) fn read_platform(json: String, store: Option<StoreFn>) -> Result<PlatformOptions> {
    let json = SecretString::from(json);
    let options: PlatformOptions = parsed(json.expose_secret())?;
    let functions = store.map(|store| Arc::new(JsStore::new(store)) as _);
    Ok(PlatformOptions { functions, ..options })
}

/// The options of a merchant's client.
pub(super) fn read_merchant(json: &str, store: Option<&CodeStoreHandle>) -> Result<MerchantOptions> {
    let mut options: MerchantOptions = parsed(json)?;
    set_store(&mut options.cache, store);
    Ok(options)
}

fn set_store(cache: &mut Option<CacheOptions>, store: Option<&CodeStoreHandle>) {
    if let Some(cache) = cache {
        cache.store = store.map(|handle| handle.store.clone());
    }
}

/// What JavaScript has written as JSON.
pub(super) fn parsed<T: DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|_| Error::Params { endpoint: None, invalid: unreadable() })
}
