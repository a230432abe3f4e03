//! What ends the process, or a one-shot command.

use frames::FrameError;
use serde_json::{json, Value};

/// A failure of the whole process: `fatal` of resident modes, `error` of one-shot commands.
#[derive(Debug)]
pub struct Failure {
    /// Machine-readable cause, see `docs/native-protocol.md`.
    pub code: &'static str,
    /// What happened.
    pub reason: String,
    /// What to do.
    pub advice: &'static str,
}

impl Failure {
    /// A command line that makes no sense.
    pub fn arguments(reason: String) -> Self {
        Self {
            code: "bad-arguments",
            reason,
            advice: "run poster-native without arguments to see the options",
        }
    }

    /// The system refused something.
    pub fn io(reason: String) -> Self {
        Self {
            code: "io",
            reason,
            advice: "check that the folder exists, is writable and has free space",
        }
    }

    /// The library refused something in a one-shot command.
    pub fn library(reason: String) -> Self {
        Self {
            code: "library",
            reason,
            advice: "the reason has the words of the proving library; with POSTER_NATIVE_LOG=info stderr has more",
        }
    }

    /// An unreadable input stream.
    pub fn frame(error: &FrameError) -> Self {
        Self {
            code: error.code(),
            reason: error.to_string(),
            advice: "the two sides do not speak the same protocol: use a poster-native of the same release as the node",
        }
    }

    /// The three fields.
    pub fn to_json(&self) -> Value {
        json!({"code": self.code, "reason": self.reason, "advice": self.advice})
    }
}
