//! The properties, one module for each parser.

pub mod answer;
pub mod params;
pub mod redact;
pub mod replies;

/// Panics if the property does not hold.
pub type Run = fn(&[u8]);

/// All properties by name.
pub const ALL: [(&str, Run); 4] =
    [("answer", answer::run), ("redact", redact::run), ("params", params::run), ("replies", replies::run)];
