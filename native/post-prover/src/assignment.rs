//! Everything that a proof asks of its statement: variables, inputs, and the values of the rows, in reused memory.

use blstrs::Scalar;
use ff::{Field, PrimeField};
use rayon::prelude::*;

use crate::circuit::assert_rounds;
use crate::shared::SharedSlice;
use crate::synthesis::{synthesize, Block};
use crate::trace::Trace;
use crate::{Circuit, ProveError, Signed};

/// The form in which a prover reads private variables.
pub trait Variable: Copy + Default + Send + Sync {
    /// A value in this form.
    fn of(value: &Scalar) -> Self;
}

/// For our multi-exponentiations.
impl Variable for Signed {
    #[inline]
    fn of(value: &Scalar) -> Self {
        Self::from(value)
    }
}

/// Little-endian numbers, for those of the library.
impl Variable for [u8; 32] {
    #[inline]
    fn of(value: &Scalar) -> Self {
        value.to_repr()
    }
}

/// A circuit with the memory of one statement at a time.
pub struct Assignment<V> {
    circuit: Circuit,
    /// Values of A, B and C in each row, padded with zeros to the domain of the transforms.
    pub rows: [Vec<Scalar>; 3],
    /// Private variables.
    pub aux: Vec<V>,
    /// Public inputs, the constant one first.
    pub inputs: Vec<Scalar>,
}

impl<V: Variable> Assignment<V> {
    /// Allocates: 96 bytes per place of the domain, 32 per variable.
    pub fn new(circuit: Circuit) -> Self {
        assert_rounds();
        let size = 1 << circuit.log_domain();
        Self {
            rows: std::array::from_fn(|_| vec![Scalar::ZERO; size]),
            aux: vec![V::default(); circuit.aux()],
            inputs: vec![Scalar::ONE; circuit.inputs()],
            circuit,
        }
    }

    /// The circuit.
    pub fn circuit(&self) -> &Circuit {
        &self.circuit
    }

    /// The assignment of the blocks, padded with the last one, in place of what was there: all blocks in parallel, then the rows of the
    /// inputs. Who took `rows` or `aux` away puts vectors of the same length back first.
    pub fn synthesize(&mut self, blocks: &[Block<'_>]) -> Result<(), ProveError> {
        self.check(blocks)?;
        let circuit = self.circuit;
        let (rows, aux, inputs) = (
            circuit.block_rows(),
            circuit.block_aux(),
            circuit.block_inputs(),
        );
        let [a, b, c] = self.rows.each_mut().map(|v| SharedSlice::new(v));
        let variables = SharedSlice::new(&mut self.aux);
        let public = SharedSlice::new(&mut self.inputs[1..]);
        blocks.par_iter().enumerate().try_for_each(|(i, block)| {
            // SAFETY: the parts of one block overlap no other's.
            let trace = unsafe {
                Trace::new(
                    a.part(i * rows, rows),
                    b.part(i * rows, rows),
                    c.part(i * rows, rows),
                    variables.part(i * aux, aux),
                    public.part(i * inputs, inputs),
                )
            };
            synthesize(block, trace)
        })?;
        let end = circuit.blocks * rows;
        for values in &mut self.rows {
            let (values, rest) = values.split_at_mut(end);
            pad(values, rows, blocks.len());
            rest.fill(Scalar::ZERO);
        }
        pad(&mut self.aux, aux, blocks.len());
        pad(&mut self.inputs[1..], inputs, blocks.len());
        self.rows[0][end..end + self.inputs.len()].copy_from_slice(&self.inputs);
        Ok(())
    }

    fn check(&self, blocks: &[Block<'_>]) -> Result<(), ProveError> {
        let Circuit {
            blocks: count,
            challenges,
            shape,
        } = self.circuit;
        let levels = self.circuit.oct_levels() + usize::from(shape.top);
        let fits = |block: &Block<'_>| {
            block.inclusions.len() == challenges
                && block.inclusions.iter().all(|inclusion| {
                    inclusion.levels.len() == levels
                        && inclusion
                            .levels
                            .iter()
                            .enumerate()
                            .all(|(position, level)| {
                                let binary = shape.top && position == levels - 1;
                                let siblings = if binary { 1 } else { 7 };
                                level.siblings.len() == siblings && level.index <= siblings
                            })
                })
        };
        if blocks.is_empty() || blocks.len() > count || !blocks.iter().all(fits) {
            return Err(ProveError::Blocks);
        }
        Ok(())
    }
}

/// The last of the given blocks fills the places behind them.
fn pad<T: Copy + Send + Sync>(values: &mut [T], block: usize, given: usize) {
    let (written, rest) = values.split_at_mut(given * block);
    let last = &written[(given - 1) * block..];
    rest.par_chunks_mut(block)
        .for_each(|place| place.copy_from_slice(last));
}
