//! `self-test`: one proof by our prover and one by the library's, of the same statement with the same randomisers. Only if they are
//! equal does `--engine auto` use ours for that proof type on this machine.

use std::path::{Path, PathBuf};
use std::time::Instant;

use frames::{PostKind, ProofType, Randomness};
use post_prover::Randomisers;
use proofs_core::{sample_vanilla, PartitionCircuit};
use serde_json::json;

use super::print;
use crate::error::Failure;
use crate::key_folder::KeyFolder;
use crate::own_engine::{Engine, OwnEngine, Partition};
use crate::resident::prepare;

const RANDOMNESS: [u8; 32] = [0x35; 32];
const MINER: u64 = 1000;

/// Sectors of the statement, unless a partition has fewer; the rest is padding.
const SECTORS: usize = 4;

/// `--params DIR [--test-params] --own-dir DIR --proof-type N [--threads N]`.
pub fn run(words: &[String]) -> Result<(), Failure> {
    let (arguments, threads) = prepare(
        words,
        &["params", "own-dir", "proof-type"],
        &["test-params"],
    )?;
    let required = |name| arguments.required(name).map_err(Failure::arguments);
    let number = arguments
        .required_number("proof-type")
        .map_err(Failure::arguments)?;
    let proof_type =
        ProofType::from_number(number).map_err(|error| Failure::arguments(error.to_string()))?;
    let keys = KeyFolder::open(Path::new(required("params")?), arguments.has("test-params"))?;
    let folder = PathBuf::from(required("own-dir")?);
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::io(format!("{}: {error}", folder.display())))?;
    let mut own = OwnEngine::new(Engine::Own, Some(folder));
    // A record of an earlier version says nothing about this one, and this test may fail.
    own.distrust(proof_type).map_err(Failure::io)?;
    own.install(proof_type, &keys).map_err(Failure::library)?;
    own.load(proof_type, &keys).map_err(Failure::library)?;

    let randomness = Randomness::from_bytes(RANDOMNESS).expect("the constant is masked");
    let count = match proof_type.kind {
        PostKind::Window => proof_type.sectors_max().min(SECTORS),
        PostKind::Winning => 1,
    };
    let (sectors, vanilla): (Vec<_>, Vec<_>) = (1..=count as u64)
        .map(|number| sample_vanilla(proof_type, &randomness, number))
        .unzip();
    let randomisers = Randomisers::random();

    let slices: Vec<&[u8]> = vanilla.iter().map(Vec::as_slice).collect();
    let library = |error: &dyn std::fmt::Display| Failure::library(error.to_string());
    let parameters = keys
        .parameters(proof_type)
        .map_err(|error| library(&error.reason))?;
    let start = Instant::now();
    let stock = PartitionCircuit::build(proof_type, MINER, &randomness, &slices)
        .and_then(|circuit| circuit.prove_with(&parameters, &randomisers.words()))
        .map_err(|error| library(&error))?;
    let stock_ms = start.elapsed().as_millis() as u64;
    let partition = Partition {
        proof_type,
        randomness: &randomness,
        sectors: &sectors,
        vanilla: &vanilla,
    };
    let start = Instant::now();
    let proof = own
        .prove(&partition, &randomisers, &mut |_| {})
        .map_err(Failure::library)?;
    let own_ms = start.elapsed().as_millis() as u64;
    let equal = proof == stock;
    print(&json!({
        "proofType": number, "bitEqual": equal, "stockMs": stock_ms, "ownMs": own_ms, "threads": threads,
    }));
    if !equal {
        return Err(Failure {
            code: "self-test",
            reason: "the two provers made different proofs of one statement".to_string(),
            advice: "keep the engine stock on this machine, and report the processor's model",
        });
    }
    own.record(proof_type).map_err(Failure::io)
}
