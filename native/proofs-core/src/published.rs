//! The digests of the ceremony's parameter files, from the `parameters.json` inside the library.

use frames::to_hex;
use storage_proofs_core::parameter_cache::{get_parameter_data_from_id, PARAMETERS};

/// First 16 bytes of BLAKE2b-512 in hexadecimal: the form of `parameters.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest(pub String);

/// Computes a [`Digest`] piece by piece.
pub struct Digester(blake2b_simd::State);

impl Digester {
    /// Starts with nothing.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(blake2b_simd::Params::new().to_state())
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes added.
    pub fn finish(&self) -> Digest {
        Digest(to_hex(&self.0.finalize().as_bytes()[..16]))
    }
}

impl Digest {
    /// Digest of a byte string.
    pub fn of(bytes: &[u8]) -> Self {
        let mut digester = Digester::new();
        digester.update(bytes);
        digester.finish()
    }
}

/// The published digest of a file name (`v28-….vk`, `v28-….params`).
pub fn published_digest(file_name: &str) -> Option<Digest> {
    get_parameter_data_from_id(file_name).map(|entry| Digest(entry.digest.clone()))
}

/// The published file that has this digest, whatever the file at hand is called.
pub fn published_name(digest: &Digest) -> Option<&'static str> {
    PARAMETERS
        .iter()
        .find(|(_, entry)| entry.digest == digest.0)
        .map(|(name, _)| name.as_str())
}
