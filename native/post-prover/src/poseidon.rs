//! Poseidon with the trace that the circuit asks for.
//!
//! One pass computes the hash as the hashing library does (sparse matrices in the partial rounds, round constants folded behind the
//! S-boxes) and writes every variable and row of the library's circuit on the way: the linear combinations of that circuit are exactly
//! the lanes of the state.

use std::sync::LazyLock;

use blstrs::Scalar;
use ff::Field;
use filecoin_hashers::{POSEIDON_CONSTANTS_2, POSEIDON_CONSTANTS_8};
use neptune::poseidon::{Arity, PoseidonConstants};

use crate::assignment::Variable;
use crate::trace::Trace;

/// Constants of one width (arity + 1), flat.
pub(crate) struct Constants<const W: usize> {
    /// Lane 0 behind the first S-box: it starts from the domain tag, so it is a constant.
    tag_lane: Scalar,
    keys: Vec<Scalar>,
    dense: [[Scalar; W]; W],
    pre_sparse: [[Scalar; W]; W],
    sparse: Vec<Sparse<W>>,
    half_full_rounds: usize,
}

struct Sparse<const W: usize> {
    /// First column.
    column: [Scalar; W],
    /// First row without its head, at 1..W.
    row: [Scalar; W],
}

pub(crate) static BINARY: LazyLock<Constants<3>> =
    LazyLock::new(|| Constants::new(&POSEIDON_CONSTANTS_2));
pub(crate) static OCT: LazyLock<Constants<9>> =
    LazyLock::new(|| Constants::new(&POSEIDON_CONSTANTS_8));

impl<const W: usize> Constants<W> {
    fn new<A: Arity<Scalar>>(constants: &PoseidonConstants<Scalar, A>) -> Self {
        let square = |matrix: &Vec<Vec<Scalar>>| {
            std::array::from_fn(|i| std::array::from_fn(|j| matrix[i][j]))
        };
        let keys = constants.compressed_round_constants.clone();
        let sparse = constants.sparse_matrixes.iter().map(|matrix| Sparse {
            column: std::array::from_fn(|i| matrix.w_hat[i]),
            row: std::array::from_fn(|i| match i {
                0 => Scalar::ZERO,
                _ => matrix.v_rest[i - 1],
            }),
        });
        Self {
            tag_lane: fifth_power(constants.domain_tag + keys[0]) + keys[W],
            dense: square(&constants.mds_matrices.m),
            pre_sparse: square(&constants.pre_sparse_matrix),
            sparse: sparse.collect(),
            half_full_rounds: constants.half_full_rounds,
            keys,
        }
    }
}

fn fifth_power(value: Scalar) -> Scalar {
    value.square().square() * value
}

/// Hashes `W` - 1 elements and writes the trace.
pub(crate) fn hash<V: Variable, const W: usize>(
    trace: &mut Trace<'_, V>,
    preimage: &[Scalar],
    constants: &Constants<W>,
) -> Scalar {
    assert_eq!(preimage.len(), W - 1);
    let mut state = [constants.tag_lane; W];
    for lane in 1..W {
        let input = preimage[lane - 1] + constants.keys[lane];
        state[lane] = s_box(trace, &input, Some(&constants.keys[W + lane]));
    }
    let mut keys = constants.keys[2 * W..].iter();
    multiply(&mut state, &constants.dense);
    for round in 1..constants.half_full_rounds {
        full_round(trace, &mut state, &mut keys);
        let last = round == constants.half_full_rounds - 1;
        multiply(
            &mut state,
            if last {
                &constants.pre_sparse
            } else {
                &constants.dense
            },
        );
    }
    for sparse in &constants.sparse {
        state[0] = allocated_s_box(trace, &state[0], keys.next());
        multiply_sparse(&mut state, sparse);
    }
    for _ in 1..constants.half_full_rounds {
        full_round(trace, &mut state, &mut keys);
        multiply(&mut state, &constants.dense);
    }
    full_round(trace, &mut state, &mut keys);
    debug_assert!(keys.next().is_none());
    let digest = column_product(&state, &constants.dense, 1);
    trace.alloc(&digest);
    trace.row(&digest, &Scalar::ONE, &digest);
    digest
}

/// The keys run out before the last round: it adds none.
fn full_round<'k, V: Variable, const W: usize>(
    trace: &mut Trace<'_, V>,
    state: &mut [Scalar; W],
    keys: &mut impl Iterator<Item = &'k Scalar>,
) {
    for lane in state {
        *lane = allocated_s_box(trace, lane, keys.next());
    }
}

/// An S-box whose input becomes a variable first.
fn allocated_s_box<V: Variable>(
    trace: &mut Trace<'_, V>,
    input: &Scalar,
    key: Option<&Scalar>,
) -> Scalar {
    trace.alloc(input);
    trace.row(input, &Scalar::ONE, input);
    s_box(trace, input, key)
}

/// Second, fourth and fifth power; the key of the next round is added to the last.
fn s_box<V: Variable>(trace: &mut Trace<'_, V>, input: &Scalar, key: Option<&Scalar>) -> Scalar {
    let second = input.square();
    trace.alloc(&second);
    trace.row(input, input, &second);
    let fourth = second.square();
    trace.alloc(&fourth);
    trace.row(&second, &second, &fourth);
    let fifth = fourth * input;
    let output = match key {
        Some(key) => fifth + key,
        None => fifth,
    };
    trace.alloc(&output);
    trace.row(input, &fourth, &fifth);
    output
}

fn multiply<const W: usize>(state: &mut [Scalar; W], matrix: &[[Scalar; W]; W]) {
    let old = *state;
    for (column, lane) in state.iter_mut().enumerate() {
        *lane = column_product(&old, matrix, column);
    }
}

fn column_product<const W: usize>(
    state: &[Scalar; W],
    matrix: &[[Scalar; W]; W],
    column: usize,
) -> Scalar {
    let mut sum = state[0] * matrix[0][column];
    for lane in 1..W {
        sum += state[lane] * matrix[lane][column];
    }
    sum
}

fn multiply_sparse<const W: usize>(state: &mut [Scalar; W], sparse: &Sparse<W>) {
    let head = state[0];
    let mut sum = head * sparse.column[0];
    let entries = sparse.column.iter().zip(&sparse.row);
    for (lane, (column, row)) in state.iter_mut().zip(entries).skip(1) {
        sum += *lane * column;
        *lane += head * row;
    }
    state[0] = sum;
}
