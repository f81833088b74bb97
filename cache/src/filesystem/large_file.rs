//! Hashing a large file on all cores while it is read. BLAKE3 is a tree over the chunks of its input (O'Connor et al.,
//! "BLAKE3: one function, fast everywhere", 2020, section 2.1), so each core reads a block of its own and hashes the
//! subtree over it; the blocks of one stretch at a time, while the disk is asked for the next.

use blake3::Hasher;
use blake3::hazmat::{ChainingValue, HasherExt, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root};
use fs_err::File;

use super::{FileError, Filesystem};
use crate::content::Digest;

/// From this size on a file is hashed this way, in bytes.
pub(super) const LARGE: u64 = 4 << 20;

/// What one core reads and hashes at once: small enough to stay in its cache. A power of two, so that it is a subtree.
const BLOCK: u64 = 512 << 10;

/// What is read in order. Its blocks are read in any order, which no disk minds over so short a way.
const STRETCH: u64 = 32 << 20;

/// Hashes the first `size` bytes of an open file; `None` where it has become shorter. `size` is more than [`BLOCK`].
pub(super) fn hash_large(filesystem: &dyn Filesystem, file: &File, size: u64) -> Result<Option<Digest>, FileError> {
    let large = Large { filesystem, file, size };
    filesystem.will_read(file, 0, STRETCH);
    let children = large.children(0, size)?;
    Ok(children.map(|(left, right)| merge_subtrees_root(&left, &right, Mode::Hash).into()))
}

struct Large<'a> {
    filesystem: &'a dyn Filesystem,
    file: &'a File,
    size: u64,
}

impl Large<'_> {
    /// The values of the two subtrees that a stretch of more than one chunk consists of.
    fn children(&self, offset: u64, length: u64) -> Result<Option<(ChainingValue, ChainingValue)>, FileError> {
        let half = left_subtree_len(length);
        let left = || self.subtree(offset, half);
        let right = || self.subtree(offset + half, length - half);
        let (left, right) = if length > STRETCH { (left(), right()) } else { rayon::join(left, right) };
        Ok(left?.zip(right?))
    }

    fn subtree(&self, offset: u64, length: u64) -> Result<Option<ChainingValue>, FileError> {
        if length <= BLOCK {
            return self.block(offset, length as usize);
        }
        if length == STRETCH && offset + STRETCH < self.size {
            self.filesystem.will_read(self.file, offset + STRETCH, STRETCH);
        }
        let children = self.children(offset, length)?;
        Ok(children.map(|(left, right)| merge_subtrees_non_root(&left, &right, Mode::Hash)))
    }

    fn block(&self, offset: u64, length: usize) -> Result<Option<ChainingValue>, FileError> {
        let mut bytes = vec![0; length];
        let mut filled = 0;
        while filled < length {
            match self.filesystem.read_at(self.file, &mut bytes[filled..], offset + filled as u64)? {
                0 => return Ok(None),
                read => filled += read,
            }
        }
        let mut hasher = Hasher::new();
        hasher.set_input_offset(offset).update(&bytes);
        Ok(Some(hasher.finalize_non_root()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::filesystem::RealFilesystem;

    #[test]
    fn any_size_gives_the_digest_of_its_bytes() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let bytes: Vec<u8> = (0..STRETCH * 2 + BLOCK + 12_345).map(|place| ((place * 31) >> 3) as u8).collect();
        file.write_all(&bytes).unwrap();
        let opened = RealFilesystem.open(file.path()).unwrap();
        let edges = [BLOCK, 2 * BLOCK, LARGE, STRETCH, 2 * STRETCH];
        let sizes = edges.into_iter().flat_map(|edge| [edge - 1, edge + 1, edge + 1024, edge + 5000]);
        for size in sizes.filter(|size| *size > BLOCK).chain([bytes.len() as u64]) {
            let hashed = hash_large(&RealFilesystem, &opened, size).unwrap();
            assert_eq!(hashed, Some(Digest::of(&bytes[..size as usize])), "{size}");
        }
        assert_eq!(hash_large(&RealFilesystem, &opened, bytes.len() as u64 + 1).unwrap(), None);
    }
}
