//! From a proof type to the library's configuration and tree types.

use filecoin_proofs::parameters::{window_post_setup_params, winning_post_setup_params};
use filecoin_proofs::types::PoStConfig;
use filecoin_proofs_api::RegisteredPoStProof;
use frames::{PostKind, ProofType, SectorSize};
use storage_proofs_post::fallback::{PublicParams, SetupParams};

/// Calls a function that is generic over the tree, with the tree of a sector size.
macro_rules! with_tree {
    ($size:expr, $function:ident($($argument:expr),* $(,)?)) => {
        match $size {
            frames::SectorSize::KiB2 | frames::SectorSize::MiB8 | frames::SectorSize::MiB512 => {
                $function::<filecoin_proofs::SectorShapeBase>($($argument),*)
            }
            frames::SectorSize::GiB32 => $function::<filecoin_proofs::SectorShapeSub8>($($argument),*),
            frames::SectorSize::GiB64 => $function::<filecoin_proofs::SectorShapeTop2>($($argument),*),
        }
    };
}
pub(crate) use with_tree;

/// The library's name of a proof type.
pub(crate) fn registered(proof_type: ProofType) -> RegisteredPoStProof {
    use RegisteredPoStProof::*;
    match (proof_type.kind, proof_type.size) {
        (PostKind::Winning, SectorSize::KiB2) => StackedDrgWinning2KiBV1,
        (PostKind::Winning, SectorSize::MiB8) => StackedDrgWinning8MiBV1,
        (PostKind::Winning, SectorSize::MiB512) => StackedDrgWinning512MiBV1,
        (PostKind::Winning, SectorSize::GiB32) => StackedDrgWinning32GiBV1,
        (PostKind::Winning, SectorSize::GiB64) => StackedDrgWinning64GiBV1,
        (PostKind::Window, SectorSize::KiB2) => StackedDrgWindow2KiBV1_2,
        (PostKind::Window, SectorSize::MiB8) => StackedDrgWindow8MiBV1_2,
        (PostKind::Window, SectorSize::MiB512) => StackedDrgWindow512MiBV1_2,
        (PostKind::Window, SectorSize::GiB32) => StackedDrgWindow32GiBV1_2,
        (PostKind::Window, SectorSize::GiB64) => StackedDrgWindow64GiBV1_2,
    }
}

/// The library's configuration of a proof type.
pub(crate) fn post_config(proof_type: ProofType) -> PoStConfig {
    registered(proof_type).as_v1_config()
}

/// What the circuit is built from: winning PoSt is laid out as 66 sectors with one challenge each.
pub(crate) fn setup_params(proof_type: ProofType) -> anyhow::Result<SetupParams> {
    let config = post_config(proof_type);
    match proof_type.kind {
        PostKind::Winning => winning_post_setup_params(&config),
        PostKind::Window => Ok(window_post_setup_params(&config)),
    }
}

/// The same as [`setup_params`] in the form that circuits take.
pub(crate) fn public_params(proof_type: ProofType) -> anyhow::Result<PublicParams> {
    let setup = setup_params(proof_type)?;
    Ok(PublicParams {
        sector_size: setup.sector_size,
        challenge_count: setup.challenge_count,
        sector_count: setup.sector_count,
        api_version: setup.api_version,
    })
}

/// Prover id of a miner: its actor id as unsigned LEB128, zero filled. PoSt circuits carry it but do not constrain it.
pub(crate) fn prover_id(miner: u64) -> [u8; 32] {
    let mut id = [0; 32];
    let mut rest = miner;
    for byte in &mut id {
        *byte = (rest & 0x7f) as u8;
        rest >>= 7;
        if rest == 0 {
            break;
        }
        *byte |= 0x80;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prover_ids_are_leb128() {
        assert_eq!(prover_id(0), [0; 32]);
        assert_eq!(prover_id(1000)[..3], [0xe8, 0x07, 0]);
        assert_eq!(prover_id(u64::MAX)[..11], {
            let mut bytes = [0xff; 11];
            bytes[9] = 1;
            bytes[10] = 0;
            bytes
        });
    }

    #[test]
    fn constants_agree_with_the_library() {
        for number in (0..5).chain(10..15) {
            let proof_type = ProofType::from_number(number).unwrap();
            let config = post_config(proof_type);
            assert_eq!(u64::from(config.sector_size), proof_type.size.bytes());
            assert_eq!(config.challenge_count, proof_type.challenges());
            assert_eq!(config.sector_count, proof_type.sectors_max());
        }
    }
}
