//! What must hold in every run, whatever happens in it.

use wxacode::error::Error;
use wxacode::token::fingerprint::Fingerprinter;
use wxacode::token::redis_store::LOCK_TTL;
use wxacode::token::source::FETCH_LIMIT;
use wxacode::token::source::Mode;

use crate::book::{Fetch, Script, time};
use crate::database::{Database, contains};
use crate::plan::{Ill, Sick, Theme, What};
use crate::process::{CALL, End, Report};
use crate::source::ATTEMPT;
use crate::wechat::{Cause, OVERLAP};
use crate::wire::Command;
use crate::world::{Millis, ROUNDS, SECOND, SECRET, Window, World};

const CANARY: &str = "c4nary";
/// What one look at Redis may take.
const REDIS: Millis = 250;
/// After trouble with Redis: until a process has found out that it is over.
const PROBE: Millis = 3 * SECOND;
/// How early a classic token may be replaced.
const CLASSIC_SOFT: Millis = 662 * SECOND;
/// A pause between two polls, and the clocks' whole milliseconds.
const POLL: Millis = 210;
const LEAD: Millis = FETCH_LIMIT.as_millis() as Millis;
const LOCKED: Millis = LOCK_TTL.as_millis() as Millis;

/// Redis and the wire to it.
impl World {
    /// Nothing that a process sends to Redis can be read there.
    pub fn judge_command(&mut self, from: usize, command: &Command) {
        let (keys, args) = match command {
            Command::Script { keys, args, .. } => (keys.clone(), args.clone()),
            Command::Probe { key } => (key.iter().cloned().collect(), Vec::new()),
        };
        let texts = keys.iter().map(String::as_bytes).chain(args.iter().map(Vec::as_slice));
        if texts.into_iter().any(|text| contains(text, CANARY.as_bytes())) {
            self.broken(format!("P{from} sends a secret to Redis"));
        }
        // Whoever hands over leads no more.
        if let [owner, ..] = &args[..]
            && keys.len() < 4
        {
            self.book.leads[from].remove(&*String::from_utf8_lossy(owner));
        }
    }

    pub fn judge_script(&mut self, script: &Script, before: &Database) {
        let (token, lock) = (format!("{}:token", script.place), format!("{}:lock", script.place));
        let (held, holds) = (before.text(&lock), self.database.text(&lock));
        if held.is_some() && held != holds && held.as_ref() != Some(&script.owner) {
            self.broken(format!("P{}'s {} takes somebody else's lock away", script.from, script.name));
        }
        let value = self.database.field(&token, "value");
        if value.is_some() && value != before.field(&token, "value") {
            self.judge_written(script, &token);
        }
        let owner = held.as_ref().map(|held| self.book.owners.get(held));
        // Somebody has made it up.
        if let (Some(None), "wait") = (owner, script.word.as_str()) {
            self.book.waits[script.from] = (Some(self.now), Some(self.now));
        }
        if let (Some(owner), "wait") = (owner.flatten(), script.word.as_str()) {
            // What a process has left behind when its last client went is nobody's.
            let foreign = owner.process != (script.from, script.life) || self.plan.has(|what| *what == What::Leave);
            let (last, late) = &mut self.book.waits[script.from];
            if foreign {
                *last = Some(self.now);
                *late = if owner.late { *last } else { *late };
            }
        }
    }

    /// Late writers lose.
    fn judge_written(&mut self, script: &Script, token: &str) {
        let epoch = self.database.field(token, "epoch").unwrap_or_default();
        let generation = self.database.field(token, "gen").and_then(|text| text.parse().ok()).unwrap_or(0);
        let latest = self.book.written.get(&epoch).copied().unwrap_or(0);
        if generation <= latest {
            self.broken(format!("P{} writes generation {generation} after {latest}", script.from));
        }
        self.book.written.insert(epoch, generation);
        let print = self.database.field(token, "print").unwrap_or_default();
        self.book.late.insert(print, self.now - script.sent);
    }

    /// A lock ends with its TTL only where its owner could not give it back.
    pub fn judge_ended(&mut self, ended: &[(String, Option<String>, Millis)]) {
        let Some((_, Some(owner), dies)) = ended.iter().find(|(key, ..)| key.ends_with(":lock")) else { return };
        // Nobody of ours has had it.
        let Some(late) = self.book.owners.get(owner).map(|owner| owner.late) else { return };
        let trouble = self.trouble(dies.saturating_sub(4 * SECOND), *dies) > 0;
        if !late && !trouble && !self.plan.has(What::is_of_a_process) {
            self.broken(format!("a lock was left to its TTL at {}", time(*dies)));
        }
    }

    /// For how long between two times a process may have found no way to Redis.
    fn trouble(&self, from: Millis, to: Millis) -> Millis {
        let of_redis = self.windows.iter().filter(|window| window.what.is_of_redis());
        of_redis.map(|window| to.min(window.end + PROBE).saturating_sub(window.begin.max(from))).sum()
    }
}

/// Token requests.
impl World {
    pub fn judge_fetch(&mut self, fetch: &Fetch) {
        if self.plan.mode == Mode::Classic && self.book.leads[fetch.from].is_empty() {
            self.broken(format!("P{} rotates without a lease", fetch.from));
        }
        if !fetch.again {
            self.judge_gap(fetch);
            self.judge_late(fetch);
        }
        if self.plan.mode == Mode::Classic {
            self.judge_overlap(fetch);
            self.judge_early(fetch);
        }
        self.judge_refused(fetch);
        if fetch.forced {
            self.judge_forced(fetch);
        }
    }

    /// No process asks twice in 10 s, except after a failure or a refusal.
    fn judge_gap(&mut self, fetch: &Fetch) {
        let same = |other: &&Fetch| (other.from, other.life, other.again) == (fetch.from, fetch.life, false);
        let Some(last) = self.book.fetches.iter().rev().find(same) else { return };
        let excused = fetch.refused || fetch.forced || !last.got || self.plan.has(|what| *what == What::Leave);
        if !excused && fetch.sent < last.sent + 10 * SECOND {
            self.broken(format!("P{} asks WeChat again after {} ms", fetch.from, fetch.sent - last.sent));
        }
    }

    /// The lock outlives the work.
    fn judge_late(&mut self, fetch: &Fetch) {
        let lead = self.book.leads[fetch.from].values().max().copied();
        let excuse = |what: &What| what.is_of_redis() || what.is_of_a_process();
        if !self.plan.has(excuse) && lead.is_some_and(|lead| fetch.sent > lead + LEAD + REDIS) {
            self.broken(format!("P{} still asks WeChat long after it began to lead", fetch.from));
        }
    }

    /// Two rotations at once may come back in either order.
    fn judge_overlap(&mut self, fetch: &Fetch) {
        let excuse = |what: &What| {
            matches!(what, What::Flush | What::Evict(_) | What::Redis(Ill::Emptied) | What::Pause | What::Suspend)
        };
        let ends =
            |other: &Fetch| other.answered.unwrap_or(Millis::MAX).min(other.sent + ATTEMPT.as_millis() as Millis);
        let running = self.book.fetches.iter().any(|other| fetch.sent < ends(other));
        if running && !self.plan.has(excuse) {
            self.broken(format!("P{} rotates while somebody else does", fetch.from));
        }
    }

    /// While all is well nobody rotates a classic token before its time.
    fn judge_early(&mut self, fetch: &Fetch) {
        let calm = matches!(self.plan.theme, Theme::Calm | Theme::Intruder);
        let last = self.book.fetches.iter().rev().find_map(|fetch| fetch.token);
        let good = last.is_some_and(|last| self.now + CLASSIC_SOFT < self.wechat.tokens[last].dies);
        if calm && good && !fetch.refused {
            self.broken(format!("P{} rotates a good token", fetch.from));
        }
    }

    /// An API that refuses every token costs two requests in 30 s.
    fn judge_refused(&mut self, fetch: &Fetch) {
        let refusing = self
            .windows
            .iter()
            .any(|w| w.what == What::RefuseAll && w.begin + 31 * SECOND < self.now && self.now < w.end);
        let since = (self.now + 1).saturating_sub(29 * SECOND);
        let lately = self.book.fetches.iter().filter(|other| other.sent >= since).count() + 1;
        if refusing && self.plan.theme == Theme::Refusing && lately > 2 {
            self.broken(format!("P{} makes the {lately}th request in 30 s", fetch.from));
        }
    }

    fn judge_forced(&mut self, fetch: &Fetch) {
        if self.plan.has(What::is_of_redis) {
            return;
        }
        let forced: Vec<_> = self.book.fetches.iter().filter(|other| other.forced).map(|other| other.sent).collect();
        if forced.last().is_some_and(|last| fetch.sent + 300 < last + 30 * SECOND) {
            self.broken(format!("P{} forces again too soon", fetch.from));
        }
        let day = fetch.sent.saturating_sub(86_400 * SECOND);
        if forced.iter().filter(|&&at| at >= day).count() >= 10 {
            self.broken(format!("P{} forces for the 11th time in a day", fetch.from));
        }
    }

    /// No process fetches the same token twice, and while all is well no two processes do.
    fn judge_fetched_once(&mut self) {
        // Which of two tokens is the later one is told by their ends, and servers say those in whole seconds.
        let alike = self.wechat.tokens.windows(2).any(|pair| pair[1].expires < pair[0].expires + 3 * SECOND);
        let excused = self.plan.mode == Mode::Classic
            || alike
            || self.plan.forces > 0
            || self.plan.has(|what| {
                what.is_of_wechat()
                    || matches!(what, What::Condemn | What::RefuseAll | What::Leave | What::Jump(_))
                    || matches!(what, What::Pause | What::Suspend)
            });
        if excused {
            return;
        }
        let calm = matches!(self.plan.theme, Theme::Calm | Theme::Intruder);
        let who = |fetch: &Fetch| if calm { (0, 0) } else { (fetch.from, fetch.life) };
        let mut seen = std::collections::BTreeSet::new();
        let twice = self.book.fetches.iter().find(|f| f.token.is_some() && !seen.insert((who(f), f.token))).cloned();
        if let Some(fetch) = twice {
            self.broken(format!("P{} fetches token {:?} again", fetch.from, fetch.token));
        }
    }
}

/// Callers.
impl World {
    /// A token that is handed out is good, unless somebody outside has ended it.
    pub fn judge_served(&mut self, from: usize, value: &str) {
        self.book.served[from] = Some(value.to_owned());
        let Some(token) = self.wechat.find(value) else { return self.broken(format!("P{from} serves {value}")) };
        let (dies, cause) = (token.dies, token.cause);
        if self.now < dies {
            return;
        }
        let slept = self.slept(from, self.now.saturating_sub(CALL), self.now);
        let late = self.book.late.get(&Fingerprinter::new(&SECRET.into()).of(value)).copied().unwrap_or(0);
        // Of two clocks one has to be right.
        let clocks =
            self.plan.has(|what| *what == What::Suspend) && self.plan.has(|what| matches!(what, What::Jump(_)));
        let excused = match cause {
            _ if slept => true,
            // The life that is stored begins when Redis hears of it.
            Cause::Age if late > 250 && self.now < dies + late => true,
            Cause::Age => clocks || self.plan.has(|what| *what == What::WeChat(Sick::Lies)),
            Cause::Rotated => {
                let rotated = dies - OVERLAP;
                // A rotation of which nobody has heard.
                let lost = self.plan.has(What::is_of_wechat) || self.plan.has(What::is_of_a_process);
                lost || self.trouble(rotated, self.now) > 0 || !self.could_know(from, rotated)
            }
            Cause::Forced | Cause::Outside | Cause::Condemned => true,
        };
        if !excused {
            self.broken(format!("P{from} serves {value}, which is dead ({cause:?})"));
        }
    }

    /// Whether a process has had calls since, at which it would have seen another token: one at which it may find that
    /// Redis is back, and one a minute later.
    fn could_know(&self, from: usize, rotated: Millis) -> bool {
        let calls = &self.book.calls[from];
        let first = calls.iter().find(|&&at| at > rotated);
        first.is_some_and(|first| calls.iter().any(|&at| first + 62 * SECOND < at && at + SECOND < self.now))
    }

    pub fn judge_call(&mut self, from: usize, report: &Report) {
        self.note_report(from, report);
        if let End::Failed(error) = &report.end {
            self.judge_error(error);
        }
        let slept = self.slept(from, report.begun, report.ended);
        if slept {
            return;
        }
        if report.ended > report.begun + CALL + 2 {
            self.broken(format!("call {} took {} ms", report.wish.call, report.ended - report.begun));
        }
        self.judge_waiting(from, report);
        if self.is_settled() && !matches!(report.end, End::Answered(0)) {
            self.broken(format!("all is well again, and a call of P{from} ends with {:?}", report.end));
        }
        let alone = self.plan.mode == Mode::Stable || !self.plan.has(What::is_of_redis);
        // What ran out of time in its sleep pauses before it tries again.
        let awake = !self.slept(from, report.begun.saturating_sub(CALL), report.ended);
        if alone && awake && self.wechat_is_well() && !report.wish.forced {
            self.judge_well(from, report);
        }
    }

    /// Whether a process has not been itself between two times.
    fn slept(&self, process: usize, from: Millis, to: Millis) -> bool {
        self.windows.iter().any(|window| {
            window.who == Some(process)
                && matches!(window.what, What::Pause | What::Suspend | What::Leave)
                && window.begin <= to
                && from <= window.end
        })
    }

    /// Whether everybody has had the time to get over what went wrong.
    fn is_settled(&self) -> bool {
        // A token that only a forced refresh replaces has to be older than 30 s, and there are ten of those a day.
        let condemned = self.plan.has(|what| *what == What::Condemn);
        let rounds = if condemned { ROUNDS } else { 3 };
        self.round.is_some_and(|round| round >= rounds) && !self.is_spent()
    }

    fn is_spent(&self) -> bool {
        self.book.fetches.iter().filter(|fetch| fetch.forced).count() >= 10
    }

    fn judge_error(&mut self, error: &Error) {
        let text = format!("{error} {error:?}");
        if text.contains(CANARY) {
            self.broken(format!("a secret in an error: {text}"));
        }
    }

    fn wechat_is_well(&self) -> bool {
        !self.plan.has(|what| what.is_of_wechat() || matches!(what, What::Condemn | What::RefuseAll))
    }

    /// Whoever has a good token does not wait.
    fn judge_waiting(&mut self, from: usize, report: &Report) {
        let taken =
            |what: &What| matches!(what, What::Intrude | What::Condemn | What::RefuseAll | What::WeChat(Sick::Lies));
        let excused = report.wish.forced || self.plan.forces > 0 || self.plan.has(taken) || self.plan.has(clocks);
        let good = report.wish.served.as_ref().and_then(|value| self.wechat.find(value));
        let good = good.is_some_and(|token| report.ended + 25 * SECOND < token.expires && report.ended < token.dies);
        if good && !excused && report.waits.first().is_some_and(|&wait| wait > 0) {
            self.broken(format!("P{from} has a token and call {} waits", report.wish.call));
        }
    }

    /// WeChat is well: no call fails for Redis's sake, and none takes longer than Redis's time and WeChat's.
    fn judge_well(&mut self, from: usize, report: &Report) {
        let intruded = self.windows.iter().filter(|window| window.what == What::Intrude).count();
        // The replay may meet another one; in classic mode the first may have been rotated by the fleet itself.
        let believable = if self.plan.mode == Mode::Stable { 2 } else { 1 };
        match &report.end {
            // Two leaders have died, one after the other.
            End::Failed(Error::Timeout { .. })
                if self.plan.mode == Mode::Classic && self.deaths(report.begun.saturating_sub(CALL)) > 1 => {}
            End::Failed(error) => self.broken(format!("call {} of P{from} fails: {error:?}", report.wish.call)),
            End::Answered(errcode @ 1..) if intruded < believable => {
                self.broken(format!("call {} of P{from} is refused: {errcode}", report.wish.call));
            }
            _ => {}
        }
        let own = REDIS + self.plan.fetch() + 5;
        let since = |at: Option<Millis>| at.is_some_and(|at| at + POLL >= report.begun);
        let (waited, for_nobody) = (since(self.book.waits[from].0), since(self.book.waits[from].1));
        let died = for_nobody || self.deaths(report.begun) > 0;
        let others = match (waited, died) {
            (false, _) => 0,
            (true, false) => own + POLL + self.trouble(report.begun, report.ended),
            (true, true) => LOCKED + SECOND + own + POLL,
        };
        if let Some(wait) = report.waits.iter().find(|&&wait| wait > own + others) {
            self.broken(format!("call {} of P{from} waits {wait} ms", report.wish.call));
        }
    }
}

fn clocks(what: &What) -> bool {
    matches!(what, What::Suspend | What::Jump(_))
}

/// The end.
impl World {
    fn deaths(&self, call: Millis) -> usize {
        let near = |window: &&Window| window.what.is_of_a_process() && call < window.begin.max(window.end) + LOCKED;
        self.windows.iter().filter(near).count()
    }

    /// After all trouble is over and everybody has looked again.
    pub fn judge_settled(&mut self) {
        self.judge_fetched_once();
        let mut tokens = Vec::new();
        for number in 0..self.slots.len() {
            let present = self.slots[number].process.as_ref().and_then(|process| process.present());
            let Some(token) = present else { return self.broken(format!("P{number} has no token in the end")) };
            // Nobody has had a call since.
            let just_now = self.wechat.find(token.expose()).is_some_and(|token| self.now < token.dies + 10 * SECOND);
            if self.wechat.accepts(token.expose(), self.now) != 0 && !self.is_spent() && !just_now {
                self.broken(format!("P{number} ends with a dead token"));
            }
            tokens.push(token.expose().to_owned());
        }
        tokens.dedup();
        let changing = self.book.fetches.last().is_some_and(|fetch| self.now < fetch.sent + 70 * SECOND);
        if tokens.len() > 1 && !changing {
            self.broken(format!("they end with {tokens:?}"));
        }
        let stored = self.database.field_of("token", "print");
        let there = tokens.iter().any(|token| stored.as_ref() == Some(&Fingerprinter::new(&SECRET.into()).of(token)));
        if !there && !changing {
            self.broken("Redis ends without the token".to_owned());
        }
        if self.database.holds(CANARY.as_bytes()) {
            self.broken("Redis holds a secret".to_owned());
        }
    }

    /// When everybody has left, nothing goes on.
    pub fn judge_end(&mut self) {
        for number in 0..self.slots.len() {
            let Some(process) = &self.slots[number].process else { continue };
            let tasks = process.tasks();
            if process.is_active() {
                self.broken(format!("{tasks} tasks of P{number} are left in the end"));
            }
        }
    }
}
