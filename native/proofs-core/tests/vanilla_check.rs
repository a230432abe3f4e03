//! Parser and Merkle check together: nothing but the one right proof passes.

#[path = "../../frames/tests/common/mod.rs"]
mod common;

use common::{mutate, vectors, Random, Recorded};
use filecoin_proofs_api::post::generate_fallback_sector_challenges;
use filecoin_proofs_api::{RegisteredPoStProof, SectorId};
use frames::{challenges, parse_vanilla, ProofType, Randomness};
use proofs_core::{check_merkle, open_sector, CoreError, MerkleError, OpenRequest};

const ROUNDS: usize = 6_000;

fn passes(recorded: &Recorded, bytes: &[u8]) -> bool {
    parse_vanilla(&recorded.expected(), bytes)
        .is_ok_and(|vanilla| check_merkle(&vanilla, &recorded.sector).is_ok())
}

#[test]
fn a_real_proof_passes() {
    let recorded = Recorded::load();
    assert!(passes(&recorded, &recorded.bytes));
}

#[test]
fn no_mutation_passes() {
    let recorded = Recorded::load();
    let mut random = Random(4);
    for round in 0..ROUNDS {
        let bytes = mutate(&mut random, &recorded.bytes);
        assert!(!passes(&recorded, &bytes), "round {round}");
    }
}

#[test]
fn hashes_are_told_apart() {
    let recorded = Recorded::load();
    let check = |offset: usize| {
        let mut bytes = recorded.bytes.clone();
        bytes[offset] ^= 1;
        let vanilla = parse_vanilla(&recorded.expected(), &bytes).unwrap();
        check_merkle(&vanilla, &recorded.sector).unwrap_err()
    };
    assert_eq!(check(recorded.bytes.len() - 64), MerkleError::CommR);
    assert_eq!(check(56 + 36), MerkleError::Path(0));
    assert_eq!(check(56 + 76 + 8), MerkleError::Path(0));
}

#[test]
fn the_library_makes_the_recorded_proof() {
    let recorded = Recorded::load();
    let storage = vectors().join("storage");
    let request = OpenRequest {
        proof_type: recorded.proof_type,
        sector: recorded.sector,
        challenges: &recorded.challenges,
        cache: &storage.join("cache/s-t01001-2"),
        replica: &storage.join("sealed/s-t01001-2"),
    };
    assert_eq!(open_sector(&request).unwrap(), recorded.bytes);
    let other = OpenRequest {
        replica: &storage.join("sealed/s-t01001-3"),
        ..request
    };
    assert!(matches!(open_sector(&other), Err(CoreError::Library(_))));
}

#[test]
fn challenges_are_those_of_the_library() {
    use RegisteredPoStProof::*;
    let types = [
        (0, StackedDrgWinning2KiBV1),
        (1, StackedDrgWinning8MiBV1),
        (2, StackedDrgWinning512MiBV1),
        (3, StackedDrgWinning32GiBV1),
        (4, StackedDrgWinning64GiBV1),
        (10, StackedDrgWindow2KiBV1_2),
        (11, StackedDrgWindow8MiBV1_2),
        (12, StackedDrgWindow512MiBV1_2),
        (13, StackedDrgWindow32GiBV1_2),
        (14, StackedDrgWindow64GiBV1_2),
    ];
    let mut random = Random(5);
    for (number, library) in types {
        let proof_type = ProofType::from_number(number).unwrap();
        for _ in 0..20 {
            let mut bytes: [u8; 32] = random.bytes(32).try_into().unwrap();
            bytes[31] &= 0x3f;
            let sector = random.next() >> 11;
            let randomness = Randomness::from_bytes(bytes).unwrap();
            let expected = generate_fallback_sector_challenges(
                library,
                &bytes,
                &[SectorId::from(sector)],
                [0; 32],
            )
            .unwrap();
            assert_eq!(
                challenges(proof_type, &randomness, sector),
                expected[&SectorId::from(sector)],
                "type {number}, sector {sector}"
            );
        }
    }
}
