//! What happens in a run, all of it drawn from one seed.

use std::ops::RangeInclusive;

use fastrand::Rng;
use wxacode::token::source::Mode;

use crate::world::{Millis, SECOND};

const MINUTE: Millis = 60 * SECOND;
const HOUR: Millis = 60 * MINUTE;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    Calm,
    /// Another system takes the token away now and then.
    Intruder,
    Redis,
    WeChat,
    Processes,
    /// An API that refuses every token.
    Refusing,
    /// Callers that force, and tokens that only a forced refresh replaces.
    Forced,
    /// Tokens taken away while leaders sleep and messages lag.
    Late,
    Everything,
}

#[derive(Debug)]
pub struct Plan {
    pub seed: u64,
    pub theme: Theme,
    pub mode: Mode,
    pub processes: usize,
    /// From here on nothing new goes wrong.
    pub end: Millis,
    /// One way to WeChat, and to Redis.
    pub wechat: RangeInclusive<Millis>,
    pub redis: RangeInclusive<Millis>,
    /// The life left of a stable token that somebody has fetched before.
    pub given: Option<Millis>,
    pub traffic: Vec<Traffic>,
    pub bursts: Vec<Burst>,
    pub faults: Vec<Fault>,
    /// How many callers in a hundred force, and how many give up early.
    pub forces: u32,
    pub aborts: u32,
}

/// How often somebody calls: at most times, and when something is about to happen.
#[derive(Debug)]
pub struct Traffic {
    pub quiet: RangeInclusive<Millis>,
    pub hot: Option<RangeInclusive<Millis>>,
}

#[derive(Debug)]
pub struct Burst {
    pub at: Millis,
    /// One process, or all.
    pub process: Option<usize>,
    pub callers: usize,
}

#[derive(Clone, Debug)]
pub struct Fault {
    pub when: When,
    pub who: Who,
    pub lasts: Millis,
    pub what: What,
}

#[derive(Clone, Copy, Debug)]
pub enum When {
    At(Millis),
    /// So long after something has happened for the nth time.
    After {
        moment: Moment,
        nth: u32,
        wait: Millis,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// A process asks to lead.
    TokenRequest,
    /// Redis has made a process leader.
    Lead,
    /// A token request has reached WeChat.
    Request,
    /// A process hands over what it has fetched.
    Publish,
    /// A token was written.
    Written,
    /// An API has refused a token.
    Refusal,
}

/// Whose it is, where it is not everybody's.
#[derive(Clone, Copy, Debug)]
pub enum Who {
    Number(usize),
    /// Whoever made the moment.
    Actor,
    All,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Redis(Ill),
    Flush,
    /// Redis has no room and drops a key.
    Evict(&'static str),
    /// A key loses its end.
    Persist(&'static str),
    /// Somebody else writes there.
    Forge(Forged),
    /// Between a process and Redis: so many in a hundred are lost, broken, late.
    Network(Network),
    /// What a process sends to Redis arrives when this ends.
    Held,
    WeChat(Sick),
    /// Another system takes the token.
    Intrude,
    /// The APIs do not accept the present token.
    Condemn,
    /// The APIs accept no token.
    RefuseAll,
    Pause,
    Suspend,
    Crash,
    /// The last client of a process is closed, and another one comes.
    Leave,
    /// The wall clock jumps, in milliseconds.
    Jump(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ill {
    Refuses,
    Silent,
    /// Takes commands and runs them when it is over.
    Stalled,
    Slow,
    ReadOnly,
    /// Restarts without its data.
    Emptied,
}

/// What somebody who has no AppSecret can put there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forged {
    /// Into a field of a hash.
    Field(&'static str, &'static str, &'static str),
    /// As a whole key, without an end.
    Key(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sick {
    Unreachable,
    Busy,
    /// Does not answer.
    Silent,
    /// Does what it is asked, and its answer is lost.
    Mute,
    Slow,
    /// Says nonsense of a token's life.
    Lies,
    /// Refuses the AppSecret.
    Refuses,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    pub lost: u32,
    pub unanswered: u32,
    pub reset: u32,
    pub late: Millis,
}

impl What {
    pub fn is_of_redis(&self) -> bool {
        matches!(
            self,
            Self::Redis(_)
                | Self::Flush
                | Self::Evict(_)
                | Self::Persist(_)
                | Self::Forge(_)
                | Self::Network(_)
                | Self::Held
        )
    }

    pub fn is_of_wechat(&self) -> bool {
        matches!(self, Self::WeChat(_))
    }

    pub fn is_of_a_process(&self) -> bool {
        matches!(self, Self::Pause | Self::Suspend | Self::Crash | Self::Leave | Self::Jump(_))
    }
}

impl Plan {
    pub fn of(seed: u64) -> Self {
        Draft { rng: Rng::with_seed(seed) }.plan(seed)
    }

    pub fn has(&self, what: fn(&What) -> bool) -> bool {
        self.faults.iter().any(|fault| what(&fault.what))
    }

    /// The longest that WeChat takes to answer when it is well.
    pub fn fetch(&self) -> Millis {
        2 * self.wechat.end() + 1
    }
}

struct Draft {
    rng: Rng,
}

impl Draft {
    fn plan(&mut self, seed: u64) -> Plan {
        let theme = self.theme();
        let mode = if self.rng.bool() { Mode::Stable } else { Mode::Classic };
        let processes = self.rng.usize(2..=5);
        let given = (mode == Mode::Stable && self.chance(60)).then(|| self.rng.u64(5 * SECOND..=7200 * SECOND));
        let renewal = self.renewal(mode, given);
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
            66..71 => Theme::Refusing,
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

    /// Short times are as likely as long ones.
    fn time(&mut self, least: Millis, most: Millis) -> Millis {
        let (least, most) = (least as f64, most as f64);
        (least * (most / least).powf(self.rng.f64())) as Millis
    }

    /// About when the first token is renewed.
    fn renewal(&mut self, mode: Mode, given: Option<Millis>) -> Millis {
        match (mode, given) {
            (Mode::Classic, _) => 6600 * SECOND,
            (Mode::Stable, Some(life)) if life > 300 * SECOND => life - 255 * SECOND,
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
            bursts.push(Burst { at: self.hour(renewal, end), process, callers: self.rng.usize(2..30) });
        }
        bursts
    }

    /// Some time, and more often one at which much happens.
    fn hour(&mut self, renewal: Millis, end: Millis) -> Millis {
        let hour = match self.rng.u32(0..100) {
            0..8 => 0,
            8..35 => self.rng.u64(0..15 * SECOND),
            35..70 => renewal.saturating_sub(60 * SECOND) + self.rng.u64(0..130 * SECOND),
            70..80 => renewal + self.rng.u64(0..700 * SECOND),
            _ => self.rng.u64(0..end),
        };
        hour.min(end)
    }

    fn when(&mut self, renewal: Millis, end: Millis) -> When {
        if self.chance(45) {
            return When::At(self.hour(renewal, end));
        }
        let moment = match self.rng.u32(0..100) {
            0..20 => Moment::TokenRequest,
            20..45 => Moment::Lead,
            45..65 => Moment::Request,
            65..75 => Moment::Publish,
            75..85 => Moment::Written,
            _ => Moment::Refusal,
        };
        let wait = if self.rng.bool() { 0 } else { self.rng.u64(0..=400) };
        When::After { moment, nth: self.rng.u32(1..=4), wait }
    }

    fn who(&mut self, processes: usize) -> Who {
        match self.rng.u32(0..100) {
            0..45 => Who::Number(self.rng.usize(0..processes)),
            _ => Who::Actor,
        }
    }

    fn faults(&mut self, theme: Theme, mode: Mode, processes: usize, renewal: Millis, end: Millis) -> Vec<Fault> {
        let count = match theme {
            Theme::Calm => 0,
            Theme::Intruder | Theme::Refusing => 1,
            Theme::Everything => self.rng.usize(2..=8),
            _ => self.rng.usize(1..=4),
        };
        let mut faults = Vec::new();
        for _ in 0..count {
            let mut fault = Fault {
                when: self.when(renewal, end),
                who: self.who(processes),
                lasts: self.time(50, 15 * MINUTE),
                what: self.what(theme),
            };
            match fault.what {
                What::RefuseAll => fault.lasts = self.time(10 * SECOND, HOUR),
                What::Intrude | What::Condemn => fault.when = When::At(self.hour(renewal, end)),
                What::Network(_) if self.chance(50) => fault.who = Who::All,
                What::Pause => fault.lasts = self.time(100, 5 * MINUTE),
                What::Suspend => fault.lasts = self.time(SECOND, 2 * HOUR),
                What::Crash => fault.lasts = self.time(10, MINUTE),
                _ => {}
            }
            faults.push(fault);
        }
        if theme == Theme::Late {
            faults.extend(self.late(mode));
        }
        faults
    }

    fn what(&mut self, theme: Theme) -> What {
        match theme {
            Theme::Calm | Theme::Intruder => What::Intrude,
            Theme::Redis => self.redis(),
            Theme::WeChat => What::WeChat(self.sick()),
            Theme::Processes => self.process(),
            Theme::Refusing => What::RefuseAll,
            Theme::Forced => What::Condemn,
            Theme::Late => match self.rng.u32(0..3) {
                0 => What::Held,
                1 => What::Pause,
                _ => What::Intrude,
            },
            Theme::Everything => match self.rng.u32(0..10) {
                0..4 => self.redis(),
                4..6 => What::WeChat(self.sick()),
                6..8 => self.process(),
                8 => What::Intrude,
                _ => What::Condemn,
            },
        }
    }

    /// A leader sleeps or lags, and while it does its token is taken away from the others.
    fn late(&mut self, mode: Mode) -> Vec<Fault> {
        let (lasts, nth) = (self.time(8 * SECOND, 3 * MINUTE), self.rng.u32(1..=2));
        let what = if self.rng.bool() { What::Pause } else { What::Held };
        let moment = if self.rng.bool() { Moment::Lead } else { Moment::Request };
        let sleep = Fault {
            when: When::After { moment, nth, wait: self.rng.u64(0..=300) },
            who: Who::Actor,
            lasts,
            what: what.clone(),
        };
        let taken = if mode == Mode::Stable { What::Intrude } else { What::Condemn };
        let take = Fault {
            when: When::After {
                moment: Moment::Written,
                nth: nth + self.rng.u32(0..2),
                wait: self.rng.u64(0..=40_000),
            },
            who: Who::All,
            lasts: 0,
            what: taken,
        };
        vec![sleep, take]
    }

    fn redis(&mut self) -> What {
        match self.rng.u32(0..100) {
            0..15 => What::Redis(Ill::Refuses),
            15..28 => What::Redis(Ill::Silent),
            28..40 => What::Redis(Ill::Stalled),
            40..50 => What::Redis(Ill::Slow),
            50..56 => What::Redis(Ill::ReadOnly),
            56..64 => What::Redis(Ill::Emptied),
            64..70 => What::Flush,
            70..73 => What::Evict(["token", "lock", "fence", "cool"][self.rng.usize(0..4)]),
            73..77 => What::Persist(["token", "lock", "cool", "forced", "forced-day"][self.rng.usize(0..5)]),
            77..82 => What::Forge(self.forged()),
            82..86 => What::Held,
            _ => What::Network(self.network()),
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

    fn sick(&mut self) -> Sick {
        match self.rng.u32(0..100) {
            0..20 => Sick::Unreachable,
            20..40 => Sick::Busy,
            40..52 => Sick::Silent,
            52..65 => Sick::Mute,
            65..82 => Sick::Slow,
            82..92 => Sick::Lies,
            _ => Sick::Refuses,
        }
    }

    fn process(&mut self) -> What {
        match self.rng.u32(0..100) {
            0..35 => What::Pause,
            35..45 => What::Suspend,
            45..75 => What::Crash,
            75..82 => What::Leave,
            _ => What::Jump(self.rng.i64(-3_600_000..=3_600_000)),
        }
    }
}
