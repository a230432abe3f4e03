//! Our own prover behind the engine's name: parameters, buffers, and the record that says where it may be trusted.
//!
//! `auto` uses it for a proof type only after `self-test` has made a proof with it that was the stock prover's bit for bit, on this
//! machine, with this version and this arithmetic. Whatever goes wrong later takes that trust back: the record is removed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use frames::{challenges, parse_vanilla, Expected, PostKind, ProofType, Randomness, Sector};
use post_prover::{
    Arithmetic, Block, Circuit, Parameters, Phase, Prover, Randomisers, PROOF_BYTES,
};
use proofs_core::parameter_stem;
use serde_json::{json, Value};

use crate::key_folder::KeyFolder;

/// Which prover makes the proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The proving library's.
    Stock,
    /// Ours, and the library's where ours fails.
    Own,
    /// Ours where its self-test was passed, else the library's.
    Auto,
}

impl Engine {
    /// The engine of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Stock, Self::Own, Self::Auto]
            .into_iter()
            .find(|engine| engine.name() == name)
    }

    /// The name in `--engine` and `ready`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Own => "own",
            Self::Auto => "auto",
        }
    }
}

/// The statement, and the vanilla proofs that have passed the strict parser.
pub struct Partition<'a> {
    /// Winning or window, and the size.
    pub proof_type: ProofType,
    /// Of the deadline or the block.
    pub randomness: &'a Randomness,
    /// Ascending.
    pub sectors: &'a [Sector],
    /// One per sector.
    pub vanilla: &'a [Vec<u8>],
}

/// The provers of one process, each with its parameters and buffers.
pub struct OwnEngine {
    engine: Engine,
    /// Decoded parameters and records; without it parameters are decoded into this process and nothing is trusted.
    folder: Option<PathBuf>,
    /// With devices ours is our synthesis before the library's kernels, which is trusted by a record of its own.
    gpus: Vec<String>,
    provers: BTreeMap<u64, Prover>,
    distrusted: BTreeSet<u64>,
}

impl OwnEngine {
    /// Nothing is loaded yet.
    pub fn new(engine: Engine, folder: Option<PathBuf>, gpus: &[String]) -> Self {
        Self {
            engine,
            folder,
            gpus: gpus.to_vec(),
            provers: BTreeMap::new(),
            distrusted: BTreeSet::new(),
        }
    }

    /// True if the next proof of that type is ours to make.
    pub fn is_chosen(&self, proof_type: ProofType) -> bool {
        let trusted = match self.engine {
            Engine::Stock => false,
            Engine::Own => true,
            Engine::Auto => self.is_recorded(proof_type),
        };
        trusted && !self.distrusted.contains(&proof_type.number())
    }

    /// Loads what is not loaded.
    pub fn load(&mut self, proof_type: ProofType, keys: &KeyFolder) -> Result<(), String> {
        if self.provers.contains_key(&proof_type.number()) {
            return Ok(());
        }
        let source = keys
            .parameters_path(proof_type)
            .map_err(|error| error.reason)?;
        let circuit = Circuit::of(proof_type);
        let arithmetic = Arithmetic::detect();
        let parameters = self.mapped(proof_type, &source, &circuit, arithmetic)?;
        let parameters = match parameters {
            Some(parameters) => parameters,
            None => Parameters::load(&source, &circuit, arithmetic)
                .map_err(|error| format!("{}: {error}", source.display()))?,
        };
        let prover = Prover::new(circuit, Arc::new(parameters));
        self.provers.insert(proof_type.number(), prover);
        Ok(())
    }

    /// The installed file, if there is one. One that is there and does not fit is an error: someone believes that it is used.
    fn mapped(
        &self,
        proof_type: ProofType,
        source: &Path,
        circuit: &Circuit,
        arithmetic: Arithmetic,
    ) -> Result<Option<Parameters>, String> {
        let Some(path) = self.file(proof_type, "flat") else {
            return Ok(None);
        };
        if !path.exists() {
            return Ok(None);
        }
        Parameters::open(&path, source, circuit, arithmetic)
            .map(Some)
            .map_err(|error| format!("{}: {error}; run self-test again", path.display()))
    }

    /// Makes a proof; the parameters must be loaded. `phase` is called at the beginning of each phase.
    pub fn prove(
        &mut self,
        partition: &Partition<'_>,
        randomisers: &Randomisers,
        phase: &mut dyn FnMut(Phase),
    ) -> Result<[u8; PROOF_BYTES], String> {
        let number = partition.proof_type.number();
        let mut prover = self
            .provers
            .remove(&number)
            .ok_or_else(|| "the parameters are not loaded".to_string())?;
        let result = catch_unwind(AssertUnwindSafe(|| {
            prove(&mut prover, partition, randomisers, phase)
        }));
        match result {
            Ok(result) => {
                self.provers.insert(number, prover);
                result
            }
            // The buffers are in an unknown state: they go with the prover.
            Err(_) => Err("a panic".to_string()),
        }
    }

    /// No more proofs of that type by this process, nor by the next ones until the self-test is passed again.
    pub fn distrust(&mut self, proof_type: ProofType) -> Result<(), String> {
        self.distrusted.insert(proof_type.number());
        self.provers.remove(&proof_type.number());
        let Some(path) = self.record_file(proof_type) else {
            return Ok(());
        };
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(format!("{}: {error}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Decodes the parameters into the folder, once.
    pub fn install(&self, proof_type: ProofType, keys: &KeyFolder) -> Result<(), String> {
        let source = keys
            .parameters_path(proof_type)
            .map_err(|error| error.reason)?;
        let circuit = Circuit::of(proof_type);
        let arithmetic = Arithmetic::detect();
        let path = self
            .file(proof_type, "flat")
            .ok_or("no folder for decoded parameters")?;
        Parameters::install(&source, &path, &circuit, arithmetic)
            .map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Records that the self-test of a proof type was passed.
    pub fn record(&self, proof_type: ProofType) -> Result<(), String> {
        let path = self
            .record_file(proof_type)
            .ok_or("no folder for the record")?;
        fs::write(&path, self.conditions().to_string())
            .map_err(|error| format!("{}: {error}", path.display()))
    }

    fn is_recorded(&self, proof_type: ProofType) -> bool {
        self.record_file(proof_type)
            .and_then(|path| fs::read_to_string(path).ok())
            .and_then(|text| serde_json::from_str::<Value>(&text).ok())
            .is_some_and(|record| record == self.conditions())
    }

    fn record_file(&self, proof_type: ProofType) -> Option<PathBuf> {
        let extension = if self.gpus.is_empty() {
            "json"
        } else {
            "gpu.json"
        };
        self.file(proof_type, extension)
    }

    fn conditions(&self) -> Value {
        let mut conditions = conditions();
        if !self.gpus.is_empty() {
            conditions["gpus"] = json!(self.gpus);
        }
        conditions
    }

    fn file(&self, proof_type: ProofType, extension: &str) -> Option<PathBuf> {
        let stem = parameter_stem(proof_type).ok()?;
        Some(self.folder.as_ref()?.join(format!("{stem}.{extension}")))
    }
}

/// What a passed self-test holds for.
fn conditions() -> Value {
    let processor = fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            text.lines()
                .find(|line| line.starts_with("model name"))
                .map(str::to_string)
        })
        .unwrap_or_default();
    let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "arithmetic": format!("{:?}", Arithmetic::detect()).to_lowercase(),
        "processor": processor,
        "machine": machine.trim(),
    })
}

fn prove(
    prover: &mut Prover,
    partition: &Partition<'_>,
    randomisers: &Randomisers,
    phase: &mut dyn FnMut(Phase),
) -> Result<[u8; PROOF_BYTES], String> {
    let circuit = *prover.circuit();
    with_blocks(partition, &circuit, |blocks| {
        prover
            .prove(blocks, randomisers, phase)
            .map_err(|error| error.to_string())
    })
}

/// Parses the vanilla proofs into the blocks of a circuit.
pub fn with_blocks<T>(
    partition: &Partition<'_>,
    circuit: &Circuit,
    f: impl FnOnce(&[Block<'_>]) -> Result<T, String>,
) -> Result<T, String> {
    let mut parsed = Vec::with_capacity(partition.sectors.len());
    for (sector, bytes) in partition.sectors.iter().zip(partition.vanilla) {
        let challenges = challenges(partition.proof_type, partition.randomness, sector.number);
        let expected = Expected {
            layout: partition.proof_type.layout(),
            sector: *sector,
            challenges: &challenges,
        };
        let vanilla = parse_vanilla(&expected, bytes).map_err(|error| error.to_string())?;
        parsed.push((sector, vanilla));
    }
    let blocks: Vec<Block<'_>> = parsed
        .iter()
        .flat_map(|(sector, vanilla)| {
            vanilla
                .inclusions
                .chunks(circuit.challenges)
                .map(|inclusions| Block {
                    comm_r: &sector.comm_r,
                    comm_c: vanilla.comm_c,
                    comm_r_last: vanilla.comm_r_last,
                    inclusions,
                })
        })
        .collect();
    debug_assert!(partition.proof_type.kind == PostKind::Window || parsed.len() == 1);
    f(&blocks)
}
