//! What has to hold of any bytes. `npm run fuzz` looks for bytes of which it does not; `cargo test` tries what has been found
//! so far, in `fuzz/corpus`.

// Each binary runs one of them.
#![allow(dead_code)]

pub mod answer;
pub mod params;
pub mod redact;
pub mod replies;

/// All, by name.
pub const ALL: [(&str, fn(&[u8])); 4] =
    [("answer", answer::run), ("redact", redact::run), ("params", params::run), ("replies", replies::run)];
