//! One Groth16 proof of one partition.
//!
//! The same steps as the library's `generate_single_window_post_with_vanilla` and `generate_winning_post_with_vanilla`, taken apart so
//! that parameters stay mapped, phases can be told apart, and the library's repetition of the Merkle check (which mode `check` has
//! done) is left out. `verify` of the library is the judge of the result.

use anyhow::{ensure, Context};
use bellperson::groth16::create_proof_batch_in_priority;
use blstrs::{Bls12, Scalar};
use ff::{Field, PrimeField};
use filecoin_hashers::poseidon::PoseidonDomain;
use filecoin_hashers::Domain;
use filecoin_proofs::{
    FallbackPoStSectorProof, MerkleTreeTrait, SectorShapeBase, SectorShapeSub8, SectorShapeTop2,
};
use frames::{PostKind, ProofType, Randomness, SectorSize};
use rand::rngs::OsRng;
use storage_proofs_core::compound_proof::CompoundProof;
use storage_proofs_post::fallback::{
    FallbackPoStCircuit, FallbackPoStCompound, Proof, PublicInputs, PublicSector, SectorProof,
};

use crate::tree::{prover_id, public_params};
use crate::{guarded, CoreError, MappedParameters};

/// Bytes of the proof of one partition.
pub const PROOF_BYTES: usize = 192;

/// A circuit with its witness, ready to be proven.
pub struct PartitionCircuit(Trees);

enum Trees {
    Base(FallbackPoStCircuit<SectorShapeBase>),
    Sub(FallbackPoStCircuit<SectorShapeSub8>),
    Top(FallbackPoStCircuit<SectorShapeTop2>),
}

impl PartitionCircuit {
    /// Builds the circuit of a partition from the vanilla proofs of its sectors, ascending. They must have passed the strict parser.
    pub fn build(
        proof_type: ProofType,
        miner: u64,
        randomness: &Randomness,
        vanilla: &[&[u8]],
    ) -> Result<Self, CoreError> {
        guarded(|| {
            Ok(Self(match proof_type.size {
                SectorSize::KiB2 | SectorSize::MiB8 | SectorSize::MiB512 => {
                    Trees::Base(build(proof_type, miner, randomness, vanilla)?)
                }
                SectorSize::GiB32 => Trees::Sub(build(proof_type, miner, randomness, vanilla)?),
                SectorSize::GiB64 => Trees::Top(build(proof_type, miner, randomness, vanilla)?),
            }))
        })
    }

    /// Synthesis, transforms and multi-exponentiations. The proof is randomised: two calls give two proofs.
    pub fn prove(self, parameters: &MappedParameters) -> Result<[u8; PROOF_BYTES], CoreError> {
        guarded(|| match self.0 {
            Trees::Base(circuit) => prove(circuit, parameters),
            Trees::Sub(circuit) => prove(circuit, parameters),
            Trees::Top(circuit) => prove(circuit, parameters),
        })
    }

    /// The same with given randomisers (r and s, little-endian): a function of its arguments, to compare another prover with.
    pub fn prove_with(
        self,
        parameters: &MappedParameters,
        randomisers: &[[u8; 32]; 2],
    ) -> Result<[u8; PROOF_BYTES], CoreError> {
        guarded(|| match self.0 {
            Trees::Base(circuit) => prove_with(circuit, parameters, randomisers),
            Trees::Sub(circuit) => prove_with(circuit, parameters, randomisers),
            Trees::Top(circuit) => prove_with(circuit, parameters, randomisers),
        })
    }
}

fn build<Tree: 'static + MerkleTreeTrait>(
    proof_type: ProofType,
    miner: u64,
    randomness: &Randomness,
    vanilla: &[&[u8]],
) -> anyhow::Result<FallbackPoStCircuit<Tree>>
where
    Tree::Hasher: filecoin_hashers::Hasher<Domain = PoseidonDomain>,
{
    ensure!(!vanilla.is_empty(), "no sector to prove");
    ensure!(
        vanilla.len() <= proof_type.sectors_max(),
        "{} sectors are more than one partition",
        vanilla.len()
    );
    let mut sectors = Vec::with_capacity(vanilla.len());
    let mut proofs: Vec<SectorProof<Tree::Proof>> = Vec::new();
    for bytes in vanilla {
        let sector: FallbackPoStSectorProof<Tree> =
            bincode::deserialize(bytes).context("a vanilla proof cannot be read")?;
        sectors.push(PublicSector {
            id: sector.sector_id,
            comm_r: sector.comm_r,
        });
        match proof_type.kind {
            PostKind::Window => proofs.extend(sector.vanilla_proof.sectors),
            PostKind::Winning => proofs.extend(
                sector
                    .vanilla_proof
                    .sectors
                    .into_iter()
                    .flat_map(one_per_challenge),
            ),
        }
    }
    let params = public_params(proof_type)?;
    let last = proofs.last().context("no sector proof")?.clone();
    // A partition that is not full is padded with its last sector, here and in the verifier.
    proofs.resize(params.sector_count, last);
    let inputs = PublicInputs {
        randomness: PoseidonDomain::try_from_bytes(randomness.bytes())?,
        prover_id: PoseidonDomain::try_from_bytes(&prover_id(miner))?,
        sectors,
        k: None,
    };
    FallbackPoStCompound::<Tree>::circuit(
        &inputs,
        Default::default(),
        &Proof { sectors: proofs },
        &params,
        None,
    )
}

/// A winning PoSt is laid out as one sector with one challenge for each challenge of its only sector.
fn one_per_challenge<P: storage_proofs_core::merkle::MerkleProofTrait>(
    sector: SectorProof<P>,
) -> impl Iterator<Item = SectorProof<P>> {
    let (comm_c, comm_r_last) = (sector.comm_c, sector.comm_r_last);
    sector
        .inclusion_proofs
        .into_iter()
        .map(move |proof| SectorProof {
            inclusion_proofs: vec![proof],
            comm_c,
            comm_r_last,
        })
}

fn prove<C: bellperson::Circuit<Scalar> + Send>(
    circuit: C,
    parameters: &MappedParameters,
) -> anyhow::Result<[u8; PROOF_BYTES]> {
    let [r, s] = [Scalar::random(OsRng), Scalar::random(OsRng)].map(|scalar| scalar.to_repr());
    prove_with(circuit, parameters, &[r, s])
}

fn prove_with<C: bellperson::Circuit<Scalar> + Send>(
    circuit: C,
    parameters: &MappedParameters,
    randomisers: &[[u8; 32]; 2],
) -> anyhow::Result<[u8; PROOF_BYTES]> {
    let proofs = create_proof_batch_in_priority::<Bls12, _, _>(
        vec![circuit],
        &parameters.0,
        vec![randomiser(&randomisers[0])?],
        vec![randomiser(&randomisers[1])?],
    )?;
    proof_bytes(proofs.first().context("the library returned no proof")?)
}

/// A randomiser from its little-endian number.
pub(crate) fn randomiser(word: &[u8; 32]) -> anyhow::Result<Scalar> {
    Option::from(Scalar::from_repr(*word)).context("a randomiser is no field element")
}

/// The three points, compressed.
pub(crate) fn proof_bytes(
    proof: &bellperson::groth16::Proof<Bls12>,
) -> anyhow::Result<[u8; PROOF_BYTES]> {
    let mut bytes = Vec::with_capacity(PROOF_BYTES);
    proof.write(&mut bytes)?;
    bytes
        .try_into()
        .map_err(|_| anyhow::anyhow!("the library returned a proof of another length"))
}
