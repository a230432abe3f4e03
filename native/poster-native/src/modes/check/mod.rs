//! Mode `check`: the strict parser and the Merkle check of vanilla proofs, into a spool file.

mod job;
mod spool;
mod worker;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use frames::limits::OPEN_JOBS_MAX;
use proofs_core::warm_up;
use serde::Deserialize;
use serde_json::{json, Map};

use crate::error::Failure;
use crate::job_error::{Code, JobError};
use crate::output::Output;
use crate::request::{self, Request};
use crate::resident::{prepare, Mode, Refusal, Started};
use job::{CheckJob, Plan};
use spool::Spool;
use worker::{Blob, Workers};

struct Check {
    output: Arc<Output>,
    workers: Arc<Workers>,
    jobs: Arc<Jobs>,
}

/// Open jobs by number. A job leaves the map when its `dropped` is sent.
#[derive(Default)]
pub struct Jobs(Mutex<BTreeMap<u32, Arc<CheckJob>>>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BeginFields {
    proof_type: u64,
    randomness: String,
    spool: PathBuf,
    #[serde(default)]
    resume: bool,
}

#[derive(Deserialize)]
struct BlobFields {
    sector: u64,
    #[serde(default)]
    tag: u32,
}

#[derive(Deserialize)]
struct DropFields {
    #[serde(default)]
    keep: bool,
}

/// Starts the mode: `[--threads N]`.
pub fn start(words: &[String], output: &Arc<Output>) -> Result<Started, Failure> {
    let (_, threads) = prepare(words, &[], &[])?;
    warm_up();
    let mode = Check {
        output: Arc::clone(output),
        workers: Arc::new(Workers::spawn(threads)),
        jobs: Arc::default(),
    };
    Ok(Started {
        mode: Box::new(mode),
        name: "check",
        threads,
        ready: Map::new(),
    })
}

impl Mode for Check {
    fn handle(&self, request: Request) -> Result<(), Refusal> {
        match request.kind.as_str() {
            "begin" => self.begin(&request)?,
            "blob" => self.blob(request)?,
            "end" => self.jobs.find(request.job)?.end(),
            "drop" => {
                let fields: DropFields = request.fields()?;
                self.jobs.find(request.job)?.drop_spool(fields.keep);
            }
            _ => return Err(Refusal::UnknownType),
        }
        Ok(())
    }
}

impl Check {
    fn begin(&self, request: &Request) -> Result<(), JobError> {
        let fields: BeginFields = request.fields()?;
        let proof_type = request::proof_type(fields.proof_type)?;
        let plan = Plan {
            proof_type,
            randomness: request::randomness(&fields.randomness)?,
            sectors: request::sectors(&request.body, proof_type.sectors_max())?,
        };
        self.jobs.ensure_room(request.job)?;
        let (slot_len, slots) = (proof_type.layout().vanilla_len(), plan.sectors.len());
        let (spool, found) = Spool::create(&fields.spool, slots, slot_len, fields.resume)?;
        let job = Arc::new(CheckJob::new(
            request.job,
            plan,
            spool,
            Arc::clone(&self.output),
            Arc::clone(&self.jobs),
        ));
        self.jobs.lock().insert(request.job, Arc::clone(&job));
        self.output.send(
            json!({"type": "begun", "job": request.job, "slotLen": slot_len, "slots": slots}),
            &[],
        );
        if fields.resume {
            job.resume(found, &self.workers);
        }
        Ok(())
    }

    fn blob(&self, request: Request) -> Result<(), JobError> {
        let fields: BlobFields = request.fields()?;
        let job = self.jobs.find(request.job)?;
        if let Some(slot) = job.enter(fields.sector, fields.tag) {
            // Waits while the queue is full: that is the backpressure on stdin.
            self.workers.push(Blob {
                job,
                slot,
                tag: fields.tag,
                bytes: request.body,
                resumed: false,
            });
        }
        Ok(())
    }
}

impl Jobs {
    fn ensure_room(&self, id: u32) -> Result<(), JobError> {
        let jobs = self.lock();
        if jobs.contains_key(&id) {
            return Err(JobError::new(
                Code::DuplicateJob,
                format!("job {id} is open"),
            ));
        }
        if jobs.len() == OPEN_JOBS_MAX {
            let reason = format!("{OPEN_JOBS_MAX} jobs are open");
            return Err(JobError::new(Code::QueueFull, reason));
        }
        Ok(())
    }

    fn find(&self, id: u32) -> Result<Arc<CheckJob>, JobError> {
        let job = self.lock().get(&id).cloned();
        job.filter(|job| !job.is_dropped())
            .ok_or_else(|| JobError::new(Code::UnknownJob, format!("job {id} is not open")))
    }

    /// Forgets a job.
    pub fn remove(&self, id: u32) {
        self.lock().remove(&id);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, Arc<CheckJob>>> {
        self.0
            .lock()
            .expect("no thread panics while it holds the jobs")
    }
}
