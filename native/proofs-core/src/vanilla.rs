//! Opening a sector: its vanilla proof from replica and cache.

use std::path::Path;

use filecoin_proofs::types::PrivateReplicaInfo;
use filecoin_proofs::{generate_single_vanilla_proof, MerkleTreeTrait};
use frames::{ProofType, Sector, SectorSize};
use storage_proofs_core::util::default_rows_to_discard;

use crate::tree::{post_config, with_tree};
use crate::{guarded, CoreError};

/// One sector to open.
#[derive(Clone, Copy, Debug)]
pub struct OpenRequest<'a> {
    /// Decides layout and challenges.
    pub proof_type: ProofType,
    /// Number and comm_r that the proof carries.
    pub sector: Sector,
    /// Leaf indexes, from [`frames::challenges`].
    pub challenges: &'a [u64],
    /// Folder with p_aux and the tree files.
    pub cache: &'a Path,
    /// Sealed or updated replica.
    pub replica: &'a Path,
}

/// Makes the vanilla proof of one sector.
///
/// The library checks each path against the root in p_aux (a damaged replica or tree is an error), but neither comm_c nor comm_r:
/// run the strict parser and [`crate::check_merkle`] over the result.
pub fn open_sector(request: &OpenRequest<'_>) -> Result<Vec<u8>, CoreError> {
    guarded(|| with_tree!(request.proof_type.size, open(request)))
}

fn open<Tree: 'static + MerkleTreeTrait>(request: &OpenRequest<'_>) -> anyhow::Result<Vec<u8>> {
    let replica = PrivateReplicaInfo::<Tree>::new(
        request.replica.to_path_buf(),
        request.sector.comm_r,
        request.cache.to_path_buf(),
    )?;
    let proof = generate_single_vanilla_proof::<Tree>(
        &post_config(request.proof_type),
        request.sector.number.into(),
        &replica,
        request.challenges,
    )?;
    Ok(bincode::serialize(&proof)?)
}

/// Names and lengths in bytes of the files of the replica's tree. Their lower rows are left out (rebuilt from the replica):
/// `FIL_PROOFS_ROWS_TO_DISCARD` (default 2) must be the value of the time of sealing.
pub fn tree_files(size: SectorSize) -> Vec<(String, u64)> {
    let shape = size.shape();
    let leaves = 8usize.pow(shape.base_levels as u32);
    let stored_rows = shape.base_levels - default_rows_to_discard(leaves, 8);
    let nodes: u64 = (0..stored_rows as u32).map(|row| 8u64.pow(row)).sum();
    let names = match shape.base_trees() {
        1 => vec!["sc-02-data-tree-r-last.dat".to_string()],
        count => (0..count)
            .map(|tree| format!("sc-02-data-tree-r-last-{tree}.dat"))
            .collect(),
    };
    names.into_iter().map(|name| (name, nodes * 32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tree_file_lengths() {
        let lengths = SectorSize::ALL.map(|size| {
            let files = tree_files(size);
            (files.len(), files[0].1)
        });
        assert_eq!(
            lengths,
            [
                (1, 32),
                (1, 18_720),
                (1, 1_198_368),
                (8, 9_586_976),
                (16, 9_586_976)
            ]
        );
        assert_eq!(
            tree_files(SectorSize::GiB32)[7].0,
            "sc-02-data-tree-r-last-7.dat"
        );
    }
}
