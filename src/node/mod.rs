//! The addon: the only folder that names napi. Thin: shapes in, shapes out, errors as data.

#![cfg_attr(test, allow(dead_code, reason = "napi registers exports only in builds that are not tests"))]
#![allow(clippy::needless_pass_by_value, reason = "napi makes an owned value of each argument")]

mod abort;
mod attempts;
mod check;
mod client;
mod code_store;
mod completions;
mod environment;
mod events;
mod failure;
mod made;
mod options;
mod platform;
mod platform_store;
mod provider;
mod run;

use napi_derive::napi;

use crate::wechat::endpoint::Endpoint;
use crate::wechat::errcode::{self, Scope};
use crate::wechat::image::ImageType;
use failure::{Explained, NativeBilingual};

/// Pictures are allocated on the runtime thread and freed on the JavaScript thread. mimalloc frees across threads without a lock.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One thread moves the bytes of any number of calls: a second one costs more in wake-ups than it carries. napi's default
/// is one per core.
#[napi_derive::module_init]
fn runtime() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("wxacode").enable_all().build();
    // Without this runtime napi makes its own.
    if let Ok(runtime) = runtime {
        napi::bindgen_prelude::create_custom_tokio_runtime(runtime);
    }
}

#[napi(object, object_from_js = false)]
pub(crate) struct ExplainedErrcode {
    pub cause: NativeBilingual,
    pub fix: NativeBilingual,
    pub scope: Option<&'static str>,
}

/// Cause, fix and scope of an errcode, by the endpoint's name in any spelling.
#[napi]
pub(crate) fn explain(errcode: f64, endpoint: Option<String>) -> Option<ExplainedErrcode> {
    let endpoint = endpoint.as_deref().map(Endpoint::from_any_name);
    if endpoint == Some(None) || errcode.fract() != 0.0 {
        return None;
    }
    let (errcode, endpoint) = (errcode as i64, endpoint.flatten());
    let Explained { cause, fix } = errcode::explain(errcode, endpoint.as_ref())?.into();
    let scope = errcode::scope(errcode, endpoint.as_ref());
    Some(ExplainedErrcode { cause, fix, scope: scope.map(Scope::name) })
}

/// `image/jpeg` or `image/png`, by magic bytes.
#[napi]
pub(crate) fn image_type(image: &[u8]) -> Option<&'static str> {
    ImageType::from_bytes(image).map(ImageType::mime)
}
