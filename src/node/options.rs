//! The options of a client as they come over the boundary: JSON, whose types and names JavaScript has checked.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::provider::{JsProvider, TokenFn};
use crate::error::{Error, Result};
use crate::options::{Options, TokenChoice};
use crate::wechat::params::unreadable;

/// The text holds the AppSecret: it is wiped when it has been read.
pub(super) fn read(json: String, provider: Option<TokenFn>) -> Result<Options> {
    let json = SecretString::from(json);
    let refused = |_| Error::Params { endpoint: None, invalid: unreadable() };
    let mut options: Options = serde_json::from_str(json.expose_secret()).map_err(refused)?;
    if let Some(call) = provider {
        options.token = TokenChoice::Provider(Arc::new(JsProvider::new(options.appid.clone(), call)));
    }
    Ok(options)
}
