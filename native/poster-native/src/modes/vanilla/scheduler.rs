//! Shares the opening threads between jobs: in turn, one sector each.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

use frames::limits::OPEN_JOBS_MAX;
use frames::Sector;
use serde_json::json;

use super::open::{open, OpenFailure, OpenJob};
use crate::job_error::{Code, JobError};
use crate::output::{shorten, Output};

/// Queue of jobs and the state of each.
pub struct Scheduler {
    output: Arc<Output>,
    state: Mutex<State>,
    work_waits: Condvar,
}

#[derive(Default)]
struct State {
    /// Jobs with sectors that nobody has taken yet; the first one's turn is next.
    turns: VecDeque<u32>,
    jobs: BTreeMap<u32, Progress>,
}

struct Progress {
    job: Arc<OpenJob>,
    next: usize,
    running: usize,
    opened: usize,
    failed: usize,
    cancelled: bool,
}

impl Progress {
    fn is_over(&self) -> bool {
        self.running == 0 && (self.cancelled || self.next == self.job.sectors.len())
    }
}

impl Scheduler {
    /// A scheduler without jobs.
    pub fn new(output: Arc<Output>) -> Self {
        Self {
            output,
            state: Mutex::default(),
            work_waits: Condvar::new(),
        }
    }

    /// Queues a job.
    pub fn add(&self, id: u32, job: OpenJob) -> Result<(), JobError> {
        let mut state = self.lock();
        if state.jobs.contains_key(&id) {
            return Err(JobError::new(
                Code::DuplicateJob,
                format!("job {id} is open"),
            ));
        }
        if state.jobs.len() == OPEN_JOBS_MAX {
            let reason = format!("{OPEN_JOBS_MAX} jobs are open");
            return Err(JobError::new(Code::QueueFull, reason));
        }
        let progress = Progress {
            job: Arc::new(job),
            next: 0,
            running: 0,
            opened: 0,
            failed: 0,
            cancelled: false,
        };
        state.jobs.insert(id, progress);
        state.turns.push_back(id);
        drop(state);
        self.work_waits.notify_all();
        Ok(())
    }

    /// Takes no further sector of a job. Its `done` follows when the sectors in work are finished.
    pub fn cancel(&self, id: u32) {
        let mut state = self.lock();
        let Some(progress) = state.jobs.get_mut(&id) else {
            return;
        };
        progress.cancelled = true;
        state.turns.retain(|turn| *turn != id);
        self.finish_if_over(state, id);
    }

    /// A worker thread's life.
    pub fn work(&self, storage: &[PathBuf]) {
        loop {
            let (id, job, position) = self.take();
            let sector = &job.sectors[position];
            let start = Instant::now();
            let result = open(&job, sector, storage);
            let micros = start.elapsed().as_micros() as u64;
            if !self.is_cancelled(id) {
                self.answer(id, sector, &result, micros);
            }
            self.put_back(id, result.is_ok());
        }
    }

    fn take(&self) -> (u32, Arc<OpenJob>, usize) {
        let mut state = self.lock();
        loop {
            if let Some(id) = state.turns.pop_front() {
                let progress = state
                    .jobs
                    .get_mut(&id)
                    .expect("a job with a turn is in the map");
                let position = progress.next;
                progress.next += 1;
                progress.running += 1;
                let job = Arc::clone(&progress.job);
                if progress.next < job.sectors.len() {
                    state.turns.push_back(id);
                }
                return (id, job, position);
            }
            state = self
                .work_waits
                .wait(state)
                .expect("no thread panics while it holds the scheduler");
        }
    }

    fn is_cancelled(&self, id: u32) -> bool {
        self.lock()
            .jobs
            .get(&id)
            .is_none_or(|progress| progress.cancelled)
    }

    fn answer(&self, id: u32, sector: &Sector, result: &Result<Vec<u8>, OpenFailure>, micros: u64) {
        match result {
            Ok(proof) => self.output.send(
                json!({"type": "sector", "job": id, "sector": sector.number, "us": micros}),
                proof,
            ),
            Err(failure) => self.output.send(
                json!({
                    "type": "sector-failed", "job": id, "sector": sector.number,
                    "code": failure.code.text(), "detail": shorten(&failure.detail),
                }),
                &[],
            ),
        }
    }

    fn put_back(&self, id: u32, opened: bool) {
        let mut state = self.lock();
        let progress = state
            .jobs
            .get_mut(&id)
            .expect("a job with a running sector is in the map");
        progress.running -= 1;
        if opened {
            progress.opened += 1;
        } else {
            progress.failed += 1;
        }
        self.finish_if_over(state, id);
    }

    fn finish_if_over(&self, mut state: MutexGuard<'_, State>, id: u32) {
        if !state.jobs.get(&id).is_some_and(Progress::is_over) {
            return;
        }
        let progress = state.jobs.remove(&id).expect("the job was just seen");
        // Not under the lock: the parent may read slowly, and other jobs go on meanwhile.
        drop(state);
        self.output.send(
            json!({
                "type": "done", "job": id, "opened": progress.opened,
                "failed": progress.failed, "cancelled": progress.cancelled,
            }),
            &[],
        );
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no thread panics while it holds the scheduler")
    }
}
