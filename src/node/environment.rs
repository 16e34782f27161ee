//! One JavaScript environment: the main thread or a worker. When it ends, its calls end with it.

use napi::bindgen_prelude::{Env, Object, Result};
use napi_derive::napi;
use tokio_util::sync::CancellationToken;

use crate::registry;

/// Cancelled when the environment ends.
#[derive(Clone, Default)]
pub struct Closing(pub CancellationToken);

#[napi(module_exports)]
pub fn enter(_exports: Object, env: Env) -> Result<()> {
    let closing = Closing::default();
    registry::shared().enter();
    env.add_env_cleanup_hook(closing.clone(), |closing| {
        closing.0.cancel();
        registry::shared().leave();
    })?;
    env.set_instance_data(closing, (), |_| {})
}

impl Closing {
    pub fn of(env: &Env) -> Result<Self> {
        Ok(env.get_instance_data::<Self>()?.map(|closing| closing.clone()).unwrap_or_default())
    }
}
