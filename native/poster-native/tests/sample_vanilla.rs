//! The made-up sector that a node measures itself with.

mod common;

use std::fs;

use common::{command, params, sector, text, vanilla_len, with, Client, WINDOW};
use frames::{encode_sector_list, Sector};
use serde_json::{json, Value};
use tempfile::TempDir;

struct Sample {
    folder: TempDir,
    line: Value,
    sectors: Vec<Sector>,
}

fn run(proof_type: u64) -> (i32, TempDir, Value) {
    let folder = tempfile::tempdir().unwrap();
    let number = proof_type.to_string();
    let out = folder.path().join("spool");
    let words = [
        "sample-vanilla",
        "--proof-type",
        &number,
        "--out",
        text(&out),
    ];
    let (code, mut lines) = command(&words);
    assert_eq!(lines.len(), 1, "{lines:?}");
    (code, folder, lines.remove(0))
}

fn sample(proof_type: u64) -> Sample {
    let (code, folder, line) = run(proof_type);
    assert_eq!(code, 0, "{line}");
    let entry = json!({"number": line["sector"], "commR": line["commR"]});
    let sectors = vec![sector(&entry)];
    Sample {
        folder,
        line,
        sectors,
    }
}

impl Sample {
    fn request(&self, kind: &str, proof_type: u64) -> Value {
        let header = common::request(kind, 1, proof_type);
        with(header, "randomness", self.line["randomness"].clone())
    }

    fn path(&self, name: &str) -> String {
        text(&self.folder.path().join(name)).to_string()
    }
}

#[test]
fn a_sample_of_every_size_is_good() {
    let mut checker = Client::start(&["check"]);
    for proof_type in (0..5).chain(10..15) {
        let sample = sample(proof_type);
        let bytes = fs::read(sample.path("spool")).unwrap();
        assert_eq!(bytes.len(), vanilla_len(proof_type));
        assert_eq!(sample.line["bytes"], bytes.len());
        let header = with(
            sample.request("begin", proof_type),
            "spool",
            sample.path("checked"),
        );
        checker.send(
            with(header, "resume", false),
            &encode_sector_list(&sample.sectors),
        );
        checker.until("begun");
        checker.send(
            json!({"type": "blob", "job": 1, "sector": sample.sectors[0].number}),
            &bytes,
        );
        assert_eq!(checker.next()["ok"], true, "{proof_type}");
        checker.send(json!({"type": "drop", "job": 1}), &[]);
        checker.until("dropped");
    }
    checker.finish();
}

#[test]
fn a_sample_is_proven_as_a_partition() {
    let sample = sample(WINDOW);
    let params = params("window");
    let list = encode_sector_list(&sample.sectors);
    let mut prover = Client::start(&["prove", "--params", &params, "--test-params"]);
    let header = with(
        sample.request("prove", WINDOW),
        "spool",
        sample.path("spool"),
    );
    prover.send(with(header, "slots", vec![0]), &list);
    let proof = prover.until("proof").pop().unwrap().1;
    prover.finish();
    let mut verifier = Client::start(&["verify", "--params", &params, "--test-params"]);
    let header = with(
        sample.request("verify-post", WINDOW),
        "proofLen",
        proof.len(),
    );
    verifier.send(header, &[&proof[..], &list].concat());
    assert_eq!(verifier.next()["ok"], true);
    verifier.finish();
}

#[test]
fn what_is_no_proof_type_has_no_sample() {
    for proof_type in [5, 9, 15] {
        let (code, folder, line) = run(proof_type);
        assert_eq!((code, &line["error"]["code"]), (1, &json!("bad-arguments")));
        assert!(!folder.path().join("spool").exists());
    }
}
