//! One proof: synthesis, transforms, multi-exponentiations, and the three points made of them.

use std::sync::Arc;

use blst::{
    blst_p1, blst_p1_affine, blst_p1_affine_compress, blst_p2_affine, blst_p2_affine_compress,
};
use blstrs::Scalar;
use ff::{Field, PrimeField};
use rand::rngs::OsRng;

use crate::assignment::Assignment;
use crate::density::Density;
use crate::group::{Affine, G1, G2};
use crate::multiexp::{multiexps, Pattern, Terms};
use crate::parameters::Key;
use crate::synthesis::{Block, NonCanonical};
use crate::transform::Domain;
use crate::{Circuit, Parameters, Signed};

/// Bytes of a proof.
pub const PROOF_BYTES: usize = 192;

/// Parts of a proof, for progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Variables and rows.
    Synthesis,
    /// The quotient polynomial.
    Transforms,
    /// Everything after it.
    Multiexp,
}

/// Why there is no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProveError {
    /// No block, more than the circuit has, or one with another number of paths or levels.
    Blocks,
    /// A word is no field element.
    NonCanonical,
    /// The key's delta is infinity.
    Key,
}

/// What makes two proofs of one statement differ, and hides the witness.
#[derive(Clone, Copy)]
pub struct Randomisers {
    r: Scalar,
    s: Scalar,
}

impl Randomisers {
    /// Fresh ones from the operating system.
    pub fn random() -> Self {
        Self::new(Scalar::random(OsRng), Scalar::random(OsRng))
    }

    /// Given ones, to compare provers.
    pub fn new(r: Scalar, s: Scalar) -> Self {
        Self { r, s }
    }

    /// r and s as little-endian numbers.
    pub fn words(&self) -> [[u8; 32]; 2] {
        [self.r.to_repr(), self.s.to_repr()]
    }
}

/// A circuit with its parameters and the memory of one proof at a time, reused.
pub struct Prover {
    parameters: Arc<Parameters>,
    density: Density,
    domain: Domain,
    assignment: Assignment<Signed>,
}

impl Prover {
    /// Allocates: an assignment, and 18 bytes per place of the domain for twiddles.
    pub fn new(circuit: Circuit, parameters: Arc<Parameters>) -> Self {
        Self {
            density: Density::of(&circuit),
            domain: Domain::new(circuit.log_domain()),
            assignment: Assignment::new(circuit),
            parameters,
        }
    }

    /// The circuit.
    pub fn circuit(&self) -> &Circuit {
        self.assignment.circuit()
    }

    /// Proves the blocks, padded with the last one. The result is a function of blocks, parameters and randomisers; `phase` is called when one
    /// begins.
    pub fn prove(
        &mut self,
        blocks: &[Block<'_>],
        randomisers: &Randomisers,
        phase: &mut dyn FnMut(Phase),
    ) -> Result<[u8; PROOF_BYTES], ProveError> {
        phase(Phase::Synthesis);
        self.assignment.synthesize(blocks)?;
        phase(Phase::Transforms);
        let circuit = *self.circuit();
        let a_pattern = pattern(&self.density.a, &circuit);
        let b_pattern = pattern(&self.density.b, &circuit);
        let [a, b, c] = &mut self.assignment.rows;
        let h = self.domain.quotient(a, b, c);
        phase(Phase::Multiexp);
        let parameters = &*self.parameters;
        let aux = &self.assignment.aux;
        let inputs: Vec<Signed> = self.assignment.inputs.iter().map(Signed::from).collect();
        let (a_inputs, a_aux) = parameters.a().split_at(inputs.len());
        let (b1_inputs, b1_aux) = parameters.b_g1().split_at(1);
        let (b2_inputs, b2_aux) = parameters.b_g2().split_at(1);
        let h_bases = parameters.h();
        let g1 = [
            vec![terms(h_bases, &h[..h_bases.len()], None)],
            vec![terms(parameters.l(), aux, None)],
            vec![terms(a_inputs, &inputs, None), terms(a_aux, aux, a_pattern)],
            vec![
                terms(b1_inputs, &inputs[..1], None),
                terms(b1_aux, aux, b_pattern),
            ],
        ];
        let g2 = [vec![
            terms(b2_inputs, &inputs[..1], None),
            terms(b2_aux, aux, b_pattern),
        ]];
        let (g1, g2) = multiexps(parameters.arithmetic(), &g1, &g2);
        let sums = Sums {
            h: g1[0],
            l: g1[1],
            a: g1[2],
            b1: g1[3],
            b2: g2[0],
        };
        assemble(parameters.key(), &sums, randomisers).ok_or(ProveError::Key)
    }
}

fn terms<'a, P>(
    bases: &'a [P],
    scalars: &'a [Signed],
    pattern: Option<Pattern<'a>>,
) -> Terms<'a, P> {
    Terms {
        bases,
        scalars,
        pattern,
    }
}

fn pattern<'a>(offsets: &'a [u32], circuit: &Circuit) -> Option<Pattern<'a>> {
    Some(Pattern {
        offsets,
        block: circuit.block_aux(),
    })
}

struct Sums {
    h: blst_p1,
    l: blst_p1,
    a: blst_p1,
    b1: blst_p1,
    b2: <G2 as Affine>::Sum,
}

/// A = alpha + a + r·delta; B = beta + b + s·delta; C = h + l + s·A' + r·B' + r·s·delta with A' = alpha + a, B' = beta + b over G1.
/// `None` if delta is infinity, or a point of the proof.
fn assemble(key: &Key, sums: &Sums, randomisers: &Randomisers) -> Option<[u8; PROOF_BYTES]> {
    let Randomisers { r, s } = randomisers;
    let delta_g1 = sum_of(&key.delta_g1);
    let delta_g2 = sum_of(&key.delta_g2);
    let times = |scalar: &Scalar, point: &blst_p1| G1::multiply(point, &scalar.to_repr());
    let mut a_part = sum_of(&key.alpha_g1);
    G1::add(&mut a_part, &sums.a);
    let mut b1_part = sum_of(&key.beta_g1);
    G1::add(&mut b1_part, &sums.b1);
    let mut a = a_part;
    G1::add(&mut a, &times(r, &delta_g1));
    let mut b = sum_of(&key.beta_g2);
    G2::add(&mut b, &sums.b2);
    G2::add(&mut b, &G2::multiply(&delta_g2, &s.to_repr()));
    let mut c = sums.h;
    G1::add(&mut c, &sums.l);
    G1::add(&mut c, &times(s, &a_part));
    G1::add(&mut c, &times(r, &b1_part));
    G1::add(&mut c, &times(&(*r * s), &delta_g1));
    let (a, b, c) = (G1::to_affine(&a)?, G2::to_affine(&b)?, G1::to_affine(&c)?);
    let mut proof = [0; PROOF_BYTES];
    // SAFETY: the points are the same words as blst's; outputs of 48, 96 and 48 bytes.
    unsafe {
        blst_p1_affine_compress(
            proof.as_mut_ptr(),
            std::ptr::from_ref(&a).cast::<blst_p1_affine>(),
        );
        blst_p2_affine_compress(
            proof[48..].as_mut_ptr(),
            std::ptr::from_ref(&b).cast::<blst_p2_affine>(),
        );
        blst_p1_affine_compress(
            proof[144..].as_mut_ptr(),
            std::ptr::from_ref(&c).cast::<blst_p1_affine>(),
        );
    }
    Some(proof)
}

fn sum_of<P: Affine>(point: &P) -> P::Sum {
    let mut sum = P::infinity();
    P::add_point(&mut sum, point);
    sum
}

impl From<NonCanonical> for ProveError {
    fn from(_: NonCanonical) -> Self {
        Self::NonCanonical
    }
}

impl std::fmt::Display for ProveError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Blocks => "the sectors do not fit the circuit",
            Self::NonCanonical => "a word of a vanilla proof is no field element",
            Self::Key => "the verifying key or the proof has a point at infinity",
        })
    }
}

impl std::error::Error for ProveError {}
