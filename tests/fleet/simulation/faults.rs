//! The begin and the end of faults.

use super::*;

impl Simulation {
    pub(super) fn moment(&mut self, moment: Moment, actor: usize) {
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

    pub(super) fn begin(&mut self, number: usize, actor: Option<usize>) {
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

    pub(super) fn finish(&mut self, period: usize) {
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
                self.journal.lock_owners[target].clear();
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

    pub(super) fn active_fault(&self, at: Millis, is: impl Fn(&FaultKind) -> bool) -> Option<&FaultPeriod> {
        self.fault_periods.iter().rev().find(|period| period.begin <= at && at < period.end && is(&period.kind))
    }

    pub(super) fn redis_fault(&self) -> Option<(RedisFault, Millis)> {
        match self.active_fault(self.now, |kind| matches!(kind, FaultKind::Redis(_)))? {
            FaultPeriod { kind: FaultKind::Redis(fault), end, .. } => Some((*fault, *end)),
            _ => None,
        }
    }

    pub(super) fn wechat_fault(&self, at: Millis) -> Option<WeChatFault> {
        match self.active_fault(at, FaultKind::is_of_wechat)? {
            FaultPeriod { kind: FaultKind::WeChat(fault), .. } => Some(*fault),
            _ => None,
        }
    }
}
