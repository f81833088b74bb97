//! The digests of a source at one moment, and the check that it is still the same later.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::SourceMemo;
use super::source_memo::ReadFile;
use crate::content::{Artifact, Manifest};
use crate::filesystem::FileError;
use crate::tree::{Hashed, HashedFile, Links, Tree, TreeError, Walk};

/// What of a source counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HashOptions {
    /// Names with a dot in front, and folders with nothing in them, count too.
    pub hidden: bool,
    /// Symbolic links below are taken as links, as an artifact has them, and not for what they lead to.
    pub links: bool,
}

impl HashOptions {
    fn walk(self) -> Walk {
        Walk { hidden: self.hidden, links: if self.links { Links::Keep } else { Links::Follow } }
    }
}

/// The digests of a source at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    path: PathBuf,
    options: HashOptions,
    memo: SourceMemo,
    content: Hashed,
    files: Vec<(PathBuf, ReadFile)>,
}

/// Hashes a file or folder where it lies, as [`Transaction::put`](crate::Transaction::put) would.
///
/// Symbolic links are followed. Files whose stamps the memo knows are not read.
pub fn hash_path(path: &Path, options: HashOptions, memo: &SourceMemo) -> Result<Snapshot, TreeError> {
    let path = std::path::absolute(path).map_err(|error| FileError::new("make absolute the path", path, error))?;
    let tree = Tree::walk(memo.filesystem(), &path, options.walk())?;
    let found = tree.files();
    let read = found.par_iter().with_min_len(16).map(|file| memo.read(file)).collect::<Result<Vec<_>, _>>()?;
    let files: Vec<(PathBuf, ReadFile)> = found.into_iter().map(|file| file.path.clone()).zip(read).collect();
    // What was read counts, not what was found: the file may have been replaced in between.
    let mut hashed = files.iter().map(|(_, read)| HashedFile {
        digest: read.digest,
        size: read.stamp.size,
        executable: read.executable,
    });
    let content = Hashed::new(tree, &mut hashed, &mut |_, _| Ok::<(), TreeError>(()))?;
    if content.artifact().is_none() {
        // A link by itself is no artifact.
        return Err(TreeError::Special { path });
    }
    Ok(Snapshot { path, options, memo: memo.clone(), content, files })
}

impl Snapshot {
    /// Returns the file or folder as an artifact. The store need not hold it.
    pub fn artifact(&self) -> Artifact {
        self.content.artifact().expect("a link at the top was refused")
    }

    /// Returns what lies at a path below, such as `a/b`.
    pub fn at(&self, path: &str) -> Option<Artifact> {
        self.content.at(path)?.artifact()
    }

    /// Returns the entries of the folder at a path below; the empty path is the top.
    pub fn manifest(&self, path: &str) -> Option<Manifest> {
        self.content.at(path)?.manifest()
    }

    /// Returns where the source lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the number of files.
    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// Tells whether the same files are there, with the same stamps. Files whose stamps were too
    /// young to be trusted are read again.
    pub fn unchanged(&self) -> Result<bool, TreeError> {
        let tree = match Tree::walk(self.memo.filesystem(), &self.path, self.options.walk()) {
            Err(TreeError::Missing { .. }) => return Ok(false),
            tree => tree?,
        };
        let now = tree.files();
        let same = now.len() == self.files.len()
            && now.iter().zip(&self.files).all(|(now, (path, then))| now.path == *path && now.stat.stamp == then.stamp);
        if !same {
            return Ok(false);
        }
        self.files
            .par_iter()
            .filter(|(_, then)| then.young)
            .map(|(path, then)| Ok(self.memo.read_again(path)?.digest == then.digest))
            .try_reduce(|| true, |one, other| Ok(one && other))
    }
}
