//! The same bytes as the stock prover, for fixed randomisers, in every tree shape.

mod common;

use std::sync::Arc;

use blstrs::Scalar;
use common::{mapped, shape, Sample};
use post_prover::{Arithmetic, Circuit, Parameters, Prover, Randomisers};

fn randomisers() -> (Scalar, Scalar) {
    (Scalar::from(0xdead_beef), -Scalar::from(77))
}

fn is_bit_equal(sample: &Sample) {
    let (r, s) = randomisers();
    let path = sample.parameters();
    let expected = sample.stock(&mapped(path.clone()), r, s);
    assert!(sample.verifies(&expected), "the sample is a true statement");
    let mut forms = vec![Arithmetic::Plain, Arithmetic::detect()];
    forms.dedup();
    for arithmetic in forms {
        let parameters = Parameters::load(&path, &sample.circuit, arithmetic).unwrap();
        let mut prover = Prover::new(sample.circuit, Arc::new(parameters));
        // Twice: memory is reused.
        for _ in 0..2 {
            let proof = sample
                .with_blocks(|blocks| prover.prove(blocks, &Randomisers::new(r, s), &mut |_| {}))
                .unwrap();
            assert_eq!(proof[..], expected[..], "{arithmetic:?}");
        }
    }
}

fn window(blocks: usize, challenges: usize, shape: frames::Shape, sectors: usize) -> Sample {
    let circuit = Circuit {
        blocks,
        challenges,
        shape,
    };
    Sample::window(circuit, sectors)
}

#[test]
fn base_trees() {
    is_bit_equal(&window(2, 2, shape(2, false, false), 2));
}

#[test]
fn base_trees_padded() {
    is_bit_equal(&window(3, 1, shape(2, false, false), 1));
}

#[test]
fn sub_trees_as_32_gib() {
    is_bit_equal(&window(2, 1, shape(2, true, false), 2));
}

#[test]
fn top_trees_as_64_gib() {
    is_bit_equal(&window(2, 1, shape(2, true, true), 2));
}

#[test]
fn winning_is_one_block_per_challenge() {
    is_bit_equal(&Sample::winning(shape(2, false, false), 5));
}
