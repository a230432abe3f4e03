//! The folder with parameters and verifying keys, and which of its files count.
//!
//! Whoever accepts a test key accepts forgeries, so there are two kinds of folders that do not mix: of published files, each with the
//! digest that the library ships, and of test files, none of which has a published digest.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use frames::limits::VERIFYING_KEY_BYTES_MAX;
use frames::{to_hex, ProofType};
use proofs_core::{
    parameter_stem, published_digest, published_name, verifying_key_len, Digest, MappedParameters,
    VerifyingKey,
};
use serde_json::{json, Value};
use sha2::{Digest as _, Sha256};

use crate::error::Failure;
use crate::job_error::{Code, JobError};

/// Bytes of a verifying key before the count of its last vector: seven points.
const KEY_HEAD: u64 = 3 * 96 + 3 * 192;

/// A folder of one of the two kinds.
pub struct KeyFolder {
    path: PathBuf,
    test: bool,
    keys: BTreeMap<u64, Arc<VerifyingKey>>,
}

impl KeyFolder {
    /// Takes a folder; a test folder that holds a published key is refused.
    pub fn open(path: &Path, test: bool) -> Result<Self, Failure> {
        let listing = fs::read_dir(path)
            .map_err(|error| Failure::io(format!("{}: {error}", path.display())))?;
        if test {
            for entry in listing {
                let file = entry
                    .map_err(|error| Failure::io(format!("{}: {error}", path.display())))?
                    .path();
                refuse_published(&file)?;
            }
        }
        Ok(Self {
            path: path.to_path_buf(),
            test,
            keys: BTreeMap::new(),
        })
    }

    /// True if test keys count here.
    pub fn is_test(&self) -> bool {
        self.test
    }

    /// The verifying key of a proof type, read once.
    pub fn key(&mut self, proof_type: ProofType) -> Result<Arc<VerifyingKey>, JobError> {
        if let Some(key) = self.keys.get(&proof_type.number()) {
            return Ok(Arc::clone(key));
        }
        let (name, bytes) = self.key_bytes(proof_type)?;
        let key = VerifyingKey::parse(&bytes)
            .map_err(|error| JobError::new(Code::BadParams, format!("{name}: {error}")))?;
        let key = Arc::new(key);
        self.keys.insert(proof_type.number(), Arc::clone(&key));
        Ok(key)
    }

    /// The parameters of a proof type, mapped. The verifying key at their head decides whether they count.
    pub fn parameters(&self, proof_type: ProofType) -> Result<MappedParameters, JobError> {
        let stem = parameter_stem(proof_type)?;
        let path = self.path.join(format!("{stem}.params"));
        let bytes = read_limited(&path, verifying_key_len(proof_type)).map_err(|error| {
            let code = match error.kind() {
                ErrorKind::NotFound => Code::NoParams,
                _ => Code::BadParams,
            };
            JobError::new(code, format!("{}: {error}", path.display()))
        })?;
        self.judge(&format!("{stem}.vk"), &bytes)?;
        MappedParameters::open(&path, proof_type)
            .map_err(|error| JobError::new(Code::BadParams, format!("{}: {error}", path.display())))
    }

    /// The keys that count, for `ready` and `keys`, and the names of those that do not.
    pub fn list(&self) -> Result<(Vec<Value>, Vec<String>), JobError> {
        let (mut accepted, mut refused) = (Vec::new(), Vec::new());
        for proof_type in proof_types() {
            match self.key_bytes(proof_type) {
                Ok((name, bytes)) => accepted.push(json!({
                    "name": name,
                    "sectorSize": proof_type.size.bytes(),
                    "kind": proof_type.kind.name(),
                    "sha256": to_hex(&Sha256::digest(&bytes)),
                    "published": published_digest(&name) == Some(Digest::of(&bytes)),
                })),
                Err(error) if error.code == Code::NoKey => {}
                Err(error) => {
                    log::warn!("{}", error.reason);
                    refused.push(format!("{}.vk", parameter_stem(proof_type)?));
                }
            }
        }
        Ok((accepted, refused))
    }

    fn key_bytes(&self, proof_type: ProofType) -> Result<(String, Vec<u8>), JobError> {
        let name = format!("{}.vk", parameter_stem(proof_type)?);
        let path = self.path.join(&name);
        let bytes = read_all(&path).map_err(|error| {
            let code = match error.kind() {
                ErrorKind::NotFound => Code::NoKey,
                _ => Code::BadParams,
            };
            JobError::new(code, format!("{}: {error}", path.display()))
        })?;
        self.judge(&name, &bytes)?;
        let expected = verifying_key_len(proof_type);
        if bytes.len() as u64 != expected {
            let reason = format!("{name} has {} bytes instead of {expected}", bytes.len());
            return Err(JobError::new(Code::BadParams, reason));
        }
        Ok((name, bytes))
    }

    /// Without `--test-params` a key counts if its digest is the published one of its name; with it, if its digest is not published.
    fn judge(&self, name: &str, bytes: &[u8]) -> Result<(), JobError> {
        let digest = Digest::of(bytes);
        let counts = if self.test {
            published_name(&digest).is_none()
        } else {
            published_digest(name).as_ref() == Some(&digest)
        };
        if counts {
            return Ok(());
        }
        let reason = match self.test {
            true => format!("{name} in the folder of test keys is a published key"),
            false => format!("{name} has digest {}, not the published one", digest.0),
        };
        Err(JobError::new(Code::KeyRefused, reason))
    }
}

/// All proof types that are proven here.
pub fn proof_types() -> impl Iterator<Item = ProofType> {
    (0..5)
        .chain(10..15)
        .filter_map(|number| ProofType::from_number(number).ok())
}

/// Fails if a file is a published key, or holds one at its head.
fn refuse_published(file: &Path) -> Result<(), Failure> {
    let key = match file.extension().and_then(|extension| extension.to_str()) {
        Some("vk") => read_all(file),
        Some("params") => read_head_key(file),
        _ => return Ok(()),
    };
    let published = match key {
        Ok(bytes) => published_name(&Digest::of(&bytes)),
        // A file too short for a key holds none.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => None,
        Err(error) => return Err(Failure::io(format!("{}: {error}", file.display()))),
    };
    match published {
        None => Ok(()),
        Some(name) => Err(Failure {
            code: "published-key",
            reason: format!(
                "{} is the published {name}, and this is a folder of test keys",
                file.display()
            ),
            advice: "keep test parameters in a folder of their own",
        }),
    }
}

/// The verifying key at the head of any circuit's parameter file.
fn read_head_key(file: &Path) -> io::Result<Vec<u8>> {
    let head = read_limited(file, KEY_HEAD + 4)?;
    let mut count = [0; 4];
    count.copy_from_slice(&head[KEY_HEAD as usize..]);
    let length = KEY_HEAD + 4 + 96 * u64::from(u32::from_be_bytes(count));
    if length > VERIFYING_KEY_BYTES_MAX {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    read_limited(file, length)
}

/// Exactly the first `length` bytes.
fn read_limited(path: &Path, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(length).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length {
        return Err(io::Error::new(
            ErrorKind::UnexpectedEof,
            format!("{} of {length} bytes", bytes.len()),
        ));
    }
    Ok(bytes)
}

fn read_all(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(VERIFYING_KEY_BYTES_MAX)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
