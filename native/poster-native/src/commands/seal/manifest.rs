//! `manifest.json`: what lies in a folder of sealed sectors.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use frames::{PostKind, ProofType, SectorSize};
use serde_json::{json, Map, Value};

use crate::error::Failure;

const FILE: &str = "manifest.json";

/// Fails if the folder holds sectors of another miner or size: they would have the same names in the manifest.
pub fn check_owner(out: &Path, miner: u64, size: SectorSize) -> Result<(), Failure> {
    let manifest = read(out).map_err(|error| failed(out, &error))?;
    let fits = |name: &str, value: u64| manifest.get(name).is_none_or(|found| *found == value);
    if fits("miner", miner) && fits("sectorSize", size.bytes()) {
        return Ok(());
    }
    Err(Failure {
        code: "bad-arguments",
        reason: format!("{} holds sectors of another miner or size", out.display()),
        advice: "seal into a folder of its own for each miner and size",
    })
}

/// Adds a sector. Other processes may do the same: under a lock, by rename.
pub fn add_sector(out: &Path, miner: u64, size: SectorSize, entry: &Value) -> Result<(), Failure> {
    add(out, miner, size, entry).map_err(|error| failed(out, &error))
}

fn add(out: &Path, miner: u64, size: SectorSize, entry: &Value) -> io::Result<()> {
    let lock = File::create(out.join(".manifest.lock"))?;
    lock.lock()?;
    // The map sorts the sectors: its keys are numbers as text of equal length.
    let mut sectors: Map<String, Value> = read(out)?
        .get("sectors")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|old| (sort_key(old), old.clone()))
        .collect();
    sectors.insert(sort_key(entry), entry.clone());
    let window = ProofType {
        kind: PostKind::Window,
        size,
    };
    let manifest = json!({
        "miner": miner, "sectorSize": size.bytes(),
        "windowProofType": window.number(), "sectors": sectors.values().collect::<Vec<_>>(),
    });
    let temporary = out.join(".manifest.tmp");
    let mut file = File::create(&temporary)?;
    serde_json::to_writer_pretty(&mut file, &manifest)?;
    file.write_all(b"\n")?;
    fs::rename(&temporary, out.join(FILE))
}

/// The manifest; empty if there is none yet.
fn read(out: &Path) -> io::Result<Value> {
    match fs::read(out.join(FILE)) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(json!({})),
        Err(error) => Err(error),
    }
}

fn sort_key(entry: &Value) -> String {
    format!("{:020}", entry["number"].as_u64().unwrap_or(0))
}

fn failed(out: &Path, error: &io::Error) -> Failure {
    Failure::io(format!("{}: {error}", out.join(FILE).display()))
}
