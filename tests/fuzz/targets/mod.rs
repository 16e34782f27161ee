//! What has to hold of any bytes.

pub mod answer;
pub mod params;
pub mod redact;
pub mod replies;

/// All, by name.
pub const ALL: [(&str, fn(&[u8])); 4] =
    [("answer", answer::run), ("redact", redact::run), ("params", params::run), ("replies", replies::run)];
