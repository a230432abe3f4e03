//! What every mode does with a stream that it cannot read, and at the end of one.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{params, text, vectors, Client};
use frames::read_frame;
use serde_json::{json, Value};

const SOON: Duration = Duration::from_secs(10);

fn modes() -> Vec<Vec<String>> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_string()).collect();
    let folder = params("window");
    let storage = vectors().join("storage");
    vec![
        words(&["vanilla", "--storage", text(&storage)]),
        words(&["check"]),
        words(&["prove", "--params", &folder, "--test-params"]),
        words(&["verify", "--params", &folder, "--test-params"]),
    ]
}

fn start(words: &[String]) -> Client {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Client::start(&words)
}

fn header(text: &str) -> Vec<u8> {
    let length = text.len() as u32;
    [
        &(length + 4).to_le_bytes(),
        &length.to_le_bytes(),
        text.as_bytes(),
    ]
    .concat()
}

#[test]
fn ready_names_mode_and_crates() {
    for words in modes() {
        let client = start(&words);
        assert_eq!(client.ready["mode"], Value::from(words[0].as_str()));
        assert_eq!(client.ready["crates"]["filecoin-proofs-api"], "19.1.0");
        assert!(client.ready["threads"].as_u64().unwrap() > 0);
        client.finish();
    }
}

#[test]
fn unreadable_streams_end_with_fatal() {
    let streams: [(&str, Vec<u8>); 9] = [
        ("frame-too-long", vec![0xff; 4]),
        ("frame-too-long", vec![0; 4]),
        ("header-too-long", [[8, 0, 0, 0], [0xff; 4]].concat()),
        ("bad-json", header("{\"type\":")),
        ("bad-header", header("[1]")),
        ("bad-header", header("{\"job\":1}")),
        ("bad-header", header("{\"type\":\"open\"}")),
        (
            "bad-header",
            header("{\"type\":\"open\",\"job\":4294967296}"),
        ),
        ("unknown-type", header("{\"type\":\"opne\",\"job\":1}")),
    ];
    for words in modes() {
        for (code, stream) in &streams {
            let mut client = start(&words);
            client.send_raw(stream);
            let fatal = client.next();
            assert_eq!(fatal["type"], "fatal", "{} {code}", words[0]);
            assert_eq!(fatal["code"], *code, "{fatal}");
            assert!(fatal["advice"]
                .as_str()
                .is_some_and(|text| !text.is_empty()));
            assert_eq!(client.wait(SOON).code(), Some(2));
        }
    }
}

#[test]
fn a_truncated_frame_is_fatal_a_clean_end_is_not() {
    for words in modes() {
        let mut client = start(&words);
        client.send_raw(&header("{\"type\":\"keys\",\"job\":1}")[..9]);
        client.close_stdin();
        assert_eq!(client.next()["code"], "frame-truncated");
        assert_eq!(client.wait(SOON).code(), Some(2));
        start(&words).finish();
    }
}

#[test]
fn missing_fields_fail_the_job_only() {
    let kinds = [
        ("vanilla", "open"),
        ("check", "begin"),
        ("prove", "prove"),
        ("verify", "verify-post"),
    ];
    for (words, (mode, kind)) in modes().iter().zip(kinds) {
        assert_eq!(words[0], mode);
        let mut client = start(words);
        client.send(json!({"type": kind, "job": 5, "minerId": "x"}), &[]);
        let failed = client.next();
        assert_eq!(failed["type"], "failed");
        assert_eq!(
            (&failed["job"], &failed["code"]),
            (&json!(5), &json!("bad-request"))
        );
        client.finish();
    }
}

/// stdin stays open here, as when another process has inherited its other end.
#[cfg(target_os = "linux")]
#[test]
fn a_killed_parent_takes_the_child_along() {
    let binary = env!("CARGO_BIN_EXE_poster-native");
    // A background process of a shell gets no stdin of its own, hence the copy.
    let script = format!("exec 3<&0; {binary} check <&3 2>/dev/null & echo $! >&2; wait");
    let mut parent = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(parent.stderr.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let status = format!("/proc/{}/stat", line.trim());
    // The child is tied to its parent once it is ready.
    let mut stdout = parent.stdout.take().unwrap();
    read_frame(&mut stdout).unwrap().unwrap();
    assert!(Path::new(&status).exists());
    parent.kill().unwrap();
    parent.wait().unwrap();
    let start = Instant::now();
    // Gone, or waiting for an init that does not collect it.
    while fs::read_to_string(&status).is_ok_and(|text| !text.contains(") Z ")) {
        assert!(start.elapsed() < SOON, "the child lives on");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn bad_arguments_are_fatal() {
    let lines: [&[&str]; 6] = [
        &["vanilla"],
        &["vanilla", "--stroage", "x"],
        &["check", "--threads", "0"],
        &["prove", "--params", "/nonexistent-folder"],
        &["prove", "--params", "/", "--engine", "warp"],
        &["verify"],
    ];
    for words in lines {
        let mut client = Client::spawn(words);
        let fatal = client.next();
        assert_eq!(fatal["type"], "fatal", "{words:?}");
        assert!(["bad-arguments", "io"].contains(&fatal["code"].as_str().unwrap()));
        assert_eq!(client.wait(SOON).code(), Some(2));
    }
}
