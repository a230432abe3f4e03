//! Our synthesis before the library's transforms and multi-exponentiations, which run on a GPU where the build and the machine have one.
//!
//! What the library's prover does behind its synthesis (bellperson, `groth16/prover/native.rs`), which takes nobody else's: the same
//! public functions on the same values, so equal randomisers give equal proofs. Two things differ. C gets no transform on the coset
//! (Z is constant there and transforms are linear), and points are decoded one vector ahead of the one in use instead of all five.

use std::fs::File;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use anyhow::{ensure, Context};
use bellperson::domain::EvaluationDomain;
use bellperson::gpu::{LockedFftKernel, LockedMultiexpKernel};
use bellperson::groth16::{ParameterSource, Proof};
use bellperson::multiexp::{multiexp, DensityTracker};
use blstrs::{Bls12, G1Affine, G1Projective, G2Affine, G2Projective, Scalar};
use ec_gpu_gen::multiexp_cpu::{FullDensity, SourceBuilder};
use ec_gpu_gen::threadpool::Worker;
use ff::PrimeField;
use group::prime::PrimeCurveAffine;
use group::Curve;
use post_prover::{Assignment, Circuit, Density};
use rayon::prelude::*;

use crate::prove::{proof_bytes, randomiser, PROOF_BYTES};
use crate::{guarded, CoreError, MappedParameters};

/// Little-endian numbers, as the library's multi-exponentiations take scalars.
type Numbers = Arc<Vec<[u8; 32]>>;

/// Proves assignments of one circuit with the library's kernels.
pub struct KernelProver {
    parameters: Arc<MappedParameters>,
    a_density: Arc<DensityTracker>,
    b_density: Arc<DensityTracker>,
    b_input_density: Arc<DensityTracker>,
}

impl KernelProver {
    /// The parameters must be of that circuit.
    pub fn new(circuit: &Circuit, parameters: Arc<MappedParameters>) -> Self {
        let Density { a, b } = Density::of(circuit);
        let aux = |offsets: &[u32]| {
            let block = tracker(circuit.block_aux(), offsets);
            let mut all = DensityTracker::new();
            for _ in 0..circuit.blocks {
                all.extend(&block, false);
            }
            Arc::new(all)
        };
        Self {
            parameters,
            a_density: aux(&a),
            b_density: aux(&b),
            b_input_density: Arc::new(tracker(circuit.inputs(), &[0])),
        }
    }

    /// Transforms and multi-exponentiations for given randomisers (r and s, little-endian). The rows' values are used up; the memory of
    /// the assignment is given back to it.
    pub fn prove(
        &self,
        assignment: &mut Assignment<[u8; 32]>,
        randomisers: &[[u8; 32]; 2],
    ) -> Result<[u8; PROOF_BYTES], CoreError> {
        guarded(|| {
            let priority = Priority::take()?;
            let aux = Arc::new(std::mem::take(&mut assignment.aux));
            let proof = self.prove_aux(assignment, &aux, randomisers);
            drop(priority);
            // On a CPU the library may hold a copy for a moment longer.
            assignment.aux = Arc::try_unwrap(aux).unwrap_or_else(|aux| aux.to_vec());
            proof
        })
    }

    #[allow(clippy::drop_non_drop)] // kernels hold something in builds for GPUs only
    fn prove_aux(
        &self,
        assignment: &mut Assignment<[u8; 32]>,
        aux: &Numbers,
        randomisers: &[[u8; 32]; 2],
    ) -> anyhow::Result<[u8; PROOF_BYTES]> {
        let source = &self.parameters.0;
        let [r, s] = [randomiser(&randomisers[0])?, randomiser(&randomisers[1])?];
        let inputs: Numbers = Arc::new(assignment.inputs.iter().map(Scalar::to_repr).collect());
        let aux_len = aux.len();
        let (a_total, b_total) = (self.a_density.total_density, self.b_density.total_density);

        let aux = || Arc::clone(aux);
        let a_density = Arc::clone(&self.a_density);
        let b_density = || Arc::clone(&self.b_density);
        let b_input_density = || Arc::clone(&self.b_input_density);

        let size = assignment.rows[0].len();
        let (h_bases, h) = beside(
            || Ok(source.get_h(size)?),
            || quotient(&mut assignment.rows),
        )?;
        // One lock of the library holds for all kernels on the device: this one goes before the one for G2 comes.
        let mut kernel = LockedMultiexpKernel::<G1Affine>::new(true);
        let (l_bases, h) = beside(
            || Ok(source.get_l(aux_len)?),
            || sum(h_bases, FullDensity, h, &mut kernel),
        )?;
        let (a_bases, l) = beside(
            || Ok(source.get_a(inputs.len(), a_total)?),
            || sum(l_bases, FullDensity, aux(), &mut kernel),
        )?;
        let (b1_bases, a) = beside(
            || Ok(source.get_b_g1(1, b_total)?),
            || {
                let of_inputs = sum(a_bases.0, FullDensity, Arc::clone(&inputs), &mut kernel)?;
                Ok(of_inputs + sum(a_bases.1, a_density, aux(), &mut kernel)?)
            },
        )?;
        let (b2_bases, b1) = beside(
            || Ok(source.get_b_g2(1, b_total)?),
            || {
                let inputs = Arc::clone(&inputs);
                let of_inputs = sum(b1_bases.0, b_input_density(), inputs, &mut kernel)?;
                Ok(of_inputs + sum(b1_bases.1, b_density(), aux(), &mut kernel)?)
            },
        )?;
        drop(kernel);
        let mut kernel = LockedMultiexpKernel::<G2Affine>::new(true);
        let of_inputs = sum(
            b2_bases.0,
            b_input_density(),
            Arc::clone(&inputs),
            &mut kernel,
        )?;
        let b2 = of_inputs + sum(b2_bases.1, b_density(), aux(), &mut kernel)?;
        drop(kernel);

        let key = source.get_vk(inputs.len())?;
        let is_identity = key.delta_g1.is_identity() | key.delta_g2.is_identity();
        ensure!(
            !bool::from(is_identity),
            "the verifying key's delta is infinity"
        );
        let a: G1Projective = a + key.alpha_g1;
        let b1: G1Projective = b1 + key.beta_g1;
        let b2: G2Projective = b2 + key.beta_g2;
        let proof = Proof::<Bls12> {
            a: (a + key.delta_g1 * r).to_affine(),
            b: (b2 + key.delta_g2 * s).to_affine(),
            c: (h + l + a * s + b1 * r + key.delta_g1 * (r * s)).to_affine(),
        };
        proof_bytes(&proof)
    }
}

/// Which of `len` places are set.
fn tracker(len: usize, offsets: &[u32]) -> DensityTracker {
    let mut tracker = DensityTracker::new();
    for _ in 0..len {
        tracker.add_element();
    }
    for &offset in offsets {
        tracker.inc(offset as usize);
    }
    tracker
}

/// Coefficients of h = (A·B - C) / Z without the last, which is zero.
#[allow(clippy::drop_non_drop)] // as above
fn quotient(rows: &mut [Vec<Scalar>; 3]) -> anyhow::Result<Numbers> {
    let worker = Worker::new();
    let mut kernel = Some(LockedFftKernel::<Scalar>::new(true));
    let [a, b, c] = rows.each_mut().map(std::mem::take);
    let mut a = EvaluationDomain::from_coeffs(a)?;
    let mut b = EvaluationDomain::from_coeffs(b)?;
    let mut c = EvaluationDomain::from_coeffs(c)?;
    EvaluationDomain::ifft_many(&mut [&mut a, &mut b, &mut c], &worker, &mut kernel)?;
    EvaluationDomain::coset_fft_many(&mut [&mut a, &mut b], &worker, &mut kernel)?;
    a.mul_assign(&worker, &b);
    a.icoset_fft(&worker, &mut kernel)?;
    drop(kernel);
    a.sub_assign(&worker, &c);
    a.divide_by_z_on_coset(&worker);
    let coefficients = a.as_ref();
    let numbers = coefficients[..coefficients.len() - 1]
        .par_iter()
        .map(Scalar::to_repr)
        .collect();
    *rows = [a, b, c].map(EvaluationDomain::into_coeffs);
    Ok(Arc::new(numbers))
}

/// One multi-exponentiation, waited for: a second one beside it would only hold memory.
fn sum<G, S, Q, D>(
    bases: S,
    density: D,
    scalars: Numbers,
    kernel: &mut LockedMultiexpKernel<G>,
) -> anyhow::Result<G::Curve>
where
    G: PrimeCurveAffine<Scalar = Scalar> + bellperson::gpu::GpuName,
    S: SourceBuilder<G>,
    for<'a> &'a Q: ec_gpu_gen::multiexp_cpu::QueryDensity,
    D: Send + Sync + 'static + Clone + AsRef<Q>,
{
    Ok(multiexp(&Worker::new(), bases, density, scalars, kernel).wait()?)
}

/// Decodes the points that are needed next while the device is busy.
fn beside<A: Send, B>(
    load: impl FnOnce() -> anyhow::Result<A> + Send,
    work: impl FnOnce() -> anyhow::Result<B>,
) -> anyhow::Result<(A, B)> {
    thread::scope(|scope| {
        let loading = scope.spawn(load);
        let done = work();
        let loaded = loading.join().unwrap_or_else(|panic| resume_unwind(panic));
        Ok((loaded?, done?))
    })
}

/// The library's own wish to be served before sealing: kernels of a process that has not taken it leave the GPU. The library's type for
/// it is private, its file is not; locks of files end with their process.
struct Priority(#[allow(dead_code)] Option<File>);

impl Priority {
    fn take() -> anyhow::Result<Self> {
        if !cfg!(feature = "cuda") {
            return Ok(Self(None));
        }
        let path = std::env::temp_dir().join("bellman.priority.lock");
        let file = File::create(&path).with_context(|| path.display().to_string())?;
        file.lock().with_context(|| path.display().to_string())?;
        Ok(Self(Some(file)))
    }
}
