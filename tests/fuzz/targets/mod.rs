//! The properties, one module for each parser.

pub(crate) mod answer;
pub(crate) mod params;
pub(crate) mod push;
pub(crate) mod redact;
pub(crate) mod replies;

/// Panics if the property does not hold.
pub(crate) type Run = fn(&[u8]);

/// All properties by name.
pub(crate) const ALL: [(&str, Run); 5] = [
    ("answer", answer::run),
    ("redact", redact::run),
    ("params", params::run),
    ("push", push::run),
    ("replies", replies::run),
];
