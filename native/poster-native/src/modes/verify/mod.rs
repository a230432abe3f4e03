//! Mode `verify`: proofs under pinned keys, and signatures of messages.

mod signature;

use std::path::Path;
use std::sync::mpsc::{sync_channel, SyncSender};
use std::sync::Arc;
use std::time::Instant;

use frames::limits::{PROOF_BYTES_MAX, VERIFY_QUEUE_MAX};
use frames::{ProofType, Randomness, Sector};
use proofs_core::{verify_proof, PROOF_BYTES};
use serde::Deserialize;
use serde_json::{json, Map, Value};

use crate::error::Failure;
use crate::job_error::{Code, JobError};
use crate::key_folder::KeyFolder;
use crate::output::{shorten, Output};
use crate::request::{self, Request};
use crate::resident::{prepare, Mode, Refusal, Started};
use crate::system::spawn_essential;
use signature::{verify_signature, SignedBytes};

struct Verify {
    queue: SyncSender<(u32, Task)>,
}

enum Task {
    Post(PostTask),
    Signature(SignedBytes),
    Keys,
}

struct PostTask {
    proof_type: ProofType,
    miner: u64,
    randomness: Randomness,
    sectors: Vec<Sector>,
    proof: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostFields {
    proof_type: u64,
    miner_id: u64,
    randomness: String,
    proof_len: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignatureFields {
    sig_type: u64,
}

/// Starts the mode: `--params DIR [--test-params] [--threads N]`.
pub fn start(words: &[String], output: &Arc<Output>) -> Result<Started, Failure> {
    let (arguments, threads) = prepare(words, &["params"], &["test-params"])?;
    let folder = arguments.required("params").map_err(Failure::arguments)?;
    let mut folder = KeyFolder::open(Path::new(folder), arguments.has("test-params"))?;
    let (keys, refused) = folder
        .list()
        .map_err(|error| Failure::library(error.reason))?;
    let ready = Map::from_iter([
        ("keys".to_string(), Value::Array(keys)),
        ("refused".to_string(), json!(refused)),
        ("testParams".to_string(), json!(folder.is_test())),
    ]);
    let (queue, tasks) = sync_channel(VERIFY_QUEUE_MAX);
    let output = Arc::clone(output);
    spawn_essential(move || {
        // Parsing the key of a 32 GiB window takes seconds, which the first proof of a deadline should not wait for.
        folder.load_keys();
        for (job, task) in tasks {
            match run(job, &task, &mut folder) {
                Ok(answer) => output.send(answer, &[]),
                Err(error) => output.failed(job, &error),
            }
        }
    });
    Ok(Started {
        mode: Box::new(Verify { queue }),
        name: "verify",
        threads,
        ready,
    })
}

impl Mode for Verify {
    fn handle(&self, request: Request) -> Result<(), Refusal> {
        let task = match request.kind.as_str() {
            "verify-post" => Task::Post(post_task(&request)?),
            "verify-signature" => {
                let fields: SignatureFields = request.fields()?;
                Task::Signature(SignedBytes::parse(fields.sig_type, &request.body)?)
            }
            "keys" => Task::Keys,
            _ => return Err(Refusal::UnknownType),
        };
        self.queue.send((request.job, task)).map_err(|_| {
            Refusal::Job(JobError::new(
                Code::Panic,
                "the verifying thread has stopped",
            ))
        })
    }
}

fn post_task(request: &Request) -> Result<PostTask, JobError> {
    let fields: PostFields = request.fields()?;
    let proof_type = request::proof_type(fields.proof_type)?;
    if fields.proof_len > PROOF_BYTES_MAX || fields.proof_len > request.body.len() {
        let reason = format!(
            "proofLen {} is above {PROOF_BYTES_MAX} or above the body's length",
            fields.proof_len
        );
        return Err(JobError::new(Code::BadRequest, reason));
    }
    let (proof, list) = request.body.split_at(fields.proof_len);
    Ok(PostTask {
        proof_type,
        miner: request::integer("minerId", fields.miner_id)?,
        randomness: request::randomness(&fields.randomness)?,
        sectors: request::sectors(list, proof_type.sectors_max())?,
        proof: proof.to_vec(),
    })
}

fn run(job: u32, task: &Task, folder: &mut KeyFolder) -> Result<Value, JobError> {
    let start = Instant::now();
    let verdict = match task {
        Task::Keys => {
            let (keys, refused) = folder.list()?;
            return Ok(json!({"type": "keys", "job": job, "keys": keys, "refused": refused}));
        }
        Task::Post(task) => verify_post(task, folder)?,
        Task::Signature(signed) => verify_signature(signed),
    };
    let micros = start.elapsed().as_micros() as f64;
    let detail = verdict.as_ref().err().map(|reason| shorten(reason));
    Ok(json!({
        "type": "verified", "job": job, "ok": verdict.is_ok(), "ms": micros / 1e3, "detail": detail,
    }))
}

/// `Ok(Err(reason))` for a proof that is not valid; an error only where no verdict is possible.
fn verify_post(task: &PostTask, folder: &mut KeyFolder) -> Result<Result<(), String>, JobError> {
    let key = folder.key(task.proof_type)?;
    if task.proof.len() != PROOF_BYTES {
        let reason = format!("{} bytes instead of {PROOF_BYTES}", task.proof.len());
        return Ok(Err(reason));
    }
    let verdict = verify_proof(
        task.proof_type,
        task.miner,
        &task.randomness,
        &task.sectors,
        &task.proof,
        &key,
    );
    Ok(match verdict {
        Ok(true) => Ok(()),
        Ok(false) => Err("the proof does not verify".to_string()),
        Err(error) => Err(error.to_string()),
    })
}
