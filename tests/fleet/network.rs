//! The network between processes and Redis: when a command arrives, and what becomes of its answer.

use std::ops::RangeInclusive;

use fastrand::Rng;

use crate::plan::{FaultKind, Network};
use crate::simulation::{FaultPeriod, Millis};

/// The connection of a process to Redis. Neither commands nor answers overtake each other.
#[derive(Clone, Copy, Default)]
pub(crate) struct Pipe {
    connection: u64,
    /// When the last command arrives.
    command: Millis,
    /// When the last answer arrives.
    answer: Millis,
}

/// The fate of an answer on the network.
pub(crate) enum Back {
    After(Millis),
    Never,
    Reset(Millis),
}

/// The network of a run, with its latency each way.
pub(crate) struct Route<'a> {
    pub(crate) latency: &'a RangeInclusive<Millis>,
    pub(crate) faults: &'a [FaultPeriod],
    pub(crate) rng: &'a mut Rng,
}

impl Pipe {
    /// A command leaves process `from` at `at`. Returns when it arrives, and the fate of its answer; none if it is lost.
    pub(crate) fn depart(
        &mut self,
        from: usize,
        at: Millis,
        connection: u64,
        route: &mut Route<'_>,
    ) -> Option<(Millis, Back)> {
        let faults = route.faults;
        let mine = |period: &&FaultPeriod| {
            period.begin <= at && at < period.end && period.target.is_none_or(|target| target == from)
        };
        let held = faults.iter().filter(mine).filter(|w| w.kind == FaultKind::Held).map(|w| w.end).max();
        let network = faults.iter().filter(mine).find_map(|period| match &period.kind {
            FaultKind::Network(network) => Some(network),
            _ => None,
        });
        if self.connection != connection {
            *self = Self { connection, ..Self::default() };
        }
        let way = route.rng.u64(route.latency.clone());
        let mut arrives = at.max(held.unwrap_or(0)) + way;
        let mut back = Back::After(route.rng.u64(route.latency.clone()));
        if let Some(network) = network {
            let (late, fate) = cross(route.rng, network)?;
            (arrives, back) = (arrives + late, fate);
        }
        self.command = self.command.max(arrives);
        Some((self.command, back))
    }

    /// An answer leaves Redis to arrive at `at`. Returns when it arrives.
    pub(crate) fn answer(&mut self, at: Millis) -> Millis {
        self.answer = self.answer.max(at);
        self.answer
    }
}

/// The delay of a command on a bad network and the fate of its answer; none if the command is lost.
fn cross(rng: &mut Rng, network: &Network) -> Option<(Millis, Back)> {
    let mut happens = |percent| rng.u32(0..100) < percent;
    if happens(network.lost) {
        return None;
    }
    let (unanswered, reset) = (happens(network.unanswered), happens(network.reset));
    let mut late = || if rng.bool() { rng.u64(0..=network.late) } else { 1 };
    let (there, back) = (late(), late());
    let fate = match (unanswered, reset) {
        (true, _) => Back::Never,
        (_, true) => Back::Reset(back),
        _ => Back::After(back),
    };
    Some((there, fate))
}
