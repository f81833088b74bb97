//! A compact binary encoding for files that only speed something up: a title with a version, values,
//! and a checksum. Whatever does not read back exactly counts as absent.

use crate::content::Digest;
use crate::filesystem::Stamp;

/// Writes values one after the other.
#[derive(Debug)]
pub(crate) struct PackedWriter {
    bytes: Vec<u8>,
}

impl PackedWriter {
    pub(crate) fn new(title: &str) -> Self {
        Self { bytes: title.as_bytes().to_vec() }
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn i128(&mut self, value: i128) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn hash(&mut self, hash: &[u8; 32]) {
        self.bytes.extend_from_slice(hash);
    }

    pub(crate) fn stamp(&mut self, stamp: &Stamp) {
        self.u64(stamp.size);
        self.i128(stamp.modified);
        self.i128(stamp.changed);
        self.u64(stamp.inode);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.u64(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Adds the checksum and gives the bytes out.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let checksum = Digest::of(&self.bytes);
        self.hash(checksum.as_bytes());
        self.bytes
    }
}

/// Reads what [`PackedWriter`] wrote; `None` at the first thing that is not right.
#[derive(Debug)]
pub(crate) struct PackedReader<'a> {
    rest: &'a [u8],
}

impl<'a> PackedReader<'a> {
    /// Checks title and checksum.
    pub(crate) fn open(bytes: &'a [u8], title: &str) -> Option<Self> {
        let (body, checksum) = bytes.split_last_chunk::<32>()?;
        if Digest::of(body).as_bytes() != checksum {
            return None;
        }
        let rest = body.strip_prefix(title.as_bytes())?;
        Some(Self { rest })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (chunk, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*chunk)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.chunk().map(u64::from_le_bytes)
    }

    pub(crate) fn i128(&mut self) -> Option<i128> {
        self.chunk().map(i128::from_le_bytes)
    }

    pub(crate) fn hash(&mut self) -> Option<[u8; 32]> {
        self.chunk()
    }

    pub(crate) fn stamp(&mut self) -> Option<Stamp> {
        Some(Stamp { size: self.u64()?, modified: self.i128()?, changed: self.i128()?, inode: self.u64()? })
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.u64()?).ok()?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        str::from_utf8(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_bytes_are_absent() {
        let mut writer = PackedWriter::new("title 1\n");
        writer.u64(7);
        writer.text("seven");
        let bytes = writer.finish();
        let mut reader = PackedReader::open(&bytes, "title 1\n").unwrap();
        assert_eq!((reader.u64(), reader.text()), (Some(7), Some("seven")));
        assert_eq!(reader.u64(), None);
        assert!(PackedReader::open(&bytes, "title 2\n").is_none());
        for cut in 0..bytes.len() {
            assert!(PackedReader::open(&bytes[..cut], "title 1\n").is_none());
        }
    }
}
