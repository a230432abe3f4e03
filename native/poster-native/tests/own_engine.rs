//! Our prover behind `--engine`: trusted after its self-test only, and given up the moment a proof of it does not verify.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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

    fn own_dir(&self) -> PathBuf {
        self.folder.path().join("own")
    }

    fn self_test(&self) -> Value {
        let output = Command::new(env!("CARGO_BIN_EXE_poster-native"))
            .args(["self-test", "--params", &self.params, "--test-params"])
            .args(["--proof-type", "10", "--own-dir", text(&self.own_dir())])
            .output()
            .unwrap();
        assert!(output.status.success());
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Proves the partition; the answer's header. The proof verifies.
    fn prove(&self, engine: &str) -> Value {
        let mut prover = Client::start(&[
            "prove",
            "--params",
            &self.params,
            "--test-params",
            "--engine",
            engine,
            "--own-dir",
            text(&self.own_dir()),
        ]);
        assert_eq!(prover.ready["engine"], engine);
        let path = self.folder.path().join("spool");
        let header = with(request("prove", 7, WINDOW), "spool", text(&path));
        let list = encode_sector_list(&self.sectors);
        prover.send(with(header, "slots", [0, 1]), &list);
        let (header, proof) = prover.until("proof").pop().unwrap();
        prover.finish();
        let mut verifier = Client::start(&["verify", "--params", &self.params, "--test-params"]);
        let question = with(request("verify-post", 1, WINDOW), "proofLen", proof.len());
        verifier.send(question, &[&proof[..], &list].concat());
        assert_eq!(verifier.next()["ok"], json!(true));
        verifier.finish();
        header
    }

    fn file(&self, extension: &str) -> Option<PathBuf> {
        let mut entries = fs::read_dir(self.own_dir()).unwrap();
        let path = entries.find_map(|entry| {
            let path = entry.unwrap().path();
            (path.extension()? == extension).then_some(path)
        });
        path
    }
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
    let answer = setup.prove("auto");
    assert_eq!(
        (&answer["engine"], &answer["alarm"]),
        (&json!("stock"), &Value::Null)
    );

    let report = setup.self_test();
    assert_eq!(report["bitEqual"], json!(true));
    let answer = setup.prove("auto");
    assert_eq!(
        (&answer["engine"], &answer["alarm"]),
        (&json!("own"), &Value::Null)
    );
    assert_eq!(answer["phases"].as_object().unwrap().len(), 5);

    // A wrong point makes a wrong proof: the job is done by the library, and trust is gone for the next process too.
    damage(&setup.file("flat").unwrap());
    let answer = setup.prove("auto");
    assert_eq!(answer["engine"], json!("stock"));
    assert!(answer["alarm"]
        .as_str()
        .unwrap()
        .contains("does not verify"));
    assert_eq!(setup.file("json"), None);
    let answer = setup.prove("auto");
    assert_eq!(
        (&answer["engine"], &answer["alarm"]),
        (&json!("stock"), &Value::Null)
    );

    // The self-test notices the damage, and installs anew.
    setup.self_test();
    assert_eq!(setup.prove("auto")["engine"], json!("own"));
}

#[test]
fn a_record_of_another_machine_does_not_count() {
    let setup = Setup::new();
    setup.self_test();
    let record = setup.file("json").unwrap();
    let mut conditions: Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    conditions["processor"] = json!("another");
    fs::write(&record, conditions.to_string()).unwrap();
    assert_eq!(setup.prove("auto")["engine"], json!("stock"));
    // Asked for by name it is used all the same, and its proofs are verified all the same.
    assert_eq!(setup.prove("own")["engine"], json!("own"));
}
