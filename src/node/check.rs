//! Checks the parameters of a QR code without a call.

use napi::bindgen_prelude::Either;
use napi_derive::napi;

use super::client::{endpoint_at, parse_qr_code};
use super::failure::{Failure, failures};

/// What the image of a QR code depends on: the same text for requests that give the same image. Or the error of the parameters.
#[napi]
pub(super) fn identity(endpoint: u32, params: String) -> Either<String, Vec<Failure>> {
    match parse_qr_code(&endpoint_at(endpoint), &params) {
        Ok(request) => Either::A(String::from_utf8_lossy(request.identity()).into_owned()),
        Err(error) => Either::B(failures(&error)),
    }
}
