//! The spool file: one slot per sector, each of the exact length of a vanilla proof.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::job_error::{Code, JobError};

/// An open, locked spool file.
pub struct Spool {
    file: File,
    path: PathBuf,
    slot_len: usize,
    slots: usize,
}

impl Spool {
    /// Opens the file for `slots` slots of `slot_len` bytes. The second value tells whether a file of that size was there and kept.
    ///
    /// Without `resume` an existing file is emptied. A symbolic link is refused: the file may lie in a folder that others write to.
    pub fn create(
        path: &Path,
        slots: usize,
        slot_len: usize,
        resume: bool,
    ) -> Result<(Self, bool), JobError> {
        let refused = |doing: &str, error: &io::Error| {
            JobError::spool(&format!("{}: {doing}", path.display()), error)
        };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits() as i32)
            .open(path)
            .map_err(|error| refused("opening", &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let reason = format!("{} is used by another job", path.display());
                return Err(JobError::new(Code::Spool, reason));
            }
            Err(TryLockError::Error(error)) => return Err(refused("locking", &error)),
        }
        let metadata = file
            .metadata()
            .map_err(|error| refused("reading the size", &error))?;
        if !metadata.is_file() {
            let reason = format!("{} is no regular file", path.display());
            return Err(JobError::new(Code::Spool, reason));
        }
        let expected = slots as u64 * slot_len as u64;
        let found = resume && metadata.len() > 0;
        if found && metadata.len() != expected {
            let reason = format!(
                "{} has {} bytes, this job needs {expected}: it is of another job",
                path.display(),
                metadata.len()
            );
            return Err(JobError::new(Code::Spool, reason));
        }
        if !found {
            file.set_len(0)
                .and_then(|()| file.set_len(expected))
                .map_err(|error| refused("setting the size", &error))?;
        }
        let spool = Self {
            file,
            path: path.to_path_buf(),
            slot_len,
            slots,
        };
        Ok((spool, found))
    }

    /// Number of slots.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Reads a slot.
    pub fn read(&self, slot: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.slot_len];
        self.file.read_exact_at(&mut bytes, self.offset(slot))?;
        Ok(bytes)
    }

    /// Writes a whole slot.
    pub fn write(&self, slot: usize, bytes: &[u8]) -> io::Result<()> {
        assert_eq!(bytes.len(), self.slot_len);
        self.file.write_all_at(bytes, self.offset(slot))
    }

    /// Zeroes a slot.
    pub fn clear(&self, slot: usize) -> io::Result<()> {
        self.write(slot, &vec![0; self.slot_len])
    }

    /// Removes the file's name; its space is free when the job is closed. A name that is gone already is what was wanted.
    pub fn unlink(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Gives the lock back, so that a `begin` that follows `dropped` finds the file free.
    pub fn unlock(&self) -> io::Result<()> {
        self.file.unlock()
    }

    fn offset(&self, slot: usize) -> u64 {
        assert!(slot < self.slots);
        slot as u64 * self.slot_len as u64
    }
}
