//! A disk whose power is cut at the N-th change, and that then forgets what was not made durable.
//!
//! The files are real; what is durable of them is kept beside: the bytes that a file had when it was synced, the
//! names that a folder had when it was. After the cut nothing works any more. [`PowerCut::cut`] then makes the
//! folder what a person finds after switching the machine on again. Ext4 and XFS show the losses that are modelled
//! here: names without bytes, renames undone, removed names back.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use dgpipe_cache::{Digest, FileError};

use super::{Interceptor, Operation};

/// What is lost of all that was not made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Everything: names and bytes are those of the last sync.
    Everything,
    /// Bytes: files have their newest names, and are empty.
    Bytes,
    /// Some names and some bytes, as if the disk had reordered what it wrote; chosen by this number.
    Some(u64),
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    File(u64),
    Folder(u64),
    Link(PathBuf),
}

type Names = BTreeMap<OsString, Entry>;

/// Bytes and mode of a file.
type Content = (Vec<u8>, u32);

/// The state of a folder with all that is in it.
#[derive(Debug, Default)]
struct Image {
    folders: BTreeMap<u64, Names>,
    files: BTreeMap<u64, Content>,
}

#[derive(Debug, Default)]
struct State {
    changes: usize,
    durable: Image,
}

/// A disk whose power is cut.
#[derive(Debug)]
pub struct PowerCut {
    root: PathBuf,
    /// The change at which the power is cut, counted from 1.
    at: usize,
    state: Mutex<State>,
}

impl PowerCut {
    /// A disk whose files lie in a folder, all of it durable by now, and whose power is cut instead of the change
    /// with this number, counted from 1.
    pub fn new(root: &Path, at: usize) -> Self {
        let mut durable = Image::default();
        durable.add_all(root);
        Self { root: root.to_owned(), at, state: Mutex::new(State { changes: 0, durable }) }
    }

    /// Whether the power was cut.
    pub fn happened(&self) -> bool {
        self.lock().changes >= self.at
    }

    /// Makes the folder what it is after the cut. Nothing may be writing any more.
    pub fn cut(&self, loss: Loss) {
        self.tree(loss).write(&self.root);
    }

    /// The trees of several losses, to be written one after the other.
    pub fn tree(&self, loss: Loss) -> Tree {
        let mut live = Image::default();
        live.add_all(&self.root);
        let state = self.lock();
        let survivors = Survivors { durable: &state.durable, live: &live, loss };
        survivors.folder(inode(&self.root), Path::new(""), &mut BTreeSet::new())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the lock panics")
    }
}

fn changes(operation: Operation) -> bool {
    ![
        "stat",
        "stat_target",
        "stat_open",
        "list",
        "read_link",
        "open",
        "read",
        "try_lock",
        "open_lock_if_there",
        "touch",
    ]
    .contains(&operation)
}

impl Interceptor for PowerCut {
    fn before(&self, operation: Operation, path: &Path) -> Result<(), FileError> {
        let mut state = self.lock();
        if changes(operation) {
            state.changes += 1;
        }
        if state.changes >= self.at {
            let off = io::Error::from_raw_os_error(rustix::io::Errno::NODEV.raw_os_error());
            return Err(FileError::new(operation, path, off));
        }
        match operation {
            "sync_file" => state.durable.add_file(path),
            "sync_folder" => state.durable.add_folder(path),
            "sync_all" => state.durable.add_all(&self.root),
            _ => {}
        }
        Ok(())
    }
}

fn inode(path: &Path) -> u64 {
    path.symlink_metadata().map_or(0, |metadata| metadata.ino())
}

impl Image {
    fn add_file(&mut self, path: &Path) {
        // A file that has gone is what the real call then complains about.
        if let (Ok(metadata), Ok(bytes)) = (path.symlink_metadata(), fs_err::read(path)) {
            self.files.insert(metadata.ino(), (bytes, metadata.permissions().mode()));
        }
    }

    fn add_folder(&mut self, path: &Path) {
        let mut names = Names::new();
        for entry in fs_err::read_dir(path).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            let found = match metadata.file_type() {
                kind if kind.is_dir() => Entry::Folder(metadata.ino()),
                kind if kind.is_symlink() => Entry::Link(fs_err::read_link(entry.path()).unwrap_or_default()),
                _ => Entry::File(metadata.ino()),
            };
            names.insert(entry.file_name(), found);
        }
        self.folders.insert(inode(path), names);
    }

    fn add_all(&mut self, path: &Path) {
        self.add_folder(path);
        for (name, entry) in self.folders.get(&inode(path)).cloned().unwrap_or_default() {
            match entry {
                Entry::File(_) => self.add_file(&path.join(name)),
                Entry::Folder(_) => self.add_all(&path.join(name)),
                Entry::Link(_) => {}
            }
        }
    }
}

struct Survivors<'a> {
    durable: &'a Image,
    live: &'a Image,
    loss: Loss,
}

impl Survivors<'_> {
    /// A number that looks like chance and is always the same for the same path.
    fn chance(&self, of: u8, what: &str, path: &Path) -> u8 {
        let Loss::Some(seed) = self.loss else { return 0 };
        Digest::of(format!("{seed} {what} {}", path.display()).as_bytes()).as_bytes()[0] % of
    }

    fn folder(&self, inode: u64, path: &Path, above: &mut BTreeSet<u64>) -> Tree {
        let (none, mut tree) = (Names::new(), BTreeMap::new());
        // A folder moved into one that it contained, half of which survived, has no bottom.
        if !above.insert(inode) {
            return Tree::Folder(tree);
        }
        let durable = self.durable.folders.get(&inode).unwrap_or(&none);
        let live = self.live.folders.get(&inode).unwrap_or(&none);
        for name in durable.keys().chain(live.keys()).collect::<BTreeSet<_>>() {
            let path = path.join(name);
            let newest = match self.loss {
                Loss::Everything => false,
                Loss::Bytes => true,
                Loss::Some(_) => self.chance(2, "name", &path) == 0,
            };
            let entry = if newest { live.get(name) } else { durable.get(name) };
            let survivor = match entry {
                None => continue,
                Some(Entry::Link(target)) => Tree::Link(target.clone()),
                Some(Entry::Folder(inode)) => self.folder(*inode, &path, above),
                Some(Entry::File(inode)) => Tree::File(self.file(*inode, &path)),
            };
            tree.insert(name.clone(), survivor);
        }
        above.remove(&inode);
        Tree::Folder(tree)
    }

    fn file(&self, inode: u64, path: &Path) -> Content {
        let live = self.live.files.get(&inode);
        let mode = live.or(self.durable.files.get(&inode)).map_or(0o600, |(_, mode)| *mode);
        let synced = self.durable.files.get(&inode).cloned().unwrap_or((Vec::new(), mode));
        match (live, self.chance(3, "bytes", path)) {
            (Some(live), 1) => live.clone(),
            (Some((bytes, mode)), 2) if bytes.starts_with(&synced.0) => {
                let half = usize::midpoint(synced.0.len(), bytes.len());
                (bytes[..half].to_vec(), *mode)
            }
            _ => synced,
        }
    }
}

/// Files and folders in memory.
#[derive(Debug, Clone)]
pub enum Tree {
    /// Bytes and mode.
    File(Content),
    /// What is in it.
    Folder(BTreeMap<OsString, Tree>),
    /// Where it leads.
    Link(PathBuf),
}

impl Tree {
    /// Reads what lies at a path.
    pub fn read(path: &Path) -> Self {
        let mut image = Image::default();
        image.add_all(path);
        let all = Survivors { durable: &image, live: &image, loss: Loss::Everything };
        all.folder(inode(path), Path::new(""), &mut BTreeSet::new())
    }

    /// Makes a folder consist of this and nothing else.
    pub fn write(&self, root: &Path) {
        for entry in fs_err::read_dir(root).into_iter().flatten().flatten() {
            let path = entry.path();
            let removed = if path.is_dir() && !path.is_symlink() {
                fs_err::remove_dir_all(path)
            } else {
                fs_err::remove_file(path)
            };
            removed.expect("the folder belongs to the test");
        }
        self.grow(root);
    }

    fn grow(&self, path: &Path) {
        let grown = match self {
            Self::Link(target) => fs_err::os::unix::fs::symlink(target, path),
            Self::File((bytes, mode)) => fs_err::write(path, bytes)
                .and_then(|()| fs_err::set_permissions(path, std::fs::Permissions::from_mode(*mode))),
            Self::Folder(below) => {
                for (name, tree) in below {
                    let path = path.join(name);
                    if matches!(tree, Self::Folder(_)) {
                        fs_err::create_dir(&path).expect("the folder belongs to the test");
                    }
                    tree.grow(&path);
                }
                Ok(())
            }
        };
        grown.expect("the folder belongs to the test");
    }
}
