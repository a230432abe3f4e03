//! The hashing half of the check of a vanilla proof.

use std::fmt;

use ff::{Field, PrimeField};
use filecoin_hashers::{POSEIDON_CONSTANTS_2, POSEIDON_CONSTANTS_8};
use frames::{Sector, Vanilla, Word};
use neptune::Poseidon;

use blstrs::Scalar;

/// Why a well-formed vanilla proof is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MerkleError {
    /// Poseidon(comm_c, comm_r_last) is not comm_r.
    CommR,
    /// The path of this challenge does not lead to comm_r_last.
    Path(usize),
}

impl MerkleError {
    /// The code of a `checked` answer.
    pub fn code(&self) -> &'static str {
        match self {
            Self::CommR => "comm-r-hash",
            Self::Path(_) => "merkle",
        }
    }
}

/// Computes the constants of both widths, about 25 ms, so that the first check is as fast as the others.
pub fn warm_up() {
    let zero = [Scalar::ZERO; 8];
    Poseidon::new_with_preimage(&zero[..2], &POSEIDON_CONSTANTS_2).hash();
    Poseidon::new_with_preimage(&zero, &POSEIDON_CONSTANTS_8).hash();
}

/// comm_r = Poseidon(comm_c, comm_r_last). `None` if one of them is no field element.
pub fn comm_r(comm_c: &Word, comm_r_last: &Word) -> Option<Word> {
    let preimage = [scalar(comm_c)?, scalar(comm_r_last)?];
    Some(
        Poseidon::new_with_preimage(&preimage, &POSEIDON_CONSTANTS_2)
            .hash()
            .to_repr(),
    )
}

/// Checks everything about a well-formed proof that needs hashing: about 0.4 ms per challenge at 32 GiB.
pub fn check_merkle(vanilla: &Vanilla<'_>, sector: &Sector) -> Result<(), MerkleError> {
    if comm_r(vanilla.comm_c, vanilla.comm_r_last) != Some(sector.comm_r) {
        return Err(MerkleError::CommR);
    }
    for (position, inclusion) in vanilla.inclusions.iter().enumerate() {
        let mut node = scalar(inclusion.leaf).ok_or(MerkleError::Path(position))?;
        for level in &inclusion.levels {
            let mut row = Vec::with_capacity(level.siblings.len() + 1);
            for sibling in &level.siblings {
                row.push(scalar(sibling).ok_or(MerkleError::Path(position))?);
            }
            row.insert(level.index, node);
            node = match row.len() {
                2 => Poseidon::new_with_preimage(&row, &POSEIDON_CONSTANTS_2).hash(),
                8 => Poseidon::new_with_preimage(&row, &POSEIDON_CONSTANTS_8).hash(),
                arity => unreachable!("the parser makes rows of 2 and 8, not {arity}"),
            };
        }
        if &node.to_repr() != vanilla.comm_r_last {
            return Err(MerkleError::Path(position));
        }
    }
    Ok(())
}

fn scalar(word: &Word) -> Option<Scalar> {
    Scalar::from_repr(*word).into()
}

impl fmt::Display for MerkleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommR => f.write_str("Poseidon(comm_c, comm_r_last) is not comm_r"),
            Self::Path(position) => write!(f, "path {position} does not lead to comm_r_last"),
        }
    }
}

impl std::error::Error for MerkleError {}
