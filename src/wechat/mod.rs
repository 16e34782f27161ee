//! What WeChat's servers speak: endpoints, parameters, answers, error codes. Pure: no I/O, no clock.

pub mod answer;
pub mod apis;
pub mod codes;
pub mod endpoint;
pub(crate) mod errcode;
pub mod image;
pub(crate) mod params;
pub(crate) mod request;
