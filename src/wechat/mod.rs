//! The protocol of WeChat's servers: endpoints, parameters, responses, errcodes. Pure: no I/O, no clock.

pub mod answer;
pub mod apis;
pub mod body;
pub mod endpoint;
pub(crate) mod errcode;
pub mod image;
pub(crate) mod params;
pub mod qr_code;
pub(crate) mod request;
