//! `seal`: real sealed sectors for tests and demonstrations, equal for equal arguments.

mod cid;
mod manifest;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process;

use frames::limits::OPEN_SECTORS_MAX;
use frames::{to_hex, SectorSize, Word};
use proofs_core::{
    apply_settings, seal_sector, update_sector, SealRequest, Settings, UpdateRequest,
};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::print;
use crate::arguments::Arguments;
use crate::error::Failure;
use cid::sealed_cid;
use manifest::{add_sector, check_owner};

struct Plan {
    out: PathBuf,
    miner: u64,
    size: SectorSize,
    seed: String,
    sectors: Vec<u64>,
    /// So many of the first sectors are updated with data.
    snap: usize,
}

/// `--out DIR --miner N --size 2KiB|8MiB --sectors 0-7 --seed TEXT [--snap N]`.
pub fn run(words: &[String]) -> Result<(), Failure> {
    let valued = ["out", "miner", "size", "sectors", "seed", "snap", "threads"];
    let arguments = Arguments::parse(words, &valued, &[]).map_err(Failure::arguments)?;
    let plan = plan(&arguments).map_err(Failure::arguments)?;
    check_owner(&plan.out, plan.miner, plan.size)?;
    let work = plan.out.join(format!(".seal-{}", process::id()));
    let failed = |error: io::Error| Failure::io(format!("{}: {error}", work.display()));
    fs::create_dir_all(&work).map_err(failed)?;
    apply_settings(&Settings {
        threads: arguments.threads().map_err(Failure::arguments)?,
        parent_cache: Some(&work.join("parents")),
    });
    let result = seal_all(&plan, &work);
    let removed = fs::remove_dir_all(&work).map_err(failed);
    result.and(removed)
}

fn plan(arguments: &Arguments) -> Result<Plan, String> {
    let size = match arguments.required("size")? {
        "2KiB" => SectorSize::KiB2,
        "8MiB" => SectorSize::MiB8,
        other => return Err(format!("--size {other} is neither 2KiB nor 8MiB")),
    };
    let sectors = sector_numbers(arguments.required("sectors")?)?;
    let snap = arguments.number("snap")?.unwrap_or(0) as usize;
    if snap > sectors.len() {
        return Err(format!("--snap {snap} is more than the sectors"));
    }
    Ok(Plan {
        out: PathBuf::from(arguments.required("out")?),
        miner: arguments.required_number("miner")?,
        size,
        seed: arguments.required("seed")?.to_string(),
        sectors,
        snap,
    })
}

/// `a-b` or `a,b,c`, ascending.
fn sector_numbers(text: &str) -> Result<Vec<u64>, String> {
    let wrong = || format!("--sectors {text:?} is neither a-b nor a,b,c in ascending order");
    let number = |part: &str| {
        part.parse::<u64>()
            .ok()
            .filter(|&sector| sector <= frames::limits::INTEGER_MAX)
            .ok_or_else(wrong)
    };
    let numbers: Vec<u64> = match text.split_once('-') {
        Some((first, last)) => {
            let (first, last) = (number(first)?, number(last)?);
            if last
                .checked_sub(first)
                .is_none_or(|span| span >= OPEN_SECTORS_MAX as u64)
            {
                return Err(wrong());
            }
            (first..=last).collect()
        }
        None => text.split(',').map(number).collect::<Result<_, _>>()?,
    };
    if numbers.windows(2).all(|pair| pair[0] < pair[1]) {
        Ok(numbers)
    } else {
        Err(wrong())
    }
}

fn seal_all(plan: &Plan, work: &Path) -> Result<(), Failure> {
    for (position, &sector) in plan.sectors.iter().enumerate() {
        let snap = position < plan.snap;
        let comm_r = seal_one(plan, work, sector, snap)?;
        let entry = json!({
            "number": sector, "commR": to_hex(&comm_r), "sealedCid": sealed_cid(&comm_r),
            "sealProof": seal_proof_number(plan.size), "snap": snap,
        });
        add_sector(&plan.out, plan.miner, plan.size, &entry)?;
        print(&entry);
    }
    Ok(())
}

/// Seals in the working folder and moves the finished files into place.
fn seal_one(plan: &Plan, work: &Path, sector: u64, snap: bool) -> Result<Word, Failure> {
    let failed = |error: io::Error| {
        Failure::io(format!(
            "sector {sector} in {}: {error}",
            plan.out.display()
        ))
    };
    let library =
        |error: proofs_core::CoreError| Failure::library(format!("sector {sector}: {error}"));
    let (cache, replica) = (work.join("cache"), work.join("sealed"));
    fresh(&cache, &replica, 0).map_err(failed)?;
    let mut comm_r = seal_sector(&SealRequest {
        size: plan.size,
        miner: plan.miner,
        sector,
        ticket: derive(&plan.seed, "ticket", sector, 0),
        cache: &cache,
        replica: &replica,
    })
    .map_err(library)?;
    let name = format!("s-t0{}-{sector}", plan.miner);
    if snap {
        let (new_cache, new_replica) = (work.join("update-cache"), work.join("update"));
        fresh(&new_cache, &new_replica, plan.size.bytes()).map_err(failed)?;
        comm_r = update_sector(&UpdateRequest {
            size: plan.size,
            data: &data(plan, sector),
            staged: &work.join("staged"),
            sealed: &replica,
            sealed_cache: &cache,
            replica: &new_replica,
            cache: &new_cache,
        })
        .map_err(library)?;
        publish(
            plan,
            &new_cache,
            "update-cache",
            &new_replica,
            "update",
            &name,
        )
        .map_err(failed)?;
    }
    publish(plan, &cache, "cache", &replica, "sealed", &name).map_err(failed)?;
    Ok(comm_r)
}

/// An empty cache folder and a replica file of `length` zeros.
fn fresh(cache: &Path, replica: &Path, length: u64) -> io::Result<()> {
    if cache.exists() {
        fs::remove_dir_all(cache)?;
    }
    fs::create_dir(cache)?;
    File::create(replica)?.set_len(length)
}

/// Moves replica and cache into place; of the cache only what PoSt reads.
fn publish(
    plan: &Plan,
    cache: &Path,
    cache_folder: &str,
    replica: &Path,
    replica_folder: &str,
    name: &str,
) -> io::Result<()> {
    for entry in fs::read_dir(cache)? {
        let entry = entry?;
        let file_name = entry.file_name();
        let file_name = file_name.to_string_lossy();
        if file_name != "p_aux" && !file_name.starts_with("sc-02-data-tree-r-last") {
            fs::remove_file(entry.path())?;
        }
    }
    let replicas = plan.out.join(replica_folder);
    let caches = plan.out.join(cache_folder);
    fs::create_dir_all(&replicas)?;
    fs::create_dir_all(&caches)?;
    let target = caches.join(name);
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    fs::rename(replica, replicas.join(name))?;
    fs::rename(cache, target)
}

/// 32 bytes from the seed, a field element (two top bits cleared).
fn derive(seed: &str, purpose: &str, sector: u64, counter: u64) -> Word {
    let mut hasher = Sha256::new();
    hasher.update(b"poster-native seal");
    for text in [seed, purpose] {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text);
    }
    hasher.update(sector.to_le_bytes());
    hasher.update(counter.to_le_bytes());
    let mut word: Word = hasher.finalize().into();
    word[31] &= 0x3f;
    word
}

/// As many bytes as fit into a sector before padding.
fn data(plan: &Plan, sector: u64) -> Vec<u8> {
    let length = (plan.size.bytes() / 128 * 127) as usize;
    let mut bytes: Vec<u8> = (0..length.div_ceil(32) as u64)
        .flat_map(|block| derive(&plan.seed, "data", sector, block))
        .collect();
    bytes.truncate(length);
    bytes
}

/// Number of the seal proof V1_1 in go-state-types.
fn seal_proof_number(size: SectorSize) -> u64 {
    5 + size as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sector_lists() {
        assert_eq!(sector_numbers("3-5"), Ok(vec![3, 4, 5]));
        assert_eq!(sector_numbers("7"), Ok(vec![7]));
        assert_eq!(sector_numbers("1,4,9"), Ok(vec![1, 4, 9]));
        for text in ["", "5-3", "a", "1,1", "2,1", "0-99999999", "-1", "1-"] {
            assert!(sector_numbers(text).is_err(), "{text:?}");
        }
    }
}
