//! The connection of a process to the simulated Redis. The crate's client on top of it has the time limits, the circuit
//! breaker and the probes.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use redis::{RedisError, Value};
use wxacode::event::EventBus;
use wxacode::redis::{AttemptContext, Backend, BackendError, DEFAULT_TIMEOUT, PROBE, RedisClient, ScriptCall, SlotMap};

use crate::database::redis_error;
use crate::wire::{Answer, Command, Outbox, RedisRequest};

/// The connection of a process that sends messages `M`.
pub(crate) struct SimulatedConnection<M> {
    outbox: Arc<Outbox<M>>,
    pipe: Mutex<Pipe>,
    slots: SlotMap,
}

/// The number of the present connection, and whether it is open.
#[derive(Clone, Copy, Default)]
struct Pipe {
    number: u64,
    connected: bool,
}

/// What messages have to be made from.
pub(crate) trait CarriesRedis: From<RedisRequest> + Send + 'static {}

impl<M: From<RedisRequest> + Send + 'static> CarriesRedis for M {}

pub(crate) fn client<M: CarriesRedis>(outbox: Arc<Outbox<M>>) -> Arc<RedisClient<SimulatedConnection<M>>> {
    let backend = SimulatedConnection { outbox, pipe: Mutex::default(), slots: SlotMap::default() };
    RedisClient::with_backend(backend, DEFAULT_TIMEOUT, Arc::<EventBus>::default())
}

impl<M: CarriesRedis> SimulatedConnection<M> {
    /// Sends a command, on a new connection if there is none, and returns the answer.
    async fn send(&self, command: Command) -> Answer {
        let connection = {
            let mut pipe = self.pipe.lock();
            pipe.connected = true;
            pipe.number
        };
        self.outbox.ask(|reply| RedisRequest { command, connection, reply }.into()).await
    }

    fn disconnect(&self) {
        let mut pipe = self.pipe.lock();
        *pipe = Pipe { number: pipe.number + 1, connected: false };
    }
}

impl<M: CarriesRedis> Backend for SimulatedConnection<M> {
    /// Like the crate's backend: a connection that breaks is replaced once.
    async fn attempt(&self, call: &ScriptCall, context: &AttemptContext<'_>) -> Result<Value, BackendError> {
        let command = match call.script {
            PROBE => Command::Probe { key: call.keys.first().filter(|key| !key.is_empty()).cloned() },
            text => Command::Script { text, keys: call.keys.clone(), args: call.args.clone() },
        };
        let connected = self.pipe.lock().connected;
        let mut answer = self.send(command.clone()).await;
        if connected && matches!(answer, Answer::Reset | Answer::Refused) {
            self.disconnect();
            answer = self.send(command).await;
            if !matches!(answer, Answer::Refused) {
                context.listeners.notify();
            }
        }
        let broken = |kind: io::ErrorKind| RedisError::from(io::Error::from(kind));
        match answer {
            Answer::Value(value) => Ok(value),
            Answer::Error(text) => Err(BackendError::Reply(redis_error(&text))),
            Answer::Reset => {
                self.disconnect();
                Err(BackendError::Reply(broken(io::ErrorKind::BrokenPipe)))
            }
            Answer::Refused => {
                self.disconnect();
                Err(BackendError::Connect(broken(io::ErrorKind::ConnectionRefused)))
            }
        }
    }

    fn reset(&self) {
        self.disconnect();
    }

    fn name(&self) -> &str {
        "simulated"
    }

    fn slots(&self) -> &SlotMap {
        &self.slots
    }
}
