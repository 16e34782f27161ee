//! A request to WeChat, ready to be sent.

use bytes::Bytes;

use super::endpoint::Endpoint;

/// A request without its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiRequest {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The query without the token.
    pub(crate) query: Vec<(String, String)>,
    /// JSON.
    pub body: Option<Bytes>,
}

impl ApiRequest {
    /// A request with a JSON body and no query of its own.
    pub(crate) fn post(endpoint: Endpoint, body: Vec<u8>) -> Self {
        Self { endpoint, query: Vec::new(), body: Some(body.into()) }
    }
}
