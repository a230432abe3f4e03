//! Mode `vanilla`: opens sectors from storage folders and streams their vanilla proofs.

mod locate;
mod open;
mod scan;
mod scheduler;

use std::path::PathBuf;
use std::sync::mpsc::{sync_channel, SyncSender, TrySendError};
use std::sync::Arc;

use frames::limits::OPEN_SECTORS_MAX;
use frames::PostKind;
use proofs_core::warm_up;
use serde::Deserialize;
use serde_json::{json, Map};

use crate::error::Failure;
use crate::job_error::{Code, JobError};
use crate::output::Output;
use crate::request::{self, Request};
use crate::resident::{prepare, Mode, Refusal, Started};
use crate::system::spawn_essential;
use open::OpenJob;
pub use scan::holdings;
use scheduler::Scheduler;

/// Scans that wait. They only list folders; more than a few at a time is a mistake of the parent.
const SCANS_MAX: usize = 16;

struct Vanilla {
    scheduler: Arc<Scheduler>,
    scans: SyncSender<(u32, u64)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OpenFields {
    proof_type: u64,
    miner_id: u64,
    randomness: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScanFields {
    miner_id: u64,
}

/// Starts the mode: `--storage DIR... [--threads N]`.
pub fn start(words: &[String], output: &Arc<Output>) -> Result<Started, Failure> {
    let (arguments, threads) = prepare(words, &["storage"], &[])?;
    let storage: Arc<[PathBuf]> = arguments
        .folders("storage")
        .map_err(Failure::arguments)?
        .into();
    for folder in storage.iter().filter(|folder| !folder.is_dir()) {
        // No error: a disk may be mounted later, and the others are of use meanwhile.
        log::warn!("{} is no folder; its sectors are missing", folder.display());
    }
    warm_up();
    let scheduler = Arc::new(Scheduler::new(Arc::clone(output)));
    for _ in 0..threads {
        let (scheduler, storage) = (Arc::clone(&scheduler), Arc::clone(&storage));
        spawn_essential(move || scheduler.work(&storage));
    }
    let scans = spawn_scanner(Arc::clone(&storage), Arc::clone(output));
    Ok(Started {
        mode: Box::new(Vanilla { scheduler, scans }),
        name: "vanilla",
        threads,
        ready: Map::new(),
    })
}

impl Mode for Vanilla {
    fn handle(&self, request: Request) -> Result<(), Refusal> {
        match request.kind.as_str() {
            "open" => self.scheduler.add(request.job, open_job(&request)?)?,
            "cancel" => self.scheduler.cancel(request.job),
            "scan" => self.scan(&request)?,
            _ => return Err(Refusal::UnknownType),
        }
        Ok(())
    }
}

impl Vanilla {
    fn scan(&self, request: &Request) -> Result<(), JobError> {
        let fields: ScanFields = request.fields()?;
        let miner = request::integer("minerId", fields.miner_id)?;
        match self.scans.try_send((request.job, miner)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => Err(JobError::new(
                Code::QueueFull,
                format!("{SCANS_MAX} scans are waiting"),
            )),
            Err(TrySendError::Disconnected(_)) => {
                Err(JobError::new(Code::Panic, "the scanner has stopped"))
            }
        }
    }
}

fn open_job(request: &Request) -> Result<OpenJob, JobError> {
    let fields: OpenFields = request.fields()?;
    let proof_type = request::proof_type(fields.proof_type)?;
    let max = match proof_type.kind {
        PostKind::Winning => proof_type.sectors_max(),
        PostKind::Window => OPEN_SECTORS_MAX,
    };
    Ok(OpenJob {
        proof_type,
        miner: request::integer("minerId", fields.miner_id)?,
        randomness: request::randomness(&fields.randomness)?,
        sectors: request::sectors(&request.body, max)?,
    })
}

/// Scans run on their own thread: a folder on a slow network must not keep stdin from being read.
fn spawn_scanner(storage: Arc<[PathBuf]>, output: Arc<Output>) -> SyncSender<(u32, u64)> {
    let (sender, receiver) = sync_channel(SCANS_MAX);
    spawn_essential(move || {
        for (job, miner) in receiver {
            let numbers: Vec<u8> = holdings(&storage, miner)
                .into_iter()
                .flat_map(u64::to_le_bytes)
                .collect();
            output.send(json!({"type": "holdings", "job": job}), &numbers);
        }
    });
    sender
}
