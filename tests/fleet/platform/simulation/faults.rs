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
            if slot.member.is_none() || slot.asleep.is_some() {
                return;
            }
        }
        self.note(|| format!("{:?} begins for {target:?}, for {} ms", fault.kind, fault.lasts));
        let instant = matches!(fault.kind, FaultKind::Flush | FaultKind::Revoke | FaultKind::RefuseTicket);
        let end = if instant { self.now } else { self.now + fault.lasts };
        self.fault_periods.push(FaultPeriod { kind: fault.kind.clone(), target, begin: self.now, end, incarnation });
        match (&fault.kind, target.map(|target| &mut self.slots[target])) {
            (FaultKind::Flush | FaultKind::Redis(RedisFault::Emptied), _) => self.database.clear(),
            (FaultKind::Revoke, _) => self.wechat.revoke(self.now),
            (FaultKind::RefuseTicket, _) => self.wechat.refuse_ticket(),
            (FaultKind::Pause | FaultKind::Suspend, Some(slot)) => slot.asleep = Some(end),
            (FaultKind::Crash, Some(slot)) => slot.member = None,
            _ => {}
        }
        if !instant {
            self.push(end, Event::Finish(self.fault_periods.len() - 1));
        }
    }

    pub(super) fn finish(&mut self, period: usize) {
        let FaultPeriod { kind, target, incarnation, .. } = self.fault_periods[period].clone();
        self.note(|| format!("{kind:?} ends for {target:?}"));
        let Some(target) = target else { return };
        let (store, now) = (self.plan.store, self.now);
        let slot = &mut self.slots[target];
        match (&kind, slot.member.as_mut()) {
            (FaultKind::Crash, None) => {
                let member = Some(Member::start(store, now));
                *slot = Slot { member, incarnation: incarnation + 1, at: now, asleep: None, ..*slot };
            }
            (FaultKind::Pause, Some(member)) if slot.asleep.take().is_some() => {
                member.machine.wake(now);
                slot.at = now;
            }
            (FaultKind::Suspend, Some(member)) if slot.asleep.take().is_some() => {
                member.machine.wake_from_suspend(now);
                slot.at = now;
            }
            _ => {}
        }
    }

    pub(super) fn active_fault(&self, is: impl Fn(&FaultKind) -> bool) -> Option<&FaultPeriod> {
        self.fault_periods
            .iter()
            .rev()
            .find(|period| period.begin <= self.now && self.now < period.end && is(&period.kind))
    }

    pub(super) fn redis_fault(&self) -> Option<(RedisFault, Millis)> {
        match self.active_fault(|kind| matches!(kind, FaultKind::Redis(_)))? {
            FaultPeriod { kind: FaultKind::Redis(fault), end, .. } => Some((*fault, *end)),
            _ => None,
        }
    }

    pub(super) fn wechat_fault(&self) -> Option<WeChatFault> {
        match self.active_fault(FaultKind::is_of_wechat)? {
            FaultPeriod { kind: FaultKind::WeChat(fault), .. } => Some(*fault),
            _ => None,
        }
    }
}
