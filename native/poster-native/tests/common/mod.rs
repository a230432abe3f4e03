//! What the tests of the binary share: a client for its frames, sealed sectors, test parameters.

// Each test binary uses its own part of this module.
#![allow(dead_code)]

pub mod setup;

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use frames::{encode_sector_list, from_hex, read_frame, write_frame, Frame, ProofType, Sector};
use serde_json::{json, Value};

/// No answer of a 2 KiB job takes longer, even on a busy machine.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// A masked randomness.
pub const RANDOMNESS: &str = "1111111111111111111111111111111111111111111111111111111111111111";

/// Owner of the sectors that tests seal.
pub const MINER: u64 = 1000;

pub const WINDOW: u64 = 10;
pub const WINNING: u64 = 0;

/// A running mode.
pub struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    answers: Receiver<Frame>,
    pub ready: Value,
}

impl Client {
    /// Starts a mode and waits for its `ready`.
    pub fn start(words: &[&str]) -> Self {
        Self::start_with(words, &[])
    }

    /// The same with more in its environment.
    pub fn start_with(words: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut client = Self::spawn_with(words, environment);
        client.ready = client.next();
        assert_eq!(client.ready["type"], "ready", "{}", client.ready);
        client
    }

    /// Starts a mode.
    pub fn spawn(words: &[&str]) -> Self {
        Self::spawn_with(words, &[])
    }

    fn spawn_with(words: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_poster-native"))
            .args(words)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let mut stdout = child.stdout.take().unwrap();
        let (sender, answers) = channel();
        thread::spawn(move || {
            while let Ok(Some(frame)) = read_frame(&mut stdout) {
                if sender.send(frame).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            stdin,
            answers,
            ready: Value::Null,
        }
    }

    pub fn send(&mut self, header: Value, body: &[u8]) {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, header.as_object().unwrap(), body).unwrap();
        self.send_raw(&bytes);
    }

    pub fn send_raw(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(bytes).unwrap();
        stdin.flush().unwrap();
    }

    /// The next answer with its body.
    pub fn next_frame(&mut self) -> (Value, Vec<u8>) {
        match self.answers.recv_timeout(ANSWER_TIMEOUT) {
            Ok(frame) => (Value::Object(frame.header), frame.body),
            Err(RecvTimeoutError::Timeout) => panic!("no answer"),
            Err(RecvTimeoutError::Disconnected) => panic!("stdout ended"),
        }
    }

    /// The next answer.
    pub fn next(&mut self) -> Value {
        self.next_frame().0
    }

    /// All answers up to the first of this type, which comes last.
    pub fn until(&mut self, kind: &str) -> Vec<(Value, Vec<u8>)> {
        let mut answers = Vec::new();
        loop {
            let answer = self.next_frame();
            let found = answer.0["type"].as_str().unwrap().to_string();
            answers.push(answer);
            if found == kind {
                return answers;
            }
            assert!(
                !["failed", "fatal"].contains(&found.as_str()),
                "waiting for {kind}: {}",
                answers.last().unwrap().0
            );
        }
    }

    /// What a child that has exited has still sent.
    pub fn rest(&mut self) -> Vec<Value> {
        self.answers
            .iter()
            .map(|frame| Value::Object(frame.header))
            .collect()
    }

    /// Ends the child's stdin.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Waits for the exit.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                start.elapsed() < limit,
                "the child did not exit in {limit:?}"
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends stdin and expects exit code 0.
    pub fn finish(mut self) {
        self.close_stdin();
        assert_eq!(self.wait(Duration::from_secs(10)).code(), Some(0));
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Already gone in most tests; a failed assertion must not leave a process behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a one-shot command; its exit code and its lines.
pub fn command(words: &[&str]) -> (i32, Vec<Value>) {
    let output = Command::new(env!("CARGO_BIN_EXE_poster-native"))
        .args(words)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    (output.status.code().unwrap(), lines)
}

/// Test parameters, made once and kept between runs.
pub fn params(kind: &str) -> String {
    let folder = env::var("POSTER_TEST_PARAMS")
        .unwrap_or_else(|_| format!("{}/params", env!("CARGO_TARGET_TMPDIR")));
    let (code, lines) = command(&["params", "generate-test", "--dir", &folder, "--kind", kind]);
    assert_eq!(code, 0, "{lines:?}");
    folder
}

/// Seals sectors into a folder.
pub fn seal(folder: &Path, sectors: &str, more: &[&str]) -> Vec<Sector> {
    let miner = MINER.to_string();
    let mut words = vec![
        "seal",
        "--out",
        text(folder),
        "--miner",
        &miner,
        "--size",
        "2KiB",
        "--sectors",
        sectors,
        "--seed",
        "test",
    ];
    words.extend(more);
    let (code, lines) = command(&words);
    assert_eq!(code, 0, "{lines:?}");
    lines.iter().map(sector).collect()
}

/// A line of `seal`, or an entry of a manifest.
pub fn sector(line: &Value) -> Sector {
    Sector {
        number: line["number"].as_u64().unwrap(),
        comm_r: from_hex(line["commR"].as_str().unwrap()).unwrap(),
    }
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Cargo runs tests in the package's folder; a path compiled in may be that of another clone with the same target folder.
pub fn vectors() -> PathBuf {
    fs::canonicalize("../../test/vectors/native").unwrap()
}

pub fn vector_json(name: &str) -> Value {
    serde_json::from_slice(&fs::read(vectors().join(name)).unwrap()).unwrap()
}

/// The recorded sectors of f01001.
pub fn recorded_sectors() -> Vec<Sector> {
    vector_json("storage/manifest.json")["sectors"]
        .as_array()
        .unwrap()
        .iter()
        .map(sector)
        .collect()
}

/// The header of a request about a proof.
pub fn request(kind: &str, job: u32, proof_type: u64) -> Value {
    json!({
        "type": kind, "job": job, "proofType": proof_type, "minerId": MINER,
        "randomness": RANDOMNESS,
    })
}

/// The same with one more field.
pub fn with(mut header: Value, name: &str, value: impl Into<Value>) -> Value {
    header[name] = value.into();
    header
}

/// Opens sectors with a fresh child; all must open.
pub fn open_all(storage: &Path, proof_type: u64, sectors: &[Sector]) -> Vec<Vec<u8>> {
    let mut client = Client::start(&["vanilla", "--storage", text(storage)]);
    client.send(request("open", 1, proof_type), &encode_sector_list(sectors));
    let answers = client.until("done");
    client.finish();
    sectors
        .iter()
        .map(|sector| {
            let answer = answers.iter().find(|(header, _)| {
                header["type"] == "sector" && header["sector"] == sector.number
            });
            answer.unwrap_or_else(|| panic!("{answers:?}")).1.clone()
        })
        .collect()
}

/// Writes proofs into a spool file, slot after slot.
pub fn spool(path: &Path, proofs: &[Vec<u8>]) {
    fs::write(path, proofs.concat()).unwrap();
}

pub fn vanilla_len(proof_type: u64) -> usize {
    ProofType::from_number(proof_type)
        .unwrap()
        .layout()
        .vanilla_len()
}
