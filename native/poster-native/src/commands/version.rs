//! `version`: this program and the crates that decide over proofs.

use proofs_core::{CRATES, HAS_GPU_CODE};
use serde_json::{json, Map, Value};

use super::print;
use crate::arguments::Arguments;
use crate::error::Failure;

/// `[--json]`.
pub fn run(words: &[String]) -> Result<(), Failure> {
    let arguments = Arguments::parse(words, &[], &["json"]).map_err(Failure::arguments)?;
    let version = env!("CARGO_PKG_VERSION");
    if !arguments.has("json") {
        println!("poster-native {version}");
        return Ok(());
    }
    let crates: Map<String, Value> = CRATES
        .iter()
        .map(|(name, version)| ((*name).to_string(), json!(version)))
        .collect();
    print(
        &json!({"version": version, "crates": crates, "engines": ["stock", "own"], "gpu": HAS_GPU_CODE}),
    );
    Ok(())
}
