//! What has to hold of any bytes.

pub mod answer;
pub mod params;
pub mod redact;
pub mod replies;

/// Panics where it does not hold.
pub type Run = fn(&[u8]);

/// All, by name.
pub const ALL: [(&str, Run); 4] =
    [("answer", answer::run), ("redact", redact::run), ("params", params::run), ("replies", replies::run)];
