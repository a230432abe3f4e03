//! The proving threads: read slots, keep parameters mapped, prove.
//!
//! A job has two stages. The first reads it and, where our synthesis goes before the library's kernels, synthesises it; the second is
//! the rest. With GPUs each stage has a thread, so that processors work on one job while the device works on the one before. A job is
//! handed over from hand to hand: no third one is in memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use frames::ProofType;
use frames::{challenges, parse_vanilla, Expected};
use post_prover::{Phase, Randomisers};
use proofs_core::{verify_proof, MappedParameters, PartitionCircuit, PROOF_BYTES};
use serde_json::json;

use super::device::{Devices, Watch};
use super::phases::millis;
use super::queue::{Job, Queue};
use crate::job_error::{Code, JobError};
use crate::kernel_engine::{Assigned, KernelEngine};
use crate::key_folder::KeyFolder;
use crate::logger::{on_library_line, LibraryLine};
use crate::output::Output;
use crate::own_engine::{Engine, OwnEngine, Partition};
use crate::system::{peak_rss_mib, spawn_essential};

/// Makes one proof after another.
pub struct Prover {
    output: Arc<Output>,
    folder: Mutex<KeyFolder>,
    own: Mutex<OwnEngine>,
    kernels: KernelEngine,
    devices: Devices,
    parameters: Mutex<BTreeMap<u64, Arc<MappedParameters>>>,
}

/// A job after the first stage.
struct Prepared {
    job: Job,
    vanilla: Vec<Vec<u8>>,
    plan: Plan,
    took: Duration,
}

/// Who makes the proof.
enum Plan {
    /// The library; with the alarm if ours was given up for it.
    Stock(Option<String>),
    /// Ours, all of it.
    Own,
    /// The library's kernels, after our synthesis.
    Kernels(Assigned),
}

struct Proven {
    proof: [u8; PROOF_BYTES],
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
            folder: Mutex::new(folder),
            own: Mutex::new(own),
            kernels: KernelEngine::default(),
            devices,
            parameters: Mutex::default(),
        }
    }

    /// Starts its threads.
    pub fn start(self, queue: &Arc<Queue>) {
        let (first, queue) = (Arc::new(self), Arc::clone(queue));
        if !first.has_devices() {
            spawn_essential(move || loop {
                if let Some(prepared) = first.prepare_next(&queue) {
                    first.prove_prepared(&queue, prepared);
                }
            });
            return;
        }
        let (hand_over, taken) = sync_channel(0);
        let (second, second_queue) = (Arc::clone(&first), Arc::clone(&queue));
        spawn_essential(move || loop {
            let prepared = first.prepare_next(&queue);
            if prepared.is_some_and(|prepared| hand_over.send(prepared).is_err()) {
                return;
            }
        });
        spawn_essential(move || {
            for prepared in taken {
                second.prove_prepared(&second_queue, prepared);
            }
        });
    }

    fn has_devices(&self) -> bool {
        !self.devices.names().is_empty()
    }

    /// The first stage of the next job; a failure is answered here.
    fn prepare_next(&self, queue: &Queue) -> Option<Prepared> {
        let job = queue.next();
        let start = Instant::now();
        match self.prepare(&job) {
            Ok((vanilla, plan)) => Some(Prepared {
                job,
                vanilla,
                plan,
                took: start.elapsed(),
            }),
            Err(error) => {
                queue.fail(&job, || self.output.failed(job.id, &error));
                None
            }
        }
    }

    fn prepare(&self, job: &Job) -> Result<(Vec<Vec<u8>>, Plan), JobError> {
        self.devices.check()?;
        job.phases.start("read");
        let vanilla = read_vanilla(job)?;
        let plan = if job.stock || !lock(&self.own).is_chosen(job.proof_type) {
            Plan::Stock(None)
        } else if !self.has_devices() {
            Plan::Own
        } else {
            match self.assign(job, &vanilla) {
                Ok(assigned) => Plan::Kernels(assigned),
                Err(reason) => Plan::Stock(Some(self.give_up_own(job.proof_type, &reason))),
            }
        };
        job.phases.end();
        Ok((vanilla, plan))
    }

    /// The second stage, and the answer.
    fn prove_prepared(&self, queue: &Queue, prepared: Prepared) {
        let Prepared {
            job,
            vanilla,
            plan,
            took,
        } = prepared;
        if !queue.run(&job) {
            if let Plan::Kernels(assigned) = plan {
                self.kernels.keep(assigned);
            }
            return;
        }
        let start = Instant::now();
        let result = self.prove(&job, vanilla, plan);
        job.phases.end();
        let ms = millis(took + start.elapsed());
        queue.finish(|| match result {
            Ok(proven) => self.output.send(
                json!({
                    "type": "proof", "job": job.id, "proofType": job.proof_type.number(),
                    "phases": job.phases.times(), "ms": ms, "peakRssMb": peak_rss_mib(),
                    "engine": proven.engine.name(), "gpu": proven.gpu, "alarm": proven.alarm,
                }),
                &proven.proof,
            ),
            Err(error) => self.output.failed(job.id, &error),
        });
    }

    fn prove(&self, job: &Job, vanilla: Vec<Vec<u8>>, plan: Plan) -> Result<Proven, JobError> {
        let device = self.devices.watch(job.id, &self.output);
        let ours = match plan {
            Plan::Stock(alarm) => return self.prove_stock(job, vanilla, alarm),
            Plan::Own => self.prove_own(job, &vanilla),
            Plan::Kernels(assigned) => self.prove_assigned(job, assigned, &device),
        };
        match ours.and_then(|proof| self.verified(job, proof)) {
            Ok(proof) => Ok(Proven {
                proof,
                engine: Engine::Own,
                gpu: device.was_on_gpu(),
                alarm: None,
            }),
            Err(reason) => {
                let alarm = self.give_up_own(job.proof_type, &reason);
                self.prove_stock(job, vanilla, Some(alarm))
            }
        }
    }

    fn prove_stock(
        &self,
        job: &Job,
        vanilla: Vec<Vec<u8>>,
        alarm: Option<String>,
    ) -> Result<Proven, JobError> {
        job.phases.start("params");
        let parameters = self.parameters(job.proof_type)?;
        job.phases.start("circuit");
        let slices: Vec<&[u8]> = vanilla.iter().map(Vec::as_slice).collect();
        let circuit = PartitionCircuit::build(job.proof_type, job.miner, &job.randomness, &slices)?;
        drop(vanilla);
        job.phases.start("synthesis");
        let device = self.devices.watch(job.id, &self.output);
        let proof = watched(job, &device, || circuit.prove(&parameters))?;
        Ok(Proven {
            proof,
            engine: Engine::Stock,
            gpu: device.was_on_gpu(),
            alarm,
        })
    }

    fn prove_own(&self, job: &Job, vanilla: &[Vec<u8>]) -> Result<[u8; PROOF_BYTES], String> {
        job.phases.start("params");
        let mut own = lock(&self.own);
        own.load(job.proof_type, &lock(&self.folder))?;
        job.phases.start("circuit");
        own.prove(
            &partition(job, vanilla),
            &Randomisers::random(),
            &mut |phase| match phase {
                Phase::Synthesis => job.phases.start("synthesis"),
                Phase::Transforms => job.phases.start("prove"),
                Phase::Multiexp => {}
            },
        )
    }

    fn assign(&self, job: &Job, vanilla: &[Vec<u8>]) -> Result<Assigned, String> {
        job.phases.start("params");
        let parameters = self
            .parameters(job.proof_type)
            .map_err(|error| error.reason)?;
        job.phases.start("circuit");
        self.kernels
            .assign(&partition(job, vanilla), &parameters, || {
                job.phases.start("synthesis");
            })
    }

    fn prove_assigned(
        &self,
        job: &Job,
        assigned: Assigned,
        device: &Arc<Watch>,
    ) -> Result<[u8; PROOF_BYTES], String> {
        job.phases.start("prove");
        watched(job, device, || {
            self.kernels.prove(assigned, &Randomisers::random())
        })
    }

    /// Our proof counts only if it verifies.
    fn verified(&self, job: &Job, proof: [u8; PROOF_BYTES]) -> Result<[u8; PROOF_BYTES], String> {
        let key = lock(&self.folder)
            .key(job.proof_type)
            .map_err(|error| error.reason)?;
        let (sectors, randomness) = (&job.sectors, &job.randomness);
        match verify_proof(job.proof_type, job.miner, randomness, sectors, &proof, &key) {
            Ok(true) => Ok(proof),
            Ok(false) => Err("its proof does not verify".to_string()),
            Err(error) => Err(format!("its proof does not verify: {error}")),
        }
    }

    /// The words of the alarm.
    fn give_up_own(&self, proof_type: ProofType, reason: &str) -> String {
        let mut alarm = format!(
            "the own prover is given up for proof type {}: {reason}",
            proof_type.number()
        );
        if let Err(error) = lock(&self.own).distrust(proof_type) {
            alarm += &format!("; its record stays: {error}");
        }
        log::error!("{alarm}");
        alarm
    }

    fn parameters(&self, proof_type: ProofType) -> Result<Arc<MappedParameters>, JobError> {
        let mut mapped = lock(&self.parameters);
        if let Some(parameters) = mapped.get(&proof_type.number()) {
            return Ok(Arc::clone(parameters));
        }
        let parameters = Arc::new(lock(&self.folder).parameters(proof_type)?);
        mapped.insert(proof_type.number(), Arc::clone(&parameters));
        Ok(parameters)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .expect("a panic under a lock of the prover ends the process")
}

fn partition<'a>(job: &'a Job, vanilla: &'a [Vec<u8>]) -> Partition<'a> {
    Partition {
        proof_type: job.proof_type,
        randomness: &job.randomness,
        sectors: &job.sectors,
        vanilla,
    }
}

/// Runs the library and hears what it says.
fn watched<T>(job: &Job, device: &Arc<Watch>, call: impl FnOnce() -> T) -> T {
    let (phases, device) = (Arc::clone(&job.phases), Arc::clone(device));
    on_library_line(Some(Arc::new(move |line| match line {
        LibraryLine::SynthesisEnd => phases.start("prove"),
        line => {
            device.take(&line);
        }
    })));
    let result = call();
    on_library_line(None);
    result
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
