//! The plan of a run, generated from its seed.

mod generator;

use std::ops::RangeInclusive;

use wxacode::keys::Mode;

use crate::simulation::Millis;
use generator::Generator;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    Calm,
    /// Another system fetches tokens.
    Intruder,
    Redis,
    WeChat,
    Processes,
    /// An API that refuses every token.
    Refusing,
    /// Forced calls, and tokens that only a forced refresh replaces.
    Forced,
    /// Tokens invalidated while leaders sleep and messages are late.
    Late,
    Everything,
}

#[derive(Debug)]
pub struct Plan {
    pub seed: u64,
    pub theme: Theme,
    pub mode: Mode,
    pub processes: usize,
    /// No fault begins after this.
    pub end: Millis,
    /// The one-way latency to WeChat and to Redis.
    pub wechat: RangeInclusive<Millis>,
    pub redis: RangeInclusive<Millis>,
    /// The remaining lifetime of a stable token that was issued before the start.
    pub given: Option<Millis>,
    pub traffic: Vec<Traffic>,
    pub bursts: Vec<Burst>,
    pub faults: Vec<Fault>,
    /// Percentages of calls that force a refresh and that are cancelled.
    pub forces: u32,
    pub aborts: u32,
}

/// The time between calls: usually, and when something is about to happen.
#[derive(Debug)]
pub struct Traffic {
    pub quiet: RangeInclusive<Millis>,
    pub hot: Option<RangeInclusive<Millis>>,
}

#[derive(Debug)]
pub struct Burst {
    pub at: Millis,
    /// One process; all with `None`.
    pub process: Option<usize>,
    pub callers: usize,
}

#[derive(Clone, Debug)]
pub struct Fault {
    pub trigger: Trigger,
    pub target: Target,
    pub lasts: Millis,
    pub kind: FaultKind,
}

#[derive(Clone, Copy, Debug)]
pub enum Trigger {
    At(Millis),
    /// Some time after the nth occurrence of a moment.
    After {
        moment: Moment,
        nth: u32,
        wait: Millis,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// A process tries to lead.
    TokenRequest,
    /// Redis makes a process leader.
    Lead,
    /// A token request arrives at WeChat.
    Request,
    /// A process publishes the token that it fetched.
    Publish,
    /// Redis stores a token.
    Written,
    /// An API refuses a token.
    Refusal,
}

/// The process that a fault affects.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    Process(usize),
    /// The process of the moment.
    Actor,
    All,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FaultKind {
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
    /// The APIs refuse the present token.
    Condemn,
    /// The APIs refuse every token.
    RefuseAll,
    Pause,
    Suspend,
    Crash,
    /// The last client of a process closes, and later another one opens.
    Leave,
    /// The wall clock jumps by so many milliseconds.
    Jump(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisFault {
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
pub enum Forged {
    /// A field of a hash: key, field, value.
    Field(&'static str, &'static str, &'static str),
    /// A key without an expiry.
    Key(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeChatFault {
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
pub struct Network {
    pub lost: u32,
    pub unanswered: u32,
    pub reset: u32,
    pub late: Millis,
}

impl FaultKind {
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
        Generator::new(seed).plan(seed)
    }

    pub fn has(&self, kind: fn(&FaultKind) -> bool) -> bool {
        self.faults.iter().any(|fault| kind(&fault.kind))
    }

    /// The longest time of a request to WeChat without faults.
    pub fn fetch(&self) -> Millis {
        2 * self.wechat.end() + 1
    }
}
