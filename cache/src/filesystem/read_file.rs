//! Reading files, and hashing while reading. Files are read, not mapped into memory: a mapped file that shrinks, or
//! lies on a failing disk, kills the process instead of giving an error.

use std::io::ErrorKind;
use std::path::Path;

use fs_err::File;

use super::large_file::{LARGE, hash_large};
use super::{FileError, Filesystem};
use crate::content::Digest;

/// Big enough to feed all cores, small enough to stay in the cache of the processor.
const BUFFER: u64 = 1 << 20;

/// Below this a file is hashed on the thread that reads it.
const PARALLEL: usize = 128 << 10;

/// Hashes a file that was just opened, to its end.
pub(crate) fn hash_file(filesystem: &dyn Filesystem, file: &mut File) -> Result<(Digest, u64), FileError> {
    let size = filesystem.stat_open(file)?.stamp.size;
    // What shrinks or grows meanwhile is read once more, to where its end is then.
    if size >= LARGE
        && let Some(digest) = hash_large(filesystem, file, size)?
        && filesystem.read_at(file, &mut [0], size)? == 0
    {
        return Ok((digest, size));
    }
    read_hashed(filesystem, file, size, |_| Ok(()))
}

/// Reads an open file from where it stands to its end.
pub(crate) fn read_to_end(filesystem: &dyn Filesystem, file: &mut File) -> Result<Vec<u8>, FileError> {
    // One byte more than the size, so that the end is seen without growing.
    let mut bytes = vec![0; filesystem.stat_open(file)?.stamp.size as usize + 1];
    let mut length = 0;
    loop {
        match filesystem.read(file, &mut bytes[length..])? {
            0 => break,
            read => length += read,
        }
        if length == bytes.len() {
            bytes.resize(length * 2, 0);
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// Reads a file; a missing one is no error.
pub(crate) fn read_if_there(filesystem: &dyn Filesystem, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match filesystem.open(path) {
        Ok(mut file) => read_to_end(filesystem, &mut file).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Copies an open file, hashing what is copied.
pub(crate) fn copy_hashed(
    filesystem: &dyn Filesystem,
    from: &mut File,
    to: &mut File,
) -> Result<(Digest, u64), FileError> {
    let size = filesystem.stat_open(from)?.stamp.size;
    read_hashed(filesystem, from, size, |bytes| filesystem.write(to, bytes))
}

fn read_hashed(
    filesystem: &dyn Filesystem,
    file: &mut File,
    expected: u64,
    mut each: impl FnMut(&[u8]) -> Result<(), FileError>,
) -> Result<(Digest, u64), FileError> {
    // One byte more than the size, so that a small file ends with a short read.
    let mut buffer = vec![0; (expected + 1).clamp(4096, BUFFER) as usize];
    let mut hasher = blake3::Hasher::new();
    let mut size = 0;
    loop {
        let read = filesystem.read(file, &mut buffer)?;
        if read == 0 {
            return Ok((hasher.finalize().into(), size));
        }
        let bytes = &buffer[..read];
        if read >= PARALLEL {
            hasher.update_rayon(bytes);
        } else {
            hasher.update(bytes);
        }
        each(bytes)?;
        size += read as u64;
    }
}
