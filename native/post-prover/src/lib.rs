//! A Groth16 prover for one family of circuits: window and winning proofs of spacetime.
//!
//! The proving library proves any circuit; this crate knows the one it has. Synthesis is written by hand, parameters stay decoded, the
//! multi-exponentiations add points in affine coordinates with shared inversions (eight at a time where the processor has AVX-512
//! IFMA), and transforms keep their twiddles. For equal randomisers the proof is the library's bit for bit: the tests hold it to that
//! in every tree shape.

mod assignment;
mod batch;
mod circuit;
mod density;
mod group;
mod ifma;
mod lanes;
mod multiexp;
mod parameters;
mod plain;
mod poseidon;
mod prover;
mod scalar;
mod shared;
mod synthesis;
mod trace;
mod transform;

pub use assignment::{Assignment, Variable};
pub use circuit::Circuit;
pub use density::Density;
pub use group::{Affine, G1, G2};
pub use multiexp::Arithmetic;
pub use parameters::{Parameters, ParametersError};
pub use prover::{Phase, ProveError, Prover, Randomisers, PROOF_BYTES};
pub use scalar::Signed;
pub use synthesis::{Block, NonCanonical};
