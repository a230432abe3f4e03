//! `manifest.json`: what lies in a folder of sealed sectors.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use frames::{PostKind, ProofType, SectorSize};
use serde_json::{json, Map, Value};

/// Adds a sector to `manifest.json`. Other processes may do the same: under a lock, by rename.
pub fn add_to_manifest(out: &Path, miner: u64, size: SectorSize, entry: &Value) -> io::Result<()> {
    let lock = File::create(out.join(".manifest.lock"))?;
    lock.lock()?;
    let path = out.join("manifest.json");
    let mut sectors: Map<String, Value> = match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice::<Value>(&bytes)?
            .get("sectors")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|old| (sort_key(old), old.clone()))
            .collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Map::new(),
        Err(error) => return Err(error),
    };
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
    fs::rename(&temporary, &path)
}

/// Numbers as text of equal length: the map sorts them.
fn sort_key(entry: &Value) -> String {
    format!("{:020}", entry["number"].as_u64().unwrap_or(0))
}
