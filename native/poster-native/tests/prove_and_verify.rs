//! From sealed sectors to a verified proof, and everything that must not verify.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{
    open_all, params, request, seal, spool, text, vector_json, vectors, with, Client, WINDOW,
    WINNING,
};
use frames::{encode_sector_list, from_hex, Sector};
use serde_json::{json, Value};
use tempfile::TempDir;

struct Setup {
    folder: TempDir,
    sectors: Vec<Sector>,
    params: String,
}

impl Setup {
    /// Two sectors, opened and spooled.
    fn new(proof_type: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut sectors = seal(folder.path(), "4-5", &[]);
        let kind = if proof_type == WINNING {
            sectors.truncate(1);
            "winning"
        } else {
            "window"
        };
        let proofs = open_all(folder.path(), proof_type, &sectors);
        spool(&folder.path().join("spool"), &proofs);
        Self {
            folder,
            sectors,
            params: params(kind),
        }
    }

    fn spool(&self) -> PathBuf {
        self.folder.path().join("spool")
    }

    fn prover(&self) -> Client {
        Client::start(&["prove", "--params", &self.params, "--test-params"])
    }

    fn verifier(&self) -> Client {
        Client::start(&["verify", "--params", &self.params, "--test-params"])
    }

    fn prove(&self, job: u32, proof_type: u64, slots: &[u64]) -> (Value, Vec<u8>) {
        let header = with(
            request("prove", job, proof_type),
            "spool",
            text(&self.spool()),
        );
        let sectors: Vec<Sector> = slots.iter().map(|&k| self.sectors[k as usize]).collect();
        (with(header, "slots", slots), encode_sector_list(&sectors))
    }
}

fn verify(client: &mut Client, header: Value, proof: &[u8], sectors: &[Sector]) -> Value {
    let body = [proof, &encode_sector_list(sectors)].concat();
    client.send(with(header, "proofLen", proof.len()), &body);
    client.next()
}

fn post(proof_type: u64) -> Value {
    request("verify-post", 1, proof_type)
}

#[test]
fn a_window_is_proven_and_only_it_verifies() {
    let setup = Setup::new(WINDOW);
    let mut prover = setup.prover();
    let mut verifier = setup.verifier();
    // Both sectors, then one of two: the partition is padded.
    for slots in [&[0, 1][..], &[1]] {
        let (header, list) = setup.prove(7, WINDOW, slots);
        prover.send(header, &list);
        let answers = prover.until("proof");
        let phases: Vec<String> = answers
            .iter()
            .filter(|(header, _)| header["type"] == "phase")
            .map(|(header, _)| format!("{}-{}", header["phase"], header["state"]).replace('"', ""))
            .collect();
        let expected: Vec<String> = ["read", "params", "circuit", "synthesis", "prove"]
            .iter()
            .flat_map(|phase| [format!("{phase}-start"), format!("{phase}-end")])
            .collect();
        assert_eq!(phases, expected);
        let (header, proof) = answers.last().unwrap();
        assert_eq!((proof.len(), &header["job"]), (192, &json!(7)));
        assert_eq!(header["phases"].as_object().unwrap().len(), 5);

        let sectors: Vec<Sector> = slots.iter().map(|&k| setup.sectors[k as usize]).collect();
        let good = verify(&mut verifier, post(WINDOW), proof, &sectors);
        assert_eq!((&good["ok"], &good["detail"]), (&json!(true), &Value::Null));
        refuse_all(&mut verifier, proof, &sectors);
    }
    prover.finish();
    verifier.finish();
}

/// Whatever differs from what was proven is refused.
fn refuse_all(verifier: &mut Client, proof: &[u8], sectors: &[Sector]) {
    let refused = |verifier: &mut Client, header: Value, proof: &[u8], sectors: &[Sector]| {
        let answer = verify(verifier, header, proof, sectors);
        assert_eq!(
            (&answer["type"], &answer["ok"]),
            (&json!("verified"), &json!(false))
        );
        assert!(answer["detail"].is_string());
    };
    for position in [0, 50, 100, 191] {
        let mut wrong = proof.to_vec();
        wrong[position] ^= 1;
        refused(verifier, post(WINDOW), &wrong, sectors);
    }
    for wrong in [
        &proof[..191],
        &[],
        &[0; 192],
        &[0xff; 192],
        &[proof, proof].concat(),
    ] {
        refused(verifier, post(WINDOW), wrong, sectors);
    }
    let other = "22".repeat(32);
    refused(
        verifier,
        with(post(WINDOW), "randomness", other),
        proof,
        sectors,
    );
    let mut wrong = sectors.to_vec();
    wrong[0].comm_r[0] ^= 1;
    refused(verifier, post(WINDOW), proof, &wrong);
    let mut wrong = sectors.to_vec();
    wrong[0].number -= 1;
    refused(verifier, post(WINDOW), proof, &wrong);
}

#[test]
fn requests_that_cannot_be_proven_fail_alone() {
    let setup = Setup::new(WINDOW);
    let mut prover = setup.prover();
    let failed = |prover: &mut Client, (header, list): (Value, Vec<u8>), code: &str| {
        prover.send(header, &list);
        let answer = loop {
            let answer = prover.next();
            if answer["type"] != "phase" {
                break answer;
            }
        };
        assert_eq!(
            (&answer["type"], &answer["code"]),
            (&json!("failed"), &json!(code))
        );
    };
    let good = || setup.prove(1, WINDOW, &[0, 1]);
    let change = |name: &str, value: Value| (with(good().0, name, value), good().1);
    failed(
        &mut prover,
        change("spool", json!("/nonexistent/spool")),
        "spool",
    );
    failed(&mut prover, change("slots", json!([0])), "bad-request");
    failed(&mut prover, change("slots", json!([0, 2])), "spool");
    failed(
        &mut prover,
        change("slots", json!([0, u64::MAX])),
        "bad-request",
    );
    failed(&mut prover, change("slots", json!([1, 0])), "bad-vanilla");
    failed(
        &mut prover,
        change("randomness", json!("22".repeat(32))),
        "bad-vanilla",
    );
    failed(&mut prover, change("proofType", json!(13)), "spool");
    let (header, list) = good();
    let swapped = [&list[40..], &list[..40]].concat();
    failed(&mut prover, (header, swapped), "bad-sector-list");

    let empty = tempfile::tempdir().unwrap();
    let mut bare = Client::start(&["prove", "--params", text(empty.path())]);
    failed(&mut bare, good(), "no-params");
    bare.finish();
    let mut strict = Client::start(&["prove", "--params", &setup.params]);
    failed(&mut strict, good(), "key-refused");
    strict.finish();

    prover.send(good().0, &good().1);
    assert_eq!(prover.until("proof").last().unwrap().1.len(), 192);
    prover.finish();
}

/// Starts a proof and waits until it is in its longest phase.
fn start_proving(setup: &Setup) -> Client {
    let mut prover = setup.prover();
    let (header, list) = setup.prove(1, WINDOW, &[0, 1]);
    prover.send(header, &list);
    while prover.next() != json!({"type": "phase", "job": 1, "phase": "prove", "state": "start"}) {}
    prover
}

#[test]
fn the_end_of_stdin_ends_a_running_proof() {
    let setup = Setup::new(WINDOW);
    let mut prover = start_proving(&setup);
    prover.close_stdin();
    assert_eq!(prover.wait(Duration::from_secs(5)).code(), Some(0));
    assert!(prover.rest().iter().all(|answer| answer["type"] != "proof"));
}

#[test]
fn cancelling_a_queued_proof_drops_it_a_running_one_ends_the_child() {
    let setup = Setup::new(WINDOW);
    let mut prover = start_proving(&setup);
    for job in 2..=6 {
        let (header, list) = setup.prove(job, WINDOW, &[0, 1]);
        prover.send(header, &list);
    }
    assert_eq!(prover.next()["code"], "queue-full");
    prover.send(json!({"type": "cancel", "job": 3}), &[]);
    assert_eq!(
        prover.next(),
        json!({"type": "cancelled", "job": 3, "exits": false})
    );
    prover.send(json!({"type": "cancel", "job": 1}), &[]);
    assert_eq!(
        prover.next(),
        json!({"type": "cancelled", "job": 1, "exits": true})
    );
    assert_eq!(prover.wait(Duration::from_secs(1)).code(), Some(0));
}

#[test]
fn recorded_proofs_are_judged_as_the_chain_judged_them() {
    let folder = vectors().join("params");
    let mut verifier = Client::start(&["verify", "--params", text(&folder), "--test-params"]);
    let key = &verifier.ready["keys"][0];
    assert_eq!(
        (&key["kind"], &key["published"]),
        (&json!("window"), &json!(false))
    );
    let posts = vector_json("posts.json");
    for entry in posts.as_array().unwrap() {
        let sectors: Vec<Sector> = entry["sectors"]
            .as_array()
            .unwrap()
            .iter()
            .map(common::sector)
            .collect();
        let proof = hex(entry["proof"].as_str().unwrap());
        let header = with(post(WINDOW), "randomness", entry["randomness"].clone());
        let header = with(header, "minerId", entry["minerId"].clone());
        let answer = verify(&mut verifier, header, &proof, &sectors);
        assert_eq!(answer["ok"], entry["valid"], "{}: {answer}", entry["name"]);
    }
    verifier.finish();
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|position| from_hex::<1>(&text[position..position + 2]).unwrap()[0])
        .collect()
}

#[test]
fn recorded_signatures_verify() {
    let folder = vectors().join("params");
    let mut verifier = Client::start(&["verify", "--params", text(&folder), "--test-params"]);
    for entry in vector_json("signatures.json").as_array().unwrap() {
        let parts =
            ["signer", "signature", "message"].map(|name| hex(entry[name].as_str().unwrap()));
        let header = json!({"type": "verify-signature", "job": 1, "sigType": entry["sigType"]});
        let mut body = parts.concat();
        verifier.send(header.clone(), &body);
        assert_eq!(verifier.next()["ok"], true);
        *body.last_mut().unwrap() ^= 1;
        verifier.send(header, &body);
        assert_eq!(verifier.next()["ok"], false);
    }
    verifier.finish();
}

#[test]
fn without_its_key_a_proof_is_neither_good_nor_bad() {
    let sectors = common::recorded_sectors();
    let failed = |folder: &Path, more: &[&str], proof_type: u64, count: usize| {
        let mut words = vec!["verify", "--params", text(folder)];
        words.extend(more);
        let mut verifier = Client::start(&words);
        let answer = verify(
            &mut verifier,
            post(proof_type),
            &[0; 192],
            &sectors[..count],
        );
        assert_eq!(answer["type"], "failed");
        answer["code"].as_str().unwrap().to_string()
    };
    let folder = vectors().join("params");
    assert_eq!(failed(&folder, &[], WINDOW, 2), "key-refused");
    assert_eq!(failed(&folder, &["--test-params"], WINNING, 1), "no-key");
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        fs::write(copy.path().join(entry.file_name()), [0; 3076]).unwrap();
    }
    assert_eq!(
        failed(copy.path(), &["--test-params"], WINDOW, 2),
        "bad-params"
    );
}

#[test]
fn parameters_are_equal_for_equal_seeds_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let made = params("window");
    let generate = |folder: &str| {
        common::command(&[
            "params",
            "generate-test",
            "--dir",
            folder,
            "--kind",
            "window",
        ])
    };
    let (code, lines) = generate(&made);
    assert_eq!((code, &lines[0]["event"]), (0, &json!("exists")));
    let (code, lines) = generate(text(folder.path()));
    assert_eq!((code, &lines[1]["event"]), (0, &json!("done")));
    let name = lines[0]["file"].as_str().unwrap();
    let fresh = folder.path().join(name);
    assert_eq!(
        fs::read(&fresh).unwrap(),
        fs::read(Path::new(&made).join(name)).unwrap()
    );

    let check = |flags: &[&str]| {
        let mut words = vec!["params", "verify", "--dir", text(folder.path())];
        words.extend(flags);
        common::command(&words).0
    };
    assert_eq!(check(&["--test"]), 0);
    assert_eq!(check(&[]), 1);
    let bytes = fs::read(&fresh).unwrap();
    fs::write(&fresh, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(check(&["--test"]), 1);
    assert_eq!(generate(text(folder.path())).0, 1);
}

#[test]
#[ignore = "makes winning parameters: 40 CPU seconds the first time"]
fn a_winning_post_is_proven_and_verifies() {
    let setup = Setup::new(WINNING);
    let mut prover = setup.prover();
    let (header, list) = setup.prove(1, WINNING, &[0]);
    prover.send(header, &list);
    let proof = prover.until("proof").pop().unwrap().1;
    prover.finish();
    let mut verifier = setup.verifier();
    assert_eq!(
        verify(&mut verifier, post(WINNING), &proof, &setup.sectors)["ok"],
        true
    );
    let other = with(post(WINNING), "randomness", "22".repeat(32));
    assert_eq!(
        verify(&mut verifier, other, &proof, &setup.sectors)["ok"],
        false
    );
    verifier.finish();
}
