//! `self-test`: one proof by our prover and one by the library's, of the same statement with the same randomisers. Only if they are
//! equal does `--engine auto` use ours for that proof type on this machine.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use frames::{PostKind, ProofType, Randomness};
use post_prover::Randomisers;
use proofs_core::{gpus, sample_vanilla, PartitionCircuit};
use serde_json::json;

use super::print;
use crate::error::Failure;
use crate::job_error::Code;
use crate::kernel_engine::KernelEngine;
use crate::key_folder::KeyFolder;
use crate::logger::on_library_line;
use crate::modes::prove::device::Seen;
use crate::own_engine::{Engine, OwnEngine, Partition};
use crate::resident::prepare;

const RANDOMNESS: [u8; 32] = [0x35; 32];
const MINER: u64 = 1000;

/// Sectors of the statement, unless a partition has fewer; the rest is padding.
const SECTORS: usize = 4;

/// `--params DIR [--test-params] --own-dir DIR --proof-type N [--threads N] [--gpu]`: with the last ours is our synthesis before the library's
/// kernels, and both proofs must be made on a GPU.
pub fn run(words: &[String]) -> Result<(), Failure> {
    let (arguments, threads) = prepare(
        words,
        &["params", "own-dir", "proof-type"],
        &["test-params", "gpu"],
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
    let on_gpu = arguments.has("gpu");
    let devices = if on_gpu { gpus() } else { Vec::new() };
    if on_gpu && devices.is_empty() {
        return Err(left_gpu(
            Code::NoGpu,
            "the driver shows no GPU to this process",
        ));
    }
    let mut own = OwnEngine::new(Engine::Own, Some(folder), &devices);
    // A record of an earlier version says nothing about this one, and this test may fail.
    own.distrust(proof_type).map_err(Failure::io)?;
    if !on_gpu {
        own.install(proof_type, &keys).map_err(Failure::library)?;
        own.load(proof_type, &keys).map_err(Failure::library)?;
    }

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
    let parameters = Arc::new(parameters);
    let stock_device = watch();
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
    let own_device = watch();
    let start = Instant::now();
    let proof = if on_gpu {
        let kernels = KernelEngine::default();
        kernels
            .assign(&partition, &parameters, || {})
            .and_then(|assigned| kernels.prove(assigned, &randomisers))
    } else {
        own.prove(&partition, &randomisers, &mut |_| {})
    };
    let proof = proof.map_err(Failure::library)?;
    let own_ms = start.elapsed().as_millis() as u64;
    on_library_line(None);
    let was_on_gpu = |seen: &Mutex<Seen>| {
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.was_on_gpu()
    };
    if on_gpu && !(was_on_gpu(&stock_device) && was_on_gpu(&own_device)) {
        return Err(left_gpu(
            Code::GpuFallback,
            "the library has left the GPU for the CPU",
        ));
    }
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

/// Hears what the library says from now on.
fn watch() -> Arc<Mutex<Seen>> {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let listener = Arc::clone(&seen);
    on_library_line(Some(Arc::new(move |line| {
        let mut seen = listener.lock().unwrap_or_else(PoisonError::into_inner);
        seen.take(&line);
    })));
    seen
}

fn left_gpu(code: Code, reason: &str) -> Failure {
    Failure {
        code: code.text(),
        reason: reason.to_string(),
        advice: code.advice(),
    }
}
