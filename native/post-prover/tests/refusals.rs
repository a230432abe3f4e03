//! What must not be proven, or loaded.

mod common;

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Barrier};
use std::thread;

use blstrs::Scalar;
use common::{shape, Sample};
use post_prover::{Arithmetic, Circuit, Parameters, ProveError, Prover, Randomisers};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn sample() -> Sample {
    let circuit = Circuit {
        blocks: 2,
        challenges: 2,
        shape: shape(2, false, false),
    };
    Sample::window(circuit, 2)
}

#[test]
fn damaged_parameters_are_refused() {
    let sample = sample();
    let bytes = fs::read(sample.points_without_setup()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.params");
    let refused = |bytes: &[u8], circuit: &Circuit| {
        fs::write(&path, bytes).unwrap();
        Parameters::load(&path, circuit, Arithmetic::detect()).is_err()
    };
    let middle = bytes.len() / 2;
    let mut off_curve = bytes.clone();
    off_curve[middle] ^= 1;
    let mut infinity = bytes.clone();
    let last = bytes.len() - 192;
    infinity[last..].fill(0);
    infinity[last] = 0x40;
    let mut not_reduced = bytes.clone();
    not_reduced[0] = 0x1f;
    for bytes in [
        &bytes[..bytes.len() - 1],
        &[],
        &off_curve,
        &infinity,
        &not_reduced,
    ] {
        assert!(refused(bytes, &sample.circuit));
    }
    let other = Circuit {
        challenges: 3,
        ..sample.circuit
    };
    assert!(refused(&bytes, &other));
    assert!(!refused(&bytes, &sample.circuit));
}

#[test]
fn an_installed_file_belongs_to_its_source() {
    let sample = sample();
    let source = sample.points_without_setup();
    let folder = tempfile::tempdir().unwrap();
    let flat = folder.path().join("points.flat");
    let arithmetic = Arithmetic::detect();
    Parameters::install(&source, &flat, &sample.circuit, arithmetic).unwrap();
    let open = |source| Parameters::open(&flat, source, &sample.circuit, arithmetic);
    let parameters = open(&source).unwrap();
    assert!(parameters.verify());
    assert_ne!(parameters.source_digest(), [0; 64]);
    // The same circuit, another setup.
    let setup = sample.parameters();
    assert!(open(&setup).is_err());
    if arithmetic != Arithmetic::Plain {
        assert!(Parameters::open(&flat, &source, &sample.circuit, Arithmetic::Plain).is_err());
    }
    drop(parameters);
    let mut bytes = fs::read(&flat).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&flat, &bytes).unwrap();
    assert!(!open(&source).unwrap().verify());
    bytes.pop();
    fs::write(&flat, &bytes).unwrap();
    assert!(open(&source).is_err());
}

/// All at once, over a damaged file and what a killed process left: one decodes, the others take what it made.
#[test]
fn installs_do_not_collide() {
    let sample = sample();
    let source = sample.points_without_setup();
    let folder = tempfile::tempdir().unwrap();
    let flat = folder.path().join("points.flat");
    let arithmetic = Arithmetic::detect();
    fs::write(&flat, b"damaged").unwrap();
    fs::write(flat.with_extension("partial"), vec![0xff; 10_000_000]).unwrap();
    let start = Barrier::new(4);
    let install = || {
        start.wait();
        Parameters::install(&source, &flat, &sample.circuit, arithmetic).unwrap();
        // Of this very moment, not of when the last one has ended.
        let inode = fs::metadata(&flat).unwrap().ino();
        let there = Parameters::open(&flat, &source, &sample.circuit, arithmetic).unwrap();
        assert!(there.verify());
        inode
    };
    let inodes: Vec<u64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(install)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(inodes.iter().all(|inode| *inode == inodes[0]));
    assert!(!flat.with_extension("partial").exists());
}

/// On a disk of 1 MiB; this test calls itself again inside of it.
#[test]
fn a_full_disk_is_an_error() {
    const DISK: &str = "POSTER_TEST_FULL_DISK";
    let sample = sample();
    let source = sample.points_without_setup();
    if let Some(disk) = env::var_os(DISK) {
        let flat = PathBuf::from(disk).join("points.flat");
        let install = || Parameters::install(&source, &flat, &sample.circuit, Arithmetic::detect());
        let error = install().unwrap_err().to_string();
        let partial = flat.with_extension("partial");
        let whole = Parameters::load(&source, &sample.circuit, Arithmetic::detect()).unwrap();
        let wanted = format!("{} bytes", whole.bytes());
        for words in [text(&partial), &wanted, "No space left"] {
            assert!(error.contains(words), "{words:?} in {error:?}");
        }
        assert!(!partial.exists() && !flat.exists());
        return;
    }
    let disk = tempfile::tempdir().unwrap();
    let shell = |script: &str, more: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh"]);
        command.arg(disk.path()).args(more).env(DISK, disk.path());
        command.output()
    };
    let mount = r#"mount -t tmpfs -o size=1m none "$1""#;
    if !shell(mount, &[]).is_ok_and(|output| output.status.success()) {
        eprintln!("not tested: this system mounts nothing for its users");
        return;
    }
    let program = env::current_exe().unwrap();
    let again = [text(&program), "--exact", "a_full_disk_is_an_error"];
    let output = shell(&format!(r#"{mount} && shift && exec "$@""#), &again).unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Killed in the middle of its work, or by a failure: nothing stays beside the file.
#[test]
fn partial_files_do_not_stay() {
    let sample = sample();
    let source = sample.points_without_setup();
    let folder = tempfile::tempdir().unwrap();
    let flat = folder.path().join("points.flat");
    let partial = flat.with_extension("partial");
    let arithmetic = Arithmetic::detect();
    let install = |source: &Path| Parameters::install(source, &flat, &sample.circuit, arithmetic);
    let damaged = folder.path().join("damaged.params");
    let mut bytes = fs::read(&source).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&damaged, bytes).unwrap();
    assert!(install(&damaged).is_err());
    assert!(!partial.exists());
    install(&source).unwrap();
    fs::write(&partial, b"of a dead process").unwrap();
    install(&source).unwrap();
    assert!(!partial.exists());
}

#[test]
fn blocks_must_fit_the_circuit() {
    let sample = sample();
    let path = sample.points_without_setup();
    let parameters = Parameters::load(&path, &sample.circuit, Arithmetic::detect()).unwrap();
    let mut prover = Prover::new(sample.circuit, Arc::new(parameters));
    let randomisers = Randomisers::new(Scalar::from(1), Scalar::from(2));
    sample.with_blocks(|blocks| {
        let mut prove = |blocks: &[_]| prover.prove(blocks, &randomisers, &mut |_| {});
        assert_eq!(prove(&[]), Err(ProveError::Blocks));
        assert_eq!(prove(&[blocks, blocks].concat()), Err(ProveError::Blocks));
        let mut short = blocks.to_vec();
        short[1].inclusions = &short[1].inclusions[1..];
        assert_eq!(prove(&short), Err(ProveError::Blocks));
        let mut not_reduced = blocks.to_vec();
        not_reduced[0].comm_c = &[0xff; 32];
        assert_eq!(prove(&not_reduced), Err(ProveError::NonCanonical));
        // Nothing of that is left in the buffers.
        let first = prove(blocks).unwrap();
        assert_eq!(prove(blocks), Ok(first));
    });
}
