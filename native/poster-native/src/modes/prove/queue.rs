//! The proofs that wait, those that are prepared, and the one that runs.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use frames::limits::PROVE_QUEUE_MAX;
use frames::{ProofType, Randomness, Sector};
use serde_json::json;

use super::phases::Phases;
use crate::job_error::{Code, JobError};
use crate::output::Output;

/// One proof to make.
pub struct Job {
    /// The parent's number.
    pub id: u32,
    /// Its progress, and its identity: the parent may use the number of a dropped job again.
    pub phases: Arc<Phases>,
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
    /// Read or synthesised ahead, or about to be: one that waits for the device at most, and the next.
    prepared: Vec<Arc<Phases>>,
    running: Option<u32>,
}

impl State {
    fn knows(&self, id: u32) -> bool {
        self.running == Some(id)
            || self.prepared.iter().any(|job| job.job() == id)
            || self.waiting.iter().any(|job| job.id == id)
    }

    /// False if the job was dropped.
    fn take_prepared(&mut self, job: &Job) -> bool {
        let is_it = |phases: &Arc<Phases>| Arc::ptr_eq(phases, &job.phases);
        let index = self.prepared.iter().position(is_it);
        index.map(|index| self.prepared.remove(index)).is_some()
    }
}

impl Queue {
    /// Queues a job.
    pub fn add(&self, job: Job) -> Result<(), JobError> {
        let mut state = self.lock();
        if state.knows(job.id) {
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

    /// Drops a job that does not run. A running one cannot be interrupted in the library, but the process can end, and does.
    pub fn cancel(&self, id: u32, output: &Output) {
        let mut state = self.lock();
        let exits = state.running == Some(id);
        state.waiting.retain(|job| job.id != id);
        state.prepared.retain(|phases| {
            let stays = phases.job() != id;
            if !stays {
                phases.silence();
            }
            stays
        });
        output.send(json!({"type": "cancelled", "job": id, "exits": exits}), &[]);
        if exits {
            process::exit(0);
        }
    }

    /// Waits for a job to prepare.
    pub fn next(&self) -> Job {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.waiting.pop_front() {
                state.prepared.push(Arc::clone(&job.phases));
                return job;
            }
            state = self
                .work_waits
                .wait(state)
                .expect("no thread panics while it holds the queue");
        }
    }

    /// Marks a prepared job as running; false if it was dropped meanwhile.
    pub fn run(&self, job: &Job) -> bool {
        let mut state = self.lock();
        let stays = state.take_prepared(job);
        if stays {
            state.running = Some(job.id);
        }
        stays
    }

    /// Forgets a job that could not be prepared. Nothing is sent if it was dropped.
    pub fn fail(&self, job: &Job, send_last: impl FnOnce()) {
        let mut state = self.lock();
        if state.take_prepared(job) {
            send_last();
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

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Counts what is written.
    #[derive(Clone, Default)]
    struct Written(Arc<AtomicUsize>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.fetch_add(bytes.len(), Ordering::Relaxed);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        fn output(&self) -> Arc<Output> {
            Arc::new(Output::to(Box::new(self.clone())))
        }
    }

    fn output() -> Arc<Output> {
        Written::default().output()
    }

    fn job(id: u32) -> Job {
        job_of(id, output())
    }

    fn job_of(id: u32, output: Arc<Output>) -> Job {
        Job {
            id,
            phases: Arc::new(Phases::new(id, output)),
            proof_type: ProofType::from_number(10).unwrap(),
            miner: 1000,
            randomness: Randomness::from_bytes([0; 32]).unwrap(),
            spool: PathBuf::new(),
            slots: Vec::new(),
            sectors: Vec::new(),
            stock: false,
        }
    }

    #[test]
    fn a_prepared_job_is_dropped_for_good() {
        let queue = Queue::default();
        queue.add(job(1)).unwrap();
        let dropped = queue.next();
        assert_eq!(queue.add(job(1)).unwrap_err().code, Code::DuplicateJob);
        queue.cancel(1, &output());
        // Another job under the same number is not taken for it.
        queue.add(job(1)).unwrap();
        let again = queue.next();
        assert!(!queue.run(&dropped));
        queue.fail(&dropped, || panic!("nobody waits for an answer"));
        assert!(queue.run(&again));
    }

    /// The parent may be told of a dropped job no more, in whatever phase it was.
    #[test]
    fn a_dropped_job_is_silent() {
        let (queue, written) = (Queue::default(), Written::default());
        queue.add(job_of(1, written.output())).unwrap();
        let dropped = queue.next();
        dropped.phases.start("synthesis");
        let told = written.0.load(Ordering::Relaxed);
        assert!(told > 0);
        queue.cancel(1, &output());
        dropped.phases.end();
        dropped.phases.start("prove");
        assert_eq!(written.0.load(Ordering::Relaxed), told);
    }

    #[test]
    fn a_job_runs_while_the_next_is_prepared() {
        let queue = Queue::default();
        queue.add(job(1)).unwrap();
        queue.add(job(2)).unwrap();
        let (first, second) = (queue.next(), queue.next());
        assert!(queue.run(&first));
        queue.cancel(2, &output());
        assert!(!queue.run(&second));
        let mut answered = false;
        queue.finish(|| answered = true);
        assert!(answered);
        queue.add(job(1)).unwrap();
    }
}
