//! A sealed partition of 2 KiB, opened into its spool, with test parameters.

use std::path::PathBuf;
use std::process::Command;

use frames::{encode_sector_list, Sector};
use serde_json::{json, Value};
use tempfile::TempDir;

use super::{open_all, params, request, seal, spool, text, with, Client, WINDOW};

pub struct Setup {
    pub folder: TempDir,
    pub sectors: Vec<Sector>,
    pub params: String,
}

impl Setup {
    pub fn new() -> Self {
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

    /// Folder of our prover.
    pub fn own_dir(&self) -> PathBuf {
        self.folder.path().join("own")
    }

    /// A worker in mode `prove`.
    pub fn prover(&self, more: &[&str], environment: &[(&str, &str)]) -> Client {
        let mut words = vec!["prove", "--params", &self.params, "--test-params"];
        let own_dir = self.own_dir();
        words.extend(["--own-dir", text(&own_dir)]);
        words.extend(more);
        Client::start_with(&words, environment)
    }

    /// Asks for a proof of the partition.
    pub fn send(&self, prover: &mut Client, job: u32) {
        let path = self.folder.path().join("spool");
        let header = with(request("prove", job, WINDOW), "spool", text(&path));
        let header = with(header, "slots", [0, 1]);
        prover.send(header, &encode_sector_list(&self.sectors));
    }

    /// Whether the stock verifier takes a proof of the partition.
    pub fn verifies(&self, proof: &[u8]) -> bool {
        let list = encode_sector_list(&self.sectors);
        let mut verifier = Client::start(&["verify", "--params", &self.params, "--test-params"]);
        let question = with(request("verify-post", 1, WINDOW), "proofLen", proof.len());
        verifier.send(question, &[proof, &list].concat());
        let answer = verifier.next();
        verifier.finish();
        answer["ok"] == json!(true)
    }

    /// Compares both provers; the exit code and the answer.
    pub fn self_test(&self, more: &[&str], environment: &[(&str, &str)]) -> (i32, Value) {
        let output = Command::new(env!("CARGO_BIN_EXE_poster-native"))
            .args(["self-test", "--params", &self.params, "--test-params"])
            .args(["--proof-type", "10", "--own-dir", text(&self.own_dir())])
            .args(more)
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let answer = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code().unwrap(), answer)
    }
}
