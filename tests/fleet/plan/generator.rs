//! Draws a plan from a seed.

use fastrand::Rng;

use super::*;
use crate::simulation::SECOND;

const MINUTE: Millis = 60 * SECOND;
const HOUR: Millis = 60 * MINUTE;

pub(crate) struct Generator {
    rng: Rng,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed) }
    }

    pub(crate) fn plan(&mut self, seed: u64) -> Plan {
        let theme = self.theme();
        let mode = if self.rng.bool() { Mode::Stable } else { Mode::Classic };
        let processes = self.rng.usize(2..=5);
        let given = (mode == Mode::Stable && self.chance(60)).then(|| self.rng.u64(5 * SECOND..=7200 * SECOND));
        let renewal = Self::renewal(mode, given);
        let end = self.end(renewal);
        Plan {
            seed,
            theme,
            mode,
            processes,
            end,
            wechat: self.range(10, 150),
            redis: self.range(0, 3),
            given,
            traffic: (0..processes).map(|_| self.traffic()).collect(),
            bursts: self.bursts(processes, renewal, end),
            faults: self.faults(theme, mode, processes, renewal, end),
            forces: if theme == Theme::Forced { self.rng.u32(0..4) } else { 0 },
            aborts: self.rng.u32(0..10),
        }
    }

    fn theme(&mut self) -> Theme {
        match self.rng.u32(0..100) {
            0..8 => Theme::Calm,
            8..16 => Theme::Intruder,
            16..46 => Theme::Redis,
            46..54 => Theme::WeChat,
            54..66 => Theme::Processes,
            66..71 => Theme::Rejecting,
            71..76 => Theme::Forced,
            76..86 => Theme::Late,
            _ => Theme::Everything,
        }
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(0..100) < percent
    }

    fn range(&mut self, least: Millis, most: Millis) -> RangeInclusive<Millis> {
        let low = self.rng.u64(least..=most);
        low..=self.rng.u64(low..=most)
    }

    /// A time on a logarithmic scale: short ones are as likely as long ones.
    fn time(&mut self, least: Millis, most: Millis) -> Millis {
        let (least, most) = (least as f64, most as f64);
        (least * (most / least).powf(self.rng.f64())) as Millis
    }

    /// The approximate time at which the first token is renewed.
    fn renewal(mode: Mode, given: Option<Millis>) -> Millis {
        match (mode, given) {
            (Mode::Classic, _) => 6600 * SECOND,
            (Mode::Stable, Some(lifetime)) if lifetime > 300 * SECOND => lifetime - 255 * SECOND,
            (Mode::Stable, _) => 6945 * SECOND,
        }
    }

    fn end(&mut self, renewal: Millis) -> Millis {
        match self.rng.u32(0..100) {
            0..25 => self.rng.u64(2 * MINUTE..=6 * MINUTE),
            25..75 => renewal + self.rng.u64(100 * SECOND..=1000 * SECOND),
            75..95 => renewal + 2 * HOUR + self.rng.u64(0..=1000 * SECOND),
            _ => renewal + 4 * HOUR,
        }
    }

    fn traffic(&mut self) -> Traffic {
        if self.chance(8) {
            return Traffic { quiet: self.range(10 * MINUTE, 50 * MINUTE), hot: None };
        }
        Traffic { quiet: self.range(25 * SECOND, 400 * SECOND), hot: Some(self.range(300, 6000)) }
    }

    fn bursts(&mut self, processes: usize, renewal: Millis, end: Millis) -> Vec<Burst> {
        let mut bursts = Vec::new();
        for _ in 0..self.rng.usize(0..5) {
            let process = self.chance(30).then(|| self.rng.usize(0..processes));
            bursts.push(Burst { at: self.interesting_time(renewal, end), process, callers: self.rng.usize(2..30) });
        }
        bursts
    }

    /// A random time, more often one at which much happens.
    fn interesting_time(&mut self, renewal: Millis, end: Millis) -> Millis {
        let interesting_time = match self.rng.u32(0..100) {
            0..8 => 0,
            8..35 => self.rng.u64(0..15 * SECOND),
            35..70 => renewal.saturating_sub(60 * SECOND) + self.rng.u64(0..130 * SECOND),
            70..80 => renewal + self.rng.u64(0..700 * SECOND),
            _ => self.rng.u64(0..end),
        };
        interesting_time.min(end)
    }

    fn trigger(&mut self, renewal: Millis, end: Millis) -> Trigger {
        if self.chance(45) {
            return Trigger::At(self.interesting_time(renewal, end));
        }
        let moment = match self.rng.u32(0..100) {
            0..20 => Moment::TokenRequest,
            20..45 => Moment::Locked,
            45..65 => Moment::Request,
            65..75 => Moment::Publish,
            75..85 => Moment::Written,
            _ => Moment::Rejection,
        };
        let wait = if self.rng.bool() { 0 } else { self.rng.u64(0..=400) };
        Trigger::After { moment, nth: self.rng.u32(1..=4), wait }
    }

    fn target(&mut self, processes: usize) -> Target {
        match self.rng.u32(0..100) {
            0..45 => Target::Process(self.rng.usize(0..processes)),
            _ => Target::Actor,
        }
    }

    fn faults(&mut self, theme: Theme, mode: Mode, processes: usize, renewal: Millis, end: Millis) -> Vec<Fault> {
        let count = match theme {
            Theme::Calm => 0,
            Theme::Intruder | Theme::Rejecting => 1,
            Theme::Everything => self.rng.usize(2..=8),
            _ => self.rng.usize(1..=4),
        };
        let mut faults = Vec::new();
        for _ in 0..count {
            let mut fault = Fault {
                trigger: self.trigger(renewal, end),
                target: self.target(processes),
                lasts: self.time(50, 15 * MINUTE),
                kind: self.kind(theme),
            };
            match fault.kind {
                FaultKind::RejectAll => fault.lasts = self.time(10 * SECOND, HOUR),
                FaultKind::Intrude | FaultKind::Condemn => {
                    fault.trigger = Trigger::At(self.interesting_time(renewal, end));
                }
                FaultKind::Network(_) if self.chance(50) => fault.target = Target::All,
                FaultKind::Pause => fault.lasts = self.time(100, 5 * MINUTE),
                FaultKind::Suspend => fault.lasts = self.time(SECOND, 2 * HOUR),
                FaultKind::Crash => fault.lasts = self.time(10, MINUTE),
                _ => {}
            }
            faults.push(fault);
        }
        if theme == Theme::Late {
            faults.extend(self.late(mode));
        }
        faults
    }

    fn kind(&mut self, theme: Theme) -> FaultKind {
        match theme {
            Theme::Calm | Theme::Intruder => FaultKind::Intrude,
            Theme::Redis => self.redis(),
            Theme::WeChat => FaultKind::WeChat(self.wechat_fault()),
            Theme::Processes => self.process(),
            Theme::Rejecting => FaultKind::RejectAll,
            Theme::Forced => FaultKind::Condemn,
            Theme::Late => match self.rng.u32(0..3) {
                0 => FaultKind::Held,
                1 => FaultKind::Pause,
                _ => FaultKind::Intrude,
            },
            Theme::Everything => match self.rng.u32(0..10) {
                0..4 => self.redis(),
                4..6 => FaultKind::WeChat(self.wechat_fault()),
                6..8 => self.process(),
                8 => FaultKind::Intrude,
                _ => FaultKind::Condemn,
            },
        }
    }

    /// A lock owner sleeps or lags, and meanwhile the token of the others is invalidated.
    fn late(&mut self, mode: Mode) -> Vec<Fault> {
        let (lasts, nth) = (self.time(8 * SECOND, 3 * MINUTE), self.rng.u32(1..=2));
        let kind = if self.rng.bool() { FaultKind::Pause } else { FaultKind::Held };
        let moment = if self.rng.bool() { Moment::Locked } else { Moment::Request };
        let sleep = Fault {
            trigger: Trigger::After { moment, nth, wait: self.rng.u64(0..=300) },
            target: Target::Actor,
            lasts,
            kind,
        };
        let taken = if mode == Mode::Stable { FaultKind::Intrude } else { FaultKind::Condemn };
        let take = Fault {
            trigger: Trigger::After {
                moment: Moment::Written,
                nth: nth + self.rng.u32(0..2),
                wait: self.rng.u64(0..=40_000),
            },
            target: Target::All,
            lasts: 0,
            kind: taken,
        };
        vec![sleep, take]
    }

    fn redis(&mut self) -> FaultKind {
        match self.rng.u32(0..100) {
            0..15 => FaultKind::Redis(RedisFault::Refuses),
            15..28 => FaultKind::Redis(RedisFault::Silent),
            28..40 => FaultKind::Redis(RedisFault::Stalled),
            40..50 => FaultKind::Redis(RedisFault::Slow),
            50..56 => FaultKind::Redis(RedisFault::ReadOnly),
            56..64 => FaultKind::Redis(RedisFault::Emptied),
            64..70 => FaultKind::Flush,
            70..73 => FaultKind::Evict(["token", "lock", "fence", "cool"][self.rng.usize(0..4)]),
            73..77 => FaultKind::Persist(["token", "lock", "cool", "forced", "forced-day"][self.rng.usize(0..5)]),
            77..82 => FaultKind::Forge(self.forged()),
            82..86 => FaultKind::Held,
            _ => FaultKind::Network(self.network()),
        }
    }

    fn forged(&mut self) -> Forged {
        let all = [
            Forged::Field("token", "value", "made up"),
            Forged::Field("token", "print", "ffffffff"),
            Forged::Field("token", "gen", "999999999999999"),
            Forged::Field("token", "gen", "9223372036854775807"),
            Forged::Field("token", "epoch", "?"),
            Forged::Field("fence", "gen", "9223372036854775807"),
            Forged::Field("fence", "gen", "no number"),
            Forged::Field("fence", "epoch", "not one of ours"),
            Forged::Key("token"),
            Forged::Key("lock"),
            Forged::Key("fence"),
            Forged::Key("cool"),
            Forged::Key("forced"),
            Forged::Key("forced-day"),
        ];
        all[self.rng.usize(0..all.len())]
    }

    fn network(&mut self) -> Network {
        let mut share = |most| if self.rng.bool() { self.rng.u32(0..most) } else { 0 };
        let (lost, unanswered, reset) = (share(30), share(60), share(40));
        Network { lost, unanswered, reset, late: self.time(1, 2000) }
    }

    fn wechat_fault(&mut self) -> WeChatFault {
        match self.rng.u32(0..100) {
            0..20 => WeChatFault::Unreachable,
            20..40 => WeChatFault::Busy,
            40..52 => WeChatFault::Silent,
            52..65 => WeChatFault::Mute,
            65..82 => WeChatFault::Slow,
            82..92 => WeChatFault::Lies,
            _ => WeChatFault::Refuses,
        }
    }

    fn process(&mut self) -> FaultKind {
        match self.rng.u32(0..100) {
            0..35 => FaultKind::Pause,
            35..45 => FaultKind::Suspend,
            45..75 => FaultKind::Crash,
            75..82 => FaultKind::Leave,
            _ => FaultKind::Jump(self.rng.i64(-3_600_000..=3_600_000)),
        }
    }
}
