//! Safe wrappers around the Filecoin proving library; the only crate that calls it.
//!
//! Every call that runs library code on foreign input goes through [`guarded`]: the library panics on some inputs. The generic SNARK
//! code is instantiated here, so a change costs the better part of a minute of rebuild: protocol, files and threads live in
//! `poster-native`.

mod device;
mod error;
mod kernels;
mod library;
mod parameters;
mod poseidon;
mod prove;
mod published;
mod sample;
mod seal;
mod settings;
mod tree;
mod vanilla;
mod verify;

pub use device::{gpus, HAS_GPU_CODE};
pub use error::CoreError;
pub use kernels::KernelProver;
pub use library::{guarded, CRATES};
pub use parameters::{
    generate_parameters, parameter_stem, parameters_len, verifying_key_len, MappedParameters,
};
pub use poseidon::{check_merkle, comm_r, warm_up, MerkleError};
pub use prove::{PartitionCircuit, PROOF_BYTES};
pub use published::{published_digest, published_name, Digest, Digester};
pub use sample::sample_vanilla;
pub use seal::{seal_sector, update_sector, SealRequest, UpdateRequest};
pub use settings::{apply_settings, Settings};
pub use vanilla::{open_sector, tree_files, OpenRequest};
pub use verify::{verify_proof, VerifyingKey};
