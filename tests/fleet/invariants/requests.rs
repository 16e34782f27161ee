//! Invariants of token requests to WeChat.

use super::*;

impl Simulation {
    pub(crate) fn check_fetch(&mut self, fetch: &Fetch) {
        if self.plan.mode == Mode::Classic && self.journal.lock_owners[fetch.from].is_empty() {
            self.violation(format!("P{} rotates without a lease", fetch.from));
        }
        if !fetch.again {
            self.check_gap(fetch);
            self.check_late(fetch);
        }
        if self.plan.mode == Mode::Classic {
            self.check_overlap(fetch);
            self.check_early(fetch);
        }
        self.check_rejected(fetch);
        if fetch.forced {
            self.check_forced(fetch);
        }
    }

    /// No process sends two requests in 10 s, except after a failure or a rejection.
    fn check_gap(&mut self, fetch: &Fetch) {
        let same =
            |other: &&Fetch| (other.from, other.incarnation, other.again) == (fetch.from, fetch.incarnation, false);
        let Some(last) = self.journal.fetches.iter().rev().find(same) else { return };
        let excused = fetch.rejected || fetch.forced || !last.got || self.plan.has(|kind| *kind == FaultKind::Leave);
        if !excused && fetch.sent < last.sent + 10 * SECOND {
            self.violation(format!("P{} asks WeChat again after {} ms", fetch.from, fetch.sent - last.sent));
        }
    }

    /// The lock lasts longer than the request.
    fn check_late(&mut self, fetch: &Fetch) {
        let locked = self.journal.lock_owners[fetch.from].values().max().copied();
        let excuse = |kind: &FaultKind| kind.is_of_redis() || kind.is_of_a_process();
        if !self.plan.has(excuse) && locked.is_some_and(|locked| fetch.sent > locked + FETCH + REDIS) {
            self.violation(format!("P{} still asks WeChat long after it got the lock", fetch.from));
        }
    }

    /// Two rotations never overlap: their answers could arrive in either order.
    fn check_overlap(&mut self, fetch: &Fetch) {
        let excuse = |kind: &FaultKind| {
            matches!(
                kind,
                FaultKind::Flush
                    | FaultKind::Evict(_)
                    | FaultKind::Redis(RedisFault::Emptied)
                    | FaultKind::Pause
                    | FaultKind::Suspend
            )
        };
        let ends =
            |other: &Fetch| other.answered.unwrap_or(Millis::MAX).min(other.sent + ATTEMPT.as_millis() as Millis);
        let running = self.journal.fetches.iter().any(|other| fetch.sent < ends(other));
        if running && !self.plan.has(excuse) {
            self.violation(format!("P{} rotates while somebody else does", fetch.from));
        }
    }

    /// Without faults no process rotates a classic token early.
    fn check_early(&mut self, fetch: &Fetch) {
        let calm = matches!(self.plan.theme, Theme::Calm | Theme::Intruder);
        let last = self.journal.fetches.iter().rev().find_map(|fetch| fetch.token);
        let good = last.is_some_and(|last| self.now + CLASSIC_SOFT < self.wechat.tokens[last].invalid_at);
        if calm && good && !fetch.rejected {
            self.violation(format!("P{} rotates a good token", fetch.from));
        }
    }

    /// An API that rejects every token causes at most two requests in 30 s.
    fn check_rejected(&mut self, fetch: &Fetch) {
        let rejecting = self
            .fault_periods
            .iter()
            .any(|w| w.kind == FaultKind::RejectAll && w.begin + 31 * SECOND < self.now && self.now < w.end);
        let since = (self.now + 1).saturating_sub(29 * SECOND);
        let lately = self.journal.fetches.iter().filter(|other| other.sent >= since).count() + 1;
        if rejecting && self.plan.theme == Theme::Rejecting && lately > 2 {
            self.violation(format!("P{} makes the {lately}th request in 30 s", fetch.from));
        }
    }

    fn check_forced(&mut self, fetch: &Fetch) {
        if self.plan.has(FaultKind::is_of_redis) {
            return;
        }
        let forced: Vec<_> = self.journal.fetches.iter().filter(|other| other.forced).map(|other| other.sent).collect();
        if forced.last().is_some_and(|last| fetch.sent + 300 < last + 30 * SECOND) {
            self.violation(format!("P{} forces again too soon", fetch.from));
        }
        let day = fetch.sent.saturating_sub(86_400 * SECOND);
        if forced.iter().filter(|&&at| at >= day).count() >= 10 {
            self.violation(format!("P{} forces for the 11th time in a day", fetch.from));
        }
    }

    /// No process fetches the same token twice, and without faults no two processes do.
    pub(super) fn check_fetched_once(&mut self) {
        // The later of two tokens is the one with the later expiry, which servers give in whole seconds.
        let alike = self.wechat.tokens.windows(2).any(|pair| pair[1].expires < pair[0].expires + 3 * SECOND);
        let excused = self.plan.mode == Mode::Classic
            || alike
            || self.plan.forces > 0
            || self.plan.has(|kind| {
                kind.is_of_wechat()
                    || matches!(kind, FaultKind::Condemn | FaultKind::RejectAll | FaultKind::Leave | FaultKind::Jump(_))
                    || matches!(kind, FaultKind::Pause | FaultKind::Suspend)
            });
        if excused {
            return;
        }
        let calm = matches!(self.plan.theme, Theme::Calm | Theme::Intruder);
        let process = |fetch: &Fetch| if calm { (0, 0) } else { (fetch.from, fetch.incarnation) };
        let mut seen = std::collections::BTreeSet::new();
        let twice =
            self.journal.fetches.iter().find(|f| f.token.is_some() && !seen.insert((process(f), f.token))).cloned();
        if let Some(fetch) = twice {
            self.violation(format!("P{} fetches token {:?} again", fetch.from, fetch.token));
        }
    }
}
