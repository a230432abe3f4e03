//! A file with the form of Groth16 parameters whose points belong to no setup: for measuring provers at sizes whose setup takes hours.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use bellperson::groth16::VerifyingKey;
use blstrs::{Bls12, G1Affine, G1Projective, G2Affine, G2Projective, Scalar};
use ff::Field;
use group::{Curve, Group, UncompressedEncoding};
use post_prover::Circuit;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use rayon::prelude::*;

/// Point i is one of `LOW` unrelated points plus one of as many as are needed.
const LOW: usize = 4096;

pub fn write(circuit: &Circuit, path: &Path) {
    let mut writer = BufWriter::new(File::create(path).unwrap());
    let [h, l, a, b_g1, b_g2] = circuit.parameter_counts();
    let g1 = Points::<G1Projective>::new(h.max(l).max(a) + circuit.inputs());
    let g2 = Points::<G2Projective>::new(b_g2);
    let mut offset = 0;
    let mut take_g1 = |count: usize| {
        offset += 1;
        g1.affine::<G1Affine>(offset, count)
    };
    let fixed = take_g1(3);
    let fixed_g2 = g2.affine::<G2Affine>(0, 3);
    VerifyingKey::<Bls12> {
        alpha_g1: fixed[0],
        beta_g1: fixed[1],
        beta_g2: fixed_g2[0],
        gamma_g2: fixed_g2[1],
        delta_g1: fixed[2],
        delta_g2: fixed_g2[2],
        ic: take_g1(circuit.inputs()),
    }
    .write(&mut writer)
    .unwrap();
    for count in [h, l, a, b_g1] {
        put(&mut writer, &take_g1(count));
    }
    put(&mut writer, &g2.affine::<G2Affine>(1, b_g2));
    writer.flush().unwrap();
}

fn put<P: UncompressedEncoding>(writer: &mut impl Write, points: &[P]) {
    writer
        .write_all(&(points.len() as u32).to_be_bytes())
        .unwrap();
    for point in points {
        writer.write_all(point.to_uncompressed().as_ref()).unwrap();
    }
}

struct Points<G> {
    low: Vec<G>,
    high: Vec<G>,
}

impl<G: Group<Scalar = Scalar> + Curve + Send + Sync> Points<G> {
    fn new(count: usize) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(9);
        let mut some = |count: usize| -> Vec<G> {
            (0..count)
                .map(|_| G::generator() * Scalar::random(&mut rng))
                .collect()
        };
        Self {
            low: some(LOW),
            high: some(count / LOW + 8),
        }
    }

    /// `count` points; other offsets give other points.
    fn affine<A>(&self, offset: usize, count: usize) -> Vec<A>
    where
        G: Curve<AffineRepr = A>,
        A: Clone + Default + Send,
    {
        let mut points = vec![A::default(); count];
        points
            .par_chunks_mut(LOW)
            .enumerate()
            .for_each(|(block, points)| {
                let sums: Vec<G> = (0..points.len())
                    .map(|i| self.low[i] + self.high[block] + self.low[(i + offset) % LOW])
                    .collect();
                G::batch_normalize(&sums, points);
            });
        points
    }
}
