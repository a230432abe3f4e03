//! Our prover behind `--engine`: trusted after its self-test only, and given up the moment a proof of it does not verify.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::setup::Setup;
use serde_json::{json, Value};

fn self_test(setup: &Setup) -> Value {
    let (code, report) = setup.self_test(&[], &[]);
    assert_eq!(code, 0, "{report}");
    report
}

/// Proves the partition; the answer's header. The proof verifies.
fn prove(setup: &Setup, engine: &str) -> Value {
    let mut prover = setup.prover(&["--engine", engine], &[]);
    assert_eq!(prover.ready["engine"], engine);
    setup.send(&mut prover, 7);
    let (header, proof) = prover.until("proof").pop().unwrap();
    prover.finish();
    assert!(setup.verifies(&proof));
    header
}

/// A file of our prover.
fn file(setup: &Setup, extension: &str) -> Option<PathBuf> {
    let mut entries = fs::read_dir(setup.own_dir()).unwrap();
    let path = entries.find_map(|entry| {
        let path = entry.unwrap().path();
        (path.extension()? == extension).then_some(path)
    });
    path
}

fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn auto_is_ours_only_between_a_passed_self_test_and_a_failure() {
    let setup = Setup::new();
    let answer = prove(&setup, "auto");
    assert_eq!(
        (&answer["engine"], &answer["alarm"]),
        (&json!("stock"), &Value::Null)
    );

    let report = self_test(&setup);
    assert_eq!(report["bitEqual"], json!(true));
    let answer = prove(&setup, "auto");
    assert_eq!(
        (&answer["engine"], &answer["alarm"]),
        (&json!("own"), &Value::Null)
    );
    assert_eq!(answer["phases"].as_object().unwrap().len(), 5);

    // A wrong point makes a wrong proof: the job is done by the library, and trust is gone for the next process too.
    damage(&file(&setup, "flat").unwrap());
    let answer = prove(&setup, "auto");
    assert_eq!(answer["engine"], json!("stock"));
    assert!(answer["alarm"]
        .as_str()
        .unwrap()
        .contains("does not verify"));
    assert_eq!(file(&setup, "json"), None);
    let answer = prove(&setup, "auto");
    assert_eq!(
        (&answer["engine"], &answer["alarm"]),
        (&json!("stock"), &Value::Null)
    );

    // The self-test notices the damage, and installs anew.
    self_test(&setup);
    assert_eq!(prove(&setup, "auto")["engine"], json!("own"));
}

#[test]
fn a_record_of_another_machine_does_not_count() {
    let setup = Setup::new();
    self_test(&setup);
    let record = file(&setup, "json").unwrap();
    let mut conditions: Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    conditions["processor"] = json!("another");
    fs::write(&record, conditions.to_string()).unwrap();
    assert_eq!(prove(&setup, "auto")["engine"], json!("stock"));
    // Asked for by name it is used all the same, and its proofs are verified all the same.
    assert_eq!(prove(&setup, "own")["engine"], json!("own"));
}
