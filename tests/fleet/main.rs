//! A fleet in a box: several processes with the crate's own token cache and Redis scripts, one simulated Redis, one
//! simulated WeChat, and hours of trouble in milliseconds. One seed is one exact run.
//!
//! `FLEET_SEED=<n> cargo test --no-default-features --test fleet replays -- --nocapture` prints the trace of one;
//! `FLEET_SEEDS=<n>` says how many are run, 2000 if nothing is said, and `FLEET_BASE=<n>` where they begin: the same ones
//! each time unless somebody looks for more.

mod book;
mod client;
#[allow(dead_code, reason = "the crate's unit tests use the rest")]
#[path = "../../src/redis/fake/database.rs"]
mod database;
mod law;
#[path = "../../src/redis/fake/lua.rs"]
mod lua;
mod plan;
mod process;
mod source;
mod wechat;
mod wire;
mod world;

use std::collections::BTreeMap;

use book::Book;
use plan::Plan;
use world::World;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn run(seed: u64, traced: bool) -> Book {
    World::new(Plan::of(seed), traced).run()
}

/// How often each thing was seen in a run, and the promise that it broke.
type Verdict = (BTreeMap<String, u64>, Option<String>);

fn judge(seed: u64) -> Verdict {
    match std::panic::catch_unwind(|| run(seed, false)) {
        Ok(book) => (book.seen, book.broken),
        Err(_) => (BTreeMap::new(), Some("it panics".to_owned())),
    }
}

/// Runs the seeds on all cores; gives what was seen, and the seeds that broke a promise.
fn run_all(seeds: &[u64]) -> (BTreeMap<String, u64>, Vec<(u64, String)>) {
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
    for (seed, (what_was, what_broke)) in verdicts {
        what_was.into_iter().for_each(|(what, count)| *seen.entry(what).or_default() += count);
        broken.extend(what_broke.map(|what| (seed, what)));
    }
    broken.sort();
    (seen, broken)
}

#[test]
fn invariants_hold_whatever_fails() {
    if number("FLEET_SEED").is_some() {
        return;
    }
    let base = number("FLEET_BASE").unwrap_or(0);
    let count = number("FLEET_SEEDS").unwrap_or(2000);
    println!("seeds {base} to {}", base + count - 1);
    let seeds: Vec<_> = (base..base + count).collect();
    let (seen, broken) = run_all(&seeds);
    println!("{seen:#?}");
    report(&broken);
}

fn report(broken: &[(u64, String)]) {
    for (seed, what) in broken {
        println!("FLEET_SEED={seed}: {what}");
    }
    let Some((seed, what)) = broken.first() else { return };
    panic!("{} seeds break a promise, {seed} first: {what}", broken.len());
}

#[test]
fn replays() {
    let Some(seed) = number("FLEET_SEED") else { return };
    println!("{:#?}", Plan::of(seed));
    let book = run(seed, true);
    for line in book.trace.iter().flatten() {
        println!("{line}");
    }
    assert!(book.broken.is_none(), "{:?}", book.broken);
}

#[test]
fn a_seed_gives_the_same_run_every_time() {
    for seed in 0..40 {
        let (one, two) = (run(seed, true).trace, run(seed, true).trace);
        assert!(one == two, "seed {seed}");
    }
}
