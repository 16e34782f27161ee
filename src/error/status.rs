//! Whether an HTTP status allows a retry. Only used where the body has no errcode.

/// Whether the same request may succeed later without a change. A status about the request (403, 404, 407, 412, 413) and a
/// 5xx about what the server cannot do at all stay as they are.
pub(crate) fn is_retryable(status: u16) -> bool {
    match status {
        // Request Timeout, Too Early, Too Many Requests.
        408 | 425 | 429 => true,
        // Not Implemented, HTTP Version Not Supported, Variant Also Negotiates, Loop Detected, Not Extended, Network
        // Authentication Required.
        501 | 505 | 506 | 508 | 510 | 511
        // A CDN's TLS with the server behind it fails.
        | 525 | 526 => false,
        status => status >= 500,
    }
}

/// Whether a retry within the call is worth it. 429 is not: the server has asked for fewer requests.
pub(crate) fn is_transient(status: u16) -> bool {
    status != 429 && is_retryable(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_temporary_statuses_are_retryable() {
        let retryable: Vec<_> = (100..600).filter(|&status| is_retryable(status)).collect();
        for status in [408, 425, 429, 500, 502, 503, 504, 507, 520, 522, 524, 599] {
            assert!(retryable.contains(&status), "{status}");
        }
        for status in
            [200, 204, 301, 400, 401, 403, 404, 405, 407, 410, 411, 412, 413, 414, 431, 451, 499, 501, 505, 511, 526]
        {
            assert!(!retryable.contains(&status), "{status}");
        }
        assert!(is_transient(503) && is_transient(408) && !is_transient(429) && !is_transient(404));
    }
}
