//! What WeChat's servers speak: endpoints, parameters, answers, error codes. Pure: no I/O, no clock.

pub mod answer;
pub mod apis;
pub mod codes;
pub mod endpoint;
pub mod errcode;
pub mod image;
pub mod params;
pub mod request;
