//! The world: one queue of events, in which processes, Redis, WeChat and faults meet, and a time that jumps from one to
//! the next.

use std::collections::BTreeMap;

use fastrand::Rng;
use tokio::sync::oneshot::Sender;

use crate::book::{Book, Fetch, Script, script_name};
use crate::database::Database;
use crate::lua;
use crate::plan::{Forged, Ill, Moment, Network, Plan, Sick, Theme, What, When, Who};
use crate::process::{Heard, Process, Report, Wish};
use crate::wechat::{Cause, WeChat};
use crate::wire::{Answer, Command, Message, TokenResponse};

pub type Millis = u64;
pub const SECOND: Millis = 1000;
pub const SECRET: &str = "c4nary-app-secret";

/// More than this in one run is a loop.
const MOST_EVENTS: u64 = 200_000;
/// So many calls at interesting times, and then the rest of the run is quiet.
const MOST_HOT_CALLS: u32 = 250;
/// After the last fault, until everybody is called for the first time.
const REST: Millis = 5 * SECOND;
/// Longer than a process goes without comparing its token.
const ROUND: Millis = 66 * SECOND;
/// So many rounds of calls until all is as it was; and a few more while a token is being replaced.
pub const ROUNDS: u32 = 4;
const MOST_ROUNDS: u32 = 8;

pub struct World {
    pub plan: Plan,
    pub now: Millis,
    queue: BTreeMap<(Millis, u64), Event>,
    pushed: u64,
    rng: Rng,
    pub slots: Vec<Slot>,
    pub database: Database,
    pub wechat: WeChat,
    pub windows: Vec<Window>,
    moments: BTreeMap<Moment, u32>,
    calls: u64,
    hot_calls: u32,
    /// The round of calls with which the run ends, once it is there.
    pub round: Option<u32>,
    pub book: Book,
}

/// A place where a process lives, and another one when that has crashed.
pub struct Slot {
    pub process: Option<Process>,
    /// Counts processes.
    pub life: u32,
    /// How far it has come.
    at: Millis,
    /// Until when it sleeps, if it does.
    pub asleep: Option<Millis>,
    /// The connection to Redis: its number, and when the last command arrives there and the last answer here.
    pipe: (u64, Millis, Millis),
}

/// A fault while it lasts.
#[derive(Clone, Debug)]
pub struct Window {
    pub what: What,
    pub who: Option<usize>,
    pub begin: Millis,
    pub end: Millis,
    /// Of the process that it was for.
    life: u32,
}

enum Event {
    Said(usize, Message),
    Ended(usize, Report),
    Tick(usize),
    Burst(usize),
    Begin { fault: usize, actor: Option<usize> },
    Finish(usize),
    Command { from: usize, sent: Millis, command: Command, back: Back, reply: Sender<Answer> },
    Fetch { number: usize, reply: Sender<TokenResponse> },
    Api { from: usize, token: String, reply: Sender<i64> },
    Answer { to: usize, answer: Answer, lead: Option<String>, reply: Sender<Answer> },
    TokenResponse { number: usize, granted: TokenResponse, reply: Sender<TokenResponse> },
    Judged { errcode: i64, reply: Sender<i64> },
    Round(u32),
    Close,
    Over,
}

/// What becomes of an answer on its way back.
enum Back {
    After(Millis),
    Never,
    Reset(Millis),
}

impl World {
    pub fn new(plan: Plan, traced: bool) -> Self {
        fastrand::seed(plan.seed);
        let slot =
            |_| Slot { process: Some(Process::start(plan.mode, 0)), life: 0, at: 0, asleep: None, pipe: (0, 0, 0) };
        let mut world = Self {
            now: 0,
            queue: BTreeMap::new(),
            pushed: 0,
            rng: Rng::with_seed(plan.seed ^ 0x5eed),
            slots: (0..plan.processes).map(slot).collect(),
            database: Database::default(),
            wechat: WeChat::new(plan.mode, plan.given),
            windows: Vec::new(),
            moments: BTreeMap::new(),
            calls: 0,
            hot_calls: 0,
            round: None,
            book: Book::new(plan.processes, traced),
            plan,
        };
        world.prepare();
        world
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
            if let When::At(at) = self.plan.faults[fault].when {
                self.push(at, Event::Begin { fault, actor: None });
            }
        }
        self.push(self.plan.end, Event::Round(0));
    }

    /// Runs until the end, or until a promise is broken.
    pub fn run(mut self) -> Book {
        while let Some((&(time, _), _)) = self.queue.first_key_value() {
            if self.catch_up(time) {
                continue;
            }
            let Some((_, event)) = self.queue.pop_first() else { break };
            self.now = time;
            self.handle(event);
            if self.pushed > MOST_EVENTS {
                self.broken("somebody runs in circles".to_owned());
            }
            if self.book.broken.is_some() {
                break;
            }
        }
        self.book
    }

    fn push(&mut self, at: Millis, event: Event) {
        self.pushed += 1;
        self.queue.insert((at, self.pushed), event);
    }

    /// Lets every process go on until `time`. Whether one has said something on its way: that comes first.
    fn catch_up(&mut self, time: Millis) -> bool {
        let mut came = false;
        for number in 0..self.slots.len() {
            let slot = &mut self.slots[number];
            let Some(process) = slot.process.as_mut() else { continue };
            if slot.asleep.is_some() || slot.at >= time || !process.is_active() {
                continue;
            }
            let Heard { at, messages, reports } = process.run(time);
            slot.at = at;
            came |= !messages.is_empty() || !reports.is_empty();
            messages.into_iter().for_each(|message| self.push(at, Event::Said(number, message)));
            reports.into_iter().for_each(|report| self.push(at, Event::Ended(number, report)));
        }
        came
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Said(from, message) => self.send(from, message),
            Event::Ended(from, report) => self.judge_call(from, &report),
            Event::Tick(slot) => self.tick(slot),
            Event::Burst(burst) => self.burst(burst),
            Event::Begin { fault, actor } => self.begin(fault, actor),
            Event::Finish(window) => self.finish(window),
            Event::Command { from, sent, command, back, reply } => self.command(from, sent, command, back, reply),
            Event::Fetch { number, reply } => self.fetch(number, reply),
            Event::Api { from, token, reply } => self.api(from, &token, reply),
            Event::Answer { to, answer, lead, reply } => {
                let heard = reply.send(answer).is_ok();
                self.book.leads[to].extend(lead.filter(|_| heard).map(|owner| (owner, self.now)));
            }
            Event::TokenResponse { number, granted, reply } => self.granted(number, granted, reply),
            Event::Judged { errcode, reply } => drop(reply.send(errcode)),
            Event::Round(round) => self.begin_round(round),
            Event::Close => self.close(),
            Event::Over => self.judge_end(),
        }
    }
}

/// Callers.
impl World {
    fn tick(&mut self, slot: usize) {
        if self.now >= self.plan.end {
            return;
        }
        let callers = if self.rng.u32(0..10) == 0 { self.rng.usize(2..6) } else { 1 };
        self.call(slot, callers);
        let pause = match self.plan.traffic[slot].hot.clone() {
            Some(hot) if self.hot_calls < MOST_HOT_CALLS && self.is_hot(slot) => {
                self.hot_calls += 1;
                self.rng.u64(hot)
            }
            _ => self.rng.u64(self.plan.traffic[slot].quiet.clone()),
        };
        self.push(self.now + pause, Event::Tick(slot));
    }

    /// Whether something is about to happen, or has just happened.
    fn is_hot(&self, slot: usize) -> bool {
        let near = |at: Millis| self.now < at + 20 * SECOND && at < self.now + 2 * SECOND;
        let left = self.slots[slot].process.as_ref().and_then(Process::left).unwrap_or(0);
        let renewal = match self.plan.mode {
            wxacode::token::source::Mode::Stable => 200 * SECOND..300 * SECOND,
            wxacode::token::source::Mode::Classic => 520 * SECOND..680 * SECOND,
        };
        let refused =
            self.plan.theme == Theme::Refusing && self.now_wrong(self.now, |w| *w == What::RefuseAll).is_some();
        near(0)
            || refused
            || left < 40 * SECOND
            || renewal.contains(&left)
            || self.windows.iter().any(|w| near(w.begin) || near(w.end))
    }

    fn burst(&mut self, burst: usize) {
        let (process, callers) = (self.plan.bursts[burst].process, self.plan.bursts[burst].callers);
        for slot in 0..self.slots.len() {
            if process.is_none_or(|process| process == slot) {
                self.call(slot, callers);
            }
        }
    }

    /// Calls that find nobody are not made; whoever sleeps gets them later.
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
            let served = self.book.served[number].clone();
            process.call(Wish { call: self.calls, forced, aborted, served });
            self.book.calls[number].push(self.now);
        }
        self.note(|| format!("P{number} gets {callers} callers"));
    }

    fn begin_round(&mut self, round: u32) {
        if round == 0 {
            let faults_end = self.windows.iter().map(|window| window.end).max().unwrap_or(0);
            self.round = Some(0);
            self.push(self.now.max(faults_end) + REST, Event::Round(1));
            return;
        }
        self.round = Some(round);
        for slot in 0..self.slots.len() {
            self.call(slot, 1);
        }
        let replaced = self.book.fetches.last().is_some_and(|fetch| self.now < fetch.sent + ROUND + 5 * SECOND);
        if round < ROUNDS || (replaced && round < MOST_ROUNDS) {
            self.push(self.now + ROUND, Event::Round(round + 1));
        } else {
            self.push(self.now + 2 * SECOND, Event::Close);
        }
    }

    fn close(&mut self) {
        self.judge_settled();
        for slot in &mut self.slots {
            if let Some(process) = &mut slot.process {
                process.leave();
            }
        }
        self.push(self.now + 10 * SECOND, Event::Over);
    }
}

/// What goes wrong.
impl World {
    fn moment(&mut self, moment: Moment, actor: usize) {
        let count = self.moments.entry(moment).or_default();
        *count += 1;
        let count = *count;
        for fault in 0..self.plan.faults.len() {
            if let When::After { moment: awaited, nth, wait } = self.plan.faults[fault].when
                && (awaited, nth) == (moment, count)
                && self.now + wait < self.plan.end
            {
                self.push(self.now + wait, Event::Begin { fault, actor: Some(actor) });
            }
        }
    }

    fn begin(&mut self, number: usize, actor: Option<usize>) {
        let fault = self.plan.faults[number].clone();
        let single = fault.what.is_of_a_process() || fault.what == What::Held;
        let who = match fault.who {
            Who::Number(number) => Some(number),
            Who::Actor => actor.or(Some(0)),
            Who::All => single.then_some(0),
        };
        let life = who.map_or(0, |who| self.slots[who].life);
        // It has gone ahead of what made the moment.
        if let Some(at) = who.map(|who| self.slots[who].at).filter(|&at| single && at > self.now) {
            return self.push(at, Event::Begin { fault: number, actor });
        }
        if let Some(who) = who.filter(|_| fault.what.is_of_a_process()) {
            let slot = &self.slots[who];
            if slot.process.is_none() || slot.asleep.is_some() {
                return;
            }
        }
        self.note(|| format!("{:?} begins for {who:?}, for {} ms", fault.what, fault.lasts));
        let instant = matches!(
            fault.what,
            What::Flush
                | What::Evict(_)
                | What::Persist(_)
                | What::Forge(_)
                | What::Intrude
                | What::Condemn
                | What::Jump(_)
        );
        let end = if instant { self.now } else { self.now + fault.lasts };
        self.windows.push(Window { what: fault.what.clone(), who, begin: self.now, end, life });
        match &fault.what {
            What::Flush | What::Redis(Ill::Emptied) => {
                self.database.clear();
                self.book.written.clear();
            }
            What::Evict(key) => {
                self.database.remove(key);
                self.book.written.clear();
            }
            What::Persist(key) => self.database.persist(key),
            What::Forge(forged) => self.forge(*forged),
            What::Intrude => self.wechat.intrude(self.now),
            What::Condemn => self.wechat.condemn(self.now),
            what => {
                if let Some(who) = who {
                    self.strike(who, what, end);
                }
            }
        }
        if !instant {
            self.push(end, Event::Finish(self.windows.len() - 1));
        }
    }

    /// Generations have no order any more.
    fn forge(&mut self, forged: Forged) {
        self.book.written.clear();
        match forged {
            Forged::Field(key, field, text) => self.database.put_field(key, field, text),
            Forged::Key(name) => {
                let place = self.database.key_prefix().unwrap_or_default();
                self.database.put(&format!("{place}:{name}"), "made up");
            }
        }
    }

    fn strike(&mut self, who: usize, what: &What, end: Millis) {
        let slot = &mut self.slots[who];
        let Some(process) = &mut slot.process else { return };
        match what {
            What::Pause | What::Suspend => slot.asleep = Some(end),
            What::Crash => slot.process = None,
            What::Leave => process.leave(),
            What::Jump(by) => process.set_wall_clock(*by),
            _ => {}
        }
    }

    fn finish(&mut self, window: usize) {
        let Window { what, who, life, .. } = self.windows[window].clone();
        self.note(|| format!("{what:?} ends for {who:?}"));
        let Some(who) = who else { return };
        let (mode, now) = (self.plan.mode, self.now);
        let slot = &mut self.slots[who];
        match (&what, slot.process.as_mut()) {
            (What::Crash, None) => {
                *slot =
                    Slot { process: Some(Process::start(mode, now)), life: life + 1, at: now, asleep: None, ..*slot };
                self.book.leads[who].clear();
                self.book.calls[who].clear();
                self.book.served[who] = None;
            }
            (What::Pause, Some(process)) if slot.asleep.take().is_some() => {
                process.wake(now);
                slot.at = now;
            }
            (What::Suspend, Some(process)) if slot.asleep.take().is_some() => {
                process.wake_from_suspend(now);
                slot.at = now;
            }
            (What::Leave, Some(process)) if slot.life == life => process.rejoin(),
            _ => {}
        }
    }

    fn now_wrong(&self, at: Millis, of: impl Fn(&What) -> bool) -> Option<&Window> {
        self.windows.iter().rev().find(|window| window.begin <= at && at < window.end && of(&window.what))
    }

    fn ill(&self) -> Option<(Ill, Millis)> {
        match self.now_wrong(self.now, |what| matches!(what, What::Redis(_)))? {
            Window { what: What::Redis(ill), end, .. } => Some((*ill, *end)),
            _ => None,
        }
    }

    fn sick(&self, at: Millis) -> Option<Sick> {
        match self.now_wrong(at, What::is_of_wechat)? {
            Window { what: What::WeChat(sick), .. } => Some(*sick),
            _ => None,
        }
    }
}

/// What is on its way.
impl World {
    fn send(&mut self, from: usize, message: Message) {
        let at = self.now;
        match message {
            Message::Redis { command, connection, reply } => self.send_command(from, command, connection, reply),
            Message::Token { forced, refused, again, reply } => {
                let fetch = Fetch::new(from, self.slots[from].life, at, forced, refused, again);
                self.send_fetch(fetch, reply);
            }
            Message::Api { token, reply } => {
                self.judge_served(from, &token);
                let way = self.rng.u64(5..60);
                self.push(at + way, Event::Api { from, token, reply });
            }
        }
    }

    fn send_command(&mut self, from: usize, command: Command, connection: u64, reply: Sender<Answer>) {
        let at = self.now;
        self.judge_command(from, &command);
        match &command {
            Command::Probe { .. } => self.note(|| format!("P{from} probes Redis")),
            Command::Script { text, .. } => match script_name(text) {
                "acquire" => self.moment(Moment::TokenRequest, from),
                "publish" => self.moment(Moment::Publish, from),
                _ => {}
            },
        }
        let mine = |window: &&Window| window.begin <= at && at < window.end && window.who.is_none_or(|who| who == from);
        let held = self.windows.iter().filter(mine).filter(|w| w.what == What::Held).map(|w| w.end).max();
        let network = self.windows.iter().filter(mine).find_map(|window| match &window.what {
            What::Network(network) => Some(network.clone()),
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

    /// Over a bad network: how late it is, and what becomes of the answer.
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
        let slow = match self.ill() {
            Some((Ill::Refuses | Ill::Emptied, _)) => {
                self.push(self.now + 1, Event::Answer { to: from, answer: Answer::Refused, lead: None, reply });
                return;
            }
            Some((Ill::Silent, _)) => return,
            Some((Ill::Stalled, end)) => {
                self.push(end, Event::Command { from, sent, command, back, reply });
                return;
            }
            Some((Ill::Slow, _)) => self.rng.u64(20..600),
            Some((Ill::ReadOnly, _)) | None => 0,
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

    /// What Redis says, and the attempt that it makes leader.
    fn execute(&mut self, from: usize, sent: Millis, command: &Command) -> (Answer, Option<String>) {
        let ended = self.database.advance_to(self.now);
        self.judge_ended(&ended);
        self.database.read_only = matches!(self.ill(), Some((Ill::ReadOnly, _)));
        let (text, keys, args) = match command {
            Command::Script { text, keys, args } => (*text, keys, args),
            Command::Probe { key: Some(_) } if self.database.read_only => {
                return (Answer::Error("READONLY".to_owned()), None);
            }
            Command::Probe { .. } => return (Answer::Value(redis::Value::Int(0)), None),
        };
        let before = self.database.clone();
        let result = lua::run(&mut self.database, text, keys, args);
        let script = Script::new(from, self.slots[from].life, sent, text, keys, args, &result);
        self.note_script(&script);
        self.judge_script(&script, &before);
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
        self.judge_fetch(&fetch);
        self.note(|| format!("P{} asks WeChat{}", fetch.from, if fetch.forced { " by force" } else { "" }));
        self.book.fetches.push(fetch);
        let number = self.book.fetches.len() - 1;
        let way = self.rng.u64(self.plan.wechat.clone());
        match self.sick(at) {
            Some(Sick::Unreachable) => {
                self.push(at + way, Event::TokenResponse { number, granted: TokenResponse::Unreachable, reply });
            }
            Some(Sick::Slow) => {
                let slow = self.rng.u64(0..3500);
                self.push(at + way + slow, Event::Fetch { number, reply });
            }
            _ => self.push(at + way, Event::Fetch { number, reply }),
        }
    }

    /// A token request has reached WeChat.
    fn fetch(&mut self, number: usize, reply: Sender<TokenResponse>) {
        let (from, forced) = (self.book.fetches[number].from, self.book.fetches[number].forced);
        self.moment(Moment::Request, from);
        let sick = self.sick(self.now);
        let refusal = match sick {
            Some(Sick::Silent) => return,
            Some(Sick::Busy) => Some(-1),
            Some(Sick::Refuses) => Some(40125),
            _ => None,
        };
        let granted = match refusal {
            Some(errcode) => TokenResponse::Errcode(errcode),
            None => {
                let (token, left) = self.wechat.grant(self.now, forced, Cause::Forced);
                self.book.fetches[number].token = Some(token);
                let left = (left / 1000) as i64;
                let lie = [None, Some(0), Some(-1), Some(5), Some(20), Some(86_400)][self.rng.usize(0..6)];
                let expires_in = if sick == Some(Sick::Lies) { lie } else { Some(left) };
                TokenResponse::Token { value: self.wechat.tokens[token].value.clone(), expires_in }
            }
        };
        self.note(|| format!("WeChat answers P{from} {granted:?}"));
        if sick == Some(Sick::Mute) {
            return;
        }
        let slow = if sick == Some(Sick::Slow) { self.rng.u64(0..3500) } else { 0 };
        let way = self.rng.u64(self.plan.wechat.clone());
        self.push(self.now + way + slow, Event::TokenResponse { number, granted, reply });
    }

    fn granted(&mut self, number: usize, granted: TokenResponse, reply: Sender<TokenResponse>) {
        let got = matches!(granted, TokenResponse::Token { .. });
        let fetch = &mut self.book.fetches[number];
        fetch.answered = Some(self.now);
        fetch.got = reply.send(granted).is_ok() && got;
    }

    fn api(&mut self, from: usize, token: &str, reply: Sender<i64>) {
        let errcode = match self.now_wrong(self.now, |what| *what == What::RefuseAll) {
            Some(_) => 40001,
            None => self.wechat.accepts(token, self.now),
        };
        if errcode != 0 {
            self.note(|| format!("the API refuses P{from}'s {token}: {errcode}"));
            self.moment(Moment::Refusal, from);
        }
        let way = self.rng.u64(5..60);
        self.push(self.now + way, Event::Judged { errcode, reply });
    }
}

/// What is written down.
impl World {
    pub fn note(&mut self, text: impl FnOnce() -> String) {
        self.book.note(self.now, text);
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
        self.book.note_script(self.now, script, lock, generation, print);
    }

    pub fn broken(&mut self, what: String) {
        let now = self.now;
        self.book.note(now, || format!("BROKEN: {what}"));
        self.book.broken.get_or_insert(what);
    }

    pub fn note_report(&mut self, from: usize, report: &Report) {
        let took = report.ended - report.begun;
        let call = report.wish.call;
        self.note(|| format!("P{from} ends call {call} after {took} ms, waits {:?}: {:?}", report.waits, report.end));
    }
}
