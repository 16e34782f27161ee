//! The plan of a run, generated from its seed.

use std::ops::RangeInclusive;

use fastrand::Rng;

use crate::plan::{FaultKind, Network, RedisFault, StoreFault, WeChatFault};
use crate::simulation::{Millis, SECOND};

pub(super) const MINUTE: Millis = 60 * SECOND;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Theme {
    Calm,
    Redis,
    WeChat,
    Processes,
    /// Processes that crash, and stores that fail, during a refresh that replaces the refresh token.
    Rotation,
    /// Merchants authorise, return and withdraw.
    Merchants,
    /// Pushes stop, and tickets are refused.
    Tickets,
    Everything,
}

/// Where the processes keep their records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoreKind {
    /// In Redis.
    Redis,
    /// In a store of their own, with a Redis for tokens and locks.
    OwnAndRedis,
    /// In a store of its own, with a single process.
    Alone,
}

#[derive(Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) theme: Theme,
    pub(super) store: StoreKind,
    pub(super) processes: usize,
    /// Whether each merchant has authorised the platform before the start.
    pub(super) merchants: Vec<bool>,
    /// No fault begins after this.
    pub(super) end: Millis,
    /// The one-way latency to WeChat and to Redis.
    pub(super) wechat: RangeInclusive<Millis>,
    pub(super) redis: RangeInclusive<Millis>,
    pub(super) rules: Rules,
    pub(super) traffic: Vec<RangeInclusive<Millis>>,
    pub(super) actions: Vec<Action>,
    pub(super) faults: Vec<Fault>,
}

/// What WeChat does that is not documented.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    /// The lifetime of access tokens.
    pub(super) life: Millis,
    /// Whether a refresh replaces the refresh token.
    pub(super) rotates: bool,
    /// How long a refresh token works after it was replaced.
    pub(super) refresh_overlap: Millis,
    /// How long an access token works after the next one was made.
    pub(super) access_overlap: Millis,
    /// How long a ticket is valid after its first push.
    pub(super) ticket_life: Millis,
}

/// What a merchant or the caller does.
#[derive(Clone, Debug)]
pub(super) struct Action {
    pub(super) at: Millis,
    pub(super) merchant: usize,
    pub(super) kind: ActionKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ActionKind {
    /// The merchant authorises the platform, or changes its authorisation, and returns to its page or does not.
    Authorize {
        returns: bool,
    },
    Withdraw,
    Remove,
}

#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) trigger: Trigger,
    pub(super) target: Target,
    pub(super) lasts: Millis,
    pub(super) kind: FaultKind,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Trigger {
    At(Millis),
    /// Some time after the nth occurrence of a moment.
    After {
        moment: Moment,
        nth: u32,
        wait: Millis,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Moment {
    /// A request for an access token arrives at WeChat.
    Request,
    /// Its answer arrives at the process.
    Answered,
    /// A process writes a record.
    Write,
    /// A record is written.
    Written,
    /// A process publishes a token.
    Publish,
    /// A push arrives at a process.
    Push,
    /// WeChat refuses an access token.
    Rejection,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    Process(usize),
    /// The process of the moment.
    Actor,
    All,
}

impl Plan {
    pub(super) fn of(seed: u64) -> Self {
        Generator { rng: Rng::with_seed(seed ^ 0x0091_a7f0) }.plan(seed)
    }

    pub(super) fn has(&self, kind: impl Fn(&FaultKind) -> bool) -> bool {
        self.faults.iter().any(|fault| kind(&fault.kind))
    }
}

struct Generator {
    rng: Rng,
}

impl Generator {
    fn plan(&mut self, seed: u64) -> Plan {
        let theme = self.theme();
        let store = match self.rng.u32(0..10) {
            0..6 => StoreKind::Redis,
            6..8 => StoreKind::OwnAndRedis,
            _ => StoreKind::Alone,
        };
        let processes = if store == StoreKind::Alone { 1 } else { self.rng.usize(2..=3) };
        let merchants: Vec<_> = (0..self.rng.usize(2..=3)).map(|_| self.rng.u32(0..10) < 8).collect();
        let end = self.rng.u64(MINUTE..=6 * MINUTE);
        let actions = self.actions(theme, merchants.len(), end);
        Plan {
            seed,
            theme,
            store,
            processes,
            end,
            wechat: self.range(10, 150),
            redis: self.range(0, 3),
            rules: self.rules(theme),
            traffic: (0..processes).map(|_| self.range(500, 20_000)).collect(),
            actions,
            faults: self.faults(theme, store, processes, end),
            merchants,
        }
    }

    fn theme(&mut self) -> Theme {
        match self.rng.u32(0..100) {
            0..8 => Theme::Calm,
            8..24 => Theme::Redis,
            24..34 => Theme::WeChat,
            34..48 => Theme::Processes,
            48..64 => Theme::Rotation,
            64..76 => Theme::Merchants,
            76..84 => Theme::Tickets,
            _ => Theme::Everything,
        }
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

    fn rules(&mut self, theme: Theme) -> Rules {
        Rules {
            life: self.rng.u64(660..=1000) * SECOND,
            rotates: theme == Theme::Rotation || self.rng.u32(0..10) < 4,
            refresh_overlap: if self.rng.u32(0..10) < 3 { 5 * MINUTE } else { 0 },
            access_overlap: if self.rng.bool() { 5 * MINUTE } else { 0 },
            ticket_life: self.rng.u64(100..=400) * SECOND,
        }
    }

    fn actions(&mut self, theme: Theme, merchants: usize, end: Millis) -> Vec<Action> {
        let most = match theme {
            Theme::Merchants => 8,
            Theme::Everything => 4,
            Theme::Calm | Theme::Tickets => 0,
            _ => 2,
        };
        let mut actions = Vec::<Action>::new();
        for _ in 0..self.rng.usize(0..=most) {
            let (at, merchant) = (self.rng.u64(5 * SECOND..end), self.rng.usize(0..merchants));
            let kind = match self.rng.u32(0..100) {
                0..55 => ActionKind::Authorize { returns: self.rng.bool() },
                55..92 => ActionKind::Withdraw,
                _ => ActionKind::Remove,
            };
            // Their order is told by seconds.
            if actions.iter().all(|other| other.merchant != merchant || other.at.abs_diff(at) > 2 * SECOND) {
                actions.push(Action { at, merchant, kind });
            }
        }
        actions
    }

    fn faults(&mut self, theme: Theme, store: StoreKind, processes: usize, end: Millis) -> Vec<Fault> {
        let count = match theme {
            Theme::Calm => 0,
            Theme::Merchants => self.rng.usize(0..=1),
            Theme::Everything => self.rng.usize(2..=7),
            _ => self.rng.usize(1..=4),
        };
        let mut faults = Vec::new();
        for _ in 0..count {
            let kind = self.kind(theme, store);
            let mut fault = Fault {
                trigger: self.trigger(theme, end),
                target: self.target(processes),
                lasts: self.time(50, 2 * MINUTE),
                kind,
            };
            match fault.kind {
                FaultKind::Network(_) if self.rng.bool() => fault.target = Target::All,
                FaultKind::Redis(_) | FaultKind::Flush | FaultKind::WeChat(_) | FaultKind::Silence => {
                    fault.target = Target::All;
                }
                FaultKind::Crash => fault.lasts = self.time(10, MINUTE),
                _ => {}
            }
            faults.push(fault);
        }
        faults
    }

    fn trigger(&mut self, theme: Theme, end: Millis) -> Trigger {
        if theme != Theme::Rotation && self.rng.u32(0..100) < 40 {
            return Trigger::At(self.rng.u64(0..end));
        }
        let moment = match self.rng.u32(0..100) {
            0..20 => Moment::Request,
            20..50 => Moment::Answered,
            50..60 => Moment::Write,
            60..75 => Moment::Written,
            75..83 => Moment::Publish,
            83..92 => Moment::Push,
            _ => Moment::Rejection,
        };
        let wait = match self.rng.u32(0..3) {
            0 => 0,
            1 => self.rng.u64(0..=8),
            _ => self.rng.u64(0..=400),
        };
        Trigger::After { moment, nth: self.rng.u32(1..=8), wait }
    }

    fn target(&mut self, processes: usize) -> Target {
        match self.rng.u32(0..100) {
            0..35 => Target::Process(self.rng.usize(0..processes)),
            _ => Target::Actor,
        }
    }

    fn kind(&mut self, theme: Theme, store: StoreKind) -> FaultKind {
        match theme {
            Theme::Rotation if self.rng.u32(0..3) == 0 => self.store_fault(store),
            Theme::Calm | Theme::Merchants | Theme::Rotation => FaultKind::Crash,
            Theme::Redis => self.store_fault(store),
            Theme::WeChat => FaultKind::WeChat(self.wechat_fault()),
            Theme::Processes => self.process(),
            Theme::Tickets => match self.rng.u32(0..4) {
                0 => FaultKind::RefuseTicket,
                1 => FaultKind::Revoke,
                _ => FaultKind::Silence,
            },
            Theme::Everything => match self.rng.u32(0..12) {
                0..4 => self.store_fault(store),
                4..6 => FaultKind::WeChat(self.wechat_fault()),
                6..9 => self.process(),
                9 => FaultKind::Revoke,
                10 => FaultKind::RefuseTicket,
                _ => FaultKind::Silence,
            },
        }
    }

    fn store_fault(&mut self, store: StoreKind) -> FaultKind {
        let own = match store {
            StoreKind::Alone => true,
            StoreKind::OwnAndRedis => self.rng.bool(),
            StoreKind::Redis => false,
        };
        match self.rng.u32(0..100) {
            kind if own => {
                FaultKind::Store([StoreFault::Throws, StoreFault::Hangs, StoreFault::Mute][kind as usize % 3])
            }
            0..15 => FaultKind::Redis(RedisFault::Refuses),
            15..27 => FaultKind::Redis(RedisFault::Silent),
            27..37 => FaultKind::Redis(RedisFault::Stalled),
            37..45 => FaultKind::Redis(RedisFault::Slow),
            45..52 => FaultKind::Redis(RedisFault::ReadOnly),
            52..62 => FaultKind::Redis(RedisFault::Emptied),
            62..77 => FaultKind::Flush,
            77..82 => FaultKind::Held,
            _ => FaultKind::Network(self.network()),
        }
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
            40..55 => WeChatFault::Silent,
            55..85 => WeChatFault::Mute,
            _ => WeChatFault::Slow,
        }
    }

    fn process(&mut self) -> FaultKind {
        match self.rng.u32(0..100) {
            0..25 => FaultKind::Pause,
            25..35 => FaultKind::Suspend,
            _ => FaultKind::Crash,
        }
    }
}
