//! Sealing: real, deterministic, side by side.

mod common;

use std::fs;
use std::path::Path;
use std::thread;

use common::{command, open_all, seal, text, WINDOW};
use frames::Sector;

fn replica(folder: &Path, n: u64) -> Vec<u8> {
    fs::read(folder.join(format!("sealed/s-t01000-{n}"))).unwrap()
}

#[test]
fn equal_arguments_give_equal_sectors_also_side_by_side() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = seal(one.path(), "0-5", &["--snap", "2"]);
    let parts = [("0-2", "2"), ("3-5", "0")];
    let found: Vec<Sector> = thread::scope(|scope| {
        let threads = parts.map(|(sectors, snap)| {
            let folder = two.path();
            scope.spawn(move || seal(folder, sectors, &["--snap", snap]))
        });
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(found, expected);
    for n in 0..6 {
        assert_eq!(replica(one.path(), n), replica(two.path(), n), "{n}");
    }
    let manifest = |folder: &Path| fs::read_to_string(folder.join("manifest.json")).unwrap();
    assert_eq!(manifest(one.path()), manifest(two.path()));
    let left: Vec<_> = fs::read_dir(two.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(".seal"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(open_all(two.path(), WINDOW, &expected).len(), 6);
}

#[test]
fn other_seeds_and_miners_give_other_sectors() {
    let run = |folder: &Path, seed: &str, miner: &str| {
        let words = [
            "seal",
            "--out",
            text(folder),
            "--miner",
            miner,
            "--size",
            "2KiB",
            "--sectors",
            "1",
            "--seed",
            seed,
        ];
        command(&words)
    };
    let comm_r = |seed: &str, miner: &str| {
        let folder = tempfile::tempdir().unwrap();
        let (code, lines) = run(folder.path(), seed, miner);
        assert_eq!(code, 0);
        lines[0]["commR"].as_str().unwrap().to_string()
    };
    let first = comm_r("a", "1000");
    assert_eq!(comm_r("a", "1000"), first);
    assert_ne!(comm_r("b", "1000"), first);
    assert_ne!(comm_r("a", "1001"), first);

    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(folder.path(), "a", "1000").0, 0);
    assert_eq!(run(folder.path(), "b", "1000").0, 0);
    let (code, lines) = run(folder.path(), "a", "1001");
    assert_eq!(
        (code, &lines[0]["error"]["code"]),
        (1, &"bad-arguments".into())
    );
}

#[test]
fn wrong_arguments() {
    let folder = tempfile::tempdir().unwrap();
    let out = text(folder.path());
    let base = ["seal", "--out", out, "--miner", "1", "--seed", "x"];
    let more: [&[&str]; 4] = [
        &["--size", "1KiB", "--sectors", "1"],
        &["--size", "32GiB", "--sectors", "1"],
        &["--size", "2KiB", "--sectors", "2-1"],
        &["--size", "2KiB", "--sectors", "1", "--snap", "2"],
    ];
    for words in more {
        let (code, lines) = command(&[&base[..], words].concat());
        assert_eq!(
            (code, &lines[0]["error"]["code"]),
            (1, &"bad-arguments".into())
        );
    }
}

#[test]
fn an_eight_mib_sector_opens() {
    let folder = tempfile::tempdir().unwrap();
    let words = [
        "seal",
        "--out",
        text(folder.path()),
        "--miner",
        "1000",
        "--size",
        "8MiB",
        "--sectors",
        "0",
        "--seed",
        "x",
    ];
    let (code, lines) = command(&words);
    assert_eq!(code, 0, "{lines:?}");
    let sectors: Vec<Sector> = lines.iter().map(common::sector).collect();
    let proofs = open_all(folder.path(), 11, &sectors);
    assert_eq!(proofs[0].len(), common::vanilla_len(11));
}
