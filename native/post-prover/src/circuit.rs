//! The shape of a PoSt circuit: how many sector blocks, and what one block holds.
//!
//! A partition is one block per sector, repeated; blocks share nothing but the constant one. So whatever is known of one block is known
//! of the circuit: counts of rows and variables, and which variables occur in the A and B polynomials (their density).

use filecoin_hashers::{POSEIDON_CONSTANTS_2, POSEIDON_CONSTANTS_8};
use frames::{PostKind, ProofType, Shape};

use crate::density::Density;

/// What fixes a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circuit {
    /// Sector blocks. Winning PoSt has one per challenge, all of the same sector.
    pub blocks: usize,
    /// Inclusion proofs in a block.
    pub challenges: usize,
    /// Tree over the sector.
    pub shape: Shape,
}

impl Circuit {
    /// The circuit of a published proof type.
    pub fn of(proof_type: ProofType) -> Self {
        let (blocks, challenges) = match proof_type.kind {
            PostKind::Winning => (proof_type.challenges(), 1),
            PostKind::Window => (proof_type.sectors_max(), proof_type.challenges()),
        };
        Self {
            blocks,
            challenges,
            shape: proof_type.size.shape(),
        }
    }

    /// Oct levels of one path.
    pub fn oct_levels(&self) -> usize {
        self.shape.base_levels + usize::from(self.shape.sub)
    }

    /// Constraints of one block.
    pub fn block_rows(&self) -> usize {
        let path =
            self.oct_levels() * OCT_LEVEL.rows + usize::from(self.shape.top) * BINARY_LEVEL.rows;
        // comm_r made public, its hash, their equality; per challenge the packed index made public and the root's equality.
        2 + poseidon_len(3) + self.challenges * (path + 2)
    }

    /// Private variables of one block.
    pub fn block_aux(&self) -> usize {
        let path =
            self.oct_levels() * OCT_LEVEL.aux + usize::from(self.shape.top) * BINARY_LEVEL.aux;
        3 + poseidon_len(3) + self.challenges * (path + 1)
    }

    /// Public inputs of one block: comm_r and one leaf index per challenge.
    pub fn block_inputs(&self) -> usize {
        1 + self.challenges
    }

    /// Public inputs with the constant one.
    pub fn inputs(&self) -> usize {
        1 + self.blocks * self.block_inputs()
    }

    /// Private variables.
    pub fn aux(&self) -> usize {
        self.blocks * self.block_aux()
    }

    /// Rows with the one that the prover adds per public input.
    pub fn rows(&self) -> usize {
        self.blocks * self.block_rows() + self.inputs()
    }

    /// log2 of the domain of the transforms.
    pub fn log_domain(&self) -> u32 {
        self.rows().next_power_of_two().trailing_zeros()
    }

    /// Points of h, l, a, b_g1 and b_g2 in the parameters of this circuit: as many as the density says, since points of variables that do
    /// not occur are left out.
    pub fn parameter_counts(&self) -> [usize; 5] {
        let density = Density::of(self);
        let b = 1 + self.blocks * density.b.len();
        [
            (1 << self.log_domain()) - 1,
            self.aux(),
            self.inputs() + self.blocks * density.a.len(),
            b,
            b,
        ]
    }
}

struct Level {
    rows: usize,
    aux: usize,
}

/// Three index bits, two products of them, 20 picks; seven siblings are variables without a row.
const OCT_LEVEL: Level = Level {
    rows: 3 + 2 + 20 + poseidon_len(9),
    aux: 3 + 7 + 2 + 20 + poseidon_len(9),
};

/// One index bit, two picks; one sibling.
const BINARY_LEVEL: Level = Level {
    rows: 1 + 2 + poseidon_len(3),
    aux: 1 + 1 + 2 + poseidon_len(3),
};

/// Rows, and variables, of one Poseidon of this width: an S-box has four (input, square, fourth, fifth power); those of the first round
/// take variables as input, and that of the constant lane has none; one for the result.
const fn poseidon_len(width: usize) -> usize {
    let partial_rounds = match width {
        3 => 55,
        9 => 57,
        _ => panic!("only binary and oct trees"),
    };
    3 * (width - 1) + 4 * (7 * width + partial_rounds) + 1
}

/// Panics when the hashing library has other numbers of rounds than this crate counts with.
pub(crate) fn assert_rounds() {
    assert_eq!(
        (
            POSEIDON_CONSTANTS_2.full_rounds,
            POSEIDON_CONSTANTS_2.partial_rounds
        ),
        (8, 55)
    );
    assert_eq!(
        (
            POSEIDON_CONSTANTS_8.full_rounds,
            POSEIDON_CONSTANTS_8.partial_rounds
        ),
        (8, 57)
    );
}
