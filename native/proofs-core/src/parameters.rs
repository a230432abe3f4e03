//! Groth16 parameters: names, lengths, generation for tests, mapping for proofs.
//!
//! A `.params` file is the verifying key followed by five vectors of uncompressed points (h, l, a, b_g1 with 96 bytes, b_g2 with 192
//! bytes each), every vector with a u32 BE count in front.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{ensure, Context};
use bellperson::groth16::{generate_random_parameters, MappedParameters as Mapped, Parameters};
use blstrs::Bls12;
use filecoin_proofs::MerkleTreeTrait;
use frames::{PostKind, ProofType};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use storage_proofs_core::compound_proof::CompoundProof;
use storage_proofs_core::parameter_cache::VERSION;
use storage_proofs_post::fallback::FallbackPoStCompound;

use crate::tree::{post_config, public_params, with_tree};
use crate::{guarded, CoreError};

/// File name without extension, as the library and the ceremony have it: `v28-proof-of-spacetime-fallback-…`.
pub fn parameter_stem(proof_type: ProofType) -> Result<String, CoreError> {
    guarded(|| {
        let identifier = with_tree!(proof_type.size, cache_identifier(proof_type))?;
        Ok(format!("v{VERSION}-{identifier}"))
    })
}

fn cache_identifier<Tree: 'static + MerkleTreeTrait>(
    proof_type: ProofType,
) -> anyhow::Result<String> {
    post_config(proof_type).get_cache_identifier::<Tree>()
}

/// Bytes of the verifying key: seven fixed points, a count, and one point per public input. Inputs are the constant one and, per
/// sector of the circuit, comm_r and one leaf index per challenge.
pub fn verifying_key_len(proof_type: ProofType) -> u64 {
    let (sectors, challenges) = match proof_type.kind {
        PostKind::Winning => (proof_type.challenges(), 1),
        PostKind::Window => (proof_type.sectors_max(), proof_type.challenges()),
    };
    let inputs = 1 + sectors * (1 + challenges);
    (3 * 96 + 3 * 192 + 4 + 96 * inputs) as u64
}

/// Generates **test** parameters into `writer` and returns the verifying key's bytes. Equal seeds give equal bytes, so the trapdoor
/// of the result is public.
pub fn generate_parameters(
    proof_type: ProofType,
    seed: u64,
    writer: &mut dyn Write,
) -> Result<Vec<u8>, CoreError> {
    guarded(|| with_tree!(proof_type.size, generate(proof_type, seed, writer)))
}

fn generate<Tree: 'static + MerkleTreeTrait>(
    proof_type: ProofType,
    seed: u64,
    writer: &mut dyn Write,
) -> anyhow::Result<Vec<u8>> {
    let circuit = FallbackPoStCompound::<Tree>::blank_circuit(&public_params(proof_type)?);
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let parameters = generate_random_parameters::<Bls12, _, _>(circuit, &mut rng)?;
    parameters.write(writer)?;
    let mut key = Vec::new();
    parameters.vk.write(&mut key)?;
    Ok(key)
}

/// Length that the counts inside a `.params` file announce, without reading its points. Mapping a file that is shorter would fault
/// in the middle of a proof.
pub fn parameters_len(file: &mut File, proof_type: ProofType) -> io::Result<u64> {
    let mut offset = verifying_key_len(proof_type);
    for point in [96, 96, 96, 96, 192] {
        file.seek(SeekFrom::Start(offset))?;
        let mut count = [0; 4];
        file.read_exact(&mut count)?;
        offset += 4 + u64::from(u32::from_be_bytes(count)) * point;
    }
    Ok(offset)
}

/// Parameters mapped into memory: several processes share the pages, the points are decoded at each proof.
pub struct MappedParameters(pub Mapped<Bls12>);

impl MappedParameters {
    /// Maps a file. Points are not checked to be in their subgroups: that is what the digest at installation is for.
    pub fn open(path: &Path, proof_type: ProofType) -> Result<Self, CoreError> {
        guarded(|| {
            let mut file = File::open(path).context("the parameter file cannot be opened")?;
            let found = file.metadata()?.len();
            let expected =
                parameters_len(&mut file, proof_type).context("the parameter file is too short")?;
            ensure!(
                found == expected,
                "the parameter file has {found} bytes, its counts announce {expected}"
            );
            let mapped = Parameters::build_mapped_parameters(path.to_path_buf(), false)?;
            Ok(Self(mapped))
        })
    }
}
