//! One JavaScript environment: the main thread or a worker. When it ends, its calls end with it.

use std::sync::Arc;

use napi::bindgen_prelude::{Env, Object, Result};
use napi_derive::napi;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::completions::{Completion, CompletionQueue, CompletionQueueHandle};
use crate::event::{Event, EventBus, Listener};
use crate::registry;

#[derive(Clone, Default)]
pub(super) struct Environment {
    /// Cancelled when the environment ends.
    pub closing: CancellationToken,
    /// The events of requests that this environment's clients make.
    pub requests: Arc<EventBus>,
    /// The subscription of this environment.
    subscription: Arc<Subscription>,
}

#[napi(module_exports)]
pub(super) fn init(_exports: Object, env: Env) -> Result<()> {
    let mut registry = registry::global();
    registry.register_environment();
    let requests = Arc::new(EventBus::new(registry.clock()));
    drop(registry);
    let environment = Environment { requests, ..Environment::default() };
    env.add_env_cleanup_hook(environment.clone(), |environment| {
        environment.closing.cancel();
        environment.subscription.close(&environment.requests);
        registry::global().unregister_environment();
    })?;
    env.set_instance_data(environment, (), |_| {})
}

impl Environment {
    pub(super) fn current(env: &Env) -> Result<Self> {
        Ok(env.get_instance_data::<Self>()?.map(|environment| environment.clone()).unwrap_or_default())
    }
}

/// Forwards events to `queue` from now on: of tokens and Redis in the whole process, of requests in this environment.
#[napi]
pub(super) fn listen(env: &Env, queue: &CompletionQueueHandle) -> Result<()> {
    let Environment { requests, subscription, .. } = Environment::current(env)?;
    subscription.open(&requests, queue.completions());
    Ok(())
}

#[napi]
pub(super) fn unlisten(env: &Env) -> Result<()> {
    let Environment { requests, subscription, .. } = Environment::current(env)?;
    subscription.close(&requests);
    Ok(())
}

struct EventForwarder(Arc<CompletionQueue>);

impl Listener for EventForwarder {
    fn on_event(&self, event: &Event) {
        if self.0.push(Completion::Event(Box::new(event.into()))) {
            self.0.wake();
        }
    }
}

/// The listener of an environment, if JavaScript has subscribed.
#[derive(Default)]
struct Subscription(Mutex<Option<Arc<dyn Listener>>>);

impl Subscription {
    fn open(&self, requests: &EventBus, completions: Arc<CompletionQueue>) {
        self.close(requests);
        let forwarder: Arc<dyn Listener> = Arc::new(EventForwarder(completions));
        requests.add(forwarder.clone());
        registry::global().event_bus().add(forwarder.clone());
        *self.0.lock() = Some(forwarder);
    }

    fn close(&self, requests: &EventBus) {
        let forwarder = self.0.lock().take();
        if let Some(forwarder) = forwarder {
            requests.remove(&forwarder);
            registry::global().event_bus().remove(&forwarder);
        }
    }
}
