//! The library's settings, which it reads once from the environment.

use std::env;
use std::path::Path;

/// What a process decides before its first library call.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// Computing threads.
    pub threads: usize,
    /// Folder for the parent graphs of sealing; `None` where nothing is sealed.
    pub parent_cache: Option<&'a Path>,
}

/// Applies settings. Call it first in `main`, before any thread exists: the environment is shared, and the library's settings are
/// read once, at first use.
pub fn apply_settings(settings: &Settings<'_>) {
    let threads = settings.threads.to_string();
    // rayon (library), ec-gpu-gen (multi-exponentiation and FFT), filecoin-proofs (synthesis) have one knob each.
    env::set_var("RAYON_NUM_THREADS", &threads);
    env::set_var("EC_GPU_NUM_THREADS", &threads);
    env::set_var("FIL_PROOFS_WINDOW_POST_SYNTHESIS_NUM_CPUS", &threads);
    if let Some(folder) = settings.parent_cache {
        env::set_var("FIL_PROOFS_PARENT_CACHE", folder);
    }
}
