//! Where the library proves: it leaves a GPU for the CPU with no more than a log line, and a 32 GiB partition then takes hours.

use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use proofs_core::gpus;

use crate::job_error::{Code, JobError};
use crate::logger::LibraryLine;
use crate::output::Output;

/// Exit code of a worker that was told to prove on a GPU and would go on without one: the library's call cannot be interrupted.
const EXIT_FALLBACK: i32 = 3;

/// The devices of this process, and what is asked of them.
pub struct Devices {
    names: Vec<String>,
    /// A proof that leaves the GPU is given up.
    required: bool,
}

impl Devices {
    /// Asks the driver, once.
    pub fn open(required: bool) -> Self {
        Self {
            names: gpus(),
            required,
        }
    }

    /// As the driver names them.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Refuses a job that can only be proven on the CPU.
    pub fn check(&self) -> Result<(), JobError> {
        if self.required && self.names.is_empty() {
            let reason = "the driver shows no GPU to this process".to_string();
            return Err(JobError::new(Code::NoGpu, reason));
        }
        Ok(())
    }

    /// Watches one proof of the library.
    pub fn watch(&self, job: u32, output: &Arc<Output>) -> Arc<Watch> {
        Arc::new(Watch {
            required: self.required,
            job,
            output: Arc::clone(output),
            seen: Mutex::default(),
        })
    }
}

/// What the library has said of the GPU during one proof.
pub struct Watch {
    required: bool,
    job: u32,
    output: Arc<Output>,
    seen: Mutex<Seen>,
}

/// Kernels that were loaded, and the first sign of a proof that goes on without them.
#[derive(Default)]
pub struct Seen {
    transform_kernels: usize,
    multiexp_kernels: usize,
    fallback: Option<String>,
}

impl Seen {
    /// Takes a line; why the proof has left the GPU, if it has.
    pub fn take(&mut self, line: &LibraryLine) -> Option<&str> {
        match line {
            LibraryLine::SynthesisEnd => {}
            LibraryLine::TransformKernel => self.transform_kernels += 1,
            LibraryLine::MultiexpKernel => self.multiexp_kernels += 1,
            LibraryLine::Fallback(reason) => {
                self.fallback.get_or_insert_with(|| reason.clone());
            }
        }
        // The transforms come first, and a program for them that cannot be loaded is not even logged.
        if self.transform_kernels == 0 && self.multiexp_kernels > 0 {
            self.fallback
                .get_or_insert_with(|| "the transforms were not made on the GPU".to_string());
        }
        self.fallback.as_deref()
    }

    /// Whether a whole proof was made on a GPU: kernels for the transforms and for multi-exponentiations over both groups.
    pub fn was_on_gpu(&self) -> bool {
        self.fallback.is_none() && self.transform_kernels > 0 && self.multiexp_kernels > 1
    }
}

impl Watch {
    /// Takes a line. If the proof must be made on a GPU and is not any more, the job fails and the process ends.
    pub fn take(&self, line: &LibraryLine) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let (true, Some(reason)) = (self.required, seen.take(line)) {
            let error = JobError::new(Code::GpuFallback, reason);
            self.output.failed(self.job, &error);
            process::exit(EXIT_FALLBACK);
        }
    }

    /// Whether the whole proof was made on a GPU.
    pub fn was_on_gpu(&self) -> bool {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .was_on_gpu()
    }
}
