//! The build for GPUs with a driver that only pretends (`cuda-check/libcuda.c`): what the worker says where there is no GPU, and that the
//! library never goes on without one unheard. `npm run check:cuda` runs these; they need the feature `cuda`.
#![cfg(feature = "cuda")]

mod common;

use std::time::Duration;

use common::{open_all, params, request, seal, spool, text, with, Client, WINDOW};
use frames::{encode_sector_list, Sector};
use serde_json::{json, Value};
use tempfile::TempDir;

struct Setup {
    folder: TempDir,
    sectors: Vec<Sector>,
    params: String,
}

impl Setup {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sectors = seal(folder.path(), "4-5", &[]);
        let proofs = open_all(folder.path(), WINDOW, &sectors);
        spool(&folder.path().join("spool"), &proofs);
        Self {
            folder,
            sectors,
            params: params("window"),
        }
    }

    fn prover(&self, more: &[&str], environment: &[(&str, &str)]) -> Client {
        let mut words = vec!["prove", "--params", &self.params, "--test-params"];
        words.extend(more);
        Client::start_with(&words, environment)
    }

    fn send(&self, prover: &mut Client) {
        let path = self.folder.path().join("spool");
        let header = with(request("prove", 7, WINDOW), "spool", text(&path));
        prover.send(
            with(header, "slots", [0, 1]),
            &encode_sector_list(&self.sectors),
        );
    }
}

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
    setup.send(&mut prover);
    let failed = answer(&mut prover);
    assert_eq!(
        (&failed["type"], &failed["code"]),
        (&json!("failed"), &json!("no-gpu"))
    );
    prover.finish();
}

#[test]
fn a_proof_that_leaves_its_gpu_is_given_up() {
    let setup = Setup::new();
    for fault in ["load", "memory"] {
        let environment = [("STANDIN_GPUS", "1"), ("STANDIN_FAULT", fault)];
        let mut prover = setup.prover(&["--gpu"], &environment);
        setup.send(&mut prover);
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
    setup.send(&mut prover);
    let proof = answer(&mut prover);
    assert_eq!(
        (&proof["type"], &proof["gpu"]),
        (&json!("proof"), &json!(false))
    );
    prover.finish();
}

#[test]
fn our_own_prover_is_no_prover_of_a_gpu() {
    let mut prover = Client::spawn(&["prove", "--params", "/nowhere", "--engine", "auto", "--gpu"]);
    let fatal = prover.next();
    assert_eq!(
        (&fatal["type"], &fatal["code"]),
        (&json!("fatal"), &json!("bad-arguments"))
    );
}
