//! A deterministic simulation of a fleet: several processes with the crate's token cache and Lua scripts, one simulated
//! Redis, one simulated WeChat, and hours of faults in milliseconds. A seed determines a run.
//!
//! `FLEET_SEED=<n> cargo test --no-default-features --test fleet replays -- --nocapture` prints the trace of one run.
//! `FLEET_SEEDS=<n>` is the number of runs (default 2000) and `FLEET_BASE=<n>` the first seed (default 0).

#![allow(clippy::disallowed_methods, reason = "a simulated process has a runtime of its own, and its time")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::print_stdout, reason = "the seed and the trace repeat a run")]

mod client;
#[allow(dead_code, reason = "the crate's unit tests use the rest")]
#[path = "../../src/redis/fake/database.rs"]
mod database;
mod invariants;
mod journal;
#[path = "../../src/redis/fake/lua.rs"]
mod lua;
mod machine;
mod network;
mod plan;
mod platform;
mod process;
mod simulation;
mod source;
mod wechat;
mod wire;

use std::collections::BTreeMap;

use journal::Journal;
use plan::Plan;
use simulation::Simulation;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn run(seed: u64, traced: bool) -> Journal {
    Simulation::new(Plan::of(seed), traced).run()
}

/// How often each event occurred in a run, and the invariant that it violated.
type Verdict = (BTreeMap<String, u64>, Option<String>);

fn judge(seed: u64) -> Verdict {
    match std::panic::catch_unwind(|| run(seed, false)) {
        Ok(journal) => (journal.seen, journal.violation),
        Err(_) => (BTreeMap::new(), Some("a panic".to_owned())),
    }
}

/// Runs the seeds on all cores. Returns the events, and the seeds that violated an invariant.
fn run_all(seeds: &[u64], judge: fn(u64) -> Verdict) -> (BTreeMap<String, u64>, Vec<(u64, String)>) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (mut seen, mut broken) = (BTreeMap::<String, u64>::new(), Vec::new());
    let verdicts: Vec<_> = std::thread::scope(|scope| {
        let shares: Vec<_> = (0..threads)
            .map(|thread| {
                let share = seeds.iter().skip(thread).step_by(threads).copied();
                scope.spawn(move || share.map(|seed| (seed, judge(seed))).collect::<Vec<_>>())
            })
            .collect();
        shares.into_iter().flat_map(|share| share.join().expect("a thread of runs")).collect()
    });
    for (seed, (events, violation)) in verdicts {
        events.into_iter().for_each(|(event, count)| *seen.entry(event).or_default() += count);
        broken.extend(violation.map(|violation| (seed, violation)));
    }
    broken.sort();
    (seen, broken)
}

#[test]
fn invariants_hold_whatever_fails() {
    check("FLEET_SEEDS", 2000, &[], judge);
}

/// Runs as many seeds as the variable says, and those that have found a defect.
fn check(variable: &str, default: u64, found: &[u64], judge: fn(u64) -> Verdict) {
    if number("FLEET_SEED").is_some() {
        return;
    }
    let base = number("FLEET_BASE").unwrap_or(0);
    let count = number(variable).unwrap_or(default);
    println!("seeds {base} to {}", base + count - 1);
    let seeds: Vec<_> = (base..base + count).chain(found.iter().copied()).collect();
    let (seen, broken) = run_all(&seeds, judge);
    println!("{seen:#?}");
    report(&broken);
}

fn report(broken: &[(u64, String)]) {
    for (seed, violation) in broken {
        println!("FLEET_SEED={seed}: {violation}");
    }
    let Some((seed, violation)) = broken.first() else { return };
    panic!("{} seeds violate an invariant, {seed} first: {violation}", broken.len());
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

#[test]
fn a_seed_gives_the_same_run_every_time() {
    for seed in 0..40 {
        let (one, two) = (run(seed, true).trace, run(seed, true).trace);
        assert!(one == two, "seed {seed}");
    }
}
