//! Reading files, and hashing while reading. Files are read, not mapped into memory: a mapped file that shrinks, or
//! lies on a failing disk, kills the process instead of giving an error.

use std::io::ErrorKind;
use std::path::Path;

use fs_err::File;

use super::{FileError, Filesystem};
use crate::content::Digest;

/// Big enough to feed all cores, small enough to stay in the cache of the processor.
const BUFFER: u64 = 1 << 20;

/// Below this a file is hashed on the thread that reads it.
const PARALLEL: usize = 128 << 10;

/// So far ahead of what is hashed the disk is asked for a large file: hashing and reading go on at the same time.
const AHEAD: u64 = 16 << 20;

fn buffer_for(filesystem: &dyn Filesystem, file: &File) -> Result<Vec<u8>, FileError> {
    // One byte more than the size, so that a small file ends with a short read.
    let size = filesystem.stat_open(file)?.stamp.size;
    Ok(vec![0; (size + 1).clamp(4096, BUFFER) as usize])
}

/// Hashes an open file from where it stands to its end.
pub(crate) fn hash_file(filesystem: &dyn Filesystem, file: &mut File) -> Result<(Digest, u64), FileError> {
    read_hashed(filesystem, file, |_| Ok(()))
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
    read_hashed(filesystem, from, |bytes| filesystem.write(to, bytes))
}

fn read_hashed(
    filesystem: &dyn Filesystem,
    file: &mut File,
    mut each: impl FnMut(&[u8]) -> Result<(), FileError>,
) -> Result<(Digest, u64), FileError> {
    let mut buffer = buffer_for(filesystem, file)?;
    let mut hasher = blake3::Hasher::new();
    let (mut size, mut asked) = (0, 0);
    loop {
        if buffer.len() as u64 == BUFFER && size + AHEAD / 2 >= asked {
            filesystem.will_read(file, asked, AHEAD);
            asked += AHEAD;
        }
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
