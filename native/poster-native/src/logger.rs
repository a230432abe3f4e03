//! Text for humans on stderr, and the one event that the library tells only by a log line.

use std::env;
use std::sync::{Arc, Mutex, PoisonError};

use log::{Level, LevelFilter, Log, Metadata, Record};

type Listener = Arc<dyn Fn() + Send + Sync>;

struct Logger {
    level: LevelFilter,
}

/// Called at the end of a synthesis. bellperson 0.27 has no hook between synthesis and multi-exponentiation, only this line.
static SYNTHESIS_LISTENER: Mutex<Option<Listener>> = Mutex::new(None);

/// Installs the logger; the level comes from `POSTER_NATIVE_LOG`.
pub fn install() {
    let level = match env::var("POSTER_NATIVE_LOG").as_deref() {
        Ok("error") => LevelFilter::Error,
        Ok("info") => LevelFilter::Info,
        Ok("debug") => LevelFilter::Debug,
        _ => LevelFilter::Warn,
    };
    if log::set_boxed_logger(Box::new(Logger { level })).is_ok() {
        // The synthesis line has level info and must reach the logger at every level of printing.
        log::set_max_level(level.max(LevelFilter::Info));
    }
}

/// Replaces the listener for the end of synthesis.
pub fn on_synthesis_end(listener: Option<Listener>) {
    *SYNTHESIS_LISTENER
        .lock()
        .unwrap_or_else(PoisonError::into_inner) = listener;
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.level || is_prover(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if is_prover(record.metadata()) && record.args().to_string().starts_with("synthesis time") {
            let listener = SYNTHESIS_LISTENER
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            if let Some(listener) = listener {
                listener();
            }
        }
        if record.level() <= self.level {
            eprintln!("{} {}: {}", record.level(), record.target(), record.args());
        }
    }

    fn flush(&self) {}
}

fn is_prover(metadata: &Metadata<'_>) -> bool {
    metadata.level() == Level::Info && metadata.target().starts_with("bellperson::groth16::prover")
}
