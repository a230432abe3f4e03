//! Which leaves of a sector are challenged.

use sha2::{Digest, Sha256};

use crate::{ProofType, Randomness};

/// Challenged leaf indexes of one sector, in the order of the proof.
///
/// Leaf i = first 8 bytes (little endian) of SHA-256(randomness ‖ sector ‖ i) mod leaves: `generate_leaf_challenge` of
/// storage-proofs-post, with i from 0 for window V1_1 (FIP-0061) and for the one sector of a winning PoSt.
pub fn challenges(proof_type: ProofType, randomness: &Randomness, sector: u64) -> Vec<u64> {
    let leaves = proof_type.size.shape().leaves();
    let mut prefix = Sha256::new();
    prefix.update(randomness.bytes());
    prefix.update(sector.to_le_bytes());
    (0..proof_type.challenges() as u64)
        .map(|index| {
            let hash = prefix.clone().chain_update(index.to_le_bytes()).finalize();
            let mut first = [0; 8];
            first.copy_from_slice(&hash[..8]);
            u64::from_le_bytes(first) % leaves
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_and_range() {
        let randomness = Randomness::from_bytes([7; 32]).unwrap();
        for number in (0..5).chain(10..15) {
            let proof_type = ProofType::from_number(number).unwrap();
            let leaves = challenges(proof_type, &randomness, 42);
            assert_eq!(leaves.len(), proof_type.challenges());
            assert!(leaves
                .iter()
                .all(|&leaf| leaf < proof_type.size.shape().leaves()));
        }
    }

    #[test]
    fn the_sector_number_matters() {
        let randomness = Randomness::from_bytes([7; 32]).unwrap();
        let window = ProofType::from_number(13).unwrap();
        assert_ne!(
            challenges(window, &randomness, 1),
            challenges(window, &randomness, 2)
        );
    }
}
