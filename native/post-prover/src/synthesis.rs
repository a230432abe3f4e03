//! Synthesis by hand: variables, rows and inputs of a sector block straight from its vanilla proof.
//!
//! The order is that of the library's `FallbackPoStCircuit` (storage-proofs-post, `fallback/circuit.rs`) with its gadgets `PoRCircuit`
//! and `insert`, and neptune's legacy Poseidon circuit: trusted setups are made for exactly this order.

use blstrs::Scalar;
use ff::Field;
use frames::{Inclusion, Level, Word};

use crate::assignment::Variable;
use crate::poseidon::{hash, BINARY, OCT};
use crate::trace::Trace;

/// What one block is made of: a sector with its inclusion proofs (window), or with one of them (winning).
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Commitment on the chain.
    pub comm_r: &'a Word,
    /// Commitment to the column tree.
    pub comm_c: &'a Word,
    /// Root of every path.
    pub comm_r_last: &'a Word,
    /// As many as the circuit has challenges.
    pub inclusions: &'a [Inclusion<'a>],
}

/// A word of a vanilla proof is no field element. The strict parser lets none through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NonCanonical;

pub(crate) fn synthesize<V: Variable>(
    block: &Block<'_>,
    mut trace: Trace<'_, V>,
) -> Result<(), NonCanonical> {
    let comm_r = scalar(block.comm_r)?;
    let comm_c = scalar(block.comm_c)?;
    let comm_r_last = scalar(block.comm_r_last)?;
    trace.alloc(&comm_r_last);
    trace.alloc(&comm_c);
    trace.alloc(&comm_r);
    trace.input(&comm_r);
    trace.row(&comm_r, &Scalar::ONE, &comm_r);
    let digest = hash(&mut trace, &[comm_c, comm_r_last], &BINARY);
    trace.row(&comm_r, &Scalar::ONE, &digest);
    for inclusion in block.inclusions {
        synthesize_path(inclusion, &comm_r_last, &mut trace)?;
    }
    trace.finish();
    Ok(())
}

fn synthesize_path<V: Variable>(
    inclusion: &Inclusion<'_>,
    root: &Scalar,
    trace: &mut Trace<'_, V>,
) -> Result<(), NonCanonical> {
    let mut node = scalar(inclusion.leaf)?;
    trace.alloc(&node);
    let mut index = 0u64;
    let mut shift = 0;
    for level in &inclusion.levels {
        node = match level.siblings.len() {
            1 => binary_level(&node, level, trace)?,
            _ => oct_level(&node, level, trace)?,
        };
        index |= (level.index as u64) << shift;
        shift += (level.siblings.len() + 1).trailing_zeros();
    }
    let index = Scalar::from(index);
    trace.input(&index);
    trace.row(&index, &Scalar::ONE, &index);
    trace.row(&node, &Scalar::ONE, root);
    Ok(())
}

fn binary_level<V: Variable>(
    node: &Scalar,
    level: &Level<'_>,
    trace: &mut Trace<'_, V>,
) -> Result<Scalar, NonCanonical> {
    let right = bit(level.index & 1 == 1, trace);
    let sibling = scalar(level.siblings[0])?;
    trace.alloc(&sibling);
    let row = [
        pick(&right, &sibling, node, trace),
        pick(&right, node, &sibling, trace),
    ];
    Ok(hash(trace, &row, &BINARY))
}

/// The gadget `insert_8`: the node is put among its seven siblings by 20 picks instead of 56.
fn oct_level<V: Variable>(
    node: &Scalar,
    level: &Level<'_>,
    trace: &mut Trace<'_, V>,
) -> Result<Scalar, NonCanonical> {
    let b0 = bit(level.index & 1 != 0, trace);
    let b1 = bit(level.index & 2 != 0, trace);
    let b2 = bit(level.index & 4 != 0, trace);
    let mut siblings = [Scalar::ZERO; 7];
    for (sibling, word) in siblings.iter_mut().zip(&level.siblings) {
        *sibling = scalar(word)?;
        trace.alloc(sibling);
    }
    let nor = condition(!b0.set & !b1.set);
    trace.alloc(&nor.value);
    trace.row(
        &(Scalar::ONE - b0.value),
        &(Scalar::ONE - b1.value),
        &nor.value,
    );
    let and = condition(b0.set & b1.set);
    trace.alloc(&and.value);
    trace.row(&b0.value, &b1.value, &and.value);

    let a = node;
    let [b, c, d, e, f, g, h] = &siblings;
    let mut choose = |bit: &Condition, set: &Scalar, clear: &Scalar| pick(bit, set, clear, trace);
    let p0_xx0 = choose(&nor, a, b);
    let p0 = choose(&b2, b, &p0_xx0);
    let p1_x00 = choose(&b0, a, b);
    let p1_xx0 = choose(&b1, c, &p1_x00);
    let p1 = choose(&b2, c, &p1_xx0);
    let p2_x10 = choose(&b0, d, a);
    let p2_xx0 = choose(&b1, &p2_x10, c);
    let p2 = choose(&b2, d, &p2_xx0);
    let p3_xx0 = choose(&and, a, d);
    let p3 = choose(&b2, e, &p3_xx0);
    let p4_xx1 = choose(&nor, a, f);
    let p4 = choose(&b2, &p4_xx1, e);
    let p5_x01 = choose(&b0, a, f);
    let p5_xx1 = choose(&b1, g, &p5_x01);
    let p5 = choose(&b2, &p5_xx1, f);
    let p6_x11 = choose(&b0, h, a);
    let p6_xx1 = choose(&b1, &p6_x11, g);
    let p6 = choose(&b2, &p6_xx1, g);
    let p7_xx1 = choose(&and, a, h);
    let p7 = choose(&b2, &p7_xx1, h);
    Ok(hash(trace, &[p0, p1, p2, p3, p4, p5, p6, p7], &OCT))
}

/// A bit, as a field element and as such.
struct Condition {
    set: bool,
    value: Scalar,
}

fn condition(set: bool) -> Condition {
    Condition {
        set,
        value: if set { Scalar::ONE } else { Scalar::ZERO },
    }
}

fn bit<V: Variable>(set: bool, trace: &mut Trace<'_, V>) -> Condition {
    let bit = condition(set);
    trace.alloc(&bit.value);
    trace.row(&(Scalar::ONE - bit.value), &bit.value, &Scalar::ZERO);
    bit
}

fn pick<V: Variable>(
    condition: &Condition,
    set: &Scalar,
    clear: &Scalar,
    trace: &mut Trace<'_, V>,
) -> Scalar {
    let chosen = if condition.set { *set } else { *clear };
    trace.alloc(&chosen);
    trace.row(&(clear - set), &condition.value, &(clear - chosen));
    chosen
}

fn scalar(word: &Word) -> Result<Scalar, NonCanonical> {
    Option::from(Scalar::from_bytes_le(word)).ok_or(NonCanonical)
}
