//! Progress of one proof: told by the code that does the work, when it does it.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::{json, Map, Value};

use crate::output::Output;

/// Start and end of the phases of one proof.
pub struct Phases {
    job: u32,
    output: Arc<Output>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The job was dropped: nobody knows it any more.
    silent: bool,
    current: Option<(&'static str, Instant)>,
    times: Map<String, Value>,
}

impl Phases {
    /// No phase yet.
    pub fn new(job: u32, output: Arc<Output>) -> Self {
        Self {
            job,
            output,
            state: Mutex::default(),
        }
    }

    /// The parent's number of the job.
    pub fn job(&self) -> u32 {
        self.job
    }

    /// Sends nothing more.
    pub fn silence(&self) {
        self.lock().silent = true;
    }

    /// Ends the current phase and starts the next.
    pub fn start(&self, phase: &'static str) {
        let mut state = self.lock();
        self.close(&mut state);
        if state.silent {
            return;
        }
        state.current = Some((phase, Instant::now()));
        self.output.send(
            json!({"type": "phase", "job": self.job, "phase": phase, "state": "start"}),
            &[],
        );
    }

    /// Ends the current phase.
    pub fn end(&self) {
        self.close(&mut self.lock());
    }

    /// Milliseconds of each finished phase.
    pub fn times(&self) -> Map<String, Value> {
        self.lock().times.clone()
    }

    fn close(&self, state: &mut State) {
        let Some((phase, start)) = state.current.take() else {
            return;
        };
        if state.silent {
            return;
        }
        let ms = millis(start.elapsed());
        state.times.insert(phase.to_string(), json!(ms));
        self.output.send(
            json!({"type": "phase", "job": self.job, "phase": phase, "state": "end", "ms": ms}),
            &[],
        );
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no thread panics while it holds the phases")
    }
}

/// Whole milliseconds.
pub fn millis(duration: Duration) -> u64 {
    duration.as_millis() as u64
}
