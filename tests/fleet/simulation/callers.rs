//! Calls of the processes, and the rounds of calls at the end.

use super::*;

impl Simulation {
    pub(super) fn tick(&mut self, slot: usize) {
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
            wxacode::keys::Mode::Stable => 200 * SECOND..300 * SECOND,
            wxacode::keys::Mode::Classic => 520 * SECOND..680 * SECOND,
        };
        let rejected = self.plan.theme == Theme::Rejecting
            && self.active_fault(self.now, |w| *w == FaultKind::RejectAll).is_some();
        near(0)
            || rejected
            || left < 40 * SECOND
            || renewal.contains(&left)
            || self.fault_periods.iter().any(|w| near(w.begin) || near(w.end))
    }

    pub(super) fn burst(&mut self, burst: usize) {
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

    pub(super) fn begin_round(&mut self, round: u32) {
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

    pub(super) fn close(&mut self) {
        self.check_settled();
        for slot in &mut self.slots {
            if let Some(process) = &mut slot.process {
                process.leave();
            }
        }
        self.push(self.now + 10 * SECOND, Event::Stop);
    }
}
