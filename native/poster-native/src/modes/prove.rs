//! Mode `prove`: one proof at a time, parameters mapped once.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use frames::limits::PROVE_QUEUE_MAX;
use frames::{challenges, parse_vanilla, Expected, ProofType, Randomness, Sector};
use proofs_core::{MappedParameters, PartitionCircuit};
use serde::Deserialize;
use serde_json::{json, Map, Value};

use crate::error::Failure;
use crate::job_error::{Code, JobError};
use crate::key_folder::KeyFolder;
use crate::logger::on_synthesis_end;
use crate::output::Output;
use crate::request::{self, Request};
use crate::resident::{prepare, Mode, Refusal, Started};
use crate::system::{peak_rss_mib, spawn_essential};

struct Prove {
    output: Arc<Output>,
    queue: Arc<Queue>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<QueueState>,
    work_waits: Condvar,
}

#[derive(Default)]
struct QueueState {
    waiting: VecDeque<Job>,
    running: Option<u32>,
}

struct Job {
    id: u32,
    proof_type: ProofType,
    miner: u64,
    randomness: Randomness,
    spool: PathBuf,
    /// slots[k] belongs to sectors[k].
    slots: Vec<u64>,
    sectors: Vec<Sector>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProveFields {
    proof_type: u64,
    miner_id: u64,
    randomness: String,
    spool: PathBuf,
    slots: Vec<u64>,
}

/// Starts the mode: `--params DIR [--test-params] [--threads N] [--engine stock]`.
pub fn start(words: &[String], output: &Arc<Output>) -> Result<Started, Failure> {
    let (arguments, threads) = prepare(words, &["params", "engine"], &["test-params"])?;
    let engine = arguments.get("engine").map_err(Failure::arguments)?;
    if engine.is_some_and(|name| name != "stock") {
        return Err(Failure::arguments(
            "--engine: this build has only the engine stock".to_string(),
        ));
    }
    let folder = arguments.required("params").map_err(Failure::arguments)?;
    let folder = KeyFolder::open(Path::new(folder), arguments.has("test-params"))?;
    let ready = Map::from_iter([
        ("engine".to_string(), json!("stock")),
        ("testParams".to_string(), json!(folder.is_test())),
        ("gpus".to_string(), json!([])),
    ]);
    let queue = Arc::new(Queue::default());
    let prover = Prover {
        output: Arc::clone(output),
        folder,
        parameters: BTreeMap::new(),
    };
    let worker_queue = Arc::clone(&queue);
    spawn_essential(move || prover.work(&worker_queue));
    Ok(Started {
        mode: Box::new(Prove {
            output: Arc::clone(output),
            queue,
        }),
        name: "prove",
        threads,
        ready,
    })
}

impl Mode for Prove {
    fn handle(&self, request: Request) -> Result<(), Refusal> {
        match request.kind.as_str() {
            "prove" => self.queue.add(job(&request)?)?,
            "cancel" => self.cancel(request.job),
            _ => return Err(Refusal::UnknownType),
        }
        Ok(())
    }
}

impl Prove {
    /// A library call cannot be interrupted, but the process can end.
    fn cancel(&self, id: u32) {
        let mut state = self.queue.lock();
        let exits = state.running == Some(id);
        state.waiting.retain(|job| job.id != id);
        self.output
            .send(json!({"type": "cancelled", "job": id, "exits": exits}), &[]);
        if exits {
            process::exit(0);
        }
    }
}

impl Queue {
    fn add(&self, job: Job) -> Result<(), JobError> {
        let mut state = self.lock();
        if state.running == Some(job.id) || state.waiting.iter().any(|other| other.id == job.id) {
            let reason = format!("job {} is queued or running", job.id);
            return Err(JobError::new(Code::DuplicateJob, reason));
        }
        if state.waiting.len() == PROVE_QUEUE_MAX {
            let reason = format!("{PROVE_QUEUE_MAX} proofs are waiting");
            return Err(JobError::new(Code::QueueFull, reason));
        }
        state.waiting.push_back(job);
        drop(state);
        self.work_waits.notify_one();
        Ok(())
    }

    fn next(&self) -> Job {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.waiting.pop_front() {
                state.running = Some(job.id);
                return job;
            }
            state = self
                .work_waits
                .wait(state)
                .expect("no thread panics while it holds the queue");
        }
    }

    /// Marks the running job as over. Its last frame is sent under the lock: a cancel comes either before it, or finds no such job.
    fn finish(&self, send_last: impl FnOnce()) {
        let mut state = self.lock();
        send_last();
        state.running = None;
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state
            .lock()
            .expect("no thread panics while it holds the queue")
    }
}

fn job(request: &Request) -> Result<Job, JobError> {
    let fields: ProveFields = request.fields()?;
    let proof_type = request::proof_type(fields.proof_type)?;
    let sectors = request::sectors(&request.body, proof_type.sectors_max())?;
    if fields.slots.len() != sectors.len() {
        let reason = format!("{} slots for {} sectors", fields.slots.len(), sectors.len());
        return Err(JobError::new(Code::BadRequest, reason));
    }
    Ok(Job {
        id: request.job,
        proof_type,
        miner: request::integer("minerId", fields.miner_id)?,
        randomness: request::randomness(&fields.randomness)?,
        spool: fields.spool,
        slots: fields.slots,
        sectors,
    })
}

struct Prover {
    output: Arc<Output>,
    folder: KeyFolder,
    parameters: BTreeMap<u64, MappedParameters>,
}

/// A finished proof.
struct Proven {
    proof: [u8; 192],
    phases: Map<String, Value>,
}

impl Prover {
    fn work(mut self, queue: &Queue) {
        loop {
            let job = queue.next();
            let start = Instant::now();
            let result = self.prove(&job);
            queue.finish(|| match result {
                Ok(proven) => self.output.send(
                    json!({
                        "type": "proof", "job": job.id, "proofType": job.proof_type.number(),
                        "phases": proven.phases, "ms": millis(start.elapsed()),
                        "peakRssMb": peak_rss_mib(),
                    }),
                    &proven.proof,
                ),
                Err(error) => self.output.failed(job.id, &error),
            });
        }
    }

    fn prove(&mut self, job: &Job) -> Result<Proven, JobError> {
        let phases = Arc::new(Phases::new(job.id, Arc::clone(&self.output)));
        phases.start("read");
        let vanilla = read_vanilla(job)?;
        phases.start("params");
        let parameters = self.parameters(job.proof_type)?;
        phases.start("circuit");
        let slices: Vec<&[u8]> = vanilla.iter().map(Vec::as_slice).collect();
        let circuit = PartitionCircuit::build(job.proof_type, job.miner, &job.randomness, &slices)?;
        drop(vanilla);
        phases.start("synthesis");
        let listener = Arc::clone(&phases);
        on_synthesis_end(Some(Arc::new(move || listener.start("prove"))));
        let proof = circuit.prove(parameters);
        on_synthesis_end(None);
        phases.end();
        Ok(Proven {
            proof: proof?,
            phases: phases.times(),
        })
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

/// Start and end of the phases of one proof, told as they happen.
struct Phases {
    job: u32,
    output: Arc<Output>,
    state: Mutex<PhaseState>,
}

#[derive(Default)]
struct PhaseState {
    current: Option<(&'static str, Instant)>,
    times: Map<String, Value>,
}

impl Phases {
    fn new(job: u32, output: Arc<Output>) -> Self {
        Self {
            job,
            output,
            state: Mutex::default(),
        }
    }

    /// Ends the current phase and starts the next.
    fn start(&self, phase: &'static str) {
        let mut state = self.lock();
        self.close(&mut state);
        state.current = Some((phase, Instant::now()));
        self.output.send(
            json!({"type": "phase", "job": self.job, "phase": phase, "state": "start"}),
            &[],
        );
    }

    /// Ends the current phase.
    fn end(&self) {
        self.close(&mut self.lock());
    }

    fn close(&self, state: &mut PhaseState) {
        let Some((phase, start)) = state.current.take() else {
            return;
        };
        let ms = millis(start.elapsed());
        state.times.insert(phase.to_string(), json!(ms));
        self.output.send(
            json!({"type": "phase", "job": self.job, "phase": phase, "state": "end", "ms": ms}),
            &[],
        );
    }

    fn times(&self) -> Map<String, Value> {
        self.lock().times.clone()
    }

    fn lock(&self) -> MutexGuard<'_, PhaseState> {
        self.state
            .lock()
            .expect("no thread panics while it holds the phases")
    }
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis() as u64
}
