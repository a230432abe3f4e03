//! Which sectors lie in storage folders, by names and sizes only.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::locate::{entries, sector_of_name, KINDS};

/// Ascending numbers of this miner's sectors of which a p_aux and a replica of the same kind exist.
pub fn holdings(storage: &[PathBuf], miner: u64) -> BTreeSet<u64> {
    let mut found = BTreeSet::new();
    for (sealed, cache) in KINDS {
        for root in storage {
            for (sector, path) in sectors_in(&root.join(cache), miner) {
                let has_p_aux = has_length(&path.join("p_aux"), 64);
                let has_replica = || {
                    entries(storage, sealed, miner, sector)
                        .iter()
                        .any(|replica| has_length(replica, 1))
                };
                if has_p_aux && has_replica() {
                    found.insert(sector);
                }
            }
        }
    }
    found
}

/// A folder that cannot be listed holds nothing that could be opened; that it is missing is normal (no updates, for example).
fn sectors_in(folder: &Path, miner: u64) -> Vec<(u64, PathBuf)> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            log::warn!("{} cannot be listed: {error}", folder.display());
            return Vec::new();
        }
    };
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let sector = sector_of_name(entry.file_name().to_str()?, miner)?;
            Some((sector, entry.path()))
        })
        .collect()
}

fn has_length(path: &Path, least: u64) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() >= least)
}
