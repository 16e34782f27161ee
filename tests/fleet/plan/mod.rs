//! The plan of a run, generated from its seed.

mod generator;

use std::ops::RangeInclusive;

use wxacode::keys::Mode;

use crate::simulation::Millis;
use generator::Generator;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    Calm,
    /// Another system fetches tokens.
    Intruder,
    Redis,
    WeChat,
    Processes,
    /// An API that rejects every token.
    Rejecting,
    /// Forced calls, and tokens that only a forced refresh replaces.
    Forced,
    /// Tokens invalidated while lock owners sleep and messages are late.
    Late,
    Everything,
}

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) theme: Theme,
    pub(crate) mode: Mode,
    pub(crate) processes: usize,
    /// No fault begins after this.
    pub(crate) end: Millis,
    /// The one-way latency to WeChat and to Redis.
    pub(crate) wechat: RangeInclusive<Millis>,
    pub(crate) redis: RangeInclusive<Millis>,
    /// The remaining lifetime of a stable token that was issued before the start.
    pub(crate) given: Option<Millis>,
    pub(crate) traffic: Vec<Traffic>,
    pub(crate) bursts: Vec<Burst>,
    pub(crate) faults: Vec<Fault>,
    /// Percentages of calls that force a refresh and that are cancelled.
    pub(crate) forces: u32,
    pub(crate) aborts: u32,
}

/// The time between calls: usually, and when something is about to happen.
#[derive(Debug)]
pub(crate) struct Traffic {
    pub(crate) quiet: RangeInclusive<Millis>,
    pub(crate) hot: Option<RangeInclusive<Millis>>,
}

#[derive(Debug)]
pub(crate) struct Burst {
    pub(crate) at: Millis,
    /// One process; all with `None`.
    pub(crate) process: Option<usize>,
    pub(crate) callers: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) trigger: Trigger,
    pub(crate) target: Target,
    pub(crate) lasts: Millis,
    pub(crate) kind: FaultKind,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Trigger {
    At(Millis),
    /// Some time after the nth occurrence of a moment.
    After {
        moment: Moment,
        nth: u32,
        wait: Millis,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Moment {
    /// A process asks for the lock.
    TokenRequest,
    /// Redis gives a process the lock.
    Locked,
    /// A token request arrives at WeChat.
    Request,
    /// A process publishes the token that it fetched.
    Publish,
    /// Redis stores a token.
    Written,
    /// An API rejects a token.
    Rejection,
}

/// The process that a fault affects.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    Process(usize),
    /// The process of the moment.
    Actor,
    All,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FaultKind {
    Redis(RedisFault),
    Flush,
    /// Redis evicts a key.
    Evict(&'static str),
    /// A key loses its expiry.
    Persist(&'static str),
    /// Another system writes to a key.
    Forge(Forged),
    /// The network between a process and Redis loses, resets or delays messages.
    Network(Network),
    /// Commands of a process arrive in Redis when this is over.
    Held,
    WeChat(WeChatFault),
    /// Another system fetches a token.
    Intrude,
    /// The APIs reject the present token.
    Condemn,
    /// The APIs reject every token.
    RejectAll,
    Pause,
    Suspend,
    Crash,
    /// The last client of a process closes, and later another one opens.
    Leave,
    /// The wall clock jumps by so many milliseconds.
    Jump(i64),
    /// The own store of a platform.
    Store(StoreFault),
    /// WeChat pushes nothing.
    Silence,
    /// WeChat refuses the ticket that it pushed last.
    RefuseTicket,
    /// WeChat forgets all access tokens.
    Revoke,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreFault {
    Throws,
    Hangs,
    /// Does what it was asked to do, and throws.
    Mute,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RedisFault {
    Refuses,
    Silent,
    /// Accepts commands and runs them when the fault is over.
    Stalled,
    Slow,
    ReadOnly,
    /// Restarts without its data.
    Emptied,
}

/// What a system without the AppSecret can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forged {
    /// A field of a hash: key, field, value.
    Field(&'static str, &'static str, &'static str),
    /// A key without an expiry.
    Key(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WeChatFault {
    Unreachable,
    Busy,
    /// Does not answer.
    Silent,
    /// Handles the request, and the answer is lost.
    Mute,
    Slow,
    /// Gives implausible lifetimes.
    Lies,
    /// Refuses the AppSecret.
    Refuses,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Network {
    pub(crate) lost: u32,
    pub(crate) unanswered: u32,
    pub(crate) reset: u32,
    pub(crate) late: Millis,
}

impl FaultKind {
    pub(crate) fn is_of_redis(&self) -> bool {
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

    pub(crate) fn is_of_wechat(&self) -> bool {
        matches!(self, Self::WeChat(_))
    }

    pub(crate) fn is_of_a_process(&self) -> bool {
        matches!(self, Self::Pause | Self::Suspend | Self::Crash | Self::Leave | Self::Jump(_))
    }
}

impl Plan {
    pub(crate) fn of(seed: u64) -> Self {
        Generator::new(seed).plan(seed)
    }

    pub(crate) fn has(&self, kind: fn(&FaultKind) -> bool) -> bool {
        self.faults.iter().any(|fault| kind(&fault.kind))
    }

    /// The longest time of a request to WeChat without faults.
    pub(crate) fn fetch(&self) -> Millis {
        2 * self.wechat.end() + 1
    }
}
