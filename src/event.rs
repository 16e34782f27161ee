//! What happens inside, for whoever listens: the token's life, the shared store, requests. Nothing is made where nobody
//! listens, and nothing that is told holds a secret.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

use crate::error::Error;
use crate::warning::Warnings;
use crate::wechat::endpoint::Endpoint;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    Token,
    Redis,
    Request,
}

/// One thing that happened. What does not apply is not there.
#[derive(Clone, Debug)]
pub struct Event {
    pub channel: Channel,
    pub name: &'static str,
    pub time: SystemTime,
    pub appid: Option<Arc<str>>,
    /// `stable`, `classic` or `provider`.
    pub mode: Option<&'static str>,
    /// Counts the tokens that this process has seen.
    pub generation: Option<u64>,
    /// Eight hexadecimal digits that name a token and do not give it away.
    pub fingerprint: Option<String>,
    pub reason: Option<&'static str>,
    /// Where a token came from: `wechat`, `provider`, `redis`, or `unchanged`.
    pub source: Option<&'static str>,
    pub errcode: Option<i64>,
    pub took: Option<Duration>,
    /// How long a lock is waited for at most.
    pub max_wait: Option<Duration>,
    /// When a rate limit lets the next call through.
    pub retry_after: Option<Duration>,
    /// How long Redis was down.
    pub outage: Option<Duration>,
    /// The life that a token has left.
    pub left: Option<Duration>,
    pub error: Option<Error>,
    /// For people, in both languages.
    pub message: Option<String>,
    pub endpoint: Option<Endpoint>,
    pub host: Option<String>,
    pub status: Option<u16>,
    pub bytes: Option<usize>,
}

impl Event {
    fn new(channel: Channel, name: &'static str) -> Self {
        Self {
            channel,
            name,
            time: SystemTime::now(),
            appid: None,
            mode: None,
            generation: None,
            fingerprint: None,
            reason: None,
            source: None,
            errcode: None,
            took: None,
            max_wait: None,
            retry_after: None,
            outage: None,
            left: None,
            error: None,
            message: None,
            endpoint: None,
            host: None,
            status: None,
            bytes: None,
        }
    }
}

pub trait Listener: Send + Sync {
    fn on_event(&self, event: &Event);
}

/// Where events are told. Without a listener that is one look at a number.
#[derive(Default)]
pub struct EventBus {
    /// For those who do not listen.
    pub warnings: Warnings,
    count: AtomicUsize,
    listeners: Mutex<Vec<Arc<dyn Listener>>>,
}

impl EventBus {
    pub fn add(&self, listener: Arc<dyn Listener>) {
        let mut listeners = self.listeners.lock();
        listeners.push(listener);
        self.count.store(listeners.len(), Ordering::Relaxed);
    }

    pub fn remove(&self, listener: &Arc<dyn Listener>) {
        let mut listeners = self.listeners.lock();
        listeners.retain(|other| !Arc::ptr_eq(other, listener));
        self.count.store(listeners.len(), Ordering::Relaxed);
    }

    /// Tells what `fill` makes of a bare event.
    pub fn emit(&self, channel: Channel, name: &'static str, fill: impl FnOnce(Event) -> Event) {
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let event = fill(Event::new(channel, name));
        for listener in self.listeners.lock().iter() {
            listener.on_event(&event);
        }
    }
}

/// A hub, as seen by what belongs to one account.
#[derive(Clone)]
pub struct EventSource {
    pub hub: Arc<EventBus>,
    pub appid: Arc<str>,
    pub mode: Option<&'static str>,
}

impl EventSource {
    pub fn emit(&self, channel: Channel, name: &'static str, fill: impl FnOnce(Event) -> Event) {
        self.hub.emit(channel, name, |event| fill(Event { appid: Some(self.appid.clone()), mode: self.mode, ..event }));
    }
}

#[cfg(test)]
pub mod testing {
    use super::*;

    /// Keeps what it hears.
    #[derive(Default)]
    pub struct RecordingListener(pub Mutex<Vec<Event>>);

    impl Listener for RecordingListener {
        fn on_event(&self, event: &Event) {
            self.0.lock().push(event.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::RecordingListener;
    use super::*;

    #[test]
    fn without_a_listener_nothing_is_made() {
        let hub = EventBus::default();
        hub.emit(Channel::Token, "a", |_| panic!("made for nobody"));
        let ear = Arc::new(RecordingListener::default());
        let listener: Arc<dyn Listener> = ear.clone();
        hub.add(listener.clone());
        hub.emit(Channel::Token, "b", |event| event);
        hub.remove(&listener);
        hub.emit(Channel::Token, "c", |_| panic!("made for nobody"));
        assert_eq!(ear.0.lock().iter().map(|event| event.name).collect::<Vec<_>>(), ["b"]);
    }
}
