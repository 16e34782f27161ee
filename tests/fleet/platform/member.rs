//! A process of a platform's fleet.

use std::sync::Arc;

use parking_lot::Mutex;
use secrecy::SecretString;
use wxacode::error::Error;
use wxacode::platform::push::PlatformEvent;
use wxacode::redis::ScriptRunner;
use wxacode::simulation::{PlatformProcess, Setup, StoreFunctions};

use super::plan::StoreKind;
use super::wire::{Message, Wire};
use super::{PLATFORM, SECRET};
use crate::client;
use crate::machine::{Machine, millis};
use crate::process::CALL;
use crate::simulation::Millis;

/// What a process is asked to do.
#[derive(Clone, Debug)]
pub(super) enum Job {
    /// A QR code for a merchant.
    Call { number: u64, merchant: usize },
    /// A push, by its number.
    Push(usize),
    /// A merchant returns with its code.
    Return,
    /// The caller removes a merchant.
    Remove(usize),
}

/// How a job ended.
pub(super) type JobEnd = (Job, Result<(), Error>);

/// The events that a process has emitted since it was last asked.
type Events = Arc<Mutex<Vec<(&'static str, String)>>>;

pub(super) struct Member {
    pub(super) machine: Machine<Message, JobEnd>,
    process: Arc<PlatformProcess>,
    events: Events,
}

impl Member {
    pub(super) fn start(store: StoreKind, now: Millis) -> Self {
        let machine = Machine::<Message, JobEnd>::new(now);
        let wire = Arc::new(Wire(machine.outbox.clone()));
        let events = Events::default();
        let kept = events.clone();
        let process = machine.enter(|| {
            let redis: Option<Arc<dyn ScriptRunner>> = match store {
                StoreKind::Alone => None,
                StoreKind::Redis | StoreKind::OwnAndRedis => Some(client::client(machine.outbox.clone())),
            };
            let own: Option<Arc<dyn StoreFunctions>> = match store {
                StoreKind::Redis => None,
                StoreKind::Alone | StoreKind::OwnAndRedis => Some(wire.clone()),
            };
            PlatformProcess::start(Setup {
                appid: PLATFORM.to_owned(),
                secret: SECRET.into(),
                clock: machine.clock.clone(),
                redis,
                store: own,
                carrier: wire,
                on_event: Box::new(move |name, text| kept.lock().push((name, text.to_owned()))),
            })
        });
        Self { machine, process: Arc::new(process.expect("good options")), events }
    }

    pub(super) fn take_events(&self) -> Vec<(&'static str, String)> {
        std::mem::take(&mut self.events.lock())
    }

    pub(super) fn call(&mut self, number: u64, merchant: usize) {
        let process = self.process.clone();
        self.machine.call(Box::pin(async move {
            let called = process.call(&appid(merchant), millis(CALL)).await;
            (Job::Call { number, merchant }, called)
        }));
    }

    pub(super) fn push(&mut self, number: usize, event: PlatformEvent) {
        let process = self.process.clone();
        self.machine.call(Box::pin(async move { (Job::Push(number), process.receive(&event).await) }));
    }

    pub(super) fn come_back(&mut self, code: String) {
        let process = self.process.clone();
        self.machine.call(Box::pin(async move {
            let completed = process.complete_authorization(&SecretString::from(code.as_str()), millis(CALL)).await;
            (Job::Return, completed.map(drop))
        }));
    }

    pub(super) fn remove(&mut self, merchant: usize) {
        let process = self.process.clone();
        self.machine
            .call(Box::pin(async move { (Job::Remove(merchant), process.remove_authorizer(&appid(merchant)).await) }));
    }

    /// Closes the platform in the background.
    pub(super) fn close(&self) {
        let process = self.process.clone();
        self.machine.enter(|| tokio::spawn(async move { process.close().await }));
    }
}

pub(super) fn appid(merchant: usize) -> String {
    format!("wx{merchant:016}")
}
