//! What fuzzing has found so far, and where it began, tried again. `npm run fuzz` looks for more.

#[path = "../fuzz/targets/mod.rs"]
mod targets;

use std::path::Path;

#[test]
fn what_has_to_hold_of_any_bytes_holds_of_all_that_is_kept() {
    for (name, run) in targets::ALL {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(!files.is_empty(), "{name}");
        for file in files {
            let bytes = std::fs::read(&file).unwrap();
            // The name of the file that is at fault is on stderr, below the panic.
            std::panic::catch_unwind(|| run(&bytes)).unwrap_or_else(|_| panic!("{}", file.display()));
        }
    }
}
