//! What an HTTP status says of the next try, where the body said nothing.

/// Whether the same request may well go through later without anybody changing anything: what a server says of its own
/// trouble or of the moment. What it says of the request (403, 404, 407, 412, 413) stays as it is, and so does a 5xx about what
/// the server cannot do at all.
pub(crate) fn may_pass(status: u16) -> bool {
    match status {
        // Request Timeout, Too Early, Too Many Requests.
        408 | 425 | 429 => true,
        // Not Implemented, HTTP Version Not Supported, Variant Also Negotiates, Loop Detected, Not Extended, Network
        // Authentication Required.
        501 | 505 | 506 | 508 | 510 | 511
        // Of a CDN: its TLS with the server behind it fails.
        | 525 | 526 => false,
        status => status >= 500,
    }
}

/// Whether it is worth repeating within the call: one who is told that there are too many does not add to them.
pub(crate) fn is_transient(status: u16) -> bool {
    status != 429 && may_pass(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_temporary_statuses_may_pass() {
        let curable: Vec<_> = (100..600).filter(|&status| may_pass(status)).collect();
        for status in [408, 425, 429, 500, 502, 503, 504, 507, 520, 522, 524, 599] {
            assert!(curable.contains(&status), "{status}");
        }
        for status in
            [200, 204, 301, 400, 401, 403, 404, 405, 407, 410, 411, 412, 413, 414, 431, 451, 499, 501, 505, 511, 526]
        {
            assert!(!curable.contains(&status), "{status}");
        }
        assert!(is_transient(503) && is_transient(408) && !is_transient(429) && !is_transient(404));
    }
}
