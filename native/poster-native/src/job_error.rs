//! What ends one job.

use std::io;

use proofs_core::CoreError;

/// The codes of `failed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// A field is missing or out of range.
    BadRequest,
    /// The number is no proof type that is proven here.
    UnsupportedProofType,
    /// Not a masked field element.
    BadRandomness,
    /// Not a list of sectors of one partition.
    BadSectorList,
    /// The number is in use.
    DuplicateJob,
    /// The number is not in use.
    UnknownJob,
    /// A bound was reached.
    QueueFull,
    /// The spool file cannot be used.
    Spool,
    /// A slot holds something else than its sector's proof.
    BadVanilla,
    /// No parameter file.
    NoParams,
    /// No verifying key.
    NoKey,
    /// A key that is not the published one.
    KeyRefused,
    /// A parameter file or key that does not parse.
    BadParams,
    /// The library refused.
    ProofFailed,
    /// The library panicked.
    Panic,
    /// A GPU is required and none is there.
    NoGpu,
    /// A GPU is required and the library left it.
    GpuFallback,
}

impl Code {
    /// The code's text.
    pub fn text(self) -> &'static str {
        match self {
            Self::BadRequest => "bad-request",
            Self::UnsupportedProofType => "unsupported-proof-type",
            Self::BadRandomness => "bad-randomness",
            Self::BadSectorList => "bad-sector-list",
            Self::DuplicateJob => "duplicate-job",
            Self::UnknownJob => "unknown-job",
            Self::QueueFull => "queue-full",
            Self::Spool => "spool",
            Self::BadVanilla => "bad-vanilla",
            Self::NoParams => "no-params",
            Self::NoKey => "no-key",
            Self::KeyRefused => "key-refused",
            Self::BadParams => "bad-params",
            Self::ProofFailed => "proof-failed",
            Self::Panic => "panic",
            Self::NoGpu => "no-gpu",
            Self::GpuFallback => "gpu-fallback",
        }
    }

    /// What to do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::BadRequest | Self::DuplicateJob | Self::UnknownJob => {
                "this is an error of the program that sent the request"
            }
            Self::UnsupportedProofType => "only winning 0..4 and window V1_1 10..14 are proven",
            Self::BadRandomness => {
                "send 64 hexadecimal characters with the two top bits of byte 31 cleared"
            }
            Self::BadSectorList => {
                "send strictly ascending sectors of one partition with their comm_r"
            }
            Self::QueueFull => "wait for an answer, then ask again",
            Self::Spool => {
                "check the spool folder: free space, permissions, no second user of the file"
            }
            Self::BadVanilla => "drop the spool file and gather this partition again",
            Self::NoParams | Self::NoKey => {
                "fetch the published parameter files into the folder, or generate test parameters"
            }
            Self::KeyRefused => {
                "fetch the published file again; test keys need --test-params and a folder of their own"
            }
            Self::BadParams => "the file is damaged: fetch or generate it again",
            Self::ProofFailed => "the reason has the words of the proving library",
            Self::Panic => {
                "the job is lost, the process goes on; do not repeat the same input for ever"
            }
            Self::NoGpu | Self::GpuFallback => {
                "look at the driver (nvidia-smi, kernel log) and at what else uses the GPU; a restart of the worker opens it again"
            }
        }
    }
}

/// One job's failure.
#[derive(Debug)]
pub struct JobError {
    /// Which of the documented causes.
    pub code: Code,
    /// What happened.
    pub reason: String,
}

impl JobError {
    /// An error with its reason.
    pub fn new(code: Code, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }

    /// A failure of the spool file.
    pub fn spool(doing: &str, error: &io::Error) -> Self {
        Self::new(Code::Spool, format!("{doing}: {error}"))
    }
}

impl From<CoreError> for JobError {
    fn from(error: CoreError) -> Self {
        let code = match error {
            CoreError::Library(_) => Code::ProofFailed,
            CoreError::Panic(_) => Code::Panic,
        };
        Self::new(code, error.to_string())
    }
}
