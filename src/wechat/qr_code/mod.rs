//! The request of a QR code: parsed once, and valid from then on.

pub(crate) mod rules;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use serde::Deserialize;

use super::endpoint::Endpoint;
use super::params::{Values, unreadable};
use super::request::ApiRequest;
use crate::error::invalid::InvalidParam;

/// The parameters of a QR code, without anything that WeChat certainly refuses.
#[derive(Clone, Debug)]
pub struct QrCodeRequest {
    endpoint: Endpoint,
    body: Bytes,
    identity: Identity,
}

/// What an image depends on: the same for two requests that differ only in a default that is spelt out.
pub(crate) type Identity = Vec<u8>;

impl QrCodeRequest {
    /// `params` is JSON in the caller's spelling.
    ///
    /// # Errors
    ///
    /// [`InvalidParam`] for a parameter that WeChat certainly refuses, or that is missing.
    pub fn parse(endpoint: &Endpoint, params: &str) -> Result<Self, InvalidParam> {
        let spec = endpoint.spec().filter(|_| endpoint.returns_qr_code()).ok_or_else(unreadable)?;
        let (body, identity) = Values::read(&spec.params, params)?.write_with_identity()?;
        let mut identity = identity.finish();
        identity.extend_from_slice(spec.name.as_bytes());
        Ok(Self { endpoint: endpoint.clone(), body: body.finish().into(), identity })
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The page that the QR code opens, as the caller gave it.
    pub(crate) fn page(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(alias = "path")]
            page: Option<String>,
        }
        serde_json::from_str::<Page>(str::from_utf8(&self.body).ok()?).ok()?.page
    }

    /// The request to send.
    pub fn api_request(&self) -> ApiRequest {
        ApiRequest { endpoint: self.endpoint.clone(), query: Vec::new(), body: Some(self.body.clone()) }
    }
}
