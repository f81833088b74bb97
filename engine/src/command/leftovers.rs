//! Files and folders that an earlier command left in its scratch folder, to be used again. On some file systems making
//! and removing files costs more than all else in a small cell: ext4 without a journal looks at every inode that was
//! freed within the last minutes.

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use dgpipe_cache::{Filesystem, RealFilesystem};

/// More files than this are not worth going through.
const MOST: usize = 64;
/// For whoever made a file.
const WRITABLE: u32 = 0o644;
/// For whoever made a folder.
const ENTERABLE: u32 = 0o700;

/// What lies in a scratch folder whose former user is dead.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    folders: BTreeSet<PathBuf>,
    files: BTreeSet<PathBuf>,
}

impl Leftovers {
    /// Goes through a folder and removes what cannot be used again; everything, where it cannot be gone through.
    pub(super) fn find(folder: &Path) -> io::Result<Self> {
        let mut found = Self::default();
        if found.look_into(folder).is_ok() {
            return Ok(found);
        }
        for entry in fs_err::read_dir(folder)? {
            RealFilesystem.remove_tree(&entry?.path()).map_err(|error| error.source)?;
        }
        Ok(Self::default())
    }

    fn look_into(&mut self, folder: &Path) -> io::Result<()> {
        for entry in fs_err::read_dir(folder)? {
            let path = entry?.path();
            let metadata = fs_err::symlink_metadata(&path)?;
            if metadata.is_dir() {
                // The former user may have taken the right from it.
                if metadata.mode() & ENTERABLE != ENTERABLE {
                    fs_err::set_permissions(&path, Permissions::from_mode(ENTERABLE))?;
                }
                self.look_into(&path)?;
                self.folders.insert(path);
            } else if metadata.is_file() && metadata.nlink() == 1 && self.files.len() < MOST {
                self.files.insert(path);
            } else {
                fs_err::remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Makes a folder inside `scratch`, and those above it.
    pub(super) fn folder(&mut self, path: &Path, scratch: &Path) -> io::Result<()> {
        if path == scratch {
            return Ok(());
        }
        if let Some(above) = path.parent() {
            self.folder(above, scratch)?;
        }
        if self.folders.remove(path) {
            return Ok(());
        }
        self.free(path)?;
        match fs_err::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }

    /// Gives a file that is to be overwritten the path; `false` where there is none to give.
    pub(super) fn file(&mut self, path: &Path) -> io::Result<bool> {
        if self.folders.contains(path) {
            self.free(path)?;
        }
        let Some(file) = self.files.take(path).or_else(|| self.files.pop_first()) else {
            return Ok(false);
        };
        fs_err::set_permissions(&file, Permissions::from_mode(WRITABLE))?;
        fs_err::rename(&file, path)?;
        Ok(true)
    }

    /// Removes what lies at the path, if anything.
    pub(super) fn free(&mut self, path: &Path) -> io::Result<()> {
        if self.folders.contains(path) {
            self.folders.retain(|folder| !folder.starts_with(path));
            self.files.retain(|file| !file.starts_with(path));
            fs_err::remove_dir_all(path)?;
        }
        if self.files.remove(path) { fs_err::remove_file(path) } else { Ok(()) }
    }

    /// Removes what was not used.
    pub(super) fn remove(self) -> io::Result<()> {
        self.files.into_iter().try_for_each(fs_err::remove_file)?;
        // What is in a folder comes after it.
        self.folders.into_iter().rev().try_for_each(fs_err::remove_dir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(folder: &Path) -> Vec<String> {
        let mut found = Leftovers::find(folder).unwrap();
        found.folders.append(&mut found.files);
        found.folders.iter().map(|path| path.strip_prefix(folder).unwrap().display().to_string()).collect()
    }

    #[test]
    fn what_is_needed_again_stays_and_the_rest_goes() {
        let scratch = tempfile::tempdir().unwrap();
        let at = |path: &str| scratch.path().join(path);
        fs_err::create_dir_all(at("work/in/a")).unwrap();
        fs_err::create_dir_all(at("work/in/old/deep")).unwrap();
        fs_err::write(at("work/in/a/x"), "x").unwrap();
        fs_err::write(at("work/in/old/deep/y"), "y").unwrap();
        std::os::unix::fs::symlink("/", at("work/root")).unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs_err::hard_link(at("work/in/a/x"), outside.path().join("x")).unwrap();
        let inode = fs_err::metadata(at("work/in/old/deep/y")).unwrap().ino();

        let mut leftovers = Leftovers::find(scratch.path()).unwrap();
        leftovers.folder(&at("work/in/b"), scratch.path()).unwrap();
        assert!(leftovers.file(&at("work/in/b/z")).unwrap());
        assert!(!leftovers.file(&at("work/in/b/more")).unwrap(), "what has a name elsewhere is not used again");
        leftovers.remove().unwrap();

        assert_eq!(tree(scratch.path()), ["work", "work/in", "work/in/b", "work/in/b/z"]);
        assert_eq!(fs_err::metadata(at("work/in/b/z")).unwrap().ino(), inode);
    }

    #[test]
    fn folders_that_nobody_may_enter_are_used_again_or_go() {
        let scratch = tempfile::tempdir().unwrap();
        let at = |path: &str| scratch.path().join(path);
        fs_err::create_dir_all(at("work/closed/deep")).unwrap();
        fs_err::write(at("work/closed/deep/x"), "x").unwrap();
        for (path, mode) in [("work/closed/deep", 0o000), ("work/closed", 0o555)] {
            fs_err::set_permissions(at(path), Permissions::from_mode(mode)).unwrap();
        }
        Leftovers::find(scratch.path()).unwrap().remove().unwrap();
        assert!(tree(scratch.path()).is_empty());
    }

    #[test]
    fn a_file_and_a_folder_give_way_to_each_other() {
        let scratch = tempfile::tempdir().unwrap();
        let at = |path: &str| scratch.path().join(path);
        fs_err::create_dir_all(at("one/below")).unwrap();
        fs_err::write(at("three"), "").unwrap();
        fs_err::write(at("two"), "").unwrap();
        fs_err::write(at("one/below/file"), "").unwrap();

        let mut leftovers = Leftovers::find(scratch.path()).unwrap();
        assert!(leftovers.file(&at("one")).unwrap());
        leftovers.folder(&at("two"), scratch.path()).unwrap();
        leftovers.remove().unwrap();

        assert!(at("one").is_file());
        assert!(at("two").is_dir());
    }
}
