//! Links the addon: napi's own set-up, and on Linux a flag that keeps the loaded library in memory.

fn main() {
    napi_build::setup();
    // The addon runs threads of its own: unmapping it while they run would crash the process.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
