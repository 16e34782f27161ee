//! The simulation: one queue of the events of processes, Redis, WeChat and faults, and a clock that jumps from one to the
//! next.

use std::collections::BTreeMap;

use fastrand::Rng;
use tokio::sync::oneshot::Sender;

use crate::database::Database;
use crate::journal::{Fetch, Journal, Script, script_name};
use crate::lua;
use crate::plan::{FaultKind, Forged, Moment, Network, Plan, RedisFault, Target, Theme, Trigger, WeChatFault};
use crate::process::{CallRequest, Process, Progress, Report};
use crate::wechat::{Cause, WeChat};
use crate::wire::{Answer, Command, Message, TokenResponse};

pub type Millis = u64;
pub const SECOND: Millis = 1000;
pub const SECRET: &str = "c4nary-app-secret";

/// More events in one run are an endless loop.
const MAX_EVENTS: u64 = 200_000;
/// The maximum of calls at interesting times; afterwards calls are rare.
const MAX_HOT_CALLS: u32 = 250;
/// The time between the last fault and the first round of calls.
const REST: Millis = 5 * SECOND;
/// The time between two rounds, longer than a process goes without comparing its token.
const ROUND: Millis = 66 * SECOND;
/// The rounds of calls until the fleet has recovered; up to [`MAX_ROUNDS`] while a token is being replaced.
pub const ROUNDS: u32 = 4;
const MAX_ROUNDS: u32 = 8;

pub struct Simulation {
    pub plan: Plan,
    pub now: Millis,
    queue: BTreeMap<(Millis, u64), Event>,
    pushed: u64,
    rng: Rng,
    pub slots: Vec<Slot>,
    pub database: Database,
    pub wechat: WeChat,
    pub fault_periods: Vec<FaultPeriod>,
    moments: BTreeMap<Moment, u32>,
    calls: u64,
    hot_calls: u32,
    /// The present round of the calls at the end of the run.
    pub round: Option<u32>,
    pub journal: Journal,
}

/// A place for a process, and for its successor after a crash.
pub struct Slot {
    pub process: Option<Process>,
    /// The number of processes before this one.
    pub incarnation: u32,
    /// The time up to which the process ran.
    at: Millis,
    /// Until when the process sleeps, if it does.
    pub asleep: Option<Millis>,
    /// The connection to Redis: its number, the arrival of its last command and that of its last answer.
    pipe: (u64, Millis, Millis),
}

/// A fault with its begin and end.
#[derive(Clone, Debug)]
pub struct FaultPeriod {
    pub kind: FaultKind,
    pub target: Option<usize>,
    pub begin: Millis,
    pub end: Millis,
    /// The incarnation of the process that it affects.
    incarnation: u32,
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
    Answer { to: usize, answer: Answer, lead: Option<String>, reply: Sender<Answer> },
    TokenResponse { number: usize, granted: TokenResponse, reply: Sender<TokenResponse> },
    ApiAnswer { errcode: i64, reply: Sender<i64> },
    Round(u32),
    Close,
    Stop,
}

/// The fate of an answer on the network.
enum Back {
    After(Millis),
    Never,
    Reset(Millis),
}

impl Simulation {
    pub fn new(plan: Plan, traced: bool) -> Self {
        fastrand::seed(plan.seed);
        let slot = |_| Slot {
            process: Some(Process::start(plan.mode, 0)),
            incarnation: 0,
            at: 0,
            asleep: None,
            pipe: (0, 0, 0),
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
    pub fn run(mut self) -> Journal {
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
            let Progress { at, messages, reports } = process.run(time);
            slot.at = at;
            came |= !messages.is_empty() || !reports.is_empty();
            messages.into_iter().for_each(|message| self.push(at, Event::Message(number, message)));
            reports.into_iter().for_each(|report| self.push(at, Event::CallEnded(number, report)));
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
            Event::Answer { to, answer, lead, reply } => {
                let heard = reply.send(answer).is_ok();
                self.journal.leads[to].extend(lead.filter(|_| heard).map(|owner| (owner, self.now)));
            }
            Event::TokenResponse { number, granted, reply } => self.granted(number, granted, reply),
            Event::ApiAnswer { errcode, reply } => drop(reply.send(errcode)),
            Event::Round(round) => self.begin_round(round),
            Event::Close => self.close(),
            Event::Stop => self.check_end(),
        }
    }
}

/// Callers.
impl Simulation {
    fn tick(&mut self, slot: usize) {
        if self.now >= self.plan.end {
            return;
        }
        let callers = if self.rng.u32(0..10) == 0 { self.rng.usize(2..6) } else { 1 };
        self.call(slot, callers);
        let pause = match self.plan.traffic[slot].hot.clone() {
            Some(hot) if self.hot_calls < MAX_HOT_CALLS && self.is_hot(slot) => {
                self.hot_calls += 1;
                self.rng.u64(hot)
            }
            _ => self.rng.u64(self.plan.traffic[slot].quiet.clone()),
        };
        self.push(self.now + pause, Event::Tick(slot));
    }

    /// Whether something is about to happen or has just happened.
    fn is_hot(&self, slot: usize) -> bool {
        let near = |at: Millis| self.now < at + 20 * SECOND && at < self.now + 2 * SECOND;
        let left = self.slots[slot].process.as_ref().and_then(Process::left).unwrap_or(0);
        let renewal = match self.plan.mode {
            wxacode::token::source::Mode::Stable => 200 * SECOND..300 * SECOND,
            wxacode::token::source::Mode::Classic => 520 * SECOND..680 * SECOND,
        };
        let refused =
            self.plan.theme == Theme::Refusing && self.active_fault(self.now, |w| *w == FaultKind::RefuseAll).is_some();
        near(0)
            || refused
            || left < 40 * SECOND
            || renewal.contains(&left)
            || self.fault_periods.iter().any(|w| near(w.begin) || near(w.end))
    }

    fn burst(&mut self, burst: usize) {
        let (process, callers) = (self.plan.bursts[burst].process, self.plan.bursts[burst].callers);
        for slot in 0..self.slots.len() {
            if process.is_none_or(|process| process == slot) {
                self.call(slot, callers);
            }
        }
    }

    /// Calls a process, unless it crashed or sleeps.
    fn call(&mut self, number: usize, callers: usize) {
        for _ in 0..callers {
            self.calls += 1;
            let settling = self.round.is_some();
            let forced = !settling && self.rng.u32(0..100) < self.plan.forces;
            let aborted = (!settling && self.rng.u32(0..100) < self.plan.aborts).then(|| self.rng.u64(0..2 * SECOND));
            let slot = &mut self.slots[number];
            let (Some(process), None) = (slot.process.as_mut(), slot.asleep) else { return };
            if !process.is_active() {
                slot.at = process.run(self.now).at;
            }
            let served = self.journal.served[number].clone();
            process.call(CallRequest { call: self.calls, forced, aborted, served });
            self.journal.calls[number].push(self.now);
        }
        self.note(|| format!("P{number} gets {callers} callers"));
    }

    fn begin_round(&mut self, round: u32) {
        if round == 0 {
            let faults_end = self.fault_periods.iter().map(|period| period.end).max().unwrap_or(0);
            self.round = Some(0);
            self.push(self.now.max(faults_end) + REST, Event::Round(1));
            return;
        }
        self.round = Some(round);
        for slot in 0..self.slots.len() {
            self.call(slot, 1);
        }
        let replaced = self.journal.fetches.last().is_some_and(|fetch| self.now < fetch.sent + ROUND + 5 * SECOND);
        if round < ROUNDS || (replaced && round < MAX_ROUNDS) {
            self.push(self.now + ROUND, Event::Round(round + 1));
        } else {
            self.push(self.now + 2 * SECOND, Event::Close);
        }
    }

    fn close(&mut self) {
        self.check_settled();
        for slot in &mut self.slots {
            if let Some(process) = &mut slot.process {
                process.leave();
            }
        }
        self.push(self.now + 10 * SECOND, Event::Stop);
    }
}

/// Faults.
impl Simulation {
    fn moment(&mut self, moment: Moment, actor: usize) {
        let count = self.moments.entry(moment).or_default();
        *count += 1;
        let count = *count;
        for fault in 0..self.plan.faults.len() {
            if let Trigger::After { moment: awaited, nth, wait } = self.plan.faults[fault].trigger
                && (awaited, nth) == (moment, count)
                && self.now + wait < self.plan.end
            {
                self.push(self.now + wait, Event::Begin { fault, actor: Some(actor) });
            }
        }
    }

    fn begin(&mut self, number: usize, actor: Option<usize>) {
        let fault = self.plan.faults[number].clone();
        let single = fault.kind.is_of_a_process() || fault.kind == FaultKind::Held;
        let target = match fault.target {
            Target::Process(number) => Some(number),
            Target::Actor => actor.or(Some(0)),
            Target::All => single.then_some(0),
        };
        let incarnation = target.map_or(0, |target| self.slots[target].incarnation);
        // The process already ran past this moment.
        if let Some(at) = target.map(|target| self.slots[target].at).filter(|&at| single && at > self.now) {
            return self.push(at, Event::Begin { fault: number, actor });
        }
        if let Some(target) = target.filter(|_| fault.kind.is_of_a_process()) {
            let slot = &self.slots[target];
            if slot.process.is_none() || slot.asleep.is_some() {
                return;
            }
        }
        self.note(|| format!("{:?} begins for {target:?}, for {} ms", fault.kind, fault.lasts));
        let instant = matches!(
            fault.kind,
            FaultKind::Flush
                | FaultKind::Evict(_)
                | FaultKind::Persist(_)
                | FaultKind::Forge(_)
                | FaultKind::Intrude
                | FaultKind::Condemn
                | FaultKind::Jump(_)
        );
        let end = if instant { self.now } else { self.now + fault.lasts };
        self.fault_periods.push(FaultPeriod { kind: fault.kind.clone(), target, begin: self.now, end, incarnation });
        match &fault.kind {
            FaultKind::Flush | FaultKind::Redis(RedisFault::Emptied) => {
                self.database.clear();
                self.journal.written.clear();
            }
            FaultKind::Evict(key) => {
                self.database.remove(key);
                self.journal.written.clear();
            }
            FaultKind::Persist(key) => self.database.persist(key),
            FaultKind::Forge(forged) => self.forge(*forged),
            FaultKind::Intrude => self.wechat.intrude(self.now),
            FaultKind::Condemn => self.wechat.condemn(self.now),
            kind => {
                if let Some(target) = target {
                    self.strike(target, kind, end);
                }
            }
        }
        if !instant {
            self.push(end, Event::Finish(self.fault_periods.len() - 1));
        }
    }

    /// After this, generations have no order.
    fn forge(&mut self, forged: Forged) {
        self.journal.written.clear();
        match forged {
            Forged::Field(key, field, text) => self.database.put_field(key, field, text),
            Forged::Key(name) => {
                let place = self.database.key_prefix().unwrap_or_default();
                self.database.put(&format!("{place}:{name}"), "made up");
            }
        }
    }

    fn strike(&mut self, target: usize, kind: &FaultKind, end: Millis) {
        let slot = &mut self.slots[target];
        let Some(process) = &mut slot.process else { return };
        match kind {
            FaultKind::Pause | FaultKind::Suspend => slot.asleep = Some(end),
            FaultKind::Crash => slot.process = None,
            FaultKind::Leave => process.leave(),
            FaultKind::Jump(by) => process.set_wall_clock(*by),
            _ => {}
        }
    }

    fn finish(&mut self, period: usize) {
        let FaultPeriod { kind, target, incarnation, .. } = self.fault_periods[period].clone();
        self.note(|| format!("{kind:?} ends for {target:?}"));
        let Some(target) = target else { return };
        let (mode, now) = (self.plan.mode, self.now);
        let slot = &mut self.slots[target];
        match (&kind, slot.process.as_mut()) {
            (FaultKind::Crash, None) => {
                *slot = Slot {
                    process: Some(Process::start(mode, now)),
                    incarnation: incarnation + 1,
                    at: now,
                    asleep: None,
                    ..*slot
                };
                self.journal.leads[target].clear();
                self.journal.calls[target].clear();
                self.journal.served[target] = None;
            }
            (FaultKind::Pause, Some(process)) if slot.asleep.take().is_some() => {
                process.wake(now);
                slot.at = now;
            }
            (FaultKind::Suspend, Some(process)) if slot.asleep.take().is_some() => {
                process.wake_from_suspend(now);
                slot.at = now;
            }
            (FaultKind::Leave, Some(process)) if slot.incarnation == incarnation => process.rejoin(),
            _ => {}
        }
    }

    fn active_fault(&self, at: Millis, is: impl Fn(&FaultKind) -> bool) -> Option<&FaultPeriod> {
        self.fault_periods.iter().rev().find(|period| period.begin <= at && at < period.end && is(&period.kind))
    }

    fn redis_fault(&self) -> Option<(RedisFault, Millis)> {
        match self.active_fault(self.now, |kind| matches!(kind, FaultKind::Redis(_)))? {
            FaultPeriod { kind: FaultKind::Redis(fault), end, .. } => Some((*fault, *end)),
            _ => None,
        }
    }

    fn wechat_fault(&self, at: Millis) -> Option<WeChatFault> {
        match self.active_fault(at, FaultKind::is_of_wechat)? {
            FaultPeriod { kind: FaultKind::WeChat(fault), .. } => Some(*fault),
            _ => None,
        }
    }
}

/// Messages.
impl Simulation {
    fn send(&mut self, from: usize, message: Message) {
        let at = self.now;
        match message {
            Message::Redis { command, connection, reply } => self.send_command(from, command, connection, reply),
            Message::Token { forced, refused, again, reply } => {
                let fetch = Fetch::new(from, self.slots[from].incarnation, at, forced, refused, again);
                self.send_fetch(fetch, reply);
            }
            Message::Api { token, reply } => {
                self.check_served(from, &token);
                let way = self.rng.u64(5..60);
                self.push(at + way, Event::Api { from, token, reply });
            }
        }
    }

    fn send_command(&mut self, from: usize, command: Command, connection: u64, reply: Sender<Answer>) {
        let at = self.now;
        self.check_command(from, &command);
        match &command {
            Command::Probe { .. } => self.note(|| format!("P{from} probes Redis")),
            Command::Script { text, .. } => match script_name(text) {
                "acquire" => self.moment(Moment::TokenRequest, from),
                "publish" => self.moment(Moment::Publish, from),
                _ => {}
            },
        }
        let mine = |period: &&FaultPeriod| {
            period.begin <= at && at < period.end && period.target.is_none_or(|target| target == from)
        };
        let held = self.fault_periods.iter().filter(mine).filter(|w| w.kind == FaultKind::Held).map(|w| w.end).max();
        let network = self.fault_periods.iter().filter(mine).find_map(|period| match &period.kind {
            FaultKind::Network(network) => Some(network.clone()),
            _ => None,
        });
        let pipe = &mut self.slots[from].pipe;
        if pipe.0 != connection {
            *pipe = (connection, 0, 0);
        }
        let way = self.rng.u64(self.plan.redis.clone());
        let mut arrives = at.max(held.unwrap_or(0)) + way;
        let mut back = Back::After(self.rng.u64(self.plan.redis.clone()));
        if let Some(network) = network {
            match self.cross(&network) {
                Some((late, fate)) => (arrives, back) = (arrives + late, fate),
                None => return,
            }
        }
        let pipe = &mut self.slots[from].pipe;
        pipe.1 = pipe.1.max(arrives);
        self.push(self.slots[from].pipe.1, Event::Command { from, sent: at, command, back, reply });
    }

    /// The delay of a command on a bad network and the fate of its answer; none if the command is lost.
    fn cross(&mut self, network: &Network) -> Option<(Millis, Back)> {
        let mut happens = |percent| self.rng.u32(0..100) < percent;
        if happens(network.lost) {
            return None;
        }
        let (unanswered, reset) = (happens(network.unanswered), happens(network.reset));
        let mut late = || if self.rng.bool() { self.rng.u64(0..=network.late) } else { 1 };
        let (there, back) = (late(), late());
        let fate = match (unanswered, reset) {
            (true, _) => Back::Never,
            (_, true) => Back::Reset(back),
            _ => Back::After(back),
        };
        Some((there, fate))
    }

    fn command(&mut self, from: usize, sent: Millis, command: Command, back: Back, reply: Sender<Answer>) {
        let slow = match self.redis_fault() {
            Some((RedisFault::Refuses | RedisFault::Emptied, _)) => {
                self.push(self.now + 1, Event::Answer { to: from, answer: Answer::Refused, lead: None, reply });
                return;
            }
            Some((RedisFault::Silent, _)) => return,
            Some((RedisFault::Stalled, end)) => {
                self.push(end, Event::Command { from, sent, command, back, reply });
                return;
            }
            Some((RedisFault::Slow, _)) => self.rng.u64(20..600),
            Some((RedisFault::ReadOnly, _)) | None => 0,
        };
        let (answer, lead) = self.execute(from, sent, &command);
        let (after, answer) = match back {
            Back::Never => return,
            Back::Reset(after) => (after, Answer::Reset),
            Back::After(after) => (after, answer),
        };
        let slot = &mut self.slots[from];
        slot.pipe.2 = slot.pipe.2.max(self.now + after + slow);
        let lead = lead.filter(|_| matches!(answer, Answer::Value(_)));
        self.push(self.slots[from].pipe.2, Event::Answer { to: from, answer, lead, reply });
    }

    /// Runs a command. Returns the answer, and the attempt that became leader.
    fn execute(&mut self, from: usize, sent: Millis, command: &Command) -> (Answer, Option<String>) {
        let expired = self.database.advance_to(self.now);
        self.check_expired(&expired);
        self.database.read_only = matches!(self.redis_fault(), Some((RedisFault::ReadOnly, _)));
        let (text, keys, args) = match command {
            Command::Script { text, keys, args } => (*text, keys, args),
            Command::Probe { key: Some(_) } if self.database.read_only => {
                return (Answer::Error("READONLY".to_owned()), None);
            }
            Command::Probe { .. } => return (Answer::Value(redis::Value::Int(0)), None),
        };
        let before = self.database.clone();
        let result = lua::run(&mut self.database, text, keys, args);
        let script = Script::new(from, self.slots[from].incarnation, sent, text, keys, args, &result);
        self.note_script(&script);
        self.check_script(&script, &before);
        let lead = (script.word == "lead").then(|| script.owner.clone());
        match (script.name, script.word.as_str()) {
            ("acquire", "lead") => self.moment(Moment::Lead, from),
            ("publish", "written") => self.moment(Moment::Written, from),
            _ => {}
        }
        (result.map_or_else(Answer::Error, Answer::Value), lead)
    }

    fn send_fetch(&mut self, fetch: Fetch, reply: Sender<TokenResponse>) {
        let at = fetch.sent;
        self.check_fetch(&fetch);
        self.note(|| format!("P{} asks WeChat{}", fetch.from, if fetch.forced { " by force" } else { "" }));
        self.journal.fetches.push(fetch);
        let number = self.journal.fetches.len() - 1;
        let way = self.rng.u64(self.plan.wechat.clone());
        match self.wechat_fault(at) {
            Some(WeChatFault::Unreachable) => {
                self.push(at + way, Event::TokenResponse { number, granted: TokenResponse::Unreachable, reply });
            }
            Some(WeChatFault::Slow) => {
                let slow = self.rng.u64(0..3500);
                self.push(at + way + slow, Event::Fetch { number, reply });
            }
            _ => self.push(at + way, Event::Fetch { number, reply }),
        }
    }

    /// A token request arrives at WeChat.
    fn fetch(&mut self, number: usize, reply: Sender<TokenResponse>) {
        let (from, forced) = (self.journal.fetches[number].from, self.journal.fetches[number].forced);
        self.moment(Moment::Request, from);
        let fault = self.wechat_fault(self.now);
        let refusal = match fault {
            Some(WeChatFault::Silent) => return,
            Some(WeChatFault::Busy) => Some(-1),
            Some(WeChatFault::Refuses) => Some(40125),
            _ => None,
        };
        let granted = match refusal {
            Some(errcode) => TokenResponse::Errcode(errcode),
            None => {
                let (token, left) = self.wechat.grant(self.now, forced, Cause::Forced);
                self.journal.fetches[number].token = Some(token);
                let left = (left / 1000) as i64;
                let lie = [None, Some(0), Some(-1), Some(5), Some(20), Some(86_400)][self.rng.usize(0..6)];
                let expires_in = if fault == Some(WeChatFault::Lies) { lie } else { Some(left) };
                TokenResponse::Token { value: self.wechat.tokens[token].value.clone(), expires_in }
            }
        };
        self.note(|| format!("WeChat answers P{from} {granted:?}"));
        if fault == Some(WeChatFault::Mute) {
            return;
        }
        let slow = if fault == Some(WeChatFault::Slow) { self.rng.u64(0..3500) } else { 0 };
        let way = self.rng.u64(self.plan.wechat.clone());
        self.push(self.now + way + slow, Event::TokenResponse { number, granted, reply });
    }

    fn granted(&mut self, number: usize, granted: TokenResponse, reply: Sender<TokenResponse>) {
        let got = matches!(granted, TokenResponse::Token { .. });
        let fetch = &mut self.journal.fetches[number];
        fetch.answered = Some(self.now);
        fetch.got = reply.send(granted).is_ok() && got;
    }

    fn api(&mut self, from: usize, token: &str, reply: Sender<i64>) {
        let errcode = match self.active_fault(self.now, |kind| *kind == FaultKind::RefuseAll) {
            Some(_) => 40001,
            None => self.wechat.accepts(token, self.now),
        };
        if errcode != 0 {
            self.note(|| format!("the API refuses P{from}'s {token}: {errcode}"));
            self.moment(Moment::Refusal, from);
        }
        let way = self.rng.u64(5..60);
        self.push(self.now + way, Event::ApiAnswer { errcode, reply });
    }
}

/// The journal.
impl Simulation {
    pub fn note(&mut self, text: impl FnOnce() -> String) {
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

    pub fn violation(&mut self, violation: String) {
        let now = self.now;
        self.journal.note(now, || format!("VIOLATION: {violation}"));
        self.journal.violation.get_or_insert(violation);
    }

    pub fn note_report(&mut self, from: usize, report: &Report) {
        let took = report.ended - report.begun;
        let call = report.request.call;
        self.note(|| {
            format!("P{from} ends call {call} after {took} ms, waits {:?}: {:?}", report.waits, report.outcome)
        });
    }
}
