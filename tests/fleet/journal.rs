//! The record of a run: for the invariants, and for a reader of its trace.

use std::collections::BTreeMap;

use redis::Value;

use crate::database::Bytes;
use crate::simulation::Millis;

pub(crate) struct Journal {
    pub(crate) fetches: Vec<Fetch>,
    /// For each process, the owners that know that they have the lock, and since when.
    pub(crate) lock_owners: Vec<BTreeMap<String, Millis>>,
    /// The token that each process served last.
    pub(crate) served: Vec<Option<String>>,
    /// When Redis last told each process to wait for another owner, and when for one that had given up.
    pub(crate) waits: Vec<(Option<Millis>, Option<Millis>)>,
    /// The delay with which the token of a fingerprint arrived in Redis.
    pub(crate) late: BTreeMap<String, Millis>,
    /// The latest generation written in each epoch since Redis was empty.
    pub(crate) written: BTreeMap<String, u64>,
    /// The owners that Redis knows.
    pub(crate) owners: BTreeMap<String, Owner>,
    /// How often each event occurred. It shows whether the runs cover every case.
    pub(crate) seen: BTreeMap<String, u64>,
    /// The times of calls to each process since it started.
    pub(crate) calls: Vec<Vec<Millis>>,
    pub(crate) violation: Option<String>,
    pub(crate) trace: Option<Vec<String>>,
}

/// A process that has asked for the lock.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) process: (usize, u32),
    /// Its name in the trace.
    pub(crate) name: String,
    /// Whether Redis gave it the lock after the process had given up.
    pub(crate) late: bool,
}

/// A token request of one process.
#[derive(Clone, Debug)]
pub(crate) struct Fetch {
    pub(crate) from: usize,
    pub(crate) incarnation: u32,
    pub(crate) sent: Millis,
    pub(crate) forced: bool,
    pub(crate) rejected: bool,
    pub(crate) again: bool,
    /// The token that WeChat issued, whether or not its answer arrived.
    pub(crate) token: Option<usize>,
    pub(crate) answered: Option<Millis>,
    /// Whether the process received a token.
    pub(crate) got: bool,
}

impl Fetch {
    pub(crate) fn new(from: usize, incarnation: u32, sent: Millis, forced: bool, rejected: bool, again: bool) -> Self {
        Self { from, incarnation, sent, forced, rejected, again, token: None, answered: None, got: false }
    }
}

/// A script that Redis has run.
pub(crate) struct Script {
    pub(crate) name: &'static str,
    pub(crate) from: usize,
    pub(crate) incarnation: u32,
    pub(crate) sent: Millis,
    pub(crate) place: String,
    pub(crate) owner: String,
    /// The first word of its reply.
    pub(crate) word: String,
}

impl Script {
    pub(crate) fn new(
        from: usize,
        incarnation: u32,
        sent: Millis,
        text: &str,
        keys: &[String],
        args: &[Bytes],
        result: &Result<Value, String>,
    ) -> Self {
        let place = keys[0].rsplit_once(':').map_or("", |(place, _)| place).to_owned();
        let owner = args.first().map_or_else(String::new, |owner| String::from_utf8_lossy(owner).into_owned());
        Self { name: script_name(text), from, incarnation, sent, place, owner, word: word(result) }
    }
}

pub(crate) fn script_name(text: &str) -> &'static str {
    const SCRIPTS: [(&str, &str); 6] = [
        (include_str!("../../src/token/redis_store/acquire.lua"), "acquire"),
        (include_str!("../../src/token/redis_store/publish.lua"), "publish"),
        (include_str!("../../src/token/redis_store/release.lua"), "release"),
        (include_str!("../../src/token/redis_store/peek.lua"), "peek"),
        (include_str!("../../src/token/redis_store/take_forced_refresh.lua"), "take_forced_refresh"),
        (include_str!("../../src/token/redis_store/repair.lua"), "repair"),
    ];
    SCRIPTS.iter().find(|(known, _)| *known == text).expect("a script of the crate").1
}

fn word(result: &Result<Value, String>) -> String {
    match result {
        Ok(Value::Array(row)) => match row.first() {
            Some(Value::BulkString(word)) => String::from_utf8_lossy(word).into_owned(),
            other => format!("{other:?}"),
        },
        Ok(Value::Int(0)) => "granted".to_owned(),
        Ok(Value::Int(_)) => "spent".to_owned(),
        Ok(other) => format!("{other:?}"),
        Err(_) => "error".to_owned(),
    }
}

impl Journal {
    pub(crate) fn new(processes: usize, traced: bool) -> Self {
        Self {
            fetches: Vec::new(),
            lock_owners: vec![BTreeMap::new(); processes],
            served: vec![None; processes],
            waits: vec![(None, None); processes],
            late: BTreeMap::new(),
            written: BTreeMap::new(),
            owners: BTreeMap::new(),
            seen: BTreeMap::new(),
            calls: vec![Vec::new(); processes],
            violation: None,
            trace: traced.then(Vec::new),
        }
    }

    pub(crate) fn count(&mut self, what: &str) {
        match self.seen.get_mut(what) {
            Some(count) => *count += 1,
            None => drop(self.seen.insert(what.to_owned(), 1)),
        }
    }

    pub(crate) fn note(&mut self, now: Millis, text: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{} {}", time(now), text()));
        }
    }

    /// Owners are random and would make traces of the same seed differ: the trace numbers them in order.
    pub(crate) fn note_script(
        &mut self,
        now: Millis,
        script: &Script,
        lock: Option<String>,
        generation: Option<String>,
        print: Option<String>,
    ) {
        self.count(&format!("{} {}", script.name, script.word));
        let named = self.owners.len();
        if matches!(script.name, "acquire" | "publish" | "release") {
            let process = (script.from, script.incarnation);
            let new = Owner { process, name: format!("a{named}"), late: false };
            let owner = self.owners.entry(script.owner.clone()).or_insert(new);
            owner.late |= script.word == "lock" && now > script.sent + 250;
        }
        let owner = |id: &str| self.owners.get(id).map_or("-".to_owned(), |owner| owner.name.clone());
        let (me, lock) = (owner(&script.owner), lock.map_or("free".to_owned(), |lock| owner(&lock)));
        let Script { name, from, word, sent, .. } = script;
        let (generation, print) = (generation.unwrap_or_default(), print.unwrap_or_default());
        self.note(now, || {
            let late = if now > sent + 250 { format!(" (sent {})", time(*sent)) } else { String::new() };
            format!("Redis: P{from} {me} {name} -> {word}{late}; lock {lock}, token {generation} {print}")
        });
    }
}

pub(crate) fn time(now: Millis) -> String {
    format!("{}:{:02}:{:02}.{:03}", now / 3_600_000, now / 60_000 % 60, now / 1000 % 60, now % 1000)
}
