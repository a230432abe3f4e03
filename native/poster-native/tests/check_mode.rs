//! Checking vanilla proofs into a spool file.

mod common;

use std::fs;
use std::io::Write;
use std::os::unix::fs::{symlink, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use common::{open_all, request, seal, text, vanilla_len, with, Client, WINDOW};
use frames::{encode_sector_list, read_frame, write_frame, Sector};
use serde_json::{json, Value};
use tempfile::TempDir;

struct Setup {
    folder: TempDir,
    sectors: Vec<Sector>,
    proofs: Vec<Vec<u8>>,
}

impl Setup {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sectors = seal(folder.path(), "4-5", &[]);
        let proofs = open_all(folder.path(), WINDOW, &sectors);
        Self {
            folder,
            sectors,
            proofs,
        }
    }

    fn spool(&self) -> PathBuf {
        self.folder.path().join("spool")
    }

    fn begin(&self, job: u32, path: &Path) -> (Value, Vec<u8>) {
        let header = with(request("begin", job, WINDOW), "spool", text(path));
        (header, encode_sector_list(&self.sectors))
    }

    fn start(&self) -> Client {
        let mut client = Client::start(&["check"]);
        let (header, list) = self.begin(1, &self.spool());
        client.send(header, &list);
        let begun = client.next();
        assert_eq!(begun["type"], "begun", "{begun}");
        assert_eq!(
            (&begun["slots"], &begun["slotLen"]),
            (&json!(2), &json!(5680))
        );
        client
    }
}

fn blob(sector: u64) -> Value {
    json!({"type": "blob", "job": 1, "sector": sector, "tag": 9})
}

#[test]
fn good_proofs_come_into_their_slots() {
    let setup = Setup::new();
    let mut client = setup.start();
    client.send(blob(5), &setup.proofs[1]);
    client.send(blob(4), &setup.proofs[0]);
    client.send(json!({"type": "end", "job": 1}), &[]);
    let answers = client.until("spooled");
    assert_eq!(answers.last().unwrap().0["good"], 2);
    for (header, _) in &answers[..2] {
        assert_eq!((&header["ok"], &header["tag"]), (&json!(true), &json!(9)));
    }
    assert_eq!(fs::read(setup.spool()).unwrap(), setup.proofs.concat());
    let mode = fs::metadata(setup.spool()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    client.send(json!({"type": "drop", "job": 1}), &[]);
    assert_eq!(client.next()["type"], "dropped");
    assert!(!setup.spool().exists());
    client.send(json!({"type": "end", "job": 1}), &[]);
    assert_eq!(client.next()["code"], "unknown-job");
    client.finish();
}

#[test]
fn bad_proofs_are_named_and_not_written() {
    let setup = Setup::new();
    let good = &setup.proofs[0];
    let change = |offset: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[offset] = value;
        bytes
    };
    let end = good.len();
    let index = 56 + 76 + 8 + 7 * 32;
    let cases = [
        ("length", [&good[..], &[0]].concat()),
        ("length", Vec::new()),
        ("sector", change(0, 5)),
        ("comm-r", change(8, good[8] ^ 1)),
        ("structure", change(48, 66)),
        ("non-canonical", change(56 + 36 + 31, 0xff)),
        ("index", change(index, 8)),
        ("challenge", change(index, good[index] ^ 1)),
        ("root", change(56 + 4, good[56 + 4] ^ 1)),
        ("comm-r-hash", change(end - 64, good[end - 64] ^ 1)),
        ("merkle", change(56 + 36, good[56 + 36] ^ 1)),
    ];
    let mut client = setup.start();
    for (code, bytes) in &cases {
        client.send(blob(4), bytes);
        let answer = client.next();
        assert_eq!(
            (&answer["ok"], &answer["code"]),
            (&json!(false), &json!(code))
        );
        assert_eq!((&answer["sector"], &answer["tag"]), (&json!(4), &json!(9)));
    }
    client.send(blob(6), good);
    assert_eq!(client.next()["code"], "not-asked");
    client.send(json!({"type": "end", "job": 1}), &[]);
    assert_eq!(client.next()["good"], 0);
    assert!(fs::read(setup.spool())
        .unwrap()
        .iter()
        .all(|byte| *byte == 0));
    client.send(blob(4), good);
    assert_eq!(client.next()["ok"], true);
    client.send(blob(4), good);
    assert_eq!(client.next()["code"], "duplicate");
    client.finish();
}

#[test]
fn a_kept_spool_is_checked_again() {
    let setup = Setup::new();
    let mut client = setup.start();
    for (sector, proof) in setup.sectors.iter().zip(&setup.proofs) {
        client.send(blob(sector.number), proof);
        assert_eq!(client.next()["ok"], true);
    }
    client.send(json!({"type": "drop", "job": 1, "keep": true}), &[]);
    assert_eq!(client.next()["type"], "dropped");
    let mut bytes = fs::read(setup.spool()).unwrap();
    bytes[5680 + 56 + 36] ^= 1;
    fs::write(setup.spool(), bytes).unwrap();

    let (header, list) = setup.begin(1, &setup.spool());
    client.send(with(header, "resume", true), &list);
    let answers = client.until("resumed");
    assert_eq!(answers[0].0["type"], "begun");
    assert_eq!(
        (&answers[1].0["sector"], &answers[1].0["resumed"]),
        (&json!(4), &json!(true))
    );
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[2].0["good"], 1);
    client.send(blob(5), &setup.proofs[1]);
    assert_eq!(client.next()["ok"], true);
    assert_eq!(fs::read(setup.spool()).unwrap(), setup.proofs.concat());
    client.finish();
}

#[test]
fn begin_without_resume_empties_the_file() {
    let setup = Setup::new();
    fs::write(setup.spool(), setup.proofs.concat()).unwrap();
    let client = setup.start();
    let bytes = fs::read(setup.spool()).unwrap();
    assert_eq!(bytes.len(), 2 * vanilla_len(WINDOW));
    assert!(bytes.iter().all(|byte| *byte == 0));
    client.finish();
}

#[test]
fn files_that_cannot_be_a_spool_are_refused() {
    let setup = Setup::new();
    let mut client = setup.start();
    let folder = setup.folder.path();
    let link = folder.join("link");
    symlink(folder.join("elsewhere"), &link).unwrap();
    let short = folder.join("short");
    fs::write(&short, [1; 100]).unwrap();
    let missing = folder.join("missing/spool");
    for path in [
        &setup.spool(),
        &link,
        &short,
        &missing,
        &folder.to_path_buf(),
    ] {
        let (header, list) = setup.begin(2, path);
        client.send(with(header, "resume", true), &list);
        let failed = client.next();
        assert_eq!(failed["code"], "spool", "{}: {failed}", path.display());
    }
    assert!(!folder.join("elsewhere").exists());
    assert_eq!(fs::read(&short).unwrap(), [1; 100]);
    let (header, list) = setup.begin(1, &folder.join("other"));
    client.send(header, &list);
    assert_eq!(client.next()["code"], "duplicate-job");
    client.send(json!({"type": "blob", "job": 7, "sector": 1}), &[]);
    assert_eq!(client.next()["code"], "unknown-job");
    client.finish();
}

/// A parent that does not read answers, and one that sends faster than can be checked, fill the pipe and not the child's memory.
#[test]
fn a_full_queue_stops_reading() {
    let setup = Setup::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_poster-native"))
        .args(["check", "--threads", "1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let frame = |header: &Value, body: &[u8]| {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, header.as_object().unwrap(), body).unwrap();
        bytes
    };
    let (header, list) = setup.begin(1, &setup.spool());
    let begin = frame(&header, &list);
    let blobs = 3_000;
    let bytes = frame(&blob(4), &setup.proofs[0]);
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let writer = thread::spawn(move || {
        stdin.write_all(&begin).unwrap();
        for _ in 0..blobs {
            stdin.write_all(&bytes).unwrap();
            counter.fetch_add(1, Ordering::SeqCst);
        }
        stdin
    });
    // Still for half a second: the child has stopped reading.
    let mut last = usize::MAX;
    while last != sent.load(Ordering::SeqCst) {
        last = sent.load(Ordering::SeqCst);
        thread::sleep(Duration::from_millis(500));
    }
    assert!(last < blobs, "the child read all {blobs} blobs");
    // Reading the answers sets it going again: ready, begun, one answer per blob.
    for _ in 0..blobs + 2 {
        read_frame(&mut stdout).unwrap().unwrap();
    }
    drop(writer.join().unwrap());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_drop_behind_many_blobs_ends_the_job_once() {
    let setup = Setup::new();
    let mut client = setup.start();
    let mut bad = setup.proofs[0].clone();
    bad[56 + 36] ^= 1;
    for _ in 0..50 {
        client.send(blob(4), &bad);
    }
    client.send(json!({"type": "drop", "job": 1}), &[]);
    let answers = client.until("dropped");
    assert!(answers.len() <= 51);
    let (header, list) = setup.begin(1, &setup.spool());
    client.send(header, &list);
    assert_eq!(client.next()["type"], "begun");
    client.finish();
}
