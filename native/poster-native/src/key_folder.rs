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

/// The list of published files.
#[derive(Clone, Copy)]
struct Published {
    digest_of: fn(&str) -> Option<Digest>,
    name_of: fn(&Digest) -> Option<&'static str>,
}

/// The list inside the library.
const LIBRARY: Published = Published {
    digest_of: published_digest,
    name_of: published_name,
};

/// A folder of one of the two kinds.
pub struct KeyFolder {
    path: PathBuf,
    test: bool,
    published: Published,
    keys: BTreeMap<u64, Arc<VerifyingKey>>,
}

impl KeyFolder {
    /// Takes a folder; a test folder that holds a published key is refused.
    pub fn open(path: &Path, test: bool) -> Result<Self, Failure> {
        Self::open_with(path, test, LIBRARY)
    }

    fn open_with(path: &Path, test: bool, published: Published) -> Result<Self, Failure> {
        let listing = fs::read_dir(path)
            .map_err(|error| Failure::io(format!("{}: {error}", path.display())))?;
        if test {
            for entry in listing {
                let file = entry
                    .map_err(|error| Failure::io(format!("{}: {error}", path.display())))?
                    .path();
                refuse_published(&file, published)?;
            }
        }
        Ok(Self {
            path: path.to_path_buf(),
            test,
            published,
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

    /// Reads all keys that count, ahead of their first use. Those that do not are told by [`Self::list`] and again when they are needed.
    pub fn load_keys(&mut self) {
        for proof_type in proof_types() {
            if let Err(error) = self.key(proof_type) {
                log::debug!("{}", error.reason);
            }
        }
    }

    /// The parameters of a proof type, mapped. The verifying key at their head decides whether they count.
    pub fn parameters(&self, proof_type: ProofType) -> Result<MappedParameters, JobError> {
        let path = self.parameters_path(proof_type)?;
        MappedParameters::open(&path, proof_type)
            .map_err(|error| JobError::new(Code::BadParams, format!("{}: {error}", path.display())))
    }

    /// The file of the parameters, if the verifying key at its head counts.
    pub fn parameters_path(&self, proof_type: ProofType) -> Result<PathBuf, JobError> {
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
        Ok(path)
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
                    "published": (self.published.digest_of)(&name) == Some(Digest::of(&bytes)),
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
            (self.published.name_of)(&digest).is_none()
        } else {
            (self.published.digest_of)(name).as_ref() == Some(&digest)
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
fn refuse_published(file: &Path, published: Published) -> Result<(), Failure> {
    let key = match file.extension().and_then(|extension| extension.to_str()) {
        Some("vk") => read_all(file),
        Some("params") => read_head_key(file),
        _ => return Ok(()),
    };
    let name = match key {
        Ok(bytes) => (published.name_of)(&Digest::of(&bytes)),
        // A file too short for a key holds none.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => None,
        Err(error) => return Err(Failure::io(format!("{}: {error}", file.display()))),
    };
    match name {
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

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW_2KIB: &str = "v28-proof-of-spacetime-fallback-merkletree-poseidon_hasher-8-0-0-0170db1f394b35d995252228ee359194b13199d259380541dc529fb0099096b0";

    /// A list in which the recorded test key is the published one.
    const TEST_KEY_PUBLISHED: Published = Published {
        digest_of: |name| (name == format!("{WINDOW_2KIB}.vk")).then(test_key_digest),
        name_of: |digest| (*digest == test_key_digest()).then_some("some.vk"),
    };

    fn vectors() -> PathBuf {
        fs::canonicalize("../../test/vectors/native/params").unwrap()
    }

    fn test_key() -> Vec<u8> {
        fs::read(vectors().join(format!("{WINDOW_2KIB}.vk"))).unwrap()
    }

    fn test_key_digest() -> Digest {
        Digest::of(&test_key())
    }

    fn window() -> ProofType {
        ProofType::from_number(10).unwrap()
    }

    #[test]
    fn names_are_those_of_the_ceremony() {
        for proof_type in proof_types() {
            let stem = parameter_stem(proof_type).unwrap();
            assert!(published_digest(&format!("{stem}.vk")).is_some(), "{stem}");
            assert!(
                published_digest(&format!("{stem}.params")).is_some(),
                "{stem}"
            );
        }
        assert_eq!(parameter_stem(window()).unwrap(), WINDOW_2KIB);
    }

    #[test]
    fn a_test_key_counts_only_where_it_was_asked_for() {
        let mut folder = KeyFolder::open(&vectors(), true).ok().unwrap();
        assert!(folder.key(window()).is_ok());
        let mut folder = KeyFolder::open(&vectors(), false).ok().unwrap();
        assert_eq!(folder.key(window()).err().unwrap().code, Code::KeyRefused);
        let (accepted, refused) = folder.list().unwrap();
        assert_eq!((accepted.len(), refused.len()), (0, 1));
    }

    #[test]
    fn a_published_key_counts_only_without_test_keys() {
        let mut folder = KeyFolder::open_with(&vectors(), false, TEST_KEY_PUBLISHED)
            .ok()
            .unwrap();
        assert!(folder.key(window()).is_ok());
        let (accepted, _) = folder.list().unwrap();
        assert_eq!(accepted[0]["published"], true);
        let failure = KeyFolder::open_with(&vectors(), true, TEST_KEY_PUBLISHED)
            .err()
            .unwrap();
        assert_eq!(failure.code, "published-key");
    }

    #[test]
    fn a_published_key_under_another_name_or_inside_parameters_is_found() {
        for name in ["other.vk", "other.params"] {
            let folder = tempfile::tempdir().unwrap();
            let mut bytes = test_key();
            if name.ends_with("params") {
                bytes.extend_from_slice(&[0; 100]);
            }
            fs::write(folder.path().join(name), bytes).unwrap();
            let failure = KeyFolder::open_with(folder.path(), true, TEST_KEY_PUBLISHED)
                .err()
                .unwrap();
            assert_eq!(failure.code, "published-key", "{name}");
        }
    }

    #[test]
    fn missing_and_damaged_keys() {
        let folder = tempfile::tempdir().unwrap();
        let mut keys = KeyFolder::open(folder.path(), true).ok().unwrap();
        assert_eq!(keys.key(window()).err().unwrap().code, Code::NoKey);
        assert_eq!(
            keys.parameters(window()).err().unwrap().code,
            Code::NoParams
        );
        let file = folder.path().join(format!("{WINDOW_2KIB}.vk"));
        let mut damaged = test_key();
        damaged[100] ^= 1;
        for bytes in [&test_key()[..3000], &damaged, &[]] {
            fs::write(&file, bytes).unwrap();
            assert_eq!(keys.key(window()).err().unwrap().code, Code::BadParams);
        }
        for bytes in [&test_key()[..], &test_key()[..10], &[]] {
            fs::write(file.with_extension("params"), bytes).unwrap();
            assert_eq!(
                keys.parameters(window()).err().unwrap().code,
                Code::BadParams
            );
        }
    }
}
