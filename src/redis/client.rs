//! The client: one time limit for each request, and a circuit breaker, so that a dead Redis costs one time-out.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use redis::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::backend::{AttemptContext, Backend, Connections};
use super::circuit_breaker::{CircuitBreaker, OnFailure, ProbeSchedule};
use super::cluster::appid_of;
use super::connector::Connector;
use super::failure::BackendError;
use super::script::{Priority, ReconnectListener, ReconnectListeners, ScriptCall, ScriptRunner, unavailable};
use crate::clock;
use crate::error::invalid::InvalidParam;
use crate::error::{Error, Result};
use crate::event::{EventBus, EventKind, RedisEvent};
use crate::task;

/// Default limit of a foreground request, connecting included.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_millis(250);
/// The limit of a background request, unless the foreground's is longer.
const BACKGROUND_TIMEOUT: Duration = Duration::from_secs(2);
/// The script of a probe. A replica refuses it, and so does a Redis whose memory is full. NOPERM is an answer: the account
/// of the key may not write there.
pub const PROBE: &str = "return redis.call('SET', KEYS[1], '1', 'PX', 1000)";
/// A failure that concerns one account is reported once in this time.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

const SLOT_MIGRATING: &str = "the cluster is moving this slot";

/// A Redis with its connections. All accounts whose keys are on it share one client.
pub struct RedisClient<B: Backend = Connections> {
    me: Weak<Self>,
    backend: B,
    timeout: Duration,
    breaker: Mutex<CircuitBreaker>,
    /// Whether the breaker is closed.
    up: watch::Sender<bool>,
    events: Arc<EventBus>,
    listeners: ReconnectListeners,
    /// When failures of one account were last reported, by appid and reason.
    reported: Mutex<HashMap<(String, String), Instant>>,
}

impl RedisClient {
    /// A client for a `redis://`, `rediss://`, `unix://` or `redis-sentinel://` URL. `ca` are PEM roots to trust in place of
    /// the usual ones. Makes no connection yet.
    pub(crate) fn open(
        url: &str,
        ca: Option<&[u8]>,
        timeout: Duration,
        events: Arc<EventBus>,
    ) -> Result<Arc<Self>, InvalidParam> {
        let connections = Connections::new(Connector::parse(url, ca)?);
        Ok(Self::with_backend(connections, timeout, events))
    }
}

impl<B: Backend> RedisClient<B> {
    /// A client that reaches its Redis by `backend`.
    pub fn with_backend(backend: B, timeout: Duration, events: Arc<EventBus>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            backend,
            timeout,
            breaker: Mutex::new(CircuitBreaker::new(clock::monotonic())),
            up: watch::Sender::new(true),
            events,
            listeners: ReconnectListeners::default(),
            reported: Mutex::default(),
        })
    }

    /// Tells the breaker of an event, and wakes those who wait for it to close.
    fn breaker<T>(&self, event: impl FnOnce(&mut CircuitBreaker) -> T) -> T {
        let mut breaker = self.breaker.lock();
        let was_closed = breaker.is_closed();
        let result = event(&mut breaker);
        if breaker.is_closed() != was_closed {
            self.up.send_replace(!was_closed);
        }
        result
    }

    async fn request(&self, call: ScriptCall) -> Result<Value> {
        if !self.breaker(|breaker| breaker.allows_request(clock::monotonic())) {
            return Err(unavailable("not asked again yet"));
        }
        if self.backend.slots().is_migrating(call.key()) {
            return Err(unavailable(SLOT_MIGRATING));
        }
        let sent = clock::monotonic();
        let request_timeout = match call.priority {
            Priority::Foreground => self.timeout,
            Priority::Background => self.timeout.max(BACKGROUND_TIMEOUT),
        };
        let context = AttemptContext::new(&self.listeners);
        let reason = match timeout(request_timeout, self.backend.attempt(&call, &context)).await {
            Ok(Ok(value)) => {
                self.on_success(sent);
                return Ok(value);
            }
            // The server is up, and other keys are on other nodes.
            Err(_) if context.migrating.into_inner() => {
                self.backend.slots().mark_migrating(call.key());
                return Err(unavailable(SLOT_MIGRATING));
            }
            Ok(Err(failure)) if !failure.is_server_failure() => {
                self.on_success(sent);
                let error = failure.for_account(call.key());
                self.report_account_failure(call.key(), &error, failure.reason());
                return Err(error);
            }
            Ok(Err(failure)) => failure.reason().to_owned(),
            Err(_) => format!("no answer within {} ms", request_timeout.as_millis()),
        };
        self.on_failure(&reason, call.key(), sent);
        Err(unavailable(&reason))
    }

    fn on_failure(&self, reason: &str, key: &str, sent: Instant) {
        let schedule = match self.breaker(|breaker| breaker.on_failure(sent, key, clock::monotonic())) {
            OnFailure::Ignored => return,
            OnFailure::ResumedProbing(schedule) => schedule,
            OnFailure::Opened(schedule) => {
                let (name, error) = (self.backend.name(), unavailable(reason));
                self.events.warnings.begin(name, || outage(name, reason));
                self.emit(|host| RedisEvent::Down { host, message: error.to_string() });
                schedule
            }
        };
        self.backend.reset();
        self.spawn_probes(schedule);
    }

    fn on_success(&self, sent: Instant) {
        if let Some(outage) = self.breaker(|breaker| breaker.on_success(sent, clock::monotonic())) {
            self.events.warnings.end(self.backend.name());
            self.listeners.notify();
            self.emit(|host| RedisEvent::Up { host, outage });
        }
    }

    /// Probes in the background until the breaker closes or probing stops.
    fn spawn_probes(&self, mut schedule: ProbeSchedule) {
        let me = self.me.clone();
        task::spawn(async move {
            loop {
                sleep(schedule.delay(fastrand::f64())).await;
                let Some(client) = me.upgrade() else { return };
                let probe_timeout = schedule.timeout(client.timeout, client.timeout.max(BACKGROUND_TIMEOUT));
                schedule.advance();
                let sent = clock::monotonic();
                if timeout(probe_timeout, client.probe()).await == Ok(true) {
                    return client.on_success(sent);
                }
                if !client.breaker(|breaker| breaker.on_failed_probe(clock::monotonic())) {
                    return;
                }
            }
        });
    }

    /// Whether Redis accepts writes within the timeout of a foreground request. Connecting before that may take longer.
    async fn probe(&self) -> bool {
        let key = self.breaker(|breaker| breaker.probe_key().to_owned());
        let call = ScriptCall::new(PROBE, vec![key]);
        let context = AttemptContext::new(&self.listeners);
        let answers = |result: Result<Value, BackendError>| result.err().is_none_or(|error| !error.is_server_failure());
        answers(self.backend.attempt(&call, &context).await)
            && timeout(self.timeout, self.backend.attempt(&call, &context)).await.is_ok_and(answers)
    }

    /// Reports that Redis is up, but denies a request of one account. Other accounts go on.
    fn report_account_failure(&self, key: &str, error: &Error, reason: &str) {
        let (appid, now) = (appid_of(key), clock::monotonic());
        let mut reported = self.reported.lock();
        reported.retain(|_, at| now < *at + REPORT_INTERVAL);
        let Entry::Vacant(entry) = reported.entry((appid.to_owned(), reason.to_owned())) else { return };
        entry.insert(now);
        drop(reported);
        self.events.warnings.once(&format!("{} {reason}", self.backend.name()), || error.to_string());
        self.emit(|host| RedisEvent::AccountError { host, appid: appid.to_owned(), error: error.clone() });
    }

    fn emit(&self, build: impl FnOnce(String) -> RedisEvent) {
        self.events.emit(None, || EventKind::Redis(build(self.backend.name().to_owned())));
    }
}

impl<B: Backend> ScriptRunner for RedisClient<B> {
    fn run(&self, call: ScriptCall) -> BoxFuture<'_, Result<Value>> {
        Box::pin(self.request(call))
    }

    fn recovered(&self) -> BoxFuture<'_, ()> {
        let mut up = self.up.subscribe();
        Box::pin(async move {
            let _ = up.wait_for(|up| *up).await;
        })
    }

    fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn subscribe(&self, listener: Weak<dyn ReconnectListener>) {
        self.listeners.subscribe(listener);
    }
}

/// Ends the outage of a client that is dropped.
impl<B: Backend> Drop for RedisClient<B> {
    fn drop(&mut self) {
        if !self.is_up() {
            self.events.warnings.end(self.backend.name());
        }
    }
}

/// The process warning when Redis goes down.
fn outage(host: &str, reason: &str) -> String {
    format!(
        "Redis at {host} cannot be used ({reason}). Until it can, each process counts and fetches for itself, and with \
         token 'classic' no process fetches a token. Check the URL given as redis, its login and the network; stats().redis \
         is the current state. | 无法使用 {host} 的 Redis（{reason}）。在恢复之前各进程各自计数、各自获取 access_token，\
         classic 模式下不会获取 access_token。请检查 redis 的地址、密码与网络；stats().redis 给出当前状态。"
    )
}

#[cfg(test)]
mod tests;
