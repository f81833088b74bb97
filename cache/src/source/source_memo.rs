//! Remembers digests of files by their stamps. A stamp that was young when the file was read is not
//! remembered: a second write could have left it as it is (git's racy rule).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::content::Digest;
use crate::filesystem::{FileError, Filesystem, RealFilesystem, Stamp, hash_file, read_if_there};
use crate::packed::{PackedReader, PackedWriter};
use crate::store::write_memo;
use crate::tree::{TreeError, TreeFile};

/// Title of the file; raised with its format.
const TITLE: &str = "dgpipe sources 1\n";

/// With more entries, those not used by this process are dropped when saving.
const MOST: usize = 2_000_000;

/// How often a file that changes while it is read is read again.
const TRIES: usize = 3;

/// Digests of files by path, size, times and inode. Clones share one memory.
///
/// It only saves time: a missing, damaged or foreign file on disk is an empty memo.
#[derive(Debug, Clone)]
pub struct SourceMemo {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    filesystem: Arc<dyn Filesystem>,
    path: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    loaded: bool,
    changed: bool,
    entries: BTreeMap<Digest, Remembered>,
}

#[derive(Debug, Clone, Copy)]
struct Remembered {
    stamp: Stamp,
    digest: Digest,
    used: bool,
}

/// A file as it was when it was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadFile {
    pub(crate) digest: Digest,
    pub(crate) stamp: Stamp,
    pub(crate) executable: bool,
    /// Whether the stamp was too young to be trusted.
    pub(crate) young: bool,
}

impl SourceMemo {
    /// Makes a memo that is not kept beyond this process.
    pub fn in_memory() -> Self {
        Self::new(Arc::new(RealFilesystem), None)
    }

    pub(crate) fn new(filesystem: Arc<dyn Filesystem>, path: Option<PathBuf>) -> Self {
        Self { shared: Arc::new(Shared { filesystem, path, state: Mutex::default() }) }
    }

    pub(crate) fn filesystem(&self) -> &dyn Filesystem {
        &*self.shared.filesystem
    }

    /// Writes the memo where it changed. Not made durable: a damaged memo is an empty one.
    pub fn save(&self) -> Result<(), FileError> {
        let Some(path) = &self.shared.path else {
            return Ok(());
        };
        let bytes = {
            let mut state = self.state();
            if !state.changed {
                return Ok(());
            }
            state.changed = false;
            state.encode()
        };
        write_memo(self.filesystem(), path, &bytes)
    }

    /// Returns the digest of a file, reading it only where its stamp is not known.
    pub(crate) fn read(&self, file: &TreeFile) -> Result<ReadFile, TreeError> {
        let name = name_of(&file.path);
        if let Some(digest) = self.recall(&name, &file.stat.stamp) {
            return Ok(ReadFile { digest, stamp: file.stat.stamp, executable: file.stat.executable(), young: false });
        }
        let read = self.read_again(&file.path)?;
        if !read.young {
            let mut state = self.state();
            state.changed = true;
            let remembered = Remembered { stamp: read.stamp, digest: read.digest, used: true };
            state.entries.insert(name, remembered);
        }
        Ok(read)
    }

    /// Reads a file without asking the memo.
    pub(crate) fn read_again(&self, path: &Path) -> Result<ReadFile, TreeError> {
        let filesystem = self.filesystem();
        for _ in 0..TRIES {
            let now = filesystem.now();
            let mut file = filesystem.open(path)?;
            let before = filesystem.stat_open(&file)?;
            let (digest, size) = hash_file(filesystem, &mut file)?;
            let after = filesystem.stat_open(&file)?;
            if before == after && size == after.stamp.size {
                return Ok(ReadFile {
                    digest,
                    stamp: after.stamp,
                    executable: after.executable(),
                    young: after.stamp.is_young(now),
                });
            }
        }
        Err(TreeError::Changing { path: path.to_owned() })
    }

    fn recall(&self, name: &Digest, stamp: &Stamp) -> Option<Digest> {
        let mut state = self.state();
        let remembered = state.entries.get_mut(name)?;
        if remembered.stamp != *stamp {
            return None;
        }
        remembered.used = true;
        Some(remembered.digest)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.shared.state.lock();
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if !state.loaded {
            state.loaded = true;
            let path = self.shared.path.as_ref();
            let bytes = path.map(|path| read_if_there(self.filesystem(), path));
            let bytes = bytes.and_then(Result::ok).flatten();
            state.entries = bytes.and_then(|bytes| decode(&bytes)).unwrap_or_default();
        }
        state
    }
}

/// Paths are kept as hashes: all entries have one length, and the memo tells no names.
fn name_of(path: &Path) -> Digest {
    Digest::of(path.as_os_str().as_encoded_bytes())
}

impl State {
    fn encode(&mut self) -> Vec<u8> {
        if self.entries.len() > MOST {
            self.entries.retain(|_, remembered| remembered.used);
        }
        let mut writer = PackedWriter::new(TITLE);
        for (name, remembered) in &self.entries {
            writer.hash(name.as_bytes());
            writer.stamp(&remembered.stamp);
            writer.hash(remembered.digest.as_bytes());
        }
        writer.finish()
    }
}

fn decode(bytes: &[u8]) -> Option<BTreeMap<Digest, Remembered>> {
    let mut reader = PackedReader::open(bytes, TITLE)?;
    let mut entries = Vec::with_capacity(bytes.len() / 100);
    while !reader.is_empty() {
        let name = Digest::from_bytes(reader.hash()?);
        let stamp = reader.stamp()?;
        let remembered = Remembered { stamp, digest: Digest::from_bytes(reader.hash()?), used: false };
        entries.push((name, remembered));
    }
    Some(entries.into_iter().collect())
}
