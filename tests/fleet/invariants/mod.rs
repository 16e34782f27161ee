//! What must hold in every run, whatever fails in it.

mod requests;

use wxacode::error::Error;
use wxacode::keys::Mode;
use wxacode::token::fingerprint::Fingerprinter;
use wxacode::token::redis_store::LOCK_TTL;
use wxacode::token::source::FETCH_TIMEOUT;

use crate::database::{Database, contains};
use crate::journal::{Fetch, Script, time};
use crate::plan::{FaultKind, RedisFault, Theme, WeChatFault};
use crate::process::{CALL, Outcome, Report};
use crate::simulation::{FaultPeriod, Millis, ROUNDS, SECOND, SECRET, Simulation};
use crate::source::ATTEMPT;
use crate::wechat::{Cause, OVERLAP};
use crate::wire::Command;

const CANARY: &str = "c4nary";
/// The longest time of one command.
const REDIS: Millis = 250;
/// The time after a fault of Redis until a process notices that it is over.
const PROBE: Millis = 3 * SECOND;
/// How long before its expiry a classic token may be replaced.
const CLASSIC_SOFT: Millis = 662 * SECOND;
/// The longest pause between two polls, with rounding.
const POLL: Millis = 210;
const FETCH: Millis = FETCH_TIMEOUT.as_millis() as Millis;
const LOCKED: Millis = LOCK_TTL.as_millis() as Millis;

/// Redis and the network.
impl Simulation {
    /// No command contains a secret.
    pub(crate) fn check_command(&mut self, from: usize, command: &Command) {
        let (keys, args) = match command {
            Command::Script { keys, args, .. } => (keys.clone(), args.clone()),
            Command::Probe { key } => (key.iter().cloned().collect(), Vec::new()),
        };
        let texts = keys.iter().map(String::as_bytes).chain(args.iter().map(Vec::as_slice));
        if texts.into_iter().any(|text| contains(text, CANARY.as_bytes())) {
            self.violation(format!("P{from} sends a secret to Redis"));
        }
        // A process that publishes or releases has the lock no more.
        if let [owner, ..] = &args[..]
            && keys.len() < 4
        {
            self.journal.lock_owners[from].remove(&*String::from_utf8_lossy(owner));
        }
    }

    pub(crate) fn check_script(&mut self, script: &Script, before: &Database) {
        let (token, lock) = (format!("{}:token", script.place), format!("{}:lock", script.place));
        let (held, holds) = (before.text(&lock), self.database.text(&lock));
        if held.is_some() && held != holds && held.as_ref() != Some(&script.owner) {
            self.violation(format!("P{}'s {} takes somebody else's lock away", script.from, script.name));
        }
        let value = self.database.field(&token, "value");
        if value.is_some() && value != before.field(&token, "value") {
            self.check_written(script, &token);
        }
        let owner = held.as_ref().map(|held| self.journal.owners.get(held));
        // The lock was forged.
        if matches!((owner, script.word.as_str()), (Some(None), "wait")) {
            self.journal.waits[script.from] = (Some(self.now), Some(self.now));
        }
        if let (Some(owner), "wait") = (owner.flatten(), script.word.as_str()) {
            // A lock that a process left behind with its last client has no owner any more.
            let foreign =
                owner.process != (script.from, script.incarnation) || self.plan.has(|kind| *kind == FaultKind::Leave);
            let (last, late) = &mut self.journal.waits[script.from];
            if foreign {
                *last = Some(self.now);
                *late = if owner.late { *last } else { *late };
            }
        }
    }

    /// A late writer does not overwrite a newer token.
    fn check_written(&mut self, script: &Script, token: &str) {
        let epoch = self.database.field(token, "epoch").unwrap_or_default();
        let generation = self.database.field(token, "gen").and_then(|text| text.parse().ok()).unwrap_or(0);
        let latest = self.journal.written.get(&epoch).copied().unwrap_or(0);
        if generation <= latest {
            self.violation(format!("P{} writes generation {generation} after {latest}", script.from));
        }
        self.journal.written.insert(epoch, generation);
        let print = self.database.field(token, "print").unwrap_or_default();
        self.journal.late.insert(print, self.now - script.sent);
    }

    /// A lock expires only if its owner could not release it.
    pub(crate) fn check_expired(&mut self, expired: &[(String, Option<String>, Millis)]) {
        let Some((_, Some(owner), expired_at)) = expired.iter().find(|(key, ..)| key.ends_with(":lock")) else {
            return;
        };
        // A forged lock has no owner in the fleet.
        let Some(late) = self.journal.owners.get(owner).map(|owner| owner.late) else { return };
        let trouble = self.trouble(expired_at.saturating_sub(4 * SECOND), *expired_at) > 0;
        if !late && !trouble && !self.plan.has(FaultKind::is_of_a_process) {
            self.violation(format!("a lock was left to its TTL at {}", time(*expired_at)));
        }
    }

    /// How long Redis may have been out of reach between two times.
    fn trouble(&self, from: Millis, to: Millis) -> Millis {
        let of_redis = self.fault_periods.iter().filter(|period| period.kind.is_of_redis());
        of_redis.map(|period| to.min(period.end + PROBE).saturating_sub(period.begin.max(from))).sum()
    }
}

/// Callers.
impl Simulation {
    /// A served token is valid, unless another system invalidated it.
    pub(crate) fn check_served(&mut self, from: usize, value: &str) {
        self.journal.served[from] = Some(value.to_owned());
        let Some(token) = self.wechat.find(value) else { return self.violation(format!("P{from} serves {value}")) };
        let (invalid_at, cause) = (token.invalid_at, token.cause);
        if self.now < invalid_at {
            return;
        }
        let was_asleep = self.was_asleep(from, self.now.saturating_sub(CALL), self.now);
        let late = self.journal.late.get(&Fingerprinter::new(&SECRET.into()).of(value)).copied().unwrap_or(0);
        // One of the two clocks has to be right.
        let clocks = self.plan.has(|kind| *kind == FaultKind::Suspend)
            && self.plan.has(|kind| matches!(kind, FaultKind::Jump(_)));
        let excused = match cause {
            _ if was_asleep => true,
            // The stored lifetime begins when the token arrives in Redis.
            Cause::Age if late > 250 && self.now < invalid_at + late => true,
            Cause::Age => clocks || self.plan.has(|kind| *kind == FaultKind::WeChat(WeChatFault::Lies)),
            Cause::Rotated => {
                let rotated = invalid_at - OVERLAP;
                // A rotation whose answer was lost.
                let lost = self.plan.has(FaultKind::is_of_wechat) || self.plan.has(FaultKind::is_of_a_process);
                lost || self.trouble(rotated, self.now) > 0 || !self.could_know(from, rotated)
            }
            Cause::Forced | Cause::Outside | Cause::Condemned => true,
        };
        if !excused {
            self.violation(format!("P{from} serves {value}, which is dead ({cause:?})"));
        }
    }

    /// Whether a process has had the calls since at which it notices another token: one at which it may find that Redis is
    /// back, and one a minute later.
    fn could_know(&self, from: usize, rotated: Millis) -> bool {
        let calls = &self.journal.calls[from];
        let first = calls.iter().find(|&&at| at > rotated);
        first.is_some_and(|first| calls.iter().any(|&at| first + 62 * SECOND < at && at + SECOND < self.now))
    }

    pub(crate) fn check_call(&mut self, from: usize, report: &Report) {
        self.note_report(from, report);
        if let Outcome::Failed(error) = &report.outcome {
            self.check_error(error);
        }
        let was_asleep = self.was_asleep(from, report.begun, report.ended);
        if was_asleep {
            return;
        }
        if report.ended > report.begun + CALL + 2 {
            self.violation(format!("call {} took {} ms", report.request.call, report.ended - report.begun));
        }
        self.check_waiting(from, report);
        if self.is_settled() && !matches!(report.outcome, Outcome::Answered(0)) {
            self.violation(format!("all is well again, and a call of P{from} ends with {:?}", report.outcome));
        }
        let alone = self.plan.mode == Mode::Stable || !self.plan.has(FaultKind::is_of_redis);
        // A refresh that timed out during a sleep pauses before its next attempt.
        let awake = !self.was_asleep(from, report.begun.saturating_sub(CALL), report.ended);
        if alone && awake && self.wechat_is_well() && !report.request.forced {
            self.check_well(from, report);
        }
    }

    /// Whether a process slept or had no client between two times.
    fn was_asleep(&self, process: usize, from: Millis, to: Millis) -> bool {
        self.fault_periods.iter().any(|period| {
            period.target == Some(process)
                && matches!(period.kind, FaultKind::Pause | FaultKind::Suspend | FaultKind::Leave)
                && period.begin <= to
                && from <= period.end
        })
    }

    /// Whether every process has had the time to recover.
    fn is_settled(&self) -> bool {
        // Forced refreshes replace only tokens older than 30 s, ten times a day.
        let condemned = self.plan.has(|kind| *kind == FaultKind::Condemn);
        let rounds = if condemned { ROUNDS } else { 3 };
        self.round.is_some_and(|round| round >= rounds) && !self.is_spent()
    }

    fn is_spent(&self) -> bool {
        self.journal.fetches.iter().filter(|fetch| fetch.forced).count() >= 10
    }

    fn check_error(&mut self, error: &Error) {
        let text = format!("{error} {error:?}");
        if text.contains(CANARY) {
            self.violation(format!("a secret in an error: {text}"));
        }
    }

    fn wechat_is_well(&self) -> bool {
        !self.plan.has(|kind| kind.is_of_wechat() || matches!(kind, FaultKind::Condemn | FaultKind::RejectAll))
    }

    /// A process with a valid token does not wait.
    fn check_waiting(&mut self, from: usize, report: &Report) {
        let taken = |kind: &FaultKind| {
            matches!(
                kind,
                FaultKind::Intrude | FaultKind::Condemn | FaultKind::RejectAll | FaultKind::WeChat(WeChatFault::Lies)
            )
        };
        let excused = report.request.forced || self.plan.forces > 0 || self.plan.has(taken) || self.plan.has(clocks);
        let good = report.request.served.as_ref().and_then(|value| self.wechat.find(value));
        let good =
            good.is_some_and(|token| report.ended + 25 * SECOND < token.expires && report.ended < token.invalid_at);
        if good && !excused && report.waits.first().is_some_and(|&wait| wait > 0) {
            self.violation(format!("P{from} has a token and call {} waits", report.request.call));
        }
    }

    /// While WeChat works, no call fails because of Redis, and none takes longer than the time limits of both.
    fn check_well(&mut self, from: usize, report: &Report) {
        let intruded = self.fault_periods.iter().filter(|period| period.kind == FaultKind::Intrude).count();
        // The replay may meet another intrusion; in classic mode the fleet may have rotated the first token.
        let believable = if self.plan.mode == Mode::Stable { 2 } else { 1 };
        match &report.outcome {
            // Two lock owners crashed one after the other.
            Outcome::Failed(Error::Timeout { .. })
                if self.plan.mode == Mode::Classic && self.deaths(report.begun.saturating_sub(CALL)) > 1 => {}
            Outcome::Failed(error) => {
                self.violation(format!("call {} of P{from} fails: {error:?}", report.request.call));
            }
            Outcome::Answered(errcode @ 1..) if intruded < believable => {
                self.violation(format!("call {} of P{from} is rejected: {errcode}", report.request.call));
            }
            _ => {}
        }
        let own = REDIS + self.plan.fetch() + 5;
        let since = |at: Option<Millis>| at.is_some_and(|at| at + POLL >= report.begun);
        let (waited, for_nobody) = (since(self.journal.waits[from].0), since(self.journal.waits[from].1));
        let died = for_nobody || self.deaths(report.begun) > 0;
        let others = match (waited, died) {
            (false, _) => 0,
            (true, false) => own + POLL + self.trouble(report.begun, report.ended),
            (true, true) => LOCKED + SECOND + own + POLL,
        };
        if let Some(wait) = report.waits.iter().find(|&&wait| wait > own + others) {
            self.violation(format!("call {} of P{from} waits {wait} ms", report.request.call));
        }
    }
}

fn clocks(kind: &FaultKind) -> bool {
    matches!(kind, FaultKind::Suspend | FaultKind::Jump(_))
}

/// The end of a run.
impl Simulation {
    fn deaths(&self, call: Millis) -> usize {
        let near =
            |period: &&FaultPeriod| period.kind.is_of_a_process() && call < period.begin.max(period.end) + LOCKED;
        self.fault_periods.iter().filter(near).count()
    }

    /// After all faults, and a call of every process.
    pub(crate) fn check_settled(&mut self) {
        self.check_fetched_once();
        let mut tokens = Vec::new();
        for number in 0..self.slots.len() {
            let present = self.slots[number].process.as_ref().and_then(super::process::Process::current);
            let Some(token) = present else { return self.violation(format!("P{number} has no token in the end")) };
            // The token became invalid after the last call.
            let just_now =
                self.wechat.find(token.expose()).is_some_and(|token| self.now < token.invalid_at + 10 * SECOND);
            if self.wechat.accepts(token.expose(), self.now) != 0 && !self.is_spent() && !just_now {
                self.violation(format!("P{number} ends with a dead token"));
            }
            tokens.push(token.expose().to_owned());
        }
        tokens.dedup();
        let changing = self.journal.fetches.last().is_some_and(|fetch| self.now < fetch.sent + 70 * SECOND);
        if tokens.len() > 1 && !changing {
            self.violation(format!("they end with {tokens:?}"));
        }
        let stored = self.database.field_of("token", "print");
        let there = tokens.iter().any(|token| stored.as_ref() == Some(&Fingerprinter::new(&SECRET.into()).of(token)));
        if !there && !changing {
            self.violation("Redis ends without the token".to_owned());
        }
        if self.database.holds(CANARY.as_bytes()) {
            self.violation("Redis holds a secret".to_owned());
        }
    }

    /// Without clients no task is left.
    pub(crate) fn check_end(&mut self) {
        for number in 0..self.slots.len() {
            let Some(process) = &self.slots[number].process else { continue };
            let tasks = process.tasks();
            if process.is_active() {
                self.violation(format!("{tasks} tasks of P{number} are left in the end"));
            }
        }
    }
}
