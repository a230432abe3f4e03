//! The same bytes as the stock prover, for fixed randomisers, in every tree shape.

mod common;

use std::path::Path;
use std::sync::Arc;

use blstrs::Scalar;
use common::{mapped, shape, Sample};
use post_prover::{Arithmetic, Assignment, Circuit, Parameters, Prover, Randomisers};
use proofs_core::{KernelProver, MappedParameters};

fn randomisers() -> (Scalar, Scalar) {
    (Scalar::from(0xdead_beef), -Scalar::from(77))
}

/// With a local setup: the proofs are equal, and true.
fn is_bit_equal(sample: &Sample) {
    let proof = same_proof(sample, &sample.parameters());
    assert!(sample.verifies(&proof));
}

/// With points that are no setup, for sizes whose setup takes minutes: the proofs are equal.
fn is_bit_equal_without_setup(sample: &Sample) {
    same_proof(sample, &sample.points_without_setup());
}

fn same_proof(sample: &Sample, path: &Path) -> Vec<u8> {
    let (r, s) = randomisers();
    let expected = sample.stock(&mapped(path.to_path_buf()), r, s);
    let mut forms = vec![Arithmetic::Plain, Arithmetic::detect()];
    forms.dedup();
    for arithmetic in forms {
        let parameters = Parameters::load(path, &sample.circuit, arithmetic).unwrap();
        let mut prover = Prover::new(sample.circuit, Arc::new(parameters));
        // Twice: memory is reused.
        for _ in 0..2 {
            let proof = sample
                .with_blocks(|blocks| prover.prove(blocks, &Randomisers::new(r, s), &mut |_| {}))
                .unwrap();
            assert_eq!(proof[..], expected[..], "{arithmetic:?}");
        }
    }
    // Our synthesis before the library's kernels; in this build they are those of a CPU.
    let parameters = Arc::new(MappedParameters(mapped(path.to_path_buf())));
    let kernels = KernelProver::new(&sample.circuit, parameters);
    let mut assignment = Assignment::new(sample.circuit);
    for _ in 0..2 {
        sample
            .with_blocks(|blocks| assignment.synthesize(blocks))
            .unwrap();
        let randomisers = Randomisers::new(r, s).words();
        let proof = kernels.prove(&mut assignment, &randomisers).unwrap();
        assert_eq!(proof[..], expected[..], "the library's kernels");
    }
    expected
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

#[test]
fn partitions_of_2_kib() {
    is_bit_equal(&window(2, 10, shape(2, false, false), 2));
    is_bit_equal(&window(2, 10, shape(2, false, false), 1));
}

#[test]
#[ignore = "150 CPU seconds, 230 MB"]
fn full_trees_of_every_size() {
    for (sub, top) in [(true, false), (true, true)] {
        is_bit_equal_without_setup(&window(1, 10, shape(9, sub, top), 1));
        is_bit_equal_without_setup(&window(2, 10, shape(9, sub, top), 2));
    }
    for base_levels in [6, 8] {
        is_bit_equal_without_setup(&window(2, 10, shape(base_levels, false, false), 2));
    }
}

#[test]
#[ignore = "140 CPU seconds, 610 MB"]
fn winning_with_all_challenges() {
    is_bit_equal_without_setup(&Sample::winning(shape(2, false, false), 66));
    is_bit_equal_without_setup(&Sample::winning(shape(9, true, false), 66));
}

#[test]
#[ignore = "290 CPU seconds, 670 MB"]
fn enlarged_partitions() {
    is_bit_equal_without_setup(&window(47, 10, shape(2, false, false), 47));
    is_bit_equal_without_setup(&window(47, 10, shape(2, false, false), 20));
}
