//! The fleet of a third-party platform: several processes of the crate's platform with one Redis or a durable store each, pushes
//! at random processes, and merchants who authorise and withdraw.
//!
//! `FLEET_SEED=<n> cargo test --no-default-features --test fleet platform::replays -- --nocapture` prints the trace of one run.
//! `FLEET_PLATFORM_SEEDS=<n>` is the number of runs (default 80) and `FLEET_BASE=<n>` the first seed (default 0).
//!
//! A seed determines the plan of a run. The run itself may differ where several merchants wait for one list or one component token:
//! tokio wakes them in random order. Whoever replays a violation may have to replay it more than once.

mod invariants;
mod journal;
mod member;
mod plan;
mod simulation;
mod wechat;
mod wire;

use std::collections::BTreeMap;

use crate::{Verdict, check, number};
use journal::Journal;
use plan::Plan;
use simulation::Simulation;

const PLATFORM: &str = "wx0123456789abcdef";
const SECRET: &str = "c4nary-component-secret";

fn run(seed: u64, traced: bool) -> Journal {
    Simulation::new(Plan::of(seed), traced).run()
}

fn judge(seed: u64) -> Verdict {
    match std::panic::catch_unwind(|| run(seed, false)) {
        Ok(journal) => (journal.seen, journal.violation),
        Err(_) => (BTreeMap::new(), Some("a panic".to_owned())),
    }
}

#[test]
fn invariants_of_platforms_hold_whatever_fails() {
    // A push that took longer than WeChat waits, twice, and a refresh token that came back. Then a list that could not be read and
    // was asked for by every merchant, twice, a refresh token that was replaced and saved late, and an older one that was restored.
    check("FLEET_PLATFORM_SEEDS", 80, &[2087, 2296, 2721, 2281, 2509, 3015, 3050], judge);
}

#[test]
fn replays() {
    let Some(seed) = number("FLEET_SEED") else { return };
    println!("{:#?}", Plan::of(seed));
    let journal = run(seed, true);
    for line in journal.trace.iter().flatten() {
        println!("{line}");
    }
    assert!(journal.violation.is_none(), "{:?}", journal.violation);
}
