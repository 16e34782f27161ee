//! The simulation of a platform's fleet: one queue of the events of processes, Redis, stores, WeChat, merchants and faults.

mod faults;
mod merchants;
mod messages;

use std::collections::BTreeMap;

use bytes::Bytes;
use fastrand::Rng;
use tokio::sync::oneshot::Sender;

use super::journal::{Journal, Request};
use super::member::{Job, JobEnd, Member, appid};
use super::plan::{ActionKind, Moment, Plan, Target, Trigger};
use super::wechat::{Call, Kind, WeChat, seconds};
use super::wire::{Message, Operation, Response, StoreReply, store_error};
use crate::database::Database;
use crate::lua;
use crate::machine::{Ended, Progress};
use crate::network::{Back, Pipe, Route};
use crate::plan::{FaultKind, RedisFault, StoreFault, WeChatFault};
use crate::simulation::{FaultPeriod, Millis, SECOND};
use crate::wire::{Answer, Command, RedisRequest};

/// More events in one run are an endless loop.
const MAX_EVENTS: u64 = 300_000;
/// The time between the last fault and the first round of calls.
const REST: Millis = 5 * SECOND;
/// The time between two rounds, longer than a process remembers that a merchant has not authorised the platform.
const ROUND: Millis = 66 * SECOND;
/// The round from which on everything has recovered.
pub(super) const SETTLED: u32 = 3;
const ROUNDS: u32 = 4;
/// The time between two pushes of the ticket.
const PUSHES: Millis = 40 * SECOND;

pub(super) struct Simulation {
    pub(super) plan: Plan,
    pub(super) now: Millis,
    queue: BTreeMap<(Millis, u64), Event>,
    pushed: u64,
    rng: Rng,
    pub(super) slots: Vec<Slot>,
    pub(super) database: Database,
    /// What the own stores keep.
    disk: BTreeMap<String, Vec<u8>>,
    pub(super) wechat: WeChat,
    pub(super) fault_periods: Vec<FaultPeriod>,
    moments: BTreeMap<Moment, u32>,
    pub(super) pushes: Vec<Push>,
    calls: u64,
    /// The present round of the calls at the end of the run.
    pub(super) round: Option<u32>,
    pub(super) journal: Journal,
}

/// A place for a process, and for its successor after a crash.
pub(super) struct Slot {
    pub(super) member: Option<Member>,
    pub(super) incarnation: u32,
    /// The time up to which the process ran.
    at: Millis,
    /// Until when the process sleeps, if it does.
    pub(super) asleep: Option<Millis>,
    pipe: Pipe,
}

/// A push of WeChat's, sent again until a process has answered it.
pub(super) struct Push {
    pub(super) kind: PushKind,
    pub(super) created: Millis,
    pub(super) answered: Option<Millis>,
}

#[derive(Clone, Debug)]
pub(super) enum PushKind {
    Ticket(String),
    Authorized { merchant: usize, code: String },
    Unauthorized { merchant: usize },
}

enum Event {
    Message(usize, Message),
    Ended(usize, Ended<JobEnd>),
    Tick(usize),
    Begin {
        fault: usize,
        actor: Option<usize>,
    },
    Finish(usize),
    Command {
        from: usize,
        sent: Millis,
        command: Command,
        back: Back,
        reply: Sender<Answer>,
    },
    Answer {
        answer: Answer,
        reply: Sender<Answer>,
    },
    Request {
        number: usize,
        call: Call,
        reply: Sender<Response>,
    },
    Response {
        number: usize,
        response: Response,
        reply: Sender<Response>,
    },
    Operation {
        from: usize,
        operation: Operation,
        reply: Sender<StoreReply>,
    },
    StoreReply {
        result: StoreReply,
        reply: Sender<StoreReply>,
    },
    Ticket,
    /// A push is made for the nth time.
    Push {
        number: usize,
        attempt: u32,
    },
    Action(usize),
    Return(String),
    Round(u32),
    Close,
    Stop,
}

impl Simulation {
    pub(super) fn new(plan: Plan, traced: bool) -> Self {
        fastrand::seed(plan.seed);
        let slot = |_| Slot {
            member: Some(Member::start(plan.store, 0)),
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
            disk: BTreeMap::new(),
            wechat: WeChat::new(plan.rules.clone(), &plan.merchants),
            fault_periods: Vec::new(),
            moments: BTreeMap::new(),
            pushes: Vec::new(),
            calls: 0,
            round: None,
            journal: Journal::new(plan.merchants.len(), traced),
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
        self.push(0, Event::Ticket);
        for action in 0..self.plan.actions.len() {
            self.push(self.plan.actions[action].at, Event::Action(action));
        }
        for fault in 0..self.plan.faults.len() {
            if let Trigger::At(at) = self.plan.faults[fault].trigger {
                self.push(at, Event::Begin { fault, actor: None });
            }
        }
        self.push(self.plan.end, Event::Round(0));
    }

    /// Runs until the end or the first violation of an invariant.
    pub(super) fn run(mut self) -> Journal {
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
            let Some(member) = slot.member.as_mut() else { continue };
            if slot.asleep.is_some() || slot.at >= time || !member.machine.is_active() {
                continue;
            }
            let Progress { at, messages, ended } = member.machine.run(time);
            let events = member.take_events();
            slot.at = at;
            came |= !messages.is_empty() || !ended.is_empty();
            messages.into_iter().for_each(|message| self.push(at, Event::Message(number, message)));
            ended.into_iter().for_each(|call| self.push(at, Event::Ended(number, call)));
            events.into_iter().for_each(|(name, text)| self.check_event(number, name, &text));
        }
        came
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Message(from, message) => self.send(from, message),
            Event::Ended(from, ended) => self.ended(from, &ended),
            Event::Tick(slot) => self.tick(slot),
            Event::Begin { fault, actor } => self.begin(fault, actor),
            Event::Finish(period) => self.finish(period),
            Event::Command { from, sent, command, back, reply } => self.command(from, sent, command, back, reply),
            Event::Answer { answer, reply } => drop(reply.send(answer)),
            Event::Request { number, call, reply } => self.request(number, &call, reply),
            Event::Response { number, response, reply } => self.respond(number, response, reply),
            Event::Operation { from, operation, reply } => self.operation(from, operation, reply),
            Event::StoreReply { result, reply } => drop(reply.send(result)),
            Event::Ticket => self.ticket(),
            Event::Push { number, attempt } => self.deliver(number, attempt),
            Event::Action(action) => self.act(action),
            Event::Return(code) => self.come_back(code),
            Event::Round(round) => self.begin_round(round),
            Event::Close => self.close(),
            Event::Stop => self.check_end(),
        }
    }

    pub(super) fn note(&mut self, text: impl FnOnce() -> String) {
        self.journal.note(self.now, text);
    }

    pub(super) fn violation(&mut self, violation: String) {
        let now = self.now;
        self.journal.note(now, || format!("VIOLATION: {violation}"));
        self.journal.violation.get_or_insert(violation);
    }
}

/// Calls.
impl Simulation {
    fn tick(&mut self, slot: usize) {
        if self.now >= self.plan.end {
            return;
        }
        for _ in 0..if self.rng.u32(0..10) == 0 { self.rng.usize(2..6) } else { 1 } {
            let merchant = self.rng.usize(0..self.plan.merchants.len());
            self.call(slot, merchant);
        }
        let pause = self.rng.u64(self.plan.traffic[slot].clone());
        self.push(self.now + pause, Event::Tick(slot));
    }

    /// Calls a process, unless it crashed or sleeps.
    fn call(&mut self, number: usize, merchant: usize) {
        self.calls += 1;
        let call = self.calls;
        self.work(number, |member| member.call(call, merchant));
    }

    /// Gives a process something to do. Returns whether it takes it.
    fn work(&mut self, number: usize, give: impl FnOnce(&mut Member)) -> bool {
        let slot = &mut self.slots[number];
        let (Some(member), None) = (slot.member.as_mut(), slot.asleep) else { return false };
        if !member.machine.is_active() {
            slot.at = member.machine.run(self.now).at;
        }
        give(member);
        true
    }

    fn ended(&mut self, from: usize, ended: &Ended<JobEnd>) {
        self.note(|| {
            let (job, result) = &ended.result;
            format!("P{from} ends {job:?} after {} ms: {result:?}", ended.ended - ended.begun)
        });
        self.check_ended(from, ended);
        if let (Job::Push(number), Ok(())) = &ended.result {
            self.end_removal(*number);
        }
        match &ended.result {
            (Job::Push(number), Ok(())) if ended.ended <= ended.begun + 5 * SECOND => {
                self.pushes[*number].answered.get_or_insert(ended.ended);
            }
            (Job::Remove(merchant), _) => self.journal.removed[*merchant] = Some(self.now),
            _ => {}
        }
    }

    /// The platform does not look up a merchant that the caller has removed: it learns of a later authorisation by its push.
    fn end_removal(&mut self, number: usize) {
        let Push { kind, created, .. } = &self.pushes[number];
        if let PushKind::Authorized { merchant, .. } = kind {
            self.journal.removed[*merchant].take_if(|removed| *removed <= *created);
        }
    }

    fn begin_round(&mut self, round: u32) {
        if round == 0 {
            let faults_end = self.fault_periods.iter().map(|period| period.end).max().unwrap_or(0);
            self.round = Some(0);
            self.push(self.now.max(faults_end) + REST, Event::Round(1));
            return;
        }
        self.round = Some(round);
        self.note(|| format!("round {round}"));
        for slot in 0..self.slots.len() {
            for merchant in 0..self.plan.merchants.len() {
                self.call(slot, merchant);
            }
        }
        match round < ROUNDS {
            true => self.push(self.now + ROUND, Event::Round(round + 1)),
            false => self.push(self.now + 12 * SECOND, Event::Close),
        }
    }

    fn close(&mut self) {
        self.check_settled();
        for slot in &mut self.slots {
            if let Some(member) = &slot.member {
                member.close();
            }
        }
        self.push(self.now + 10 * SECOND, Event::Stop);
    }
}
