//! The part of a file that has arrived, beside the place where the whole will be.

use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fs_err::{File, OpenOptions};
use sha2::{Digest, Sha256};

use super::{DownloadFile, FetchError};

/// What has arrived of a file. Its name says which bytes it is to become, so parts of different files never mix.
pub(super) struct PartialFile {
    file: File,
    path: PathBuf,
    sha256: &'static str,
    hash: Sha256,
    len: u64,
    /// Whether all of it came in one answer.
    of_one_answer: bool,
}

impl PartialFile {
    /// Opens what an earlier call left, or begins. Whoever opens it has it alone.
    pub(super) fn open(folder: &Path, wanted: &DownloadFile) -> Result<Self, FetchError> {
        let digest = wanted.sha256.get(..16).unwrap_or(wanted.sha256);
        let path = folder.join(format!(".{}.{digest}.part", wanted.name()));
        let mut file = open_alone(&path)?;
        let (hash, len) = hashed(&mut file)?;
        Ok(Self { file, path, sha256: wanted.sha256, hash, len, of_one_answer: len == 0 })
    }

    /// How many bytes are here.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Whether what is here is the whole file.
    pub(super) fn is_whole(&self) -> bool {
        hexadecimal(&self.hash) == self.sha256
    }

    /// Whether all that is here came in one answer.
    pub(super) fn is_of_one_answer(&self) -> bool {
        self.of_one_answer
    }

    /// Takes what came next.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// From here on comes another answer.
    pub(super) fn goes_on(&mut self) {
        self.of_one_answer = self.len == 0;
    }

    /// Throws away what is here.
    pub(super) fn begin_anew(&mut self) -> Result<(), FetchError> {
        self.file.set_len(0)?;
        std::io::Seek::rewind(&mut self.file)?;
        (self.hash, self.len, self.of_one_answer) = (Sha256::new(), 0, true);
        Ok(())
    }

    /// Gives the whole file its name, on the disk and not only in memory.
    pub(super) fn publish(self, target: &Path) -> Result<(), FetchError> {
        self.file.sync_all()?;
        fs_err::rename(&self.path, target)?;
        if let Some(folder) = target.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    /// Leaves nothing behind.
    pub(super) fn remove(self) -> Result<(), FetchError> {
        Ok(fs_err::remove_file(&self.path)?)
    }
}

/// Opens a file that nobody else has open in this way.
fn open_alone(path: &Path) -> Result<File, FetchError> {
    loop {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        if let Err(std::fs::TryLockError::WouldBlock) = file.file().try_lock() {
            return Err(FetchError::Taken { path: path.to_owned() });
        }
        // Another call may have finished, and given the file its name, between opening and locking.
        let place = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        let opened = place(file.metadata()?);
        if fs_err::symlink_metadata(path).is_ok_and(|found| place(found) == opened) {
            return Ok(file);
        }
    }
}

/// The digest, in hexadecimal digits, and the size of a file that is there.
pub(super) fn digest_of(path: &Path) -> Result<(String, u64), FetchError> {
    let (hash, len) = hashed(&mut File::open(path)?)?;
    Ok((hexadecimal(&hash), len))
}

fn hashed(file: &mut File) -> Result<(Sha256, u64), FetchError> {
    let (mut hash, mut len, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 18]);
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok((hash, len));
        }
        hash.update(&buffer[..count]);
        len += count as u64;
    }
}

fn hexadecimal(hash: &Sha256) -> String {
    hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
