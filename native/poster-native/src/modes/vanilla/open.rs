//! Opens one sector: finds the files that belong to its comm_r, makes the proof, checks it.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use frames::limits::CANDIDATES_MAX;
use frames::{
    challenges, parse_vanilla, Expected, ProofType, Randomness, Sector, SectorSize, Word,
};
use proofs_core::{check_merkle, comm_r, open_sector, tree_files, OpenRequest};

use super::locate::{entries, KINDS};

/// What one `open` asks for.
pub struct OpenJob {
    /// Winning or window, and the size.
    pub proof_type: ProofType,
    /// Actor id.
    pub miner: u64,
    /// Of the deadline or the block.
    pub randomness: Randomness,
    /// Ascending.
    pub sectors: Vec<Sector>,
}

/// Why a sector cannot be opened. The order is that of usefulness: of several candidates the greatest is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OpenCode {
    /// No replica, no cache, or no tree file.
    Missing,
    /// Files are there, but none belongs to this comm_r.
    Mismatch,
    /// A file is shorter than it must be.
    Short,
    /// The system refuses to read.
    Unreadable,
    /// The content is damaged.
    Failed,
}

impl OpenCode {
    /// The code of `sector-failed`.
    pub fn text(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Mismatch => "mismatch",
            Self::Short => "short",
            Self::Unreadable => "unreadable",
            Self::Failed => "failed",
        }
    }
}

/// A sector's failure.
#[derive(Debug)]
pub struct OpenFailure {
    /// Kind of failure.
    pub code: OpenCode,
    /// What was found, with the path.
    pub detail: String,
}

impl OpenFailure {
    fn new(code: OpenCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }

    fn io(path: &Path, error: &io::Error) -> Self {
        let code = match error.kind() {
            ErrorKind::NotFound => OpenCode::Missing,
            _ => OpenCode::Unreadable,
        };
        Self::new(code, format!("{}: {error}", path.display()))
    }
}

/// Makes the vanilla proof of one sector. Every candidate is tried until one gives a proof that checks.
pub fn open(job: &OpenJob, sector: &Sector, storage: &[PathBuf]) -> Result<Vec<u8>, OpenFailure> {
    let challenged = challenges(job.proof_type, &job.randomness, sector.number);
    let mut worst = OpenFailure::new(OpenCode::Missing, "no replica or no cache in any folder");
    let mut tried = 0;
    for (sealed, cache) in KINDS {
        let replicas = entries(storage, sealed, job.miner, sector.number);
        for cache in entries(storage, cache, job.miner, sector.number) {
            if let Err(failure) = check_cache(&cache, sector, job.proof_type.size) {
                keep_greater(&mut worst, failure);
                continue;
            }
            if replicas.is_empty() {
                let detail = format!("{} has no replica in any folder", cache.display());
                keep_greater(&mut worst, OpenFailure::new(OpenCode::Missing, detail));
            }
            for replica in &replicas {
                if tried == CANDIDATES_MAX {
                    return Err(worst);
                }
                tried += 1;
                let request = OpenRequest {
                    proof_type: job.proof_type,
                    sector: *sector,
                    challenges: &challenged,
                    cache: &cache,
                    replica,
                };
                match open_candidate(&request) {
                    Ok(proof) => return Ok(proof),
                    Err(failure) => keep_greater(&mut worst, failure),
                }
            }
        }
    }
    Err(worst)
}

fn keep_greater(worst: &mut OpenFailure, failure: OpenFailure) {
    if failure.code >= worst.code {
        *worst = failure;
    }
}

/// The cache belongs to this comm_r, and its tree files are there in full length.
fn check_cache(cache: &Path, sector: &Sector, size: SectorSize) -> Result<(), OpenFailure> {
    let path = cache.join("p_aux");
    let [comm_c, comm_r_last] = read_p_aux(&path)?;
    if comm_r(&comm_c, &comm_r_last) != Some(sector.comm_r) {
        let detail = format!("{} belongs to another comm_r", path.display());
        return Err(OpenFailure::new(OpenCode::Mismatch, detail));
    }
    for (name, length) in tree_files(size) {
        check_length(&cache.join(name), length)?;
    }
    Ok(())
}

/// p_aux: comm_c ‖ comm_r_last, 64 bytes.
fn read_p_aux(path: &Path) -> Result<[Word; 2], OpenFailure> {
    let failed = |error| OpenFailure::io(path, &error);
    let mut bytes = Vec::new();
    File::open(path)
        .map_err(failed)?
        .take(65)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() < 64 {
        let detail = format!("{} has {} of 64 bytes", path.display(), bytes.len());
        return Err(OpenFailure::new(OpenCode::Short, detail));
    }
    let mut words = [[0; 32]; 2];
    words[0].copy_from_slice(&bytes[..32]);
    words[1].copy_from_slice(&bytes[32..64]);
    Ok(words)
}

fn check_length(path: &Path, expected: u64) -> Result<(), OpenFailure> {
    let metadata = fs::metadata(path).map_err(|error| OpenFailure::io(path, &error))?;
    if !metadata.is_file() {
        let detail = format!("{} is no file", path.display());
        return Err(OpenFailure::new(OpenCode::Unreadable, detail));
    }
    if metadata.len() < expected {
        let detail = format!(
            "{} has {} of {expected} bytes",
            path.display(),
            metadata.len()
        );
        return Err(OpenFailure::new(OpenCode::Short, detail));
    }
    File::open(path)
        .map(drop)
        .map_err(|error| OpenFailure::io(path, &error))
}

fn open_candidate(request: &OpenRequest<'_>) -> Result<Vec<u8>, OpenFailure> {
    check_length(request.replica, request.proof_type.size.bytes())?;
    let damaged = |reason: String| {
        let detail = format!("{}: {reason}", request.replica.display());
        OpenFailure::new(OpenCode::Failed, detail)
    };
    let proof = open_sector(request).map_err(|error| damaged(error.to_string()))?;
    let expected = Expected {
        layout: request.proof_type.layout(),
        sector: request.sector,
        challenges: request.challenges,
    };
    let parsed = parse_vanilla(&expected, &proof).map_err(|error| damaged(error.to_string()))?;
    check_merkle(&parsed, &request.sector).map_err(|error| damaged(error.to_string()))?;
    Ok(proof)
}
