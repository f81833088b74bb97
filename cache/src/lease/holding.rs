//! A lease of another, as seen by whoever waits for it.

use std::sync::Arc;

use fs_err::File;

use super::signature::{Line, Signature};
use crate::content::Key;
use crate::filesystem::{FileError, Filesystem, read_to_end};

/// A lease of another. While this is kept, what its holder wrote can be read, even after that has ended.
#[derive(Debug)]
pub struct Holding {
    key: Key,
    signature: Option<Signature>,
    file: File,
    filesystem: Arc<dyn Filesystem>,
}

impl Holding {
    pub(super) fn new(key: Key, signature: Option<Signature>, file: File, filesystem: Arc<dyn Filesystem>) -> Self {
        Self { key, signature, file, filesystem }
    }

    /// Says who holds it.
    pub fn holder(&self) -> String {
        match &self.signature {
            Some(Signature { name, pid, host, .. }) => format!("{name} (process {pid} on {host})"),
            // It is being written, or by another version.
            None => "another process".to_owned(),
        }
    }

    /// Says since when, in milliseconds since 1970, by the holder's clock.
    pub fn since(&mut self) -> Option<u64> {
        let key = self.key;
        self.last(|line| match line {
            Line::Claimed { key: claimed, at } if claimed == key => Some(at),
            _ => None,
        })
    }

    /// Returns why the execution failed, where its holder has said so by now.
    pub fn failure(&mut self) -> Option<String> {
        let key = self.key;
        self.last(|line| match line {
            Line::Failed { key: failed, error } if failed == key => Some(error),
            _ => None,
        })
    }

    fn last<T>(&mut self, wanted: impl FnMut(Line) -> Option<T>) -> Option<T> {
        // What cannot be read any more, such as a file that was removed on a network disk, is not known.
        std::io::Seek::rewind(&mut self.file).ok()?;
        let bytes = read_to_end(&*self.filesystem, &mut self.file).ok()?;
        Line::all(&bytes).rev().find_map(wanted)
    }
}

/// Reads who signed an open file.
pub(super) fn read_signature(filesystem: &dyn Filesystem, file: &mut File) -> Result<Option<Signature>, FileError> {
    /// Longer than any first line.
    const HEAD: usize = 4096;
    let mut head = [0; HEAD];
    let mut length = 0;
    while length < HEAD && !head[..length].contains(&b'\n') {
        match filesystem.read(file, &mut head[length..])? {
            0 => break,
            read => length += read,
        }
    }
    Ok(Line::all(&head[..length]).find_map(|line| match line {
        Line::Signed(signature) => Some(signature),
        _ => None,
    }))
}
