//! The vanilla proof of a made-up sector, for measuring how long a proof takes before there is any work.

use blstrs::Scalar;
use ff::PrimeField;
use filecoin_hashers::{POSEIDON_CONSTANTS_2, POSEIDON_CONSTANTS_8};
use frames::{challenges, ProofType, Randomness, Sector, Word};
use neptune::Poseidon;

use crate::comm_r;

/// Every leaf of the sector: a scalar of full length, since the library skips zeros.
const LEAF: Word = [0x11; 32];
const COMM_C: Word = [0x22; 32];

/// A sector of this number whose leaves are all equal, and its vanilla proof. Every row of its tree is constant too, so that one
/// hash per level makes the path of any leaf: a fraction of a millisecond, whatever the size.
pub fn sample_vanilla(
    proof_type: ProofType,
    randomness: &Randomness,
    number: u64,
) -> (Sector, Vec<u8>) {
    let layout = proof_type.layout();
    let shape = layout.shape;
    let mut rows = vec![Scalar::from_repr(LEAF).expect("the leaf is a field element")];
    for _ in 0..shape.base_levels + usize::from(shape.sub) {
        let row = [rows[rows.len() - 1]; 8];
        rows.push(Poseidon::new_with_preimage(&row, &POSEIDON_CONSTANTS_8).hash());
    }
    if shape.top {
        let row = [rows[rows.len() - 1]; 2];
        rows.push(Poseidon::new_with_preimage(&row, &POSEIDON_CONSTANTS_2).hash());
    }
    let rows: Vec<Word> = rows.iter().map(Scalar::to_repr).collect();
    let root = rows[rows.len() - 1];
    let sector = Sector {
        number,
        comm_r: comm_r(&COMM_C, &root).expect("both are field elements"),
    };

    let mut bytes = Vec::with_capacity(layout.vanilla_len());
    put(&mut bytes, number);
    bytes.extend(sector.comm_r);
    put(&mut bytes, 1);
    put(&mut bytes, layout.challenges as u64);
    for leaf in challenges(proof_type, randomness, number) {
        let mut path = Path {
            bytes: &mut bytes,
            rows: &rows,
            rest: leaf,
        };
        let tag = u32::from(shape.sub) + u32::from(shape.top);
        path.bytes.extend(tag.to_le_bytes());
        if !shape.sub {
            path.bytes.extend([root, LEAF].concat());
        }
        path.put(shape.base_levels, 8);
        if shape.sub {
            path.put(1, 8);
        }
        if shape.top {
            path.put(1, 2);
        }
        if shape.sub {
            bytes.extend([root, LEAF].concat());
        }
    }
    bytes.extend([COMM_C, root].concat());
    (sector, bytes)
}

/// Writes the path of one leaf, upwards.
struct Path<'a> {
    bytes: &'a mut Vec<u8>,
    /// The node of each row that is not written yet, the lowest first.
    rows: &'a [Word],
    /// What is left of the leaf's index.
    rest: u64,
}

impl Path<'_> {
    fn put(&mut self, levels: usize, arity: u64) {
        put(self.bytes, levels as u64);
        for node in &self.rows[..levels] {
            put(self.bytes, arity - 1);
            self.bytes.extend(node.repeat(arity as usize - 1));
            put(self.bytes, self.rest % arity);
            self.rest /= arity;
        }
        self.rows = &self.rows[levels..];
    }
}

fn put(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend(number.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check_merkle;
    use frames::{parse_vanilla, Expected};

    #[test]
    fn a_sample_passes_the_check_of_every_type() {
        let randomness = Randomness::from_bytes([5; 32]).unwrap();
        for proof_type in (0..5).chain(10..15) {
            let proof_type = ProofType::from_number(proof_type).unwrap();
            let (sector, bytes) = sample_vanilla(proof_type, &randomness, 12);
            let challenges = challenges(proof_type, &randomness, 12);
            let expected = Expected {
                layout: proof_type.layout(),
                sector,
                challenges: &challenges,
            };
            let parsed = parse_vanilla(&expected, &bytes).unwrap();
            assert_eq!(check_merkle(&parsed, &sector), Ok(()));
        }
    }
}
