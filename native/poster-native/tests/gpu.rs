//! The build for GPUs with a driver that only pretends (`cuda-check/libcuda.c`): what the worker says where there is no GPU, and that the
//! library never goes on without one unheard. `npm run check:cuda` runs these; they need the feature `cuda`.
#![cfg(feature = "cuda")]

mod common;

use std::time::Duration;

use common::setup::Setup;
use common::{request, Client, WINDOW};
use serde_json::{json, Value};

/// The first answer that is no phase.
fn answer(prover: &mut Client) -> Value {
    loop {
        let answer = prover.next();
        if answer["type"] != "phase" {
            return answer;
        }
    }
}

#[test]
fn devices_are_named() {
    let setup = Setup::new();
    for (count, names) in [
        ("0", json!([])),
        ("2", json!(["stand-in GPU", "stand-in GPU"])),
    ] {
        let prover = setup.prover(&["--gpu"], &[("STANDIN_GPUS", count)]);
        assert_eq!(prover.ready["gpus"], names);
        prover.finish();
    }
    let hidden = [("STANDIN_GPUS", "2"), ("BELLMAN_NO_GPU", "1")];
    let prover = setup.prover(&[], &hidden);
    assert_eq!(prover.ready["gpus"], json!([]));
    prover.finish();
}

#[test]
fn without_a_device_a_job_fails_at_once() {
    let setup = Setup::new();
    let mut prover = setup.prover(&["--gpu"], &[]);
    setup.send(&mut prover, 7);
    let failed = answer(&mut prover);
    assert_eq!(
        (&failed["type"], &failed["code"]),
        (&json!("failed"), &json!("no-gpu"))
    );
    prover.finish();
}

#[test]
fn a_proof_that_leaves_its_gpu_is_given_up() {
    is_given_up(&["--gpu"]);
}

/// Ours before the library's kernels: under `--gpu` it leaves the device no more unheard than the library's own does.
#[test]
fn our_synthesis_is_given_up_with_its_gpu() {
    is_given_up(&["--engine", "own", "--gpu"]);
}

fn is_given_up(arguments: &[&str]) {
    let setup = Setup::new();
    for fault in ["load", "memory"] {
        let environment = [("STANDIN_GPUS", "1"), ("STANDIN_FAULT", fault)];
        let mut prover = setup.prover(arguments, &environment);
        setup.send(&mut prover, 7);
        let failed = answer(&mut prover);
        assert_eq!(
            (&failed["type"], &failed["code"]),
            (&json!("failed"), &json!("gpu-fallback")),
            "{fault}: {failed}"
        );
        assert_eq!(prover.wait(Duration::from_secs(10)).code(), Some(3));
    }
}

#[test]
fn a_proof_that_left_its_gpu_says_so() {
    let setup = Setup::new();
    let mut prover = setup.prover(&[], &[("STANDIN_GPUS", "1")]);
    setup.send(&mut prover, 7);
    let proof = answer(&mut prover);
    assert_eq!(
        (&proof["type"], &proof["gpu"]),
        (&json!("proof"), &json!(false))
    );
    prover.finish();
}

/// Where a GPU is not asked for the library's functions for CPUs take the kernels' place: all but the kernels runs as on a GPU.
#[test]
fn the_next_job_is_synthesised_while_one_is_proven() {
    let setup = Setup::new();
    let mut prover = setup.prover(&["--engine", "own"], &[("STANDIN_GPUS", "1")]);
    for job in [7, 8, 9] {
        setup.send(&mut prover, job);
    }
    let answers: Vec<_> = (0..3).flat_map(|_| prover.until("proof")).collect();
    prover.finish();
    let place = |job: u32, wanted: &dyn Fn(&Value) -> bool| {
        let is_it = |(header, _): &(Value, Vec<u8>)| header["job"] == job && wanted(header);
        answers.iter().position(is_it).unwrap()
    };
    let phase = |job, phase: &str, state: &str| {
        place(job, &|header| {
            header["phase"] == phase && header["state"] == state
        })
    };
    for job in [7, 8, 9] {
        let (header, proof) = &answers[place(job, &|header| header["type"] == "proof")];
        assert_eq!(
            (&header["engine"], &header["gpu"], &header["alarm"]),
            (&json!("own"), &json!(false), &Value::Null)
        );
        assert!(setup.verifies(proof));
    }
    for (job, next) in [(7, 8), (8, 9)] {
        // Ahead of the end of the one before, and after none but that one's hand-over.
        assert!(phase(next, "synthesis", "end") < phase(job, "prove", "end"));
        assert!(phase(next, "read", "start") > phase(job, "synthesis", "end"));
        assert!(phase(next, "prove", "start") > phase(job, "prove", "end"));
    }
    // One is proven, one waits for the device: the third has not begun.
    assert!(phase(9, "read", "start") > phase(7, "prove", "end"));
}

#[test]
fn a_job_that_waits_for_the_device_is_dropped_alone() {
    let setup = Setup::new();
    let mut prover = setup.prover(&["--engine", "own"], &[("STANDIN_GPUS", "1")]);
    setup.send(&mut prover, 7);
    setup.send(&mut prover, 8);
    loop {
        let (header, _) = prover.next_frame();
        if (&header["job"], &header["phase"], &header["state"])
            == (&json!(8), &json!("synthesis"), &json!("end"))
        {
            break;
        }
    }
    prover.send(request("cancel", 8, WINDOW), &[]);
    let cancelled = prover.until("cancelled").pop().unwrap().0;
    assert_eq!(cancelled["exits"], json!(false));
    assert_eq!(prover.until("proof").pop().unwrap().0["job"], json!(7));
    // Its memory and its number are free again, and nothing more is said of it.
    setup.send(&mut prover, 8);
    let answers = prover.until("proof");
    assert_eq!(answers[0].0["phase"], json!("read"));
    assert!(answers.iter().all(|(header, _)| header["job"] == json!(8)));
    prover.finish();
}

#[test]
fn a_self_test_that_leaves_its_gpu_is_not_passed() {
    let setup = Setup::new();
    for (count, code) in [("0", "no-gpu"), ("1", "gpu-fallback")] {
        let environment = [("STANDIN_GPUS", count)];
        let (exit, answer) = setup.self_test(&["--gpu"], &environment);
        assert_eq!((exit, &answer["error"]["code"]), (1, &json!(code)));
    }
    let mut prover = setup.prover(&["--engine", "auto"], &[("STANDIN_GPUS", "1")]);
    setup.send(&mut prover, 7);
    let proof = prover.until("proof").pop().unwrap().0;
    assert_eq!(proof["engine"], json!("stock"));
    prover.finish();
}
