//! Calling the library: versions, panics.

use std::any::Any;
use std::panic::{catch_unwind, AssertUnwindSafe};

use crate::CoreError;

/// Versions of the crates that decide over proofs, as pinned in the workspace.
pub const CRATES: [(&str, &str); 7] = [
    ("bellperson", "0.27.0"),
    ("blstrs", "0.7.1"),
    ("filecoin-hashers", "14.1.0"),
    ("filecoin-proofs", "19.1.0"),
    ("filecoin-proofs-api", "19.1.0"),
    ("neptune", "11.0.0"),
    ("storage-proofs-post", "19.1.0"),
];

/// Runs library code; a panic becomes an error.
///
/// The library keeps no state that a panic could leave half-written, apart from poisoned locks of its caches, which this crate does
/// not use for PoSt.
pub fn guarded<T>(call: impl FnOnce() -> anyhow::Result<T>) -> Result<T, CoreError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(CoreError::Library(format!("{error:#}"))),
        Err(payload) => Err(CoreError::Panic(message(payload.as_ref()))),
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| {
            payload
                .downcast_ref::<&str>()
                .map(|text| (*text).to_string())
        })
        .unwrap_or_else(|| "no message".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_the_lock_file() {
        let lock = include_str!("../../Cargo.lock");
        for (name, version) in CRATES {
            let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
            assert!(lock.contains(&entry), "{name} {version}");
        }
    }

    #[test]
    fn panics_become_errors() {
        let error = guarded::<()>(|| panic!("index {}", 9)).unwrap_err();
        assert!(matches!(error, CoreError::Panic(reason) if reason == "index 9"));
    }
}
