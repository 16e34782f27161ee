//! The simulation: one queue of the events of processes, Redis, WeChat and faults, and a clock that jumps from one to the
//! next.

mod callers;
mod faults;
mod messages;

use std::collections::BTreeMap;

use fastrand::Rng;
use tokio::sync::oneshot::Sender;

use crate::database::Database;
use crate::journal::{Fetch, Journal, Script, script_name};
use crate::lua;
use crate::machine::Progress;
use crate::network::{Back, Pipe, Route};
use crate::plan::{FaultKind, Forged, Moment, Plan, RedisFault, Target, Theme, Trigger, WeChatFault};
use crate::process::{CallRequest, Process, Report};
use crate::wechat::{Cause, WeChat};
use crate::wire::{Answer, Command, Message, RedisRequest, TokenResponse};

pub(crate) type Millis = u64;
pub(crate) const SECOND: Millis = 1000;
pub(crate) const SECRET: &str = "c4nary-app-secret";

/// More events in one run are an endless loop.
const MAX_EVENTS: u64 = 200_000;
/// The maximum of calls at interesting times; afterwards calls are rare.
const MAX_HOT_CALLS: u32 = 250;
/// The time between the last fault and the first round of calls.
const REST: Millis = 5 * SECOND;
/// The time between two rounds, longer than a process goes without comparing its token.
const ROUND: Millis = 66 * SECOND;
/// The rounds of calls until the fleet has recovered; up to [`MAX_ROUNDS`] while a token is being replaced.
pub(crate) const ROUNDS: u32 = 4;
const MAX_ROUNDS: u32 = 8;

pub(crate) struct Simulation {
    pub(crate) plan: Plan,
    pub(crate) now: Millis,
    queue: BTreeMap<(Millis, u64), Event>,
    pushed: u64,
    rng: Rng,
    pub(crate) slots: Vec<Slot>,
    pub(crate) database: Database,
    pub(crate) wechat: WeChat,
    pub(crate) fault_periods: Vec<FaultPeriod>,
    moments: BTreeMap<Moment, u32>,
    calls: u64,
    hot_calls: u32,
    /// The present round of the calls at the end of the run.
    pub(crate) round: Option<u32>,
    pub(crate) journal: Journal,
}

/// A place for a process, and for its successor after a crash.
pub(crate) struct Slot {
    pub(crate) process: Option<Process>,
    /// The number of processes before this one.
    pub(crate) incarnation: u32,
    /// The time up to which the process ran.
    at: Millis,
    /// Until when the process sleeps, if it does.
    pub(crate) asleep: Option<Millis>,
    /// The connection to Redis.
    pipe: Pipe,
}

/// A fault with its begin and end.
#[derive(Clone, Debug)]
pub(crate) struct FaultPeriod {
    pub(crate) kind: FaultKind,
    pub(crate) target: Option<usize>,
    pub(crate) begin: Millis,
    pub(crate) end: Millis,
    /// The incarnation of the process that it affects.
    pub(crate) incarnation: u32,
}

enum Event {
    Message(usize, Message),
    CallEnded(usize, Report),
    Tick(usize),
    Burst(usize),
    Begin { fault: usize, actor: Option<usize> },
    Finish(usize),
    Command { from: usize, sent: Millis, command: Command, back: Back, reply: Sender<Answer> },
    Fetch { number: usize, reply: Sender<TokenResponse> },
    Api { from: usize, token: String, reply: Sender<i64> },
    Answer { to: usize, answer: Answer, owner: Option<String>, reply: Sender<Answer> },
    TokenResponse { number: usize, granted: TokenResponse, reply: Sender<TokenResponse> },
    ApiAnswer { errcode: i64, reply: Sender<i64> },
    Round(u32),
    Close,
    Stop,
}

impl Simulation {
    pub(crate) fn new(plan: Plan, traced: bool) -> Self {
        fastrand::seed(plan.seed);
        let slot = |_| Slot {
            process: Some(Process::start(plan.mode, 0)),
            incarnation: 0,
            at: 0,
            asleep: None,
            pipe: Pipe::default(),
        };
        let mut simulation = Self {
            now: 0,
            queue: BTreeMap::new(),
            pushed: 0,
            rng: Rng::with_seed(plan.seed ^ 0x5eed),
            slots: (0..plan.processes).map(slot).collect(),
            database: Database::default(),
            wechat: WeChat::new(plan.mode, plan.given),
            fault_periods: Vec::new(),
            moments: BTreeMap::new(),
            calls: 0,
            hot_calls: 0,
            round: None,
            journal: Journal::new(plan.processes, traced),
            plan,
        };
        simulation.prepare();
        simulation
    }

    fn prepare(&mut self) {
        for slot in 0..self.slots.len() {
            let first = self.rng.u64(0..3 * SECOND);
            self.push(first, Event::Tick(slot));
        }
        for burst in 0..self.plan.bursts.len() {
            self.push(self.plan.bursts[burst].at, Event::Burst(burst));
        }
        for fault in 0..self.plan.faults.len() {
            if let Trigger::At(at) = self.plan.faults[fault].trigger {
                self.push(at, Event::Begin { fault, actor: None });
            }
        }
        self.push(self.plan.end, Event::Round(0));
    }

    /// Runs until the end or the first violation of an invariant.
    pub(crate) fn run(mut self) -> Journal {
        while let Some((&(time, _), _)) = self.queue.first_key_value() {
            if self.catch_up(time) {
                continue;
            }
            let Some((_, event)) = self.queue.pop_first() else { break };
            self.now = time;
            self.handle(event);
            if self.pushed > MAX_EVENTS {
                self.violation("somebody runs in circles".to_owned());
            }
            if self.journal.violation.is_some() {
                break;
            }
        }
        self.journal
    }

    fn push(&mut self, at: Millis, event: Event) {
        self.pushed += 1;
        self.queue.insert((at, self.pushed), event);
    }

    /// Runs every process until `time`. Returns whether one sent a message, which is to be handled first.
    fn catch_up(&mut self, time: Millis) -> bool {
        let mut came = false;
        for number in 0..self.slots.len() {
            let slot = &mut self.slots[number];
            let Some(process) = slot.process.as_mut() else { continue };
            if slot.asleep.is_some() || slot.at >= time || !process.is_active() {
                continue;
            }
            let Progress { at, messages, ended } = process.run(time);
            slot.at = at;
            came |= !messages.is_empty() || !ended.is_empty();
            messages.into_iter().for_each(|message| self.push(at, Event::Message(number, message)));
            ended.into_iter().for_each(|call| self.push(at, Event::CallEnded(number, call.into())));
        }
        came
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Message(from, message) => self.send(from, message),
            Event::CallEnded(from, report) => self.check_call(from, &report),
            Event::Tick(slot) => self.tick(slot),
            Event::Burst(burst) => self.burst(burst),
            Event::Begin { fault, actor } => self.begin(fault, actor),
            Event::Finish(period) => self.finish(period),
            Event::Command { from, sent, command, back, reply } => self.command(from, sent, command, back, reply),
            Event::Fetch { number, reply } => self.fetch(number, reply),
            Event::Api { from, token, reply } => self.api(from, &token, reply),
            Event::Answer { to, answer, owner, reply } => {
                let heard = reply.send(answer).is_ok();
                self.journal.lock_owners[to].extend(owner.filter(|_| heard).map(|owner| (owner, self.now)));
            }
            Event::TokenResponse { number, granted, reply } => self.granted(number, granted, reply),
            Event::ApiAnswer { errcode, reply } => drop(reply.send(errcode)),
            Event::Round(round) => self.begin_round(round),
            Event::Close => self.close(),
            Event::Stop => self.check_end(),
        }
    }
}

/// The journal.
impl Simulation {
    pub(crate) fn note(&mut self, text: impl FnOnce() -> String) {
        self.journal.note(self.now, text);
    }

    fn note_script(&mut self, script: &Script) {
        let db = &self.database;
        let line = || {
            let place = &script.place;
            let lock = db.text(&format!("{place}:lock"));
            let generation = db.field(&format!("{place}:token"), "gen");
            let print = db.field(&format!("{place}:token"), "print");
            (lock, generation, print)
        };
        let (lock, generation, print) = line();
        self.journal.note_script(self.now, script, lock, generation, print);
    }

    pub(crate) fn violation(&mut self, violation: String) {
        let now = self.now;
        self.journal.note(now, || format!("VIOLATION: {violation}"));
        self.journal.violation.get_or_insert(violation);
    }

    pub(crate) fn note_report(&mut self, from: usize, report: &Report) {
        let took = report.ended - report.begun;
        let call = report.request.call;
        self.note(|| {
            format!("P{from} ends call {call} after {took} ms, waits {:?}: {:?}", report.waits, report.outcome)
        });
    }
}
