//! The requests of recent parameters: a QR code in memory is found without reading its parameters again.

use std::sync::Arc;

use foldhash::fast::RandomState;
use lru::LruCache;
use parking_lot::Mutex;

use crate::error::invalid::InvalidParam;
use crate::wechat::endpoint::Endpoint;
use crate::wechat::qr_code::QrCodeRequest;

/// Some 100 KB of parameters as they usually are.
const MAX_REQUESTS: usize = 256;

/// Requests by the JSON of their parameters. Parameters that are refused are not kept.
pub(super) struct RecentRequests(Mutex<LruCache<String, Arc<QrCodeRequest>, RandomState>>);

impl RecentRequests {
    pub(super) fn new() -> Self {
        Self(Mutex::new(LruCache::unbounded_with_hasher(RandomState::default())))
    }

    /// Like [`QrCodeRequest::parse`].
    pub(super) fn parse(&self, endpoint: &Endpoint, params: &str) -> Result<Arc<QrCodeRequest>, InvalidParam> {
        let known = self.0.lock().get(params).filter(|known| known.endpoint() == endpoint).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let request = Arc::new(QrCodeRequest::parse(endpoint, params)?);
        let mut requests = self.0.lock();
        requests.put(params.to_owned(), request.clone());
        if requests.len() > MAX_REQUESTS {
            requests.pop_lru();
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parameters_are_read_once() {
        let recent = RecentRequests::new();
        let parse = |params| recent.parse(&Endpoint::GetUnlimitedQrCode, params).unwrap();
        let first = parse(r#"{"scene":"a"}"#);
        assert!(Arc::ptr_eq(&first, &parse(r#"{"scene":"a"}"#)));
        assert_ne!(first.identity(), parse(r#"{"scene":"b"}"#).identity());
    }

    #[test]
    fn the_same_parameters_of_another_endpoint_are_another_request() {
        let recent = RecentRequests::new();
        for _ in 0..2 {
            for endpoint in [Endpoint::GetQrCode, Endpoint::CreateQrCode] {
                let request = recent.parse(&endpoint, r#"{"path":"a"}"#).unwrap();
                assert_eq!(request.endpoint(), &endpoint);
            }
        }
    }

    #[test]
    fn parameters_that_are_refused_are_refused_each_time_and_not_kept() {
        let recent = RecentRequests::new();
        for _ in 0..2 {
            assert_eq!(recent.parse(&Endpoint::GetUnlimitedQrCode, "{}").unwrap_err().param, "scene");
        }
        assert_eq!(recent.0.lock().len(), 0);
    }

    #[test]
    fn the_least_recently_used_are_forgotten_first() {
        let recent = RecentRequests::new();
        let parse = |n: usize| recent.parse(&Endpoint::GetUnlimitedQrCode, &format!(r#"{{"scene":"{n}"}}"#)).unwrap();
        let first = parse(0);
        (1..MAX_REQUESTS).for_each(|n| drop(parse(n)));
        assert!(Arc::ptr_eq(&first, &parse(0)));
        drop(parse(MAX_REQUESTS));
        assert_eq!(recent.0.lock().len(), MAX_REQUESTS);
        assert!(Arc::ptr_eq(&first, &parse(0)));
    }
}
