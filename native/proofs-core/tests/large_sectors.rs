//! The tree shapes and lengths of 32 GiB and 64 GiB sectors, over sparse replicas of zeros: every row of their trees is constant, so
//! the tree files can be written without hashing 32 GiB.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

use blstrs::Scalar;
use ff::{Field, PrimeField};
use filecoin_hashers::{POSEIDON_CONSTANTS_2, POSEIDON_CONSTANTS_8};
use frames::{challenges, parse_vanilla, Expected, ProofType, Randomness, Sector, SectorSize};
use neptune::Poseidon;
use proofs_core::{check_merkle, comm_r, open_sector, tree_files, OpenRequest};

fn oct(child: Scalar) -> Scalar {
    Poseidon::new_with_preimage(&[child; 8], &POSEIDON_CONSTANTS_8).hash()
}

/// Writes one base tree's stored rows and returns its root.
fn write_base_tree(path: &Path, base_levels: usize, stored_rows: usize) -> Scalar {
    let mut node = Scalar::ZERO;
    let mut bytes = Vec::new();
    for level in 1..=base_levels {
        node = oct(node);
        let row = base_levels - level;
        if row < stored_rows {
            bytes.extend(node.to_repr().repeat(8usize.pow(row as u32)));
        }
    }
    fs::write(path, bytes).unwrap();
    node
}

/// Lays out a sector of zeros and returns its commitments (comm_r, comm_c ‖ comm_r_last).
fn lay_out(folder: &Path, size: SectorSize) -> Sector {
    let shape = size.shape();
    let cache = folder.join("cache");
    fs::create_dir(&cache).unwrap();
    let first = folder.join("tree");
    let base = write_base_tree(&first, shape.base_levels, shape.base_levels - 2);
    for (name, length) in tree_files(size) {
        assert_eq!(fs::metadata(&first).unwrap().len(), length);
        symlink(&first, cache.join(name)).unwrap();
    }
    let mut root = oct(base);
    if shape.top {
        root = Poseidon::new_with_preimage(&[root; 2], &POSEIDON_CONSTANTS_2).hash();
    }
    let (comm_c, comm_r_last) = ([3; 32], root.to_repr());
    fs::write(cache.join("p_aux"), [comm_c, comm_r_last].concat()).unwrap();
    let replica = File::create(folder.join("replica")).unwrap();
    replica.set_len(size.bytes()).unwrap();
    Sector {
        number: 12,
        comm_r: comm_r(&comm_c, &comm_r_last).unwrap(),
    }
}

fn open_and_check(number: u64) {
    let folder = tempfile::tempdir().unwrap();
    let proof_type = ProofType::from_number(number).unwrap();
    let sector = lay_out(folder.path(), proof_type.size);
    let randomness = Randomness::from_bytes([5; 32]).unwrap();
    let challenges = challenges(proof_type, &randomness, sector.number);
    let proof = open_sector(&OpenRequest {
        proof_type,
        sector,
        challenges: &challenges,
        cache: &folder.path().join("cache"),
        replica: &folder.path().join("replica"),
    })
    .unwrap();
    let expected = Expected {
        layout: proof_type.layout(),
        sector,
        challenges: &challenges,
    };
    let parsed = parse_vanilla(&expected, &proof).unwrap();
    assert_eq!(check_merkle(&parsed, &sector), Ok(()));
}

#[test]
fn a_32_gib_sector_opens() {
    open_and_check(13);
}

#[test]
fn a_64_gib_sector_opens() {
    open_and_check(14);
}

#[test]
fn a_64_gib_sector_opens_for_winning() {
    open_and_check(4);
}
