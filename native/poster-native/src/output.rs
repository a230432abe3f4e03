//! The one writer of stdout.

use std::io::{self, BufWriter, Write};
use std::process;
use std::sync::{Mutex, PoisonError};

use frames::write_frame;
use serde_json::{json, Value};

use crate::error::Failure;
use crate::job_error::JobError;

/// Words of the library are cut here, so that a header stays far below its bound.
const REASON_CHARS_MAX: usize = 2_000;

/// Frames to the parent. A write waits while the parent does not read: that is how workers are slowed down.
pub struct Output {
    stdout: Mutex<BufWriter<Box<dyn Write + Send>>>,
}

impl Output {
    /// Takes stdout. One per process.
    pub fn new() -> Self {
        Self::to(Box::new(io::stdout()))
    }

    /// Writes elsewhere.
    pub fn to(writer: Box<dyn Write + Send>) -> Self {
        Self {
            stdout: Mutex::new(BufWriter::with_capacity(1 << 18, writer)),
        }
    }

    /// Sends one frame. If stdout is broken nobody is left to work for, and the process exits with 1.
    pub fn send(&self, header: Value, body: &[u8]) {
        let Value::Object(header) = header else {
            unreachable!("headers are written as object literals");
        };
        // A writer that panicked in between left at most a broken frame, and panics are not caught while writing.
        let mut stdout = self.stdout.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = write_frame(&mut *stdout, &header, body).and_then(|()| stdout.flush());
        if let Err(error) = sent {
            eprintln!("poster-native: stdout is broken, nobody reads the answers: {error}");
            process::exit(1);
        }
    }

    /// Answers a job with its failure.
    pub fn failed(&self, job: u32, error: &JobError) {
        self.send(
            json!({
                "type": "failed", "job": job, "code": error.code.text(),
                "reason": shorten(&error.reason), "advice": error.code.advice(),
            }),
            &[],
        );
    }

    /// Says why the process ends.
    pub fn fatal(&self, failure: &Failure) {
        self.send(
            json!({
                "type": "fatal", "code": failure.code,
                "reason": shorten(&failure.reason), "advice": failure.advice,
            }),
            &[],
        );
    }
}

/// The first characters of a text that somebody else wrote.
pub fn shorten(text: &str) -> String {
    text.chars().take(REASON_CHARS_MAX).collect()
}
