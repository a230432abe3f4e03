//! The proofs that wait, and the one that runs.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process;
use std::sync::{Condvar, Mutex, MutexGuard};

use frames::limits::PROVE_QUEUE_MAX;
use frames::{ProofType, Randomness, Sector};
use serde_json::json;

use crate::job_error::{Code, JobError};
use crate::output::Output;

/// One proof to make.
pub struct Job {
    /// The parent's number.
    pub id: u32,
    /// Winning or window, and the size.
    pub proof_type: ProofType,
    /// Actor id.
    pub miner: u64,
    /// Of the deadline or the block.
    pub randomness: Randomness,
    /// The file that mode `check` has written.
    pub spool: PathBuf,
    /// `slots[k]` belongs to `sectors[k]`.
    pub slots: Vec<u64>,
    /// Ascending.
    pub sectors: Vec<Sector>,
    /// Made by the library, whatever the engine.
    pub stock: bool,
}

/// A short queue: the node keeps the long one.
#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
    work_waits: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    running: Option<u32>,
}

impl Queue {
    /// Queues a job.
    pub fn add(&self, job: Job) -> Result<(), JobError> {
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

    /// Drops a waiting job. A running one cannot be interrupted in the library, but the process can end, and does.
    pub fn cancel(&self, id: u32, output: &Output) {
        let mut state = self.lock();
        let exits = state.running == Some(id);
        state.waiting.retain(|job| job.id != id);
        output.send(json!({"type": "cancelled", "job": id, "exits": exits}), &[]);
        if exits {
            process::exit(0);
        }
    }

    /// Waits for a job and marks it as running.
    pub fn next(&self) -> Job {
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
    pub fn finish(&self, send_last: impl FnOnce()) {
        let mut state = self.lock();
        send_last();
        state.running = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no thread panics while it holds the queue")
    }
}
