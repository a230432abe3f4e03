//! `sample-vanilla`: a spool with the vanilla proof of one made-up sector, to measure a proof of any size with.

use std::fs;

use frames::{to_hex, ProofType, Randomness};
use proofs_core::sample_vanilla;
use serde_json::json;

use super::print;
use crate::arguments::Arguments;
use crate::error::Failure;

const RANDOMNESS: [u8; 32] = [0x33; 32];
const SECTOR: u64 = 1;

/// `--proof-type N --out FILE`.
pub fn run(words: &[String]) -> Result<(), Failure> {
    let arguments =
        Arguments::parse(words, &["proof-type", "out"], &[]).map_err(Failure::arguments)?;
    let number = arguments
        .required_number("proof-type")
        .map_err(Failure::arguments)?;
    let proof_type =
        ProofType::from_number(number).map_err(|error| Failure::arguments(error.to_string()))?;
    let out = arguments.required("out").map_err(Failure::arguments)?;
    let randomness = Randomness::from_bytes(RANDOMNESS).expect("the constant is masked");
    let (sector, bytes) = sample_vanilla(proof_type, &randomness, SECTOR);
    fs::write(out, &bytes).map_err(|error| Failure::io(format!("{out}: {error}")))?;
    print(&json!({
        "sector": sector.number, "commR": to_hex(&sector.comm_r),
        "randomness": to_hex(randomness.bytes()), "bytes": bytes.len(),
    }));
    Ok(())
}
