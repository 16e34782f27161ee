//! Properties of parsers for any bytes: the body of an answer, a text with a secret, parameters, pushes, replies of Redis. Each run
//! tries the inputs in `corpus/`, which has the seeds and all that earlier runs found, and then mutations of them for as long
//! as `npm run fuzz` says.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "it measures how long an input takes")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::needless_pass_by_value, reason = "a test's helper takes literals")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the seed and the input repeat a run")]

mod mutate;
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mutate::Mutator;

/// An input that takes longer is a finding too.
const MAX_TIME: Duration = Duration::from_secs(20);

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target)
}

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let files = std::fs::read_dir(folder(target)).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.map(|file| (file.clone(), std::fs::read(file).unwrap())).collect();
    files.sort();
    assert!(!files.is_empty(), "{target}");
    files
}

#[test]
fn properties_hold_for_the_corpus() {
    for (name, run) in targets::ALL {
        for (file, bytes) in corpus(name) {
            catch_unwind(AssertUnwindSafe(|| run(&bytes))).unwrap_or_else(|_| panic!("{}", file.display()));
        }
    }
}

/// `FUZZ_SECONDS` for each target, `FUZZ_TARGETS` separated by commas, `FUZZ_SEED` to repeat a run.
#[test]
fn properties_hold_for_mutations_of_the_corpus() {
    let variable = |name| std::env::var(name).ok();
    let seconds = variable("FUZZ_SECONDS").map_or(0.3, |seconds| seconds.parse().expect("FUZZ_SECONDS: a number"));
    let chosen = variable("FUZZ_TARGETS").filter(|names| !names.is_empty());
    let seed =
        variable("FUZZ_SEED").map_or_else(|| fastrand::u64(..), |seed| seed.parse().expect("FUZZ_SEED: a number"));
    println!("FUZZ_SEED={seed}");
    for (name, run) in targets::ALL {
        if chosen.as_ref().is_none_or(|chosen| chosen.split(',').any(|one| one == name)) {
            let inputs = fuzz(name, run, Duration::from_secs_f64(seconds), seed);
            println!("{name}: {inputs} inputs");
        }
    }
}

/// An input that breaks a property is saved in the corpus under a name that starts with `found-`.
fn fuzz(target: &'static str, run: fn(&[u8]), time: Duration, seed: u64) -> u64 {
    let seeds = corpus(target).into_iter().map(|(_, bytes)| bytes).collect();
    let mut mutator = Mutator::new(seeds, seed);
    let watch = Watch::over(target);
    let begun = Instant::now();
    let mut inputs = 0;
    while begun.elapsed() < time || inputs < 50 {
        let bytes = mutator.input();
        watch.begin(&bytes);
        let returned = catch_unwind(AssertUnwindSafe(|| run(&bytes))).is_ok();
        assert!(returned, "{target}: see {}", keep(target, &bytes).display());
        inputs += 1;
    }
    inputs
}

fn keep(target: &str, bytes: &[u8]) -> PathBuf {
    let name: u64 =
        bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3));
    let file = folder(target).join(format!("found-{name:016x}"));
    std::fs::write(&file, bytes).unwrap();
    file
}

/// Saves the input and exits the process when an input takes too long.
struct Watch {
    present: Arc<Mutex<(Instant, Vec<u8>)>>,
    over: Arc<AtomicBool>,
}

impl Watch {
    fn over(target: &'static str) -> Self {
        let watch = Self { present: Arc::new(Mutex::new((Instant::now(), Vec::new()))), over: Arc::default() };
        let (present, over) = (watch.present.clone(), watch.over.clone());
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(200));
                let (begun, bytes) = &*present.lock().unwrap();
                if begun.elapsed() > MAX_TIME && !over.load(Ordering::Relaxed) {
                    eprintln!("{target}: longer than {MAX_TIME:?}, see {}", keep(target, bytes).display());
                    std::process::exit(1);
                }
            }
        });
        watch
    }

    fn begin(&self, bytes: &[u8]) {
        *self.present.lock().unwrap() = (Instant::now(), bytes.to_vec());
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}
