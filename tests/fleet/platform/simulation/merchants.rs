//! What WeChat pushes, and what merchants do.

use wxacode::platform::push::{Authorization, PlatformEvent};

use super::*;

/// WeChat makes a push that is not answered four times.
const LAST_ATTEMPT: u32 = 3;

impl Simulation {
    pub(super) fn ticket(&mut self) {
        if self.round == Some(ROUNDS) {
            return;
        }
        self.push(self.now + PUSHES, Event::Ticket);
        if self.active_fault(|kind| *kind == FaultKind::Silence).is_some() {
            return;
        }
        let ticket = self.wechat.pushed_ticket(self.now);
        self.new_push(PushKind::Ticket(ticket));
    }

    fn new_push(&mut self, kind: PushKind) {
        self.pushes.push(Push { kind, created: self.now, answered: None });
        self.push(self.now + 20, Event::Push { number: self.pushes.len() - 1, attempt: 0 });
    }

    /// Makes a push at a random process. One that is not answered in 5 s is made again.
    pub(super) fn deliver(&mut self, number: usize, attempt: u32) {
        let Push { kind, created, answered } = &self.pushes[number];
        let again = !matches!(kind, PushKind::Ticket(_));
        if (again && answered.is_some()) || attempt > LAST_ATTEMPT || self.round == Some(ROUNDS) {
            return;
        }
        let create_time = seconds(*created);
        let event = match kind.clone() {
            PushKind::Ticket(ticket) => PlatformEvent::ComponentVerifyTicket { ticket: ticket.into(), create_time },
            PushKind::Authorized { merchant, code } => PlatformEvent::Authorized(Authorization {
                authorizer_appid: appid(merchant),
                authorization_code: code.into(),
                code_expires: None,
                pre_auth_code: None,
                create_time,
            }),
            PushKind::Unauthorized { merchant } => {
                PlatformEvent::Unauthorized { authorizer_appid: appid(merchant), create_time }
            }
        };
        let to = self.rng.usize(0..self.slots.len());
        if self.work(to, |member| member.push(number, event)) {
            self.note(|| format!("push {number} comes to P{to}"));
            self.moment(Moment::Push, to);
        }
        if again {
            self.push(self.now + 5 * SECOND + 1, Event::Push { number, attempt: attempt + 1 });
        } else if attempt == 0 && self.rng.u32(0..4) == 0 {
            // A ticket may come twice, the second time when a newer one is there.
            let late = self.rng.u64(5 * SECOND..3 * PUSHES);
            self.push(self.now + late, Event::Push { number, attempt: LAST_ATTEMPT });
        }
    }

    pub(super) fn act(&mut self, action: usize) {
        let action = self.plan.actions[action].clone();
        let merchant = action.merchant;
        self.note(|| format!("merchant {merchant}: {:?}", action.kind));
        self.journal.count(match action.kind {
            ActionKind::Authorize { .. } => "authorizes",
            ActionKind::Withdraw => "withdraws",
            ActionKind::Remove => "is removed",
        });
        match action.kind {
            ActionKind::Authorize { returns } => {
                self.journal.changed[merchant] = Some(self.now);
                let code = self.wechat.authorize(merchant, self.now);
                if returns {
                    self.journal.removed[merchant] = None;
                    let at = self.now + self.rng.u64(0..2 * SECOND);
                    self.push(at, Event::Return(code.clone()));
                }
                self.new_push(PushKind::Authorized { merchant, code });
            }
            ActionKind::Withdraw if self.wechat.merchants[merchant].authorized => {
                self.journal.changed[merchant] = Some(self.now);
                self.wechat.withdraw(merchant, self.now);
                self.new_push(PushKind::Unauthorized { merchant });
            }
            ActionKind::Withdraw => {}
            ActionKind::Remove => {
                self.journal.changed[merchant] = Some(self.now);
                let to = self.rng.usize(0..self.slots.len());
                if self.work(to, |member| member.remove(merchant)) {
                    // Whether or not the process lives to tell.
                    self.journal.removed[merchant] = Some(self.now);
                }
            }
        }
    }

    pub(super) fn come_back(&mut self, code: String) {
        let to = self.rng.usize(0..self.slots.len());
        self.work(to, |member| member.come_back(code));
    }
}
