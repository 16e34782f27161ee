//! Trims the catalogue of errcodes to what the crate reads, and compresses it.

use std::error::Error;
use std::path::Path;

use serde_json::{Map, Value};

const ERRCODES: &str = "src/wechat/errcodes.json";
/// The fields of `ErrcodeEntry`, in its order: each entry is written as their values, without the names. The others are for the
/// documents, and have nearly half of the size.
const FIELDS: [&str; 9] =
    ["errcode", "where", "cause_zh", "cause_en", "fix_zh", "fix_en", "retryable", "scope", "errmsg_example"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={ERRCODES}");
    // `napi build` collects the types that napi's macros write in this folder, and asks for them again where it has none.
    println!("cargo:rerun-if-env-changed=NAPI_TYPE_DEF_TMP_FOLDER");
    println!("cargo:rerun-if-env-changed=NAPI_FORCE_BUILD_WXACODE");
    trim_errcodes(Path::new(&std::env::var("OUT_DIR")?))
}

fn trim_errcodes(out: &Path) -> Result<(), Box<dyn Error>> {
    let entries: Vec<Map<String, Value>> = serde_json::from_slice(&std::fs::read(ERRCODES)?)?;
    let entries: Vec<[&Value; 9]> = entries.iter().map(|entry| FIELDS.map(|field| &entry[field])).collect();
    let compressed = miniz_oxide::deflate::compress_to_vec(&serde_json::to_vec(&entries)?, 10);
    Ok(std::fs::write(out.join("errcodes.json.deflate"), compressed)?)
}
