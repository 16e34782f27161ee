//! One JavaScript environment: the main thread or a worker. When it ends, its calls end with it.

use std::sync::Arc;

use napi::bindgen_prelude::{Env, Object, Result};
use napi_derive::napi;
use tokio_util::sync::CancellationToken;

use super::events::Ears;
use super::outbox::Inbox;
use crate::event::Hub;
use crate::registry;

#[derive(Clone, Default)]
pub struct Environment {
    /// Cancelled when the environment ends.
    pub closing: CancellationToken,
    /// Told of the requests that this environment's clients make.
    pub requests: Arc<Hub>,
    /// Who listens here.
    pub ears: Arc<Ears>,
}

#[napi(module_exports)]
pub fn enter(_exports: Object, env: Env) -> Result<()> {
    let environment = Environment::default();
    registry::shared().enter();
    env.add_env_cleanup_hook(environment.clone(), |environment| {
        environment.closing.cancel();
        environment.ears.close(&environment.requests);
        registry::shared().leave();
    })?;
    env.set_instance_data(environment, (), |_| {})
}

impl Environment {
    pub fn of(env: &Env) -> Result<Self> {
        Ok(env.get_instance_data::<Self>()?.map(|environment| environment.clone()).unwrap_or_default())
    }
}

/// Tells `inbox` of everything from now on: of tokens and stores in the whole process, of requests in this environment.
#[napi]
pub fn listen(env: &Env, inbox: &Inbox) -> Result<()> {
    let Environment { requests, ears, .. } = Environment::of(env)?;
    ears.open(&requests, inbox.outbox());
    Ok(())
}

#[napi]
pub fn unlisten(env: &Env) -> Result<()> {
    let Environment { requests, ears, .. } = Environment::of(env)?;
    ears.close(&requests);
    Ok(())
}
