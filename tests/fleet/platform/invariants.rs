//! What must hold in every run, whatever fails in it.

use wxacode::error::Error;
use wxacode::token::source::FETCH_TIMEOUT;

use super::journal::Request;
use super::member::{Job, JobEnd};
use super::plan::{StoreKind, Theme};
use super::simulation::{Push, PushKind, SETTLED, Simulation};
use super::wechat::Kind;
use crate::database::contains;
use crate::machine::Ended;
use crate::plan::{FaultKind, RedisFault};
use crate::process::CALL;
use crate::simulation::{Millis, SECOND};
use crate::source::ATTEMPT;
use crate::wire::Command;

const CANARY: &str = "c4nary";
/// The longest time of a refresh.
const FETCH: Millis = FETCH_TIMEOUT.as_millis() as Millis;
/// What a change takes to reach all processes.
const FLEET: Millis = SECOND;
/// The time after a fault of Redis until a process notices that it is over, and writes what it kept.
const RECOVERY: Millis = 20 * SECOND;
/// The most requests of one process for one token in a minute, while everything fails: seven refreshes of five requests each, whose
/// pauses add up to a minute, and some more because the pauses are random.
const MOST_A_MINUTE: usize = 40;
/// The same of the fleet: the lock lets one process refresh at a time, and the pauses within a refresh add up to 4 s.
const MOST_OF_THE_FLEET: usize = 80;

fn empties(kind: &FaultKind) -> bool {
    matches!(kind, FaultKind::Flush | FaultKind::Redis(RedisFault::Emptied))
}

fn sleeps(kind: &FaultKind) -> bool {
    matches!(kind, FaultKind::Pause | FaultKind::Suspend)
}

/// Secrets.
impl Simulation {
    /// No command contains a secret.
    pub(super) fn check_command(&mut self, from: usize, command: &Command) {
        let (keys, args) = match command {
            Command::Script { keys, args, .. } => (keys.clone(), args.clone()),
            Command::Probe { key } => (key.iter().cloned().collect(), Vec::new()),
        };
        let texts = keys.iter().map(String::as_bytes).chain(args.iter().map(Vec::as_slice));
        if texts.into_iter().any(|text| contains(text, CANARY.as_bytes())) {
            self.violation(format!("P{from} sends a secret to Redis"));
        }
    }

    pub(super) fn check_event(&mut self, from: usize, name: &str, text: &str) {
        self.journal.count(name);
        if text.contains(CANARY) {
            self.violation(format!("a secret in an event of P{from}: {text}"));
        }
    }
}

/// Requests.
impl Simulation {
    pub(super) fn check_request(&mut self, request: &Request) {
        self.check_overlap(request);
        self.check_rate(request);
        match request.kind {
            Kind::Component => self.check_ticket(request),
            Kind::Refresh => self.check_retired(request),
            Kind::Api => self.check_ended_merchant(request),
            Kind::Exchange => self.check_exchange(request),
            Kind::List => {
                self.check_list(request);
                self.check_unauthorized(request);
            }
        }
    }

    /// A code is exchanged once: by the push, and by the page that the merchant returns to.
    fn check_exchange(&mut self, request: &Request) {
        let answered = |other: &&Request| other.secret == request.secret && matches!(other.errcode, Some(0 | 61009));
        let before = self.same(request).filter(answered).filter(|other| other.heard).count();
        if before > 1 && !self.plan.has(|kind| kind.is_of_a_process() || empties(kind)) {
            self.violation(format!("P{} sends {} for the third time", request.from, request.secret));
        }
    }

    /// What a living process knows need not be read again after Redis was emptied.
    fn check_list(&mut self, request: &Request) {
        let only_flushed = self.plan.faults.iter().all(|fault| fault.kind == FaultKind::Flush);
        let known = self.plan.merchants.iter().all(|authorized| *authorized);
        let Some(flushed) = self.fault_periods.first().map(|period| period.begin) else { return };
        if !only_flushed || !known || !self.plan.actions.is_empty() || self.plan.rules.rotates {
            return;
        }
        let refreshed = |merchant: usize| {
            self.journal.requests.iter().any(|other| {
                (other.kind, other.merchant, other.errcode) == (Kind::Refresh, Some(merchant), Some(0))
                    && other.answered.is_some_and(|answered| answered + 2 * SECOND < flushed)
            })
        };
        if (0..self.plan.merchants.len()).all(refreshed) {
            self.violation(format!("P{} reads the list again", request.from));
        }
    }

    fn same<'a>(&'a self, request: &'a Request) -> impl Iterator<Item = &'a Request> {
        let same = |other: &&Request| (other.kind, other.merchant) == (request.kind, request.merchant);
        self.journal.requests.iter().rev().filter(same)
    }

    /// Two requests for the same token never overlap: the answer to one makes that of the other void.
    fn check_overlap(&mut self, request: &Request) {
        if !matches!(request.kind, Kind::Component | Kind::Refresh)
            || self.plan.has(|kind| empties(kind) || sleeps(kind))
        {
            return;
        }
        // The process gives up at the end of an attempt, or of the whole refresh.
        let is_bad = self.plan.has(FaultKind::is_of_wechat);
        let ends = |other: &Request| {
            let attempt = other.answered.unwrap_or(Millis::MAX).min(other.sent + ATTEMPT.as_millis() as Millis);
            let before =
                self.journal.requests.iter().filter(|first| first.from == other.from && first.kind != Kind::Api);
            let begun = before.map(|first| first.sent).find(|&sent| is_bad && other.sent < sent + FETCH);
            attempt.min(begun.map_or(Millis::MAX, |begun| begun + FETCH))
        };
        if self.same(request).take(20).any(|other| request.sent < ends(other)) {
            self.violation(format!("P{} asks {:?} while somebody else does", request.from, request.kind));
        }
    }

    /// Whatever fails, few requests for one token come to WeChat.
    fn check_rate(&mut self, request: &Request) {
        if request.kind == Kind::Api {
            return;
        }
        let lately = self.same(request).take_while(|other| request.sent < other.sent + 60 * SECOND);
        let lately: Vec<_> = lately.filter(|other| other.errcode.is_some()).map(|other| other.from).collect();
        let (fleet, own) = (lately.len() + 1, lately.iter().filter(|&&from| from == request.from).count() + 1);
        let most = self.journal.seen.entry(format!("most {:?} a minute", request.kind)).or_default();
        *most = (*most).max(fleet as u64);
        if own > MOST_A_MINUTE || fleet > MOST_OF_THE_FLEET {
            self.violation(format!("P{} makes the {own}th request {:?} in a minute", request.from, request.kind));
        }
    }

    /// A ticket is never empty, and one that was refused is not sent again.
    fn check_ticket(&mut self, request: &Request) {
        if request.secret.is_empty() {
            self.violation(format!("P{} sends an empty ticket", request.from));
        }
        // WeChat pushes a ticket several times. Each push says that it is valid.
        let is_of_the_ticket = |push: &&Push| matches!(&push.kind, PushKind::Ticket(value) if *value == request.secret);
        let pushed = self.pushes.iter().filter(is_of_the_ticket).map(|push| push.created).max().unwrap_or(0);
        let refused = |other: &&Request| {
            other.secret == request.secret
                && matches!(other.errcode, Some(61005 | 61006))
                && other.heard
                && pushed <= other.sent
        };
        let again = self.same(request).filter(refused).count();
        let excused = self.plan.theme != Theme::Tickets;
        if again > 0 && !excused {
            self.violation(format!("P{} sends a refused ticket again", request.from));
        }
    }

    /// Once an access token was used, the refresh token that came with it is what the whole fleet refreshes with.
    fn check_retired(&mut self, request: &Request) {
        let Some(saved) = self.wechat.retired.get(&request.secret).and_then(|retired| retired.saved) else { return };
        let emptied = self.fault_periods.iter().any(|period| empties(&period.kind));
        if saved < request.sent && !emptied && !self.plan.has(sleeps) {
            self.violation(format!("P{} refreshes with {}, which was replaced", request.from, request.secret));
        }
    }

    /// A withdrawal is known to the fleet a second after its push was answered.
    fn check_ended_merchant(&mut self, request: &Request) {
        let Some(merchant) = request.merchant.filter(|&merchant| !self.wechat.merchants[merchant].authorized) else {
            return;
        };
        let last = self.pushes.iter().rev().find(|push| match &push.kind {
            PushKind::Unauthorized { merchant: other } | PushKind::Authorized { merchant: other, .. } => {
                *other == merchant
            }
            PushKind::Ticket(_) => false,
        });
        let Some(answered) = last.and_then(|push| push.answered) else { return };
        let trouble = self.fault_periods.iter().any(|period| {
            (period.kind.is_of_redis() || period.kind.is_of_a_process())
                && period.begin < request.sent
                && answered < period.end + RECOVERY + CALL
        });
        // A call that began before is repeated after a failure of WeChat's, with the token that it has.
        let repeats = self
            .fault_periods
            .iter()
            .any(|period| period.kind.is_of_wechat() && period.begin < request.sent && answered < period.end + CALL);
        let known = answered + if repeats { CALL } else { FLEET };
        if !trouble && known < request.sent {
            self.violation(format!("P{} uses a token of merchant {merchant}, which has withdrawn", request.from));
        }
    }

    /// Nobody asks for a merchant without an authorisation more than once a minute.
    fn check_unauthorized(&mut self, request: &Request) {
        let minute = |other: &&Request| request.sent < other.sent + 59 * SECOND && other.from == request.from;
        let unauthorized = self.wechat.merchants.iter().filter(|merchant| !merchant.authorized).count();
        let steady = self.plan.faults.is_empty() && self.plan.actions.is_empty();
        let lately = self.same(request).take_while(|other| request.sent < other.sent + 59 * SECOND);
        let lately = lately.filter(minute).filter(|other| other.errcode == Some(0)).count();
        if steady && lately > 1 + unauthorized {
            self.violation(format!("P{} reads the list {} times in a minute", request.from, lately + 1));
        }
    }
}

/// Calls.
impl Simulation {
    pub(super) fn check_ended(&mut self, from: usize, ended: &Ended<JobEnd>) {
        let (job, result) = &ended.result;
        if let Err(error) = result {
            let text = format!("{error} {error:?}");
            if text.contains(CANARY) {
                self.violation(format!("a secret in an error: {text}"));
            }
        }
        self.journal.count(&match result {
            Ok(()) => format!("{} ok", name(job)),
            Err(error) => {
                format!("{} {}", name(job), error.errcode().map_or(error.code().to_owned(), |c| c.to_string()))
            }
        });
        if self.was_asleep(from, ended.begun, ended.ended) {
            return;
        }
        if ended.ended > ended.begun + CALL + 2 {
            self.violation(format!("{job:?} took {} ms", ended.ended - ended.begun));
        }
        let Job::Call { number, merchant } = job else { return };
        let calm = self.plan.theme == Theme::Calm && ended.begun > 5 * SECOND;
        if calm || self.round.is_some_and(|round| round >= SETTLED) {
            self.check_settled_call(from, *number, *merchant, ended);
        }
    }

    fn was_asleep(&self, process: usize, from: Millis, to: Millis) -> bool {
        self.fault_periods.iter().any(|period| {
            period.target == Some(process) && sleeps(&period.kind) && period.begin <= to && from <= period.end
        })
    }

    /// All is well again: whoever has authorised the platform is served, and nobody else.
    fn check_settled_call(&mut self, from: usize, number: u64, merchant: usize, ended: &Ended<JobEnd>) {
        let result = &ended.result.1;
        let state = &self.wechat.merchants[merchant];
        let possible = state.authorized && (state.refresh_token.is_some() || self.has_code(merchant));
        let is_removed = self.journal.removed[merchant].is_some();
        match result {
            Err(error) if possible && !is_removed && !self.was_overtaken(merchant, error, ended) => {
                self.violation(format!("call {number} of P{from} for merchant {merchant} fails: {error:?}"));
            }
            Err(error)
                if !state.authorized
                    && error.errcode() != Some(61003)
                    && !self.was_overtaken(merchant, error, ended) =>
            {
                self.violation(format!(
                    "merchant {merchant} has withdrawn, and call {number} of P{from} fails: {error:?}"
                ));
            }
            Ok(()) if !state.authorized => {
                self.violation(format!("call {number} of P{from} for merchant {merchant} succeeds after its end"));
            }
            _ => {}
        }
    }

    /// Whether a refresh has replaced the token of a call on its way, the merchant's or that of the platform. How long the token before
    /// works is not documented. Where it does not, the call is repeated once, and the second token may have been replaced too.
    fn was_overtaken(&self, merchant: usize, error: &Error, ended: &Ended<JobEnd>) -> bool {
        error.errcode() == Some(40001)
            && self.plan.rules.access_overlap == 0
            && self.journal.requests.iter().any(|request| {
                let is_of_the_call = request.kind == Kind::Component
                    || (request.kind, request.merchant) == (Kind::Refresh, Some(merchant));
                is_of_the_call
                    && request.errcode == Some(0)
                    && request.sent <= ended.ended
                    && request.answered.is_none_or(|answered| ended.begun <= answered)
            })
    }

    /// Whether a process has answered the push of the merchant's code, and no store was emptied since.
    fn has_code(&self, merchant: usize) -> bool {
        let Some((code, until)) = &self.wechat.merchants[merchant].code else { return false };
        let answered = self.pushes.iter().find_map(|push| match &push.kind {
            PushKind::Authorized { code: other, .. } if other == code => push.answered,
            _ => None,
        });
        let emptied = |since: Millis| self.fault_periods.iter().any(|p| empties(&p.kind) && since <= p.begin);
        answered.is_some_and(|since| self.now < *until && !emptied(since))
    }
}

/// The end of a run.
impl Simulation {
    /// After all faults, and calls of every process for every merchant.
    pub(super) fn check_settled(&mut self) {
        if self.database.holds(CANARY.as_bytes()) {
            self.violation("Redis holds a secret".to_owned());
        }
        // In the last round nobody uses what is over, and who has withdrawn costs no more than a question a minute.
        let since = self.now - 12 * SECOND;
        let last: Vec<_> = self.journal.requests.iter().filter(|request| request.sent >= since).cloned().collect();
        for request in &last {
            if request.errcode == Some(61023) {
                return self.violation(format!("P{} still uses {}", request.from, request.secret));
            }
        }
        let withdrawn = self.wechat.merchants.iter().filter(|merchant| !merchant.authorized).count();
        let lists = last.iter().filter(|request| (request.kind, request.errcode) == (Kind::List, Some(0))).count();
        let refused = last.iter().filter(|request| request.errcode == Some(61003)).count();
        let processes = self.plan.processes;
        if lists > processes * withdrawn.max(1) || refused > processes * withdrawn {
            self.violation(format!(
                "{withdrawn} have withdrawn: {lists} lists and {refused} refusals in the last round"
            ));
        }
        if self.plan.store == StoreKind::Redis && self.database.field_of("ticket", "value").is_none() {
            self.violation("Redis ends without the ticket".to_owned());
        }
    }

    /// Without clients no task is left.
    pub(super) fn check_end(&mut self) {
        for number in 0..self.slots.len() {
            let Some(member) = &self.slots[number].member else { continue };
            let tasks = member.machine.tasks();
            if member.machine.is_active() {
                self.violation(format!("{tasks} tasks of P{number} are left in the end"));
            }
        }
    }
}

fn name(job: &Job) -> &'static str {
    match job {
        Job::Call { .. } => "call",
        Job::Push(_) => "push",
        Job::Return => "return",
        Job::Remove(_) => "removal",
    }
}
