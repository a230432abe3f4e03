//! The proving thread: reads slots, keeps parameters mapped, proves.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Instant;

use frames::ProofType;
use frames::{challenges, parse_vanilla, Expected};
use post_prover::{Phase, Randomisers};
use proofs_core::{verify_proof, MappedParameters, PartitionCircuit, PROOF_BYTES};
use serde_json::{json, Map, Value};

use super::device::{Devices, Watch};
use super::phases::{millis, Phases};
use super::queue::{Job, Queue};
use crate::job_error::{Code, JobError};
use crate::key_folder::KeyFolder;
use crate::logger::{on_library_line, LibraryLine};
use crate::output::Output;
use crate::own_engine::{Engine, OwnEngine, Partition};
use crate::system::peak_rss_mib;

/// Makes one proof after another.
pub struct Prover {
    output: Arc<Output>,
    folder: KeyFolder,
    own: OwnEngine,
    devices: Devices,
    parameters: BTreeMap<u64, MappedParameters>,
}

struct Proven {
    proof: [u8; PROOF_BYTES],
    phases: Map<String, Value>,
    engine: Engine,
    /// The whole proof was made on a GPU.
    gpu: bool,
    /// Why our prover was given up.
    alarm: Option<String>,
}

impl Prover {
    /// A prover without parameters: they are mapped at the first job that needs them.
    pub fn new(folder: KeyFolder, own: OwnEngine, devices: Devices, output: Arc<Output>) -> Self {
        Self {
            output,
            folder,
            own,
            devices,
            parameters: BTreeMap::new(),
        }
    }

    /// The thread's life.
    pub fn work(mut self, queue: &Queue) {
        loop {
            let job = queue.next();
            let start = Instant::now();
            let result = self.prove(&job);
            let ms = millis(start.elapsed());
            queue.finish(|| match result {
                Ok(proven) => self.output.send(
                    json!({
                        "type": "proof", "job": job.id, "proofType": job.proof_type.number(),
                        "phases": proven.phases, "ms": ms, "peakRssMb": peak_rss_mib(),
                        "engine": proven.engine.name(), "gpu": proven.gpu, "alarm": proven.alarm,
                    }),
                    &proven.proof,
                ),
                Err(error) => self.output.failed(job.id, &error),
            });
        }
    }

    fn prove(&mut self, job: &Job) -> Result<Proven, JobError> {
        self.devices.check()?;
        let phases = Arc::new(Phases::new(job.id, Arc::clone(&self.output)));
        phases.start("read");
        let vanilla = read_vanilla(job)?;
        let mut alarm = None;
        if !job.stock && self.own.is_chosen(job.proof_type) {
            match self.prove_own(job, &vanilla, &phases) {
                Ok(proof) => {
                    phases.end();
                    return Ok(Proven {
                        proof,
                        phases: phases.times(),
                        engine: Engine::Own,
                        gpu: false,
                        alarm: None,
                    });
                }
                Err(reason) => alarm = Some(self.give_up_own(job.proof_type, &reason)),
            }
        }
        let device = self.devices.watch(job.id, &self.output);
        let proof = self.prove_stock(job, vanilla, &phases, &device);
        phases.end();
        Ok(Proven {
            proof: proof?,
            phases: phases.times(),
            engine: Engine::Stock,
            gpu: device.was_on_gpu(),
            alarm,
        })
    }

    fn prove_stock(
        &mut self,
        job: &Job,
        vanilla: Vec<Vec<u8>>,
        phases: &Arc<Phases>,
        device: &Arc<Watch>,
    ) -> Result<[u8; PROOF_BYTES], JobError> {
        phases.start("params");
        let parameters = self.parameters(job.proof_type)?;
        phases.start("circuit");
        let slices: Vec<&[u8]> = vanilla.iter().map(Vec::as_slice).collect();
        let circuit = PartitionCircuit::build(job.proof_type, job.miner, &job.randomness, &slices)?;
        drop(vanilla);
        phases.start("synthesis");
        let (phases, device) = (Arc::clone(phases), Arc::clone(device));
        on_library_line(Some(Arc::new(move |line| match line {
            LibraryLine::SynthesisEnd => phases.start("prove"),
            line => device.take(&line),
        })));
        let proof = circuit.prove(parameters);
        on_library_line(None);
        Ok(proof?)
    }

    /// Our proof counts only if it verifies.
    fn prove_own(
        &mut self,
        job: &Job,
        vanilla: &[Vec<u8>],
        phases: &Phases,
    ) -> Result<[u8; PROOF_BYTES], String> {
        phases.start("params");
        let key = self
            .folder
            .key(job.proof_type)
            .map_err(|error| error.reason)?;
        self.own.load(job.proof_type, &self.folder)?;
        phases.start("circuit");
        let partition = Partition {
            proof_type: job.proof_type,
            randomness: &job.randomness,
            sectors: &job.sectors,
            vanilla,
        };
        let proof = self.own.prove(
            &partition,
            &Randomisers::random(),
            &mut |phase| match phase {
                Phase::Synthesis => phases.start("synthesis"),
                Phase::Transforms => phases.start("prove"),
                Phase::Multiexp => {}
            },
        )?;
        let (sectors, randomness) = (&job.sectors, &job.randomness);
        match verify_proof(job.proof_type, job.miner, randomness, sectors, &proof, &key) {
            Ok(true) => Ok(proof),
            Ok(false) => Err("its proof does not verify".to_string()),
            Err(error) => Err(format!("its proof does not verify: {error}")),
        }
    }

    /// The words of the alarm.
    fn give_up_own(&mut self, proof_type: ProofType, reason: &str) -> String {
        let mut alarm = format!(
            "the own prover is given up for proof type {}: {reason}",
            proof_type.number()
        );
        if let Err(error) = self.own.distrust(proof_type) {
            alarm += &format!("; its record stays: {error}");
        }
        log::error!("{alarm}");
        alarm
    }

    fn parameters(&mut self, proof_type: ProofType) -> Result<&MappedParameters, JobError> {
        let number = proof_type.number();
        if !self.parameters.contains_key(&number) {
            let parameters = self.folder.parameters(proof_type)?;
            self.parameters.insert(number, parameters);
        }
        Ok(&self.parameters[&number])
    }
}

/// Reads the slots and parses each strictly. The Merkle check was done before a proof came into its slot.
fn read_vanilla(job: &Job) -> Result<Vec<Vec<u8>>, JobError> {
    let layout = job.proof_type.layout();
    let file = File::open(&job.spool)
        .map_err(|error| JobError::spool(&format!("opening {}", job.spool.display()), &error))?;
    let mut proofs = Vec::with_capacity(job.sectors.len());
    for (sector, slot) in job.sectors.iter().zip(&job.slots) {
        let offset = slot
            .checked_mul(layout.vanilla_len() as u64)
            .ok_or_else(|| JobError::new(Code::BadRequest, format!("slot {slot} is too large")))?;
        let mut bytes = vec![0; layout.vanilla_len()];
        file.read_exact_at(&mut bytes, offset)
            .map_err(|error| JobError::spool(&format!("reading slot {slot}"), &error))?;
        let challenges = challenges(job.proof_type, &job.randomness, sector.number);
        let expected = Expected {
            layout,
            sector: *sector,
            challenges: &challenges,
        };
        parse_vanilla(&expected, &bytes).map_err(|error| {
            let reason = format!("slot {slot}, sector {}: {error}", sector.number);
            JobError::new(Code::BadVanilla, reason)
        })?;
        proofs.push(bytes);
    }
    Ok(proofs)
}
