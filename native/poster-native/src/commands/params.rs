//! `params generate-test` and `params verify`.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use frames::{PostKind, ProofType, SectorSize};
use proofs_core::{
    apply_settings, generate_parameters, parameter_stem, published_digest, Digest, Digester,
    Settings,
};
use serde_json::json;

use super::print;
use crate::arguments::Arguments;
use crate::error::Failure;
use crate::key_folder::{proof_types, KeyFolder};

/// `generate-test …` or `verify …`.
pub fn run(words: &[String]) -> Result<(), Failure> {
    match words.split_first() {
        Some((command, rest)) if command == "generate-test" => generate_test(rest),
        Some((command, rest)) if command == "verify" => verify(rest),
        _ => Err(Failure::arguments(
            "params needs generate-test or verify".to_string(),
        )),
    }
}

fn generate_test(words: &[String]) -> Result<(), Failure> {
    let arguments = Arguments::parse(words, &["dir", "size", "kind", "seed", "threads"], &[])
        .map_err(Failure::arguments)?;
    let threads = arguments.threads().map_err(Failure::arguments)?;
    let folder = Path::new(arguments.required("dir").map_err(Failure::arguments)?);
    let size = size(&arguments)?;
    let seed = arguments
        .number("seed")
        .map_err(Failure::arguments)?
        .unwrap_or(0);
    let kinds = kinds(&arguments)?;
    apply_settings(&Settings {
        threads,
        parent_cache: None,
    });
    fs::create_dir_all(folder)
        .map_err(|error| Failure::io(format!("{}: {error}", folder.display())))?;
    let lock = lock(folder)?;
    // A folder with published keys must not get test keys beside them.
    KeyFolder::open(folder, true)?;
    for kind in kinds {
        generate_one(folder, ProofType { kind, size }, seed)?;
    }
    drop(lock);
    print(&json!({"event": "finished", "dir": folder}));
    Ok(())
}

fn size(arguments: &Arguments) -> Result<SectorSize, Failure> {
    let name = arguments
        .get("size")
        .map_err(Failure::arguments)?
        .unwrap_or("2KiB");
    match SectorSize::from_name(name) {
        Some(size @ (SectorSize::KiB2 | SectorSize::MiB8 | SectorSize::MiB512)) => Ok(size),
        Some(_) => Err(Failure::arguments(format!(
            "--size {name}: a window of that size takes tens of core-hours and 60 GB; fetch the published files"
        ))),
        None => Err(Failure::arguments(format!(
            "--size {name} is none of 2KiB, 8MiB, 512MiB"
        ))),
    }
}

fn kinds(arguments: &Arguments) -> Result<Vec<PostKind>, Failure> {
    match arguments.get("kind").map_err(Failure::arguments)? {
        None | Some("window") => Ok(vec![PostKind::Window]),
        Some("winning") => Ok(vec![PostKind::Winning]),
        Some("both") => Ok(vec![PostKind::Window, PostKind::Winning]),
        Some(other) => Err(Failure::arguments(format!(
            "--kind {other} is none of window, winning, both"
        ))),
    }
}

/// One process generates, the others wait and then find the files.
fn lock(folder: &Path) -> Result<File, Failure> {
    let path = folder.join(".generate.lock");
    let failed = |error: io::Error| Failure::io(format!("{}: {error}", path.display()));
    let file = File::create(&path).map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

fn generate_one(folder: &Path, proof_type: ProofType, seed: u64) -> Result<(), Failure> {
    let stem = parameter_stem(proof_type).map_err(|error| Failure::library(error.to_string()))?;
    let parameters = folder.join(format!("{stem}.params"));
    let key = folder.join(format!("{stem}.vk"));
    let event = |event: &str, ms: Option<u64>| {
        print(&json!({
            "event": event, "file": format!("{stem}.params"), "kind": proof_type.kind.name(),
            "sectorSize": proof_type.size.bytes(), "ms": ms,
        }));
    };
    if parameters.exists() && key.exists() {
        check_pair(folder, proof_type)?;
        event("exists", None);
        return Ok(());
    }
    event("start", None);
    let start = Instant::now();
    let mut key_bytes = Vec::new();
    write_file(&parameters, |writer| {
        key_bytes = generate_parameters(proof_type, seed, writer)
            .map_err(|error| io::Error::other(error.to_string()))?;
        Ok(())
    })?;
    // The key comes last: who sees it finds complete parameters.
    write_file(&key, |writer| writer.write_all(&key_bytes))?;
    event("done", Some(start.elapsed().as_millis() as u64));
    Ok(())
}

/// Both files parse and belong together.
fn check_pair(folder: &Path, proof_type: ProofType) -> Result<(), Failure> {
    let mut keys = KeyFolder::open(folder, true)?;
    keys.key(proof_type)
        .map(drop)
        .and_then(|()| keys.parameters(proof_type).map(drop))
        .map_err(|error| Failure {
            code: error.code.text(),
            reason: error.reason,
            advice: "remove the damaged file and run the command again",
        })
}

/// Writes beside the target, syncs, renames: a crash leaves no half file under the real name.
fn write_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let temporary = path.with_extension("tmp");
    let result = (|| {
        let mut writer = BufWriter::with_capacity(1 << 20, File::create(&temporary)?);
        write(&mut writer)?;
        writer
            .into_inner()
            .map_err(|error| error.into_error())?
            .sync_all()?;
        fs::rename(&temporary, path)?;
        // The name too must be on disk.
        path.parent()
            .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    })();
    result.map_err(|error: io::Error| Failure::io(format!("{}: {error}", path.display())))
}

fn verify(words: &[String]) -> Result<(), Failure> {
    let arguments = Arguments::parse(words, &["dir"], &["test"]).map_err(Failure::arguments)?;
    let folder = Path::new(arguments.required("dir").map_err(Failure::arguments)?);
    let test = arguments.has("test");
    let mut keys = KeyFolder::open(folder, test)?;
    let mut bad = 0;
    for proof_type in proof_types() {
        let stem =
            parameter_stem(proof_type).map_err(|error| Failure::library(error.to_string()))?;
        for extension in ["vk", "params"] {
            let name = format!("{stem}.{extension}");
            if !folder.join(&name).exists() {
                continue;
            }
            let published = is_published(&folder.join(&name), &name)?;
            let checked = match extension {
                "vk" => keys.key(proof_type).map(drop),
                _ => keys.parameters(proof_type).map(drop),
            };
            let detail = match checked {
                Err(error) => Some(error.reason),
                Ok(()) if !published && !test => {
                    Some("the digest is not the published one".to_string())
                }
                Ok(()) => None,
            };
            bad += usize::from(detail.is_some());
            print(&json!({
                "file": name, "published": published, "ok": detail.is_none(), "detail": detail,
            }));
        }
    }
    if bad == 0 {
        return Ok(());
    }
    Err(Failure {
        code: "bad-params",
        reason: format!("{bad} files are not as they must be"),
        advice:
            "fetch the published files again, or generate test parameters in a folder of their own",
    })
}

fn is_published(path: &Path, name: &str) -> Result<bool, Failure> {
    let failed = |error: io::Error| Failure::io(format!("{}: {error}", path.display()));
    let mut file = File::open(path).map_err(failed)?;
    let mut sink = DigestWriter(Digester::new());
    io::copy(&mut file, &mut sink).map_err(failed)?;
    let digest: Digest = sink.0.finish();
    Ok(published_digest(name) == Some(digest))
}

struct DigestWriter(Digester);

impl Write for DigestWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
