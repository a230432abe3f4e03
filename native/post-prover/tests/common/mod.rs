//! Circuits with witnesses of any shape and count, their parameters, and the stock prover's answer.

#![allow(dead_code)] // each test uses its part

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Mutex;

use bellperson::groth16::{
    create_proof_batch, generate_random_parameters, prepare_verifying_key, verify_proof,
    MappedParameters, Parameters as StockParameters, VerifyingKey,
};
use blstrs::{Bls12, Scalar};
use ff::{Field, PrimeField};
use filecoin_hashers::poseidon::{PoseidonDomain, PoseidonHasher};
use filecoin_hashers::{POSEIDON_CONSTANTS_2, POSEIDON_CONSTANTS_8};
use filecoin_proofs::{
    FallbackPoStSectorProof, MerkleTreeTrait, SectorShapeBase, SectorShapeSub8, SectorShapeTop2,
};
use frames::{parse_vanilla, Expected, Layout, Sector, Shape, Vanilla, Word};
use neptune::Poseidon;
use post_prover::{Block, Circuit};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use storage_proofs_core::api_version::ApiVersion;
use storage_proofs_core::compound_proof::CompoundProof;
use storage_proofs_post::fallback::{
    FallbackPoStCircuit, FallbackPoStCompound, PublicParams, PublicSector, Sector as CircuitSector,
    SectorProof,
};

pub mod assignment;
pub mod points;
use assignment::Assignment;

/// Tests of one process make each file once, one after another.
static MAKING: Mutex<()> = Mutex::new(());

pub const fn shape(base_levels: usize, sub: bool, top: bool) -> Shape {
    Shape {
        base_levels,
        sub,
        top,
    }
}

/// A partition whose sectors are made up: random leaves in trees that are constant elsewhere.
pub struct Sample {
    pub circuit: Circuit,
    pub winning: bool,
    pub sectors: Vec<(Sector, Vec<u64>, Vec<u8>)>,
}

impl Sample {
    /// `sectors` of the circuit's blocks are given; the rest is padding.
    pub fn window(circuit: Circuit, sectors: usize) -> Self {
        let sectors = (0..sectors as u64)
            .map(|number| vanilla(circuit.shape, circuit.challenges, number))
            .collect();
        Self {
            circuit,
            winning: false,
            sectors,
        }
    }

    /// One sector with a challenge per block.
    pub fn winning(shape: Shape, challenges: usize) -> Self {
        Self {
            circuit: Circuit {
                blocks: challenges,
                challenges: 1,
                shape,
            },
            winning: true,
            sectors: vec![vanilla(shape, challenges, 1)],
        }
    }

    pub fn parsed(&self) -> Vec<(&Sector, Vanilla<'_>)> {
        self.sectors
            .iter()
            .map(|(sector, challenges, bytes)| {
                let layout = Layout {
                    shape: self.circuit.shape,
                    challenges: challenges.len(),
                };
                let expected = Expected {
                    layout,
                    sector: *sector,
                    challenges,
                };
                (sector, parse_vanilla(&expected, bytes).unwrap())
            })
            .collect()
    }

    /// Runs `f` on the blocks.
    pub fn with_blocks<T>(&self, f: impl FnOnce(&[Block<'_>]) -> T) -> T {
        let parsed = self.parsed();
        let mut blocks = Vec::new();
        for (sector, vanilla) in &parsed {
            for inclusions in vanilla.inclusions.chunks(self.circuit.challenges) {
                blocks.push(Block {
                    comm_r: &sector.comm_r,
                    comm_c: vanilla.comm_c,
                    comm_r_last: vanilla.comm_r_last,
                    inclusions,
                });
            }
        }
        f(&blocks)
    }

    /// Public inputs without the constant one.
    pub fn public_inputs(&self) -> Vec<Scalar> {
        let mut inputs = Vec::new();
        for (sector, challenges, _) in &self.sectors {
            for challenges in challenges.chunks(self.circuit.challenges) {
                inputs.push(Scalar::from_repr(sector.comm_r).unwrap());
                inputs.extend(challenges.iter().map(|index| Scalar::from(*index)));
            }
        }
        let block = self.circuit.block_inputs();
        while inputs.len() < self.circuit.blocks * block {
            let last = inputs[inputs.len() - block..].to_vec();
            inputs.extend(last);
        }
        inputs
    }

    fn key(&self) -> String {
        let Circuit {
            blocks,
            challenges,
            shape,
        } = self.circuit;
        format!(
            "prover-{}-{}-{}-{blocks}-{challenges}",
            shape.base_levels,
            u8::from(shape.sub),
            u8::from(shape.top)
        )
    }

    /// Path of the parameters, made at the first call.
    pub fn parameters(&self) -> PathBuf {
        let _alone = MAKING.lock();
        let path = folder().join(self.key() + ".params");
        if path.exists() {
            return path;
        }
        let partial = folder().join(format!("{}.{}", self.key(), std::process::id()));
        let mut writer = BufWriter::new(File::create(&partial).unwrap());
        let parameters = with_tree(self.circuit.shape, Generate(self));
        parameters.write(&mut writer).unwrap();
        writer.flush().unwrap();
        fs::rename(&partial, &path).unwrap();
        path
    }

    /// Path of a file that has the form of parameters and is no setup: distinct points in all places, made in seconds. A prover works
    /// with it as with any other; nothing verifies.
    pub fn points_without_setup(&self) -> PathBuf {
        let _alone = MAKING.lock();
        let path = folder().join(self.key() + "-points.params");
        if !path.exists() {
            let partial = folder().join(format!("{}.{}", self.key(), std::process::id()));
            points::write(&self.circuit, &partial);
            fs::rename(&partial, &path).unwrap();
        }
        path
    }

    /// The stock prover's bytes.
    pub fn stock(&self, parameters: &MappedParameters<Bls12>, r: Scalar, s: Scalar) -> Vec<u8> {
        with_tree(self.circuit.shape, Prove(self, parameters, r, s))
    }

    /// Cost of the stock synthesis by the given clock.
    pub fn stock_synthesis(&self, clock: fn() -> f64) -> f64 {
        with_tree(self.circuit.shape, Synthesize(self, clock))
    }

    /// The stock verifier's opinion.
    pub fn verifies(&self, proof: &[u8]) -> bool {
        let key = VerifyingKey::<Bls12>::read(File::open(self.parameters()).unwrap()).unwrap();
        let proof = bellperson::groth16::Proof::read(proof).unwrap();
        verify_proof(&prepare_verifying_key(&key), &proof, &self.public_inputs()).unwrap()
    }
}

fn folder() -> PathBuf {
    let folder = match std::env::var_os("POSTER_TEST_PARAMS") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from("../target/test-params"),
    };
    fs::create_dir_all(&folder).unwrap();
    folder
}

pub fn mapped(path: PathBuf) -> MappedParameters<Bls12> {
    StockParameters::build_mapped_parameters(path, false).unwrap()
}

trait WithTree {
    type Output;
    fn run<Tree: 'static + MerkleTreeTrait<Hasher = PoseidonHasher>>(self) -> Self::Output;
}

fn with_tree<F: WithTree>(shape: Shape, f: F) -> F::Output {
    match (shape.sub, shape.top) {
        (false, false) => f.run::<SectorShapeBase>(),
        (true, false) => f.run::<SectorShapeSub8>(),
        (true, true) => f.run::<SectorShapeTop2>(),
        (false, true) => panic!("no such tree"),
    }
}

struct Generate<'a>(&'a Sample);

impl WithTree for Generate<'_> {
    type Output = StockParameters<Bls12>;

    fn run<Tree: 'static + MerkleTreeTrait<Hasher = PoseidonHasher>>(self) -> Self::Output {
        let circuit = self.0.circuit;
        let blank = FallbackPoStCompound::<Tree>::blank_circuit(&PublicParams {
            sector_size: 32 * circuit.shape.leaves(),
            challenge_count: circuit.challenges,
            sector_count: circuit.blocks,
            api_version: ApiVersion::V1_2_0,
        });
        generate_random_parameters(blank, &mut ChaCha20Rng::seed_from_u64(0)).unwrap()
    }
}

struct Prove<'a>(&'a Sample, &'a MappedParameters<Bls12>, Scalar, Scalar);

impl WithTree for Prove<'_> {
    type Output = Vec<u8>;

    fn run<Tree: 'static + MerkleTreeTrait<Hasher = PoseidonHasher>>(self) -> Vec<u8> {
        let Self(sample, parameters, r, s) = self;
        let circuit = circuit::<Tree>(sample);
        let proofs =
            create_proof_batch::<Bls12, _, _>(vec![circuit], parameters, vec![r], vec![s]).unwrap();
        let mut bytes = Vec::new();
        proofs[0].write(&mut bytes).unwrap();
        bytes
    }
}

fn circuit<Tree: 'static + MerkleTreeTrait<Hasher = PoseidonHasher>>(
    sample: &Sample,
) -> FallbackPoStCircuit<Tree> {
    let mut sectors: Vec<CircuitSector<Tree>> = Vec::new();
    for (_, _, bytes) in &sample.sectors {
        let sector: FallbackPoStSectorProof<Tree> = bincode::deserialize(bytes).unwrap();
        let public = PublicSector {
            id: sector.sector_id,
            comm_r: sector.comm_r,
        };
        for proof in sector.vanilla_proof.sectors {
            for inclusion_proofs in proof.inclusion_proofs.chunks(sample.circuit.challenges) {
                let proof = SectorProof {
                    inclusion_proofs: inclusion_proofs.to_vec(),
                    comm_c: proof.comm_c,
                    comm_r_last: proof.comm_r_last,
                };
                sectors.push(CircuitSector::circuit(&public, &proof).unwrap());
            }
        }
    }
    let last = sectors.last().unwrap().clone();
    sectors.resize(sample.circuit.blocks, last);
    FallbackPoStCircuit {
        prover_id: Some(PoseidonDomain::default().into()),
        sectors,
    }
}

/// What the stock prover's synthesis costs, by a clock: the same generic code on a constraint system that does the same work.
struct Synthesize<'a>(&'a Sample, fn() -> f64);

impl WithTree for Synthesize<'_> {
    type Output = f64;

    fn run<Tree: 'static + MerkleTreeTrait<Hasher = PoseidonHasher>>(self) -> f64 {
        let circuit = circuit::<Tree>(self.0);
        let start = (self.1)();
        let assignment = Assignment::of(circuit);
        let cost = (self.1)() - start;
        std::hint::black_box(assignment);
        cost
    }
}

/// A sector, its challenges and its vanilla proof.
fn vanilla(shape: Shape, challenges: usize, number: u64) -> (Sector, Vec<u64>, Vec<u8>) {
    let mut rng = ChaCha20Rng::seed_from_u64(1 + number);
    let challenges: Vec<u64> = (0..challenges)
        .map(|_| rng.gen_range(0..shape.leaves()))
        .collect();
    let arities = arities(shape);
    let mut row: HashMap<u64, Scalar> = challenges
        .iter()
        .map(|leaf| (*leaf, Scalar::random(&mut rng)))
        .collect();
    let mut elsewhere = Scalar::random(&mut rng);
    let mut rows = Vec::new();
    for &arity in &arities {
        let mut above = HashMap::new();
        for node in row.keys() {
            let parent = node / arity;
            above.entry(parent).or_insert_with(|| {
                let children: Vec<_> = (0..arity)
                    .map(|child| *row.get(&(parent * arity + child)).unwrap_or(&elsewhere))
                    .collect();
                hash(&children)
            });
        }
        let elsewhere_above = hash(&vec![elsewhere; arity as usize]);
        rows.push((row, elsewhere));
        (row, elsewhere) = (above, elsewhere_above);
    }
    let root = row[&0].to_repr();
    let comm_c = Scalar::random(&mut rng).to_repr();
    let comm_r = hash(&[
        Scalar::from_repr(comm_c).unwrap(),
        Scalar::from_repr(root).unwrap(),
    ])
    .to_repr();
    let mut bytes = Vec::new();
    bytes.extend(number.to_le_bytes());
    bytes.extend(comm_r);
    bytes.extend(1u64.to_le_bytes());
    bytes.extend((challenges.len() as u64).to_le_bytes());
    for &leaf in &challenges {
        inclusion(shape, &rows, &arities, leaf, &root, &mut bytes);
    }
    bytes.extend(comm_c);
    bytes.extend(root);
    (Sector { number, comm_r }, challenges, bytes)
}

fn arities(shape: Shape) -> Vec<u64> {
    let mut arities = vec![8; shape.base_levels + usize::from(shape.sub)];
    if shape.top {
        arities.push(2);
    }
    arities
}

type Row = (HashMap<u64, Scalar>, Scalar);

fn inclusion(
    shape: Shape,
    rows: &[Row],
    arities: &[u64],
    leaf: u64,
    root: &Word,
    bytes: &mut Vec<u8>,
) {
    let tag = u32::from(shape.sub) + u32::from(shape.top);
    bytes.extend(tag.to_le_bytes());
    let ends = |bytes: &mut Vec<u8>| {
        bytes.extend(root);
        bytes.extend(rows[0].0[&leaf].to_repr());
    };
    if !shape.sub {
        ends(bytes);
    }
    let mut node = leaf;
    for (level, &arity) in arities.iter().enumerate() {
        if level == 0 {
            bytes.extend((shape.base_levels as u64).to_le_bytes());
        } else if level >= shape.base_levels {
            bytes.extend(1u64.to_le_bytes());
        }
        bytes.extend((arity - 1).to_le_bytes());
        let (parent, index) = (node / arity, node % arity);
        let (row, elsewhere) = &rows[level];
        for child in (0..arity).filter(|child| *child != index) {
            let sibling = row.get(&(parent * arity + child)).unwrap_or(elsewhere);
            bytes.extend(sibling.to_repr());
        }
        bytes.extend(index.to_le_bytes());
        node = parent;
    }
    if shape.sub {
        ends(bytes);
    }
}

fn hash(children: &[Scalar]) -> Scalar {
    match children.len() {
        2 => Poseidon::new_with_preimage(children, &POSEIDON_CONSTANTS_2).hash(),
        _ => Poseidon::new_with_preimage(children, &POSEIDON_CONSTANTS_8).hash(),
    }
}
