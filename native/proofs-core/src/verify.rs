//! Verification of one partition's proof under a key that the caller has vouched for.

use anyhow::ensure;
use bellperson::groth16::{self, prepare_verifying_key, PreparedVerifyingKey};
use blstrs::Bls12;
use filecoin_hashers::poseidon::PoseidonDomain;
use filecoin_hashers::Domain;
use filecoin_proofs::MerkleTreeTrait;
use frames::{PostKind, ProofType, Randomness, Sector};
use storage_proofs_core::compound_proof::{self, CompoundProof};
use storage_proofs_core::multi_proof::MultiProof;
use storage_proofs_post::fallback::{
    ChallengeRequirements, FallbackPoStCompound, PublicInputs, PublicSector,
};

use crate::tree::{post_config, prover_id, setup_params, with_tree};
use crate::{guarded, CoreError};

/// A verifying key, parsed and prepared.
pub struct VerifyingKey(PreparedVerifyingKey<Bls12>);

impl VerifyingKey {
    /// Parses a `.vk` file's bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, CoreError> {
        guarded(|| {
            let mut rest = bytes;
            let key = groth16::VerifyingKey::<Bls12>::read(&mut rest)?;
            ensure!(
                rest.is_empty(),
                "{} bytes are left behind the verifying key",
                rest.len()
            );
            Ok(Self(prepare_verifying_key(&key)))
        })
    }
}

/// True if `proof` proves that the miner holds these sectors (ascending, at most one partition).
///
/// False and an error both mean that the proof is not valid; which of them the library gives depends on the kind of damage.
pub fn verify_proof(
    proof_type: ProofType,
    miner: u64,
    randomness: &Randomness,
    sectors: &[Sector],
    proof: &[u8],
    key: &VerifyingKey,
) -> Result<bool, CoreError> {
    guarded(|| {
        with_tree!(
            proof_type.size,
            verify(proof_type, miner, randomness, sectors, proof, key)
        )
    })
}

fn verify<Tree>(
    proof_type: ProofType,
    miner: u64,
    randomness: &Randomness,
    sectors: &[Sector],
    proof: &[u8],
    key: &VerifyingKey,
) -> anyhow::Result<bool>
where
    Tree: 'static + MerkleTreeTrait,
    Tree::Hasher: filecoin_hashers::Hasher<Domain = PoseidonDomain>,
{
    let setup = setup_params(proof_type)?;
    ensure!(!sectors.is_empty(), "no sector to verify");
    ensure!(
        sectors.len() <= proof_type.sectors_max(),
        "{} sectors are more than one partition",
        sectors.len()
    );
    let public = sectors
        .iter()
        .map(|sector| {
            Ok(PublicSector {
                id: sector.number.into(),
                comm_r: PoseidonDomain::try_from_bytes(&sector.comm_r)?,
            })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let public = match proof_type.kind {
        PostKind::Window => public,
        // Laid out as 66 sectors with one challenge each, all of them the same sector.
        PostKind::Winning => vec![public[0].clone(); setup.sector_count],
    };
    let inputs = PublicInputs {
        randomness: PoseidonDomain::try_from_bytes(randomness.bytes())?,
        prover_id: PoseidonDomain::try_from_bytes(&prover_id(miner))?,
        sectors: public,
        k: None,
    };
    let config = post_config(proof_type);
    let params = FallbackPoStCompound::<Tree>::setup(&compound_proof::SetupParams {
        vanilla_params: setup,
        partitions: None,
        priority: false,
    })?;
    let proof = MultiProof::new_from_bytes(None, proof, &key.0)?;
    let requirements = ChallengeRequirements {
        minimum_challenge_count: config.challenge_count * config.sector_count,
    };
    FallbackPoStCompound::<Tree>::verify(&params, &inputs, &proof, &requirements)
}
