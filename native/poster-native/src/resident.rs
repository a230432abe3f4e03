//! The life of a resident mode: arguments, `ready`, requests until stdin ends.

use std::io;
use std::process::{self, ExitCode};
use std::sync::Arc;

use frames::{read_frame, Frame};
use proofs_core::{apply_settings, Settings, CRATES};
use serde_json::{json, Map, Value};

use crate::arguments::Arguments;
use crate::error::Failure;
use crate::job_error::JobError;
use crate::output::Output;
use crate::request::Request;
use crate::system::die_with_parent;

/// What a mode does with a request that it cannot serve.
#[derive(Debug)]
pub enum Refusal {
    /// The mode does not know this `type`: the two sides do not speak the same protocol.
    UnknownType,
    /// The job fails, the process goes on.
    Job(JobError),
}

impl From<JobError> for Refusal {
    fn from(error: JobError) -> Self {
        Self::Job(error)
    }
}

/// A resident mode. Requests are handled on the thread that reads stdin: work belongs to other threads, so that the end of stdin is
/// seen at once.
pub trait Mode {
    /// Serves one request, or queues it.
    fn handle(&self, request: Request) -> Result<(), Refusal>;
}

/// A mode that is ready to serve.
pub struct Started {
    /// The mode itself.
    pub mode: Box<dyn Mode>,
    /// Its name.
    pub name: &'static str,
    /// Computing threads.
    pub threads: usize,
    /// What it adds to `ready`.
    pub ready: Map<String, Value>,
}

/// Starts a mode from its command line.
pub type Start = fn(&[String], &Arc<Output>) -> Result<Started, Failure>;

/// Runs a mode until its stdin ends.
pub fn start(words: &[String], start: Start) -> ExitCode {
    die_with_parent();
    let output = Arc::new(Output::new());
    match start(words, &output) {
        Ok(started) => {
            announce(&started, &output);
            serve(started.mode.as_ref(), &output)
        }
        Err(failure) => end(&output, &failure),
    }
}

/// The common beginning of every mode's start: parses `--threads` with the mode's own options, and sets the library up.
pub fn prepare(
    words: &[String],
    valued: &[&str],
    flags: &[&str],
) -> Result<(Arguments, usize), Failure> {
    let mut all = vec!["threads"];
    all.extend(valued);
    let arguments = Arguments::parse(words, &all, flags).map_err(Failure::arguments)?;
    let threads = arguments.threads().map_err(Failure::arguments)?;
    apply_settings(&Settings {
        threads,
        parent_cache: None,
    });
    Ok((arguments, threads))
}

fn announce(started: &Started, output: &Output) {
    let crates: Map<String, Value> = CRATES
        .iter()
        .map(|(name, version)| ((*name).to_string(), json!(version)))
        .collect();
    let mut ready = json!({
        "type": "ready", "mode": started.name, "version": env!("CARGO_PKG_VERSION"),
        "crates": crates, "threads": started.threads, "pid": process::id(),
    });
    if let Value::Object(fields) = &mut ready {
        fields.extend(started.ready.clone());
    }
    output.send(ready, &[]);
}

fn serve(mode: &dyn Mode, output: &Output) -> ExitCode {
    let mut stdin = io::stdin().lock();
    loop {
        let frame = match read_frame(&mut stdin) {
            Ok(Some(frame)) => frame,
            // Worker threads may be in the middle of a proof: returning from main ends them.
            Ok(None) => return ExitCode::SUCCESS,
            Err(error) => return end(output, &Failure::frame(&error)),
        };
        let request = match request(frame) {
            Ok(request) => request,
            Err(reason) => return end(output, &protocol("bad-header", reason)),
        };
        let (job, kind) = (request.job, request.kind.clone());
        match mode.handle(request) {
            Ok(()) => {}
            Err(Refusal::Job(error)) => output.failed(job, &error),
            Err(Refusal::UnknownType) => {
                let reason = format!("this mode has no request of type {kind:?}");
                return end(output, &protocol("unknown-type", reason));
            }
        }
    }
}

fn request(frame: Frame) -> Result<Request, String> {
    let Frame { header, body } = frame;
    let kind = header
        .get("type")
        .and_then(Value::as_str)
        .ok_or("the header has no type")?
        .to_string();
    let job = header
        .get("job")
        .and_then(Value::as_u64)
        .and_then(|job| u32::try_from(job).ok())
        .ok_or("the header has no job number below 2^32")?;
    Ok(Request {
        kind,
        job,
        header,
        body,
    })
}

fn protocol(code: &'static str, reason: String) -> Failure {
    Failure {
        code,
        reason,
        advice: "the two sides do not speak the same protocol: use a poster-native of the same release as the node",
    }
}

fn end(output: &Output, failure: &Failure) -> ExitCode {
    output.fatal(failure);
    eprintln!(
        "poster-native: {}: {}; {}",
        failure.code, failure.reason, failure.advice
    );
    ExitCode::from(2)
}
