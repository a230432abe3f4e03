//! Real sealed sectors for tests and demonstrations: PC1 and PC2 of the library, and its empty-sector-update encoding.

use std::path::Path;

use anyhow::{bail, Context};
use filecoin_proofs_api::seal::{add_piece, seal_pre_commit_phase1, seal_pre_commit_phase2};
use filecoin_proofs_api::update::empty_sector_update_encode_into;
use filecoin_proofs_api::{
    RegisteredSealProof, RegisteredUpdateProof, SectorId, UnpaddedBytesAmount,
};
use frames::{SectorSize, Word};

use crate::tree::prover_id;
use crate::{guarded, CoreError};

/// One sector to seal without data.
#[derive(Clone, Copy, Debug)]
pub struct SealRequest<'a> {
    /// 2 KiB or 8 MiB.
    pub size: SectorSize,
    /// Actor id of the miner.
    pub miner: u64,
    /// Sector number.
    pub sector: u64,
    /// Sealing ticket; with miner and number it fixes every byte of the result.
    pub ticket: Word,
    /// Existing empty folder.
    pub cache: &'a Path,
    /// Existing empty file; becomes the replica.
    pub replica: &'a Path,
}

/// One sealed sector to update with data.
#[derive(Clone, Copy, Debug)]
pub struct UpdateRequest<'a> {
    /// 2 KiB or 8 MiB.
    pub size: SectorSize,
    /// Unpadded data, 127/128 of the sector's bytes.
    pub data: &'a [u8],
    /// Where the padded data is staged; removed by the caller.
    pub staged: &'a Path,
    /// Replica of the sealed sector.
    pub sealed: &'a Path,
    /// Its cache, with t_aux.
    pub sealed_cache: &'a Path,
    /// Existing file of the sector's length; becomes the updated replica.
    pub replica: &'a Path,
    /// Existing empty folder.
    pub cache: &'a Path,
}

/// Seals a sector (V1_1) and returns comm_r. The cache still holds layers and all trees.
pub fn seal_sector(request: &SealRequest<'_>) -> Result<Word, CoreError> {
    guarded(|| {
        let phase1 = seal_pre_commit_phase1(
            seal_proof(request.size)?,
            request.cache,
            // A sector without pieces is read as zeros from here, whatever its size.
            Path::new("/dev/zero"),
            request.replica,
            prover_id(request.miner),
            SectorId::from(request.sector),
            request.ticket,
            &[],
        )
        .context("precommit phase 1")?;
        let phase2 = seal_pre_commit_phase2(phase1, request.cache, request.replica)
            .context("precommit phase 2")?;
        Ok(phase2.comm_r)
    })
}

/// Encodes data into a sealed sector ("Snap") and returns the new comm_r.
pub fn update_sector(request: &UpdateRequest<'_>) -> Result<Word, CoreError> {
    guarded(|| {
        let mut staged = std::fs::File::options()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(request.staged)?;
        let (piece, _) = add_piece(
            seal_proof(request.size)?,
            request.data,
            &mut staged,
            UnpaddedBytesAmount(request.data.len() as u64),
            &[],
        )
        .context("staging the data")?;
        let encoded = empty_sector_update_encode_into(
            update_proof(request.size)?,
            request.replica,
            request.cache,
            request.sealed,
            request.sealed_cache,
            request.staged,
            &[piece],
        )
        .context("encoding the update")?;
        Ok(encoded.comm_r_new)
    })
}

fn seal_proof(size: SectorSize) -> anyhow::Result<RegisteredSealProof> {
    match size {
        SectorSize::KiB2 => Ok(RegisteredSealProof::StackedDrg2KiBV1_1),
        SectorSize::MiB8 => Ok(RegisteredSealProof::StackedDrg8MiBV1_1),
        _ => bail!("only 2KiB and 8MiB are sealed here"),
    }
}

fn update_proof(size: SectorSize) -> anyhow::Result<RegisteredUpdateProof> {
    match size {
        SectorSize::KiB2 => Ok(RegisteredUpdateProof::StackedDrg2KiBV1),
        SectorSize::MiB8 => Ok(RegisteredUpdateProof::StackedDrg8MiBV1),
        _ => bail!("only 2KiB and 8MiB are updated here"),
    }
}
