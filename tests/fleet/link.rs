//! A process's way to Redis, with the timeout and the breaker of the crate's `Link`.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use redis::Value;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use wxacode::error::{Error, RedisFault, Result};
use wxacode::link::{DEFAULT_TIMEOUT as TIMEOUT, Guest, Scripts, Step, down};

use crate::wire::{Answer, Command, Message, Outbox};

const UNHURRIED: Duration = Duration::from_secs(2);
const FIRST_PROBE: Duration = Duration::from_millis(100);
const LATER_PROBE: Duration = Duration::from_secs(2);
const STEADY: Duration = Duration::from_secs(10);
const FORGOTTEN: Duration = Duration::from_secs(60);

pub struct SimLink {
    me: Weak<SimLink>,
    outbox: Arc<Outbox>,
    health: Mutex<Health>,
    rises: Notify,
    guests: Mutex<Vec<Weak<dyn Guest>>>,
}

struct Health {
    up: bool,
    since: Instant,
    wanted: Instant,
    watched: bool,
    failures: u32,
    /// Counts connections, and says whether there is one.
    connection: u64,
    connected: bool,
}

impl SimLink {
    pub fn new(outbox: Arc<Outbox>) -> Arc<Self> {
        let now = Instant::now();
        let health =
            Health { up: true, since: now, wanted: now, watched: false, failures: 0, connection: 0, connected: false };
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            outbox,
            health: Mutex::new(health),
            rises: Notify::new(),
            guests: Mutex::default(),
        })
    }

    async fn ask(&self, command: Command) -> Answer {
        let connection = self.connection();
        self.outbox.ask(|reply| Message::Redis { command, connection, reply }).await
    }

    /// What breaks on a connection that was there already is asked again on a new one.
    async fn attempt(&self, command: Command) -> Result<Value, String> {
        let connected = self.health.lock().connected;
        let mut answer = self.ask(command.clone()).await;
        if connected && matches!(answer, Answer::Reset | Answer::Refused) {
            self.disconnect();
            answer = self.ask(command).await;
        }
        match answer {
            Answer::Value(value) => Ok(value),
            Answer::Error(text) => Err(text),
            Answer::Reset => Err("broken pipe".to_owned()),
            Answer::Refused => Err("connection refused".to_owned()),
        }
    }

    fn connection(&self) -> u64 {
        let mut health = self.health.lock();
        health.connected = true;
        health.connection
    }

    fn disconnect(&self) {
        let mut health = self.health.lock();
        health.connected = false;
        health.connection += 1;
    }

    fn admits(&self) -> bool {
        let mut health = self.health.lock();
        if health.up {
            return true;
        }
        health.wanted = Instant::now();
        if !std::mem::replace(&mut health.watched, true) {
            let failures = health.failures;
            drop(health);
            self.watch(None, failures);
        }
        false
    }

    fn fall(&self, key: Option<String>) {
        self.disconnect();
        let mut health = self.health.lock();
        if !health.up {
            return;
        }
        let now = Instant::now();
        health.failures = if now >= health.since + STEADY { 0 } else { health.failures + 1 };
        (health.up, health.since, health.wanted, health.watched) = (false, now, now, true);
        let failures = health.failures;
        drop(health);
        self.watch(key, failures);
    }

    fn rise(&self) {
        let mut health = self.health.lock();
        (health.up, health.since, health.watched) = (true, Instant::now(), false);
        drop(health);
        self.rises.notify_waiters();
        let guests = self.guests.lock().clone();
        guests.iter().filter_map(Weak::upgrade).for_each(Guest::store_is_back);
    }

    fn watch(&self, key: Option<String>, mut pauses: u32) {
        let me = self.me.clone();
        tokio::spawn(async move {
            loop {
                sleep(probe_pause(pauses)).await;
                pauses += 1;
                let Some(link) = me.upgrade() else { return };
                link.disconnect();
                let probe = Command::Probe { key: key.clone() };
                if let Ok(Answer::Value(_)) = timeout(TIMEOUT, link.ask(probe)).await {
                    return link.rise();
                }
                let mut health = link.health.lock();
                if health.wanted.elapsed() > FORGOTTEN {
                    health.watched = false;
                    return;
                }
            }
        });
    }
}

impl Scripts for SimLink {
    fn run(&self, step: Step) -> BoxFuture<'_, Result<Value>> {
        Box::pin(async move {
            if !self.admits() {
                return Err(down("not asked again yet"));
            }
            let limit = if step.hurried { TIMEOUT } else { UNHURRIED };
            let key = step.keys.first().map(|key| format!("{key}:probe"));
            let command = Command::Script { text: step.script, keys: step.keys, args: step.args };
            let reason = match timeout(limit, self.attempt(command)).await {
                Ok(Ok(value)) => return Ok(value),
                // One account's own trouble.
                Ok(Err(reason))
                    if !reason.contains("READONLY") && !reason.contains("connection") && reason != "broken pipe" =>
                {
                    let keys = String::new();
                    let wrong = reason.contains("WRONGTYPE");
                    let fault = if wrong { RedisFault::WrongType { keys } } else { RedisFault::Script };
                    return Err(Error::Redis { reason, fault });
                }
                Ok(Err(reason)) => reason,
                Err(_) => "no answer".to_owned(),
            };
            self.fall(key);
            Err(down(&reason))
        })
    }

    fn recovered(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                let risen = self.rises.notified();
                if self.health.lock().up {
                    return;
                }
                risen.await;
            }
        })
    }

    fn is_up(&self) -> bool {
        self.health.lock().up
    }

    fn timeout(&self) -> Duration {
        TIMEOUT
    }

    fn invite(&self, guest: Weak<dyn Guest>) {
        self.guests.lock().push(guest);
    }
}

fn probe_pause(pauses: u32) -> Duration {
    FIRST_PROBE.saturating_mul(2u32.saturating_pow(pauses)).min(LATER_PROBE).mul_f64(0.75 + fastrand::f64() / 4.0)
}
