//! The strict parser against a real proof and mutations of it.

mod common;

use common::{mutate, Random, Recorded};
use frames::{parse_vanilla, VanillaError};

const ROUNDS: usize = 30_000;

/// Offsets of one inclusion proof in the 2 KiB layout: 56 + i * 588, with root at 4, leaf at 36, path from 68.
const HEAD: usize = 56;
const INCLUSION: usize = 4 + 64 + 8 + 2 * 240;

fn error(recorded: &Recorded, bytes: &[u8]) -> VanillaError {
    parse_vanilla(&recorded.expected(), bytes).unwrap_err()
}

fn with_byte(recorded: &Recorded, offset: usize, value: u8) -> Vec<u8> {
    let mut bytes = recorded.bytes.clone();
    assert_ne!(
        bytes[offset], value,
        "the change at {offset} changes something"
    );
    bytes[offset] = value;
    bytes
}

#[test]
fn a_real_proof_passes() {
    let recorded = Recorded::load();
    let vanilla = parse_vanilla(&recorded.expected(), &recorded.bytes).unwrap();
    assert_eq!(vanilla.inclusions.len(), 10);
    assert!(vanilla
        .inclusions
        .iter()
        .all(|inclusion| inclusion.levels.len() == 2));
}

#[test]
fn every_field_has_its_error() {
    let recorded = Recorded::load();
    let length = recorded.bytes.len();
    let refused = |offset, value| error(&recorded, &with_byte(&recorded, offset, value));
    assert_eq!(
        error(&recorded, &recorded.bytes[1..]),
        VanillaError::Length {
            found: length - 1,
            expected: length
        }
    );
    assert_eq!(refused(0, 9), VanillaError::Sector(9));
    assert_eq!(refused(8, 0), VanillaError::CommR);
    assert_eq!(refused(40, 2), VanillaError::Structure(40));
    assert_eq!(refused(48, 66), VanillaError::Structure(48));
    assert_eq!(refused(HEAD, 1), VanillaError::Structure(HEAD));
    assert_eq!(
        refused(HEAD + 4 + 31, 0xff),
        VanillaError::NonCanonical(HEAD + 4)
    );
    assert_eq!(
        refused(HEAD + 36 + 31, 0xff),
        VanillaError::NonCanonical(HEAD + 36)
    );
    assert_eq!(refused(HEAD + 68, 3), VanillaError::Structure(HEAD + 68));
    assert_eq!(refused(HEAD + 76, 8), VanillaError::Structure(HEAD + 76));
    let index = HEAD + 76 + 8 + 7 * 32;
    assert_eq!(refused(index, 8), VanillaError::Index(index));
    assert_eq!(refused(index + 7, 1), VanillaError::Index(index));
    let other = (recorded.bytes[index] + 1) % 8;
    assert_eq!(refused(index, other), VanillaError::Challenge(0));
    let root = HEAD + INCLUSION + 4;
    let changed = recorded.bytes[root] ^ 1;
    assert_eq!(refused(root, changed), VanillaError::Root(1));
    assert_eq!(
        refused(length - 1, 0xff),
        VanillaError::NonCanonical(length - 32)
    );
}

#[test]
fn other_randomness_is_noticed() {
    let mut recorded = Recorded::load();
    recorded.challenges[9] ^= 1;
    assert_eq!(
        error(&recorded, &recorded.bytes),
        VanillaError::Challenge(9)
    );
}

/// Structure is decided here, nodes by hashing elsewhere: what passes may differ from the original in leaf, siblings and comm_c only.
#[test]
fn mutations_pass_only_in_hashed_words() {
    let recorded = Recorded::load();
    let mut random = Random(2);
    let (mut refused, mut passed) = (0, 0);
    for round in 0..ROUNDS {
        let bytes = mutate(&mut random, &recorded.bytes);
        if parse_vanilla(&recorded.expected(), &bytes).is_err() {
            refused += 1;
            continue;
        }
        passed += 1;
        for (offset, (new, old)) in bytes.iter().zip(&recorded.bytes).enumerate() {
            assert!(
                new == old || is_hashed(offset, bytes.len()),
                "round {round}: a change at {offset} passed"
            );
        }
    }
    assert!(refused > ROUNDS / 4 && passed > 0, "{refused} {passed}");
}

fn is_hashed(offset: usize, length: usize) -> bool {
    if (length - 64..length - 32).contains(&offset) {
        return true;
    }
    if offset < HEAD || offset >= length - 64 {
        return false;
    }
    let inside = (offset - HEAD) % INCLUSION;
    let in_leaf = (36..68).contains(&inside);
    let in_sibling = inside >= 76 && (8..8 + 7 * 32).contains(&((inside - 76) % 240));
    in_leaf || in_sibling
}

#[test]
fn random_bytes_of_the_right_length_are_refused() {
    let recorded = Recorded::load();
    let mut random = Random(3);
    for _ in 0..200 {
        let bytes = random.bytes(recorded.bytes.len());
        assert!(parse_vanilla(&recorded.expected(), &bytes).is_err());
    }
}
