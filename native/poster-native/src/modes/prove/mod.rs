//! Mode `prove`: one proof at a time, parameters mapped once. With GPUs the next one is synthesised meanwhile.

pub mod device;
mod phases;
mod prover;
mod queue;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{json, Map};

use crate::error::Failure;
use crate::job_error::{Code, JobError};
use crate::key_folder::KeyFolder;
use crate::output::Output;
use crate::own_engine::{Engine, OwnEngine};
use crate::request::{self, Request};
use crate::resident::{prepare, Mode, Refusal, Started};
use device::Devices;
use phases::Phases;
use prover::Prover;
use queue::{Job, Queue};

struct Prove {
    output: Arc<Output>,
    queue: Arc<Queue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProveFields {
    proof_type: u64,
    miner_id: u64,
    randomness: String,
    spool: PathBuf,
    slots: Vec<u64>,
    #[serde(default)]
    stock: bool,
}

/// Starts the mode: `--params DIR [--test-params] [--threads N] [--engine auto|stock|own] [--own-dir DIR] [--gpu]`.
pub fn start(words: &[String], output: &Arc<Output>) -> Result<Started, Failure> {
    let (arguments, threads) = prepare(
        words,
        &["params", "engine", "own-dir"],
        &["test-params", "gpu"],
    )?;
    let engine = arguments.get("engine").map_err(Failure::arguments)?;
    let engine = Engine::from_name(engine.unwrap_or("stock"))
        .ok_or_else(|| Failure::arguments("--engine is auto, stock or own".to_string()))?;
    let own_folder = arguments.get("own-dir").map_err(Failure::arguments)?;
    let folder = arguments.required("params").map_err(Failure::arguments)?;
    let folder = KeyFolder::open(Path::new(folder), arguments.has("test-params"))?;
    let devices = Devices::open(arguments.has("gpu"));
    let own = OwnEngine::new(engine, own_folder.map(PathBuf::from), devices.names());
    let ready = Map::from_iter([
        ("engine".to_string(), json!(engine.name())),
        ("testParams".to_string(), json!(folder.is_test())),
        ("gpus".to_string(), json!(devices.names())),
    ]);
    let queue = Arc::new(Queue::default());
    Prover::new(folder, own, devices, Arc::clone(output)).start(&queue);
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
            "prove" => self.queue.add(job(&request, &self.output)?)?,
            "cancel" => self.queue.cancel(request.job, &self.output),
            _ => return Err(Refusal::UnknownType),
        }
        Ok(())
    }
}

fn job(request: &Request, output: &Arc<Output>) -> Result<Job, JobError> {
    let fields: ProveFields = request.fields()?;
    let proof_type = request::proof_type(fields.proof_type)?;
    let sectors = request::sectors(&request.body, proof_type.sectors_max())?;
    if fields.slots.len() != sectors.len() {
        let reason = format!("{} slots for {} sectors", fields.slots.len(), sectors.len());
        return Err(JobError::new(Code::BadRequest, reason));
    }
    Ok(Job {
        id: request.job,
        phases: Arc::new(Phases::new(request.job, Arc::clone(output))),
        proof_type,
        miner: request::integer("minerId", fields.miner_id)?,
        randomness: request::randomness(&fields.randomness)?,
        spool: fields.spool,
        slots: fields.slots,
        sectors,
        stock: fields.stock,
    })
}
