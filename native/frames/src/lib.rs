//! Everything of the proving worker that reads bytes from outside: the frame codec, sector lists and the strict parser of vanilla
//! proofs, together with the derivation of challenges.
//!
//! The crate does not know the proving library: it builds in seconds and can be fuzzed. The bytes are described in
//! `docs/native-protocol.md`.

mod challenge;
mod field;
mod frame;
mod hex;
pub mod limits;
mod proof_type;
mod randomness;
mod sector_list;
mod vanilla;

pub use challenge::challenges;
pub use field::is_canonical;
pub use frame::{read_frame, write_frame, Frame, FrameError};
pub use hex::{from_hex, to_hex};
pub use proof_type::{Layout, PostKind, ProofType, ProofTypeError, SectorSize, Shape};
pub use randomness::{Randomness, RandomnessError};
pub use sector_list::{encode_sector_list, parse_sector_list, Sector, SectorListError};
pub use vanilla::{parse_vanilla, Expected, Inclusion, Level, Vanilla, VanillaError};

/// 32 bytes: a commitment, a leaf or an inner node of a tree, little endian.
pub type Word = [u8; 32];
