//! Where a sector's files may lie.

use std::path::{Path, PathBuf};

/// Pairs of folders that belong together: sealed sectors, and Snap updates.
pub const KINDS: [(&str, &str); 2] = [("sealed", "cache"), ("update", "update-cache")];

/// Names of a sector's files, as Lotus and Curio write them: with the address prefix of test networks, or of mainnet.
pub fn sector_names(miner: u64, sector: u64) -> [String; 2] {
    [
        format!("s-t0{miner}-{sector}"),
        format!("s-f0{miner}-{sector}"),
    ]
}

/// The sector number in such a name, if it is of this miner.
pub fn sector_of_name(name: &str, miner: u64) -> Option<u64> {
    let rest = name
        .strip_prefix("s-t0")
        .or_else(|| name.strip_prefix("s-f0"))?;
    let (owner, number) = rest.split_once('-')?;
    // Numbers are compared as text too, so that "+7" or "007" do not pass.
    let sector: u64 = number.parse().ok()?;
    (owner == miner.to_string() && number == sector.to_string()).then_some(sector)
}

/// All existing entries of a sector in folders of one kind (`sealed`, `cache`, …) over all storage folders.
pub fn entries(storage: &[PathBuf], folder: &str, miner: u64, sector: u64) -> Vec<PathBuf> {
    let names = sector_names(miner, sector);
    storage
        .iter()
        .flat_map(|root| names.iter().map(move |name| root.join(folder).join(name)))
        .filter(|path| exists(path))
        .collect()
}

/// An entry that cannot even be looked at counts as existing: reading it gives the reason.
fn exists(path: &Path) -> bool {
    path.try_exists().unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(sector_of_name("s-t01000-7", 1000), Some(7));
        assert_eq!(sector_of_name("s-f01000-0", 1000), Some(0));
        for name in [
            "s-t01001-7",
            "s-t01000-07",
            "s-t01000-+7",
            "s-t01000-",
            "s-t01000-7.tmp",
            "s-t1000-7",
            "t01000-7",
        ] {
            assert_eq!(sector_of_name(name, 1000), None, "{name}");
        }
    }
}
