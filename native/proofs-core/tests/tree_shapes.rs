//! Parser and Merkle check against the library's trees of the shapes that 32 GiB and 64 GiB sectors have, at a small size.

use filecoin_hashers::poseidon::PoseidonHasher;
use filecoin_hashers::{Domain, HashFunction, Hasher};
use frames::{parse_vanilla, Expected, Layout, Sector, Shape, VanillaError};
use generic_array::typenum::{U0, U2, U8};
use proofs_core::check_merkle;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use storage_proofs_core::merkle::{generate_tree, DiskTree, MerkleProofTrait, MerkleTreeTrait};

type Single = DiskTree<PoseidonHasher, U8, U0, U0>;
type Sub = DiskTree<PoseidonHasher, U8, U8, U0>;
type Top = DiskTree<PoseidonHasher, U8, U8, U2>;

const SECTOR: u64 = 77;

/// The vanilla proof of all `leaves` leaves of a random tree, written as the library writes it.
fn vanilla<Tree: MerkleTreeTrait<Hasher = PoseidonHasher> + 'static>(
    leaves: usize,
) -> (Sector, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let (_, tree) = generate_tree::<Tree, _>(&mut rng, leaves, Some(folder.path().to_path_buf()));
    let comm_r_last = tree.root();
    let comm_c = <PoseidonHasher as Hasher>::Domain::random(&mut rng);
    let comm_r = <PoseidonHasher as Hasher>::Function::hash2(&comm_c, &comm_r_last);
    let mut bytes = bincode::serialize(&(SECTOR, comm_r, 1u64, leaves as u64)).unwrap();
    for leaf in 0..leaves {
        let proof = tree.gen_proof(leaf).unwrap();
        assert!(proof.validate(leaf));
        bytes.extend(bincode::serialize(&proof).unwrap());
    }
    bytes.extend(bincode::serialize(&(comm_c, comm_r_last)).unwrap());
    let sector = Sector {
        number: SECTOR,
        comm_r: comm_r.into_bytes().try_into().unwrap(),
    };
    (sector, bytes)
}

fn check<Tree: MerkleTreeTrait<Hasher = PoseidonHasher> + 'static>(shape: Shape) {
    let leaves = shape.leaves();
    let (sector, mut bytes) = vanilla::<Tree>(leaves as usize);
    let challenges: Vec<u64> = (0..leaves).collect();
    let layout = Layout {
        shape,
        challenges: challenges.len(),
    };
    let expected = Expected {
        layout,
        sector,
        challenges: &challenges,
    };
    let parsed = parse_vanilla(&expected, &bytes).unwrap();
    assert_eq!(check_merkle(&parsed, &sector), Ok(()));

    let last = bytes.len();
    bytes[last - 64] ^= 1;
    let parsed = parse_vanilla(&expected, &bytes).unwrap();
    assert!(check_merkle(&parsed, &sector).is_err());
    bytes[last - 64] ^= 1;

    let mut moved = challenges.clone();
    moved.swap(0, 1);
    let expected = Expected {
        challenges: &moved,
        ..expected
    };
    assert_eq!(
        parse_vanilla(&expected, &bytes).unwrap_err(),
        VanillaError::Challenge(0)
    );
}

#[test]
fn one_base_tree() {
    check::<Single>(Shape {
        base_levels: 2,
        sub: false,
        top: false,
    });
}

#[test]
fn eight_base_trees_as_32_gib() {
    check::<Sub>(Shape {
        base_levels: 2,
        sub: true,
        top: false,
    });
}

#[test]
fn twice_eight_base_trees_as_64_gib() {
    check::<Top>(Shape {
        base_levels: 2,
        sub: true,
        top: true,
    });
}
