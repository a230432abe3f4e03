//! The quotient polynomial: from the rows' values of A, B and C to the coefficients of h = (A·B - C) / Z.
//!
//! Six transforms instead of seven: over the coset Z is constant and the transforms are linear, so C needs no values there and its
//! coefficients are subtracted at the end. Inverse transforms go from natural to bit-reversed order and forward ones back, so nothing
//! is ever permuted until the result is written. Two layers are done per pass, passes go depth first into blocks that fit the cache.

use blstrs::Scalar;
use ff::{Field, PrimeField};
use rayon::prelude::*;

use crate::shared::SharedSlice;
use crate::Signed;

/// Butterflies that one parallel task does.
const TASK: usize = 1 << 10;

/// log2 of the levels that share the large twiddle table with a stride; smaller levels have tables of their own.
const STRIDED_LEVELS: u32 = 4;

/// Twiddles and coset powers of one domain.
pub(crate) struct Domain {
    log: u32,
    /// `tables[level]` holds w^0 ..= w^(2^level / 2) of the root of order 2^level; empty where the table of the domain serves.
    tables: Vec<Vec<Scalar>>,
    /// Powers of the coset generator by the halves of a bit-reversed position, one factor from each; divided by the domain's size.
    coset: [Vec<Scalar>; 2],
    /// The same of its inverse, divided by the size and by Z's value on the coset.
    coset_inverse: [Vec<Scalar>; 2],
    /// 1 / (size · Z on the coset).
    quotient_scale: Scalar,
}

impl Domain {
    pub(crate) fn new(log: u32) -> Self {
        assert!(log <= Scalar::S, "no root of that order");
        let generator = Scalar::MULTIPLICATIVE_GENERATOR;
        let size = 1u64 << log;
        let size_inverse = Scalar::from(size).invert().expect("not zero");
        let z = generator.pow_vartime([size]) - Scalar::ONE;
        let quotient_scale = size_inverse * z.invert().expect("the coset avoids the domain");
        let own = |level: &u32| *level + STRIDED_LEVELS <= log || *level == log;
        let tables = (0..=log).map(|level| match own(&level) {
            true => powers(root(level), (1usize << level) / 2 + 1),
            false => Vec::new(),
        });
        Self {
            log,
            tables: tables.collect(),
            coset: reversed_powers(generator, log, size_inverse),
            coset_inverse: reversed_powers(
                generator.invert().expect("not zero"),
                log,
                quotient_scale,
            ),
            quotient_scale,
        }
    }

    /// Consumes the values in `a`, `b` and `c` (each as long as the domain) and leaves the coefficients of h in `b`'s memory. The last
    /// coefficient is zero for satisfied rows and not part of h.
    pub(crate) fn quotient<'b>(
        &self,
        a: &mut [Scalar],
        b: &'b mut [Scalar],
        c: &mut [Scalar],
    ) -> &'b mut [Signed] {
        for values in [&*a, &*b, &*c] {
            assert_eq!(values.len(), 1 << self.log);
        }
        for values in [&mut *a, &mut *b] {
            self.inverse(values);
            self.scale(values, &self.coset);
            self.forward(values);
        }
        self.inverse(c);
        a.par_chunks_mut(TASK)
            .zip(b.par_chunks(TASK))
            .for_each(|(a, b)| {
                for (a, b) in a.iter_mut().zip(b) {
                    *a *= b;
                }
            });
        self.inverse(a);
        self.scale(a, &self.coset_inverse);
        // SAFETY: both types are transparent wrappers of four words with no invalid values.
        let h = unsafe { std::slice::from_raw_parts_mut(b.as_mut_ptr().cast::<Signed>(), b.len()) };
        let (a, c): (&[Scalar], &[Scalar]) = (a, c);
        h.par_chunks_mut(TASK).enumerate().for_each(|(task, h)| {
            for (offset, h) in h.iter_mut().enumerate() {
                let position = reverse(task * TASK + offset, self.log);
                *h = Signed::from(&(a[position] - c[position] * self.quotient_scale));
            }
        });
        h
    }

    /// Coefficients times the size, in bit-reversed order.
    fn inverse(&self, values: &mut [Scalar]) {
        let shared = SharedSlice::new(values);
        let mut level = self.log;
        while level >= 2 && self.is_shared(level) {
            self.pass(level, |block, i| {
                self.inverse_step(&shared, block, level, i)
            });
            level -= 2;
        }
        self.blocks(level, |block| self.inverse_block(&shared, block, level));
    }

    /// Values at the roots of unity in natural order, from coefficients in bit-reversed order.
    fn forward(&self, values: &mut [Scalar]) {
        let shared = SharedSlice::new(values);
        let mut level = self.log;
        while level >= 2 && self.is_shared(level) {
            level -= 2;
        }
        self.blocks(level, |block| self.forward_block(&shared, block, level));
        while level < self.log {
            level += 2;
            self.pass(level, |block, i| {
                self.forward_step(&shared, block, level, i)
            });
        }
    }

    /// Blocks of this size are too few to give every thread several: the threads share a pass.
    fn is_shared(&self, level: u32) -> bool {
        (1 << (self.log - level)) < 8 * rayon::current_num_threads()
    }

    fn pass(&self, level: u32, step: impl Fn(usize, usize) + Sync) {
        let quarter = 1usize << (level - 2);
        let steps = 1usize << (self.log - 2);
        (0..steps.div_ceil(TASK)).into_par_iter().for_each(|task| {
            for index in task * TASK..steps.min((task + 1) * TASK) {
                step((index / quarter) << level, index % quarter);
            }
        });
    }

    fn blocks(&self, level: u32, run: impl Fn(usize) + Sync) {
        (0..1usize << (self.log - level))
            .into_par_iter()
            .for_each(|block| run(block << level));
    }

    fn inverse_block(&self, values: &SharedSlice<'_, Scalar>, block: usize, level: u32) {
        match level {
            0 => {}
            1 => butterfly_of_two(values, block),
            _ => {
                for i in 0..1 << (level - 2) {
                    self.inverse_step(values, block, level, i);
                }
                for quarter in 0..4 {
                    self.inverse_block(values, block + (quarter << (level - 2)), level - 2);
                }
            }
        }
    }

    fn forward_block(&self, values: &SharedSlice<'_, Scalar>, block: usize, level: u32) {
        match level {
            0 => {}
            1 => butterfly_of_two(values, block),
            _ => {
                for quarter in 0..4 {
                    self.forward_block(values, block + (quarter << (level - 2)), level - 2);
                }
                for i in 0..1 << (level - 2) {
                    self.forward_step(values, block, level, i);
                }
            }
        }
    }

    /// Two layers of the inverse transform on four values. Inverse twiddles are read backwards: w^-i = -w^(half - i).
    #[inline]
    fn inverse_step(&self, values: &SharedSlice<'_, Scalar>, block: usize, level: u32, i: usize) {
        let quarter = 1usize << (level - 2);
        let (large, large_stride) = self.table(level);
        let (small, small_stride) = self.table(level - 1);
        let w0 = &large[(2 * quarter - i) * large_stride];
        let w1 = &large[(quarter - i) * large_stride];
        let w2 = &small[(quarter - i) * small_stride];
        // SAFETY: every (block, i) names four places of its own.
        unsafe {
            let [p0, p1, p2, p3] = places(values, block + i, quarter);
            let (y0, y2) = (*p0 + *p2, (*p2 - *p0) * w0);
            let (y1, y3) = (*p1 + *p3, (*p3 - *p1) * w1);
            *p0 = y0 + y1;
            *p1 = (y1 - y0) * w2;
            *p2 = y2 + y3;
            *p3 = (y3 - y2) * w2;
        }
    }

    /// Two layers of the forward transform on four values.
    #[inline]
    fn forward_step(&self, values: &SharedSlice<'_, Scalar>, block: usize, level: u32, i: usize) {
        let quarter = 1usize << (level - 2);
        let (large, large_stride) = self.table(level);
        let (small, small_stride) = self.table(level - 1);
        let w0 = &large[i * large_stride];
        let w1 = &large[(i + quarter) * large_stride];
        let w2 = &small[i * small_stride];
        // SAFETY: every (block, i) names four places of its own.
        unsafe {
            let [p0, p1, p2, p3] = places(values, block + i, quarter);
            let (t1, t3) = (*p1 * w2, *p3 * w2);
            let (y0, y1) = (*p0 + t1, *p0 - t1);
            let (y2, y3) = ((*p2 + t3) * w0, (*p2 - t3) * w1);
            *p0 = y0 + y2;
            *p2 = y0 - y2;
            *p1 = y1 + y3;
            *p3 = y1 - y3;
        }
    }

    fn table(&self, level: u32) -> (&[Scalar], usize) {
        match self.tables[level as usize].as_slice() {
            [] => (&self.tables[self.log as usize], 1 << (self.log - level)),
            own => (own, 1),
        }
    }

    fn scale(&self, values: &mut [Scalar], [high, low]: &[Vec<Scalar>; 2]) {
        values
            .par_chunks_mut(low.len())
            .zip(high)
            .for_each(|(values, high)| {
                for (value, low) in values.iter_mut().zip(low) {
                    *value *= *high * low;
                }
            });
    }
}

unsafe fn places(values: &SharedSlice<'_, Scalar>, at: usize, quarter: usize) -> [*mut Scalar; 4] {
    [
        values.at(at),
        values.at(at + quarter),
        values.at(at + 2 * quarter),
        values.at(at + 3 * quarter),
    ]
}

#[inline]
fn butterfly_of_two(values: &SharedSlice<'_, Scalar>, block: usize) {
    // SAFETY: every block is given to one thread.
    let pair = unsafe { values.part(block, 2) };
    (pair[0], pair[1]) = (pair[0] + pair[1], pair[0] - pair[1]);
}

/// Primitive root of unity of order 2^level.
fn root(level: u32) -> Scalar {
    let mut root = Scalar::ROOT_OF_UNITY;
    for _ in level..Scalar::S {
        root = root.square();
    }
    root
}

fn powers(base: Scalar, count: usize) -> Vec<Scalar> {
    let mut powers = vec![Scalar::ZERO; count];
    powers
        .par_chunks_mut(TASK)
        .enumerate()
        .for_each(|(task, powers)| {
            let mut power = base.pow_vartime([(task * TASK) as u64]);
            for place in powers {
                *place = power;
                power *= base;
            }
        });
    powers
}

/// base^(reverse(position)) = first[position >> k] · second[position mod 2^k]; the first is multiplied by `scale`.
fn reversed_powers(base: Scalar, log: u32, scale: Scalar) -> [Vec<Scalar>; 2] {
    let low = log / 2;
    let high = log - low;
    let high_base = base.pow_vartime([1u64 << high]);
    let first = (0..1usize << high)
        .map(|position| scale * base.pow_vartime([reverse(position, high) as u64]));
    let second =
        (0..1usize << low).map(|position| high_base.pow_vartime([reverse(position, low) as u64]));
    [first.collect(), second.collect()]
}

#[inline]
fn reverse(position: usize, log: u32) -> usize {
    match log {
        0 => 0,
        _ => position.reverse_bits() >> (usize::BITS - log),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (A·B - C) / Z by its definition: the product of A and B as polynomials, minus C, divided by x^n - 1.
    #[test]
    fn quotient_is_the_quotient() {
        for log in 1..8u32 {
            let size = 1usize << log;
            let value =
                |seed: u64, i: usize| Scalar::from(seed * 1000 + i as u64).square().square();
            let a: Vec<_> = (0..size).map(|i| value(1, i)).collect();
            let b: Vec<_> = (0..size).map(|i| value(2, i)).collect();
            let c: Vec<_> = a.iter().zip(&b).map(|(a, b)| a * b).collect();
            let (pa, pb, pc) = (
                interpolate(&a, log),
                interpolate(&b, log),
                interpolate(&c, log),
            );
            let mut product = vec![Scalar::ZERO; 2 * size];
            for (i, a) in pa.iter().enumerate() {
                for (j, b) in pb.iter().enumerate() {
                    product[i + j] += a * b;
                }
            }
            for (i, c) in pc.iter().enumerate() {
                product[i] -= c;
            }
            // Division by x^n - 1: the upper half is the quotient, and folded onto the lower half leaves nothing.
            let expected: Vec<_> = product[size..].iter().map(Signed::from).collect();
            for i in 0..size {
                assert_eq!(product[i] + product[size + i], Scalar::ZERO);
            }
            let (mut a, mut b, mut c) = (a, b, c);
            let h = Domain::new(log).quotient(&mut a, &mut b, &mut c).to_vec();
            assert_eq!(h, expected, "2^{log}");
        }
    }

    fn interpolate(values: &[Scalar], log: u32) -> Vec<Scalar> {
        let inverse = root(log).invert().unwrap();
        let scale = Scalar::from(values.len() as u64).invert().unwrap();
        (0..values.len() as u64)
            .map(|k| {
                let point = inverse.pow_vartime([k]);
                values
                    .iter()
                    .rev()
                    .fold(Scalar::ZERO, |sum, value| sum * point + value)
                    * scale
            })
            .collect()
    }
}
