//! Text for humans on stderr, and what the library tells only by its log lines.

use std::env;
use std::sync::{Arc, Mutex, PoisonError};

use log::{LevelFilter, Log, Metadata, Record};

/// What bellperson 0.27 has no other words for. The tests with a driver that fails hold it to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LibraryLine {
    /// Transforms and multi-exponentiations begin.
    SynthesisEnd,
    /// A kernel for transforms is on the GPU.
    TransformKernel,
    /// A kernel for multi-exponentiations is on the GPU.
    MultiexpKernel,
    /// The library goes on without the GPU.
    Fallback(String),
}

type Listener = Arc<dyn Fn(LibraryLine) + Send + Sync>;

struct Logger {
    level: LevelFilter,
}

static LISTENER: Mutex<Option<Listener>> = Mutex::new(None);

/// Installs the logger; the level comes from `POSTER_NATIVE_LOG`.
pub fn install() {
    let level = match env::var("POSTER_NATIVE_LOG").as_deref() {
        Ok("error") => LevelFilter::Error,
        Ok("info") => LevelFilter::Info,
        Ok("debug") => LevelFilter::Debug,
        _ => LevelFilter::Warn,
    };
    if log::set_boxed_logger(Box::new(Logger { level })).is_ok() {
        // The lines that are listened to have level info and must reach the logger at every level of printing.
        log::set_max_level(level.max(LevelFilter::Info));
    }
}

/// Replaces the listener. It is called by the thread that the line comes from.
pub fn on_library_line(listener: Option<Listener>) {
    *LISTENER.lock().unwrap_or_else(PoisonError::into_inner) = listener;
}

/// The line that a record is, if it is one.
fn recognise(target: &str, text: &str) -> Option<LibraryLine> {
    if target.starts_with("bellperson::groth16::prover") {
        return text
            .starts_with("synthesis time")
            .then_some(LibraryLine::SynthesisEnd);
    }
    if !target.starts_with("bellperson::gpu") {
        return None;
    }
    match text {
        "GPU FFT kernel instantiated!" => Some(LibraryLine::TransformKernel),
        "GPU Multiexp kernel instantiated!" => Some(LibraryLine::MultiexpKernel),
        _ if text.starts_with("Cannot instantiate GPU") || text.contains("Falling back to CPU") => {
            Some(LibraryLine::Fallback(text.to_string()))
        }
        _ => None,
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.level || metadata.target().starts_with("bellperson::")
    }

    fn log(&self, record: &Record<'_>) {
        if record.target().starts_with("bellperson::") {
            if let Some(line) = recognise(record.target(), &record.args().to_string()) {
                let listener = LISTENER
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone();
                if let Some(listener) = listener {
                    listener(line);
                }
            }
        }
        if record.level() <= self.level {
            eprintln!("{} {}: {}", record.level(), record.target(), record.args());
        }
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let gpu = "bellperson::gpu::locks";
        for (target, text, expected) in [
            (
                "bellperson::groth16::prover",
                "synthesis time: 1s",
                Some(LibraryLine::SynthesisEnd),
            ),
            (
                gpu,
                "GPU FFT kernel instantiated!",
                Some(LibraryLine::TransformKernel),
            ),
            (
                gpu,
                "GPU Multiexp kernel instantiated!",
                Some(LibraryLine::MultiexpKernel),
            ),
            (gpu, "GPU is available for FFT!", None),
            ("elsewhere", "synthesis time: 1s", None),
        ] {
            assert_eq!(recognise(target, text), expected);
        }
        for text in [
            "Cannot instantiate GPU FFT kernel! Error: x",
            "GPU Multiexp failed! Falling back to CPU... Error: x",
        ] {
            let expected = LibraryLine::Fallback(text.to_string());
            assert_eq!(recognise(gpu, text), Some(expected));
        }
    }
}
