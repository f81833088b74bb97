//! What lies beneath one folder, and nothing else: the tree of the user, while dgpipe writes to it. Every path is found
//! from the open folder, name by name, and a link that leads out of it is an error. So it stays when somebody puts
//! a link in the place of a folder between a look and a write: a path is looked up by the same call that uses it.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, OpenOptions, OpenOptionsExt, Permissions, PermissionsExt};
use fs_err::File;
use rustix::fs::{Mode, RenameFlags};

use super::real_filesystem::{lacks_flags, link_new, missing_is_none, remove_tree};
use super::{FileError, Filesystem, Locking, Placement, RealFilesystem, Stat};

/// The real file system beneath one folder.
#[derive(Debug)]
pub(crate) struct Beneath {
    root: PathBuf,
    folder: Dir,
}

impl Beneath {
    /// Opens the folder. Links on the way to it are followed: where a project lies is its user's business.
    pub(crate) fn open(root: &Path) -> Result<Self, FileError> {
        let opened = Dir::open_ambient_dir(root, ambient_authority());
        let folder = opened.map_err(|error| FileError::new("open the folder", root, error))?;
        Ok(Self { root: root.to_owned(), folder })
    }

    /// Does something with a path as it is called from the folder.
    fn at<T>(
        &self,
        action: &'static str,
        path: &Path,
        act: impl FnOnce(&Path) -> io::Result<T>,
    ) -> Result<T, FileError> {
        let outside = || io::Error::new(io::ErrorKind::PermissionDenied, self.leads_out());
        let below = path.strip_prefix(&self.root).map_err(|_| outside());
        let below = below.map(|below| if below.as_os_str().is_empty() { Path::new(".") } else { below });
        below.and_then(act).map_err(|error| match (error.kind(), error.raw_os_error()) {
            // An escape is the only refusal that does not come from the kernel.
            (io::ErrorKind::PermissionDenied, None) => FileError { action, path: path.to_owned(), source: outside() },
            _ => FileError::new(action, path, error),
        })
    }

    fn leads_out(&self) -> String {
        let root = self.root.display();
        format!("a link on the way leads out of `{root}` or is absolute; only relative links inside of it are followed")
    }

    /// Does something with two paths, each by its folder and its name there.
    fn at_both<T>(
        &self,
        action: &'static str,
        from: &Path,
        to: &Path,
        act: impl FnOnce((&Dir, &Path), (&Dir, &Path)) -> io::Result<T>,
    ) -> Result<T, FileError> {
        let named = |path: &Path| {
            let (above, name) = match (path.parent(), path.file_name()) {
                (Some(above), Some(name)) if !above.as_os_str().is_empty() => (above, name),
                _ => return Ok((self.folder.try_clone()?, path.to_owned())),
            };
            Ok::<_, io::Error>((self.folder.open_dir(above)?, PathBuf::from(name)))
        };
        let from = self.at(action, from, named)?;
        self.at(action, to, |to| {
            let to = named(to)?;
            act((&from.0, &from.1), (&to.0, &to.1))
        })
    }

    fn open_with(&self, action: &'static str, path: &Path, options: &OpenOptions) -> Result<File, FileError> {
        let file = self.at(action, path, |path| self.folder.open_with(path, options))?;
        Ok(File::from_parts(file.into_std(), path))
    }

    /// Opens a file or folder for making it durable, or for asking its disk.
    fn handle(&self, action: &'static str, path: &Path) -> Result<File, FileError> {
        self.open_with(action, path, OpenOptions::new().read(true))
    }
}

impl Filesystem for Beneath {
    fn beneath(&self, root: &Path) -> Result<Arc<dyn Filesystem>, FileError> {
        let folder = self.at("open the folder", root, |path| self.folder.open_dir(path))?;
        Ok(Arc::new(Self { root: root.to_owned(), folder }))
    }

    fn now(&self) -> i128 {
        RealFilesystem.now()
    }

    fn stat(&self, path: &Path) -> Result<Option<Stat>, FileError> {
        let found = self.at("look at", path, |path| self.folder.symlink_metadata(path));
        missing_is_none(found).map(|found| found.as_ref().map(Stat::from))
    }

    fn stat_target(&self, path: &Path) -> Result<Option<Stat>, FileError> {
        let found = self.at("look at", path, |path| self.folder.metadata(path));
        missing_is_none(found).map(|found| found.as_ref().map(Stat::from))
    }

    fn stat_open(&self, file: &File) -> Result<Stat, FileError> {
        RealFilesystem.stat_open(file)
    }

    fn list(&self, folder: &Path) -> Result<Vec<OsString>, FileError> {
        self.at("list", folder, |path| self.folder.read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect())
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, FileError> {
        self.at("read the link", path, |path| self.folder.read_link_contents(path))
    }

    fn open(&self, path: &Path) -> Result<File, FileError> {
        self.handle("open", path)
    }

    fn read_at(&self, file: &File, buffer: &mut [u8], offset: u64) -> Result<usize, FileError> {
        RealFilesystem.read_at(file, buffer, offset)
    }

    fn read(&self, file: &mut File, buffer: &mut [u8]) -> Result<usize, FileError> {
        RealFilesystem.read(file, buffer)
    }

    fn create(&self, path: &Path, mode: u32) -> Result<File, FileError> {
        self.open_with("create", path, OpenOptions::new().write(true).create_new(true).mode(mode))
    }

    fn reopen(&self, path: &Path, mode: u32) -> Result<File, FileError> {
        let file = self.open_with("open", path, OpenOptions::new().write(true).truncate(true))?;
        let set = rustix::fs::fchmod(file.file(), Mode::from_raw_mode(mode));
        set.map_err(|error| FileError::new("open", path, error))?;
        Ok(file)
    }

    fn append(&self, path: &Path) -> Result<File, FileError> {
        self.open_with("open", path, OpenOptions::new().append(true).create(true).mode(0o600))
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> Result<(), FileError> {
        RealFilesystem.write(file, bytes)
    }

    fn close(&self, file: File) -> Result<(), FileError> {
        RealFilesystem.close(file)
    }

    fn reflink(&self, from: &File, to: &File) -> Result<(), FileError> {
        RealFilesystem.reflink(from, to)
    }

    fn sync_file(&self, path: &Path) -> Result<(), FileError> {
        let file = self.handle("make durable", path)?;
        file.file().sync_all().map_err(|error| FileError::new("make durable", path, error))
    }

    fn sync_folder(&self, path: &Path) -> Result<(), FileError> {
        self.sync_file(path)
    }

    fn sync_all(&self, path: &Path) -> Result<(), FileError> {
        let action = "make durable the disk of";
        let file = self.handle(action, path)?;
        rustix::fs::syncfs(file.file()).map_err(|error| FileError::new(action, path, error))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        self.at_both("rename a file to", from, to, |(above, from), (below, to)| above.rename(from, below, to))
    }

    fn rename_new(&self, from: &Path, to: &Path) -> Result<Placement, FileError> {
        let renamed = self.at_both("rename a file to", from, to, |(above, from), (below, to)| {
            match rustix::fs::renameat_with(above.as_fd(), from, below.as_fd(), to, RenameFlags::NOREPLACE) {
                Ok(()) => Ok(Some(Placement::Placed)),
                Err(rustix::io::Errno::EXIST) => Ok(Some(Placement::Taken)),
                Err(error) if lacks_flags(error) => Ok(None),
                Err(error) => Err(error.into()),
            }
        });
        renamed?.map_or_else(|| link_new(self, from, to), Ok)
    }

    fn exchange(&self, one: &Path, other: &Path) -> Result<bool, FileError> {
        self.at_both("replace", one, other, |(above, one), (below, other)| {
            match rustix::fs::renameat_with(above.as_fd(), one, below.as_fd(), other, RenameFlags::EXCHANGE) {
                Ok(()) => Ok(true),
                Err(error) if lacks_flags(error) => Ok(false),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn create_folder(&self, path: &Path, mode: u32) -> Result<Placement, FileError> {
        let mut builder = DirBuilder::new();
        builder.mode(mode);
        self.at("make the folder", path, |path| match self.folder.create_dir_with(path, &builder) {
            Ok(()) => Ok(Placement::Placed),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Placement::Taken),
            Err(error) => Err(error),
        })
    }

    fn link(&self, from: &Path, to: &Path) -> Result<Option<Placement>, FileError> {
        self.at_both("link a file to", from, to, |(above, from), (below, to)| {
            use rustix::io::Errno;
            match rustix::fs::linkat(above.as_fd(), from, below.as_fd(), to, rustix::fs::AtFlags::empty()) {
                Ok(()) => Ok(Some(Placement::Placed)),
                Err(Errno::EXIST) => Ok(Some(Placement::Taken)),
                Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK) => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn touch(&self, file: &File) -> Result<(), FileError> {
        RealFilesystem.touch(file)
    }

    fn create_link(&self, target: &str, path: &Path) -> Result<(), FileError> {
        self.at("make the link", path, |path| self.folder.symlink_contents(target, path))
    }

    fn set_mode(&self, path: &Path, mode: u32) -> Result<(), FileError> {
        self.at("set the mode of", path, |path| self.folder.set_permissions(path, Permissions::from_mode(mode)))
    }

    fn remove_file(&self, path: &Path) -> Result<(), FileError> {
        missing_is_none(self.at("remove", path, |path| self.folder.remove_file(path)))?;
        Ok(())
    }

    fn remove_tree(&self, path: &Path) -> Result<(), FileError> {
        remove_tree(self, path, || self.at("remove", path, |path| self.folder.remove_dir_all(path)))
    }

    fn free(&self, path: &Path) -> (u64, u64) {
        RealFilesystem.free(path)
    }

    fn open_lock(&self, path: &Path) -> Result<File, FileError> {
        let mut options = OpenOptions::new();
        self.open_with("open the lock", path, options.read(true).write(true).create(true).mode(0o600))
    }

    fn open_lock_if_there(&self, path: &Path) -> Result<Option<File>, FileError> {
        missing_is_none(self.open_with("open the lock", path, OpenOptions::new().read(true).write(true)))
    }

    fn try_lock(&self, file: &File) -> Result<Locking, FileError> {
        RealFilesystem.try_lock(file)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::super::FileKind;
    use super::*;

    /// A project, what lies outside of it, and the tree of the project.
    fn project() -> (tempfile::TempDir, PathBuf, PathBuf, Beneath) {
        let folder = tempfile::tempdir().unwrap();
        let (root, outside) = (folder.path().join("project"), folder.path().join("outside"));
        fs_err::create_dir(&root).unwrap();
        fs_err::create_dir(&outside).unwrap();
        fs_err::write(outside.join("file"), "kept").unwrap();
        let beneath = Beneath::open(&root).unwrap();
        (folder, root, outside, beneath)
    }

    fn is_untouched(outside: &Path) -> bool {
        let names: Vec<_> = fs_err::read_dir(outside).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names == ["file"] && fs_err::read_to_string(outside.join("file")).unwrap() == "kept"
    }

    #[test]
    fn e5_no_operation_passes_a_link_that_leads_out() {
        let (_folder, root, outside, beneath) = project();
        symlink(&outside, root.join("absolute")).unwrap();
        symlink("../outside", root.join("relative")).unwrap();
        fs_err::write(root.join("mine"), "mine").unwrap();
        let mine = root.join("mine");
        for link in ["absolute", "relative"] {
            let (new, there) = (root.join(link).join("new"), root.join(link).join("file"));
            let refusals = [
                beneath.create(&new, 0o644).err(),
                beneath.append(&there).err(),
                beneath.reopen(&there, 0o777).err(),
                beneath.open(&there).err(),
                beneath.stat(&there).err(),
                beneath.list(&root.join(link)).err(),
                beneath.create_folder(&new, 0o755).err(),
                beneath.create_link("file", &new).err(),
                beneath.set_mode(&there, 0o777).err(),
                beneath.rename(&mine, &there).err(),
                beneath.rename(&there, &mine).err(),
                beneath.rename_new(&mine, &new).err(),
                beneath.exchange(&mine, &there).err(),
                beneath.link(&mine, &new).err(),
                beneath.link(&there, &root.join("linked")).err(),
                beneath.remove_file(&there).err(),
                beneath.remove_tree(&there).err(),
                beneath.sync_file(&there).err(),
                beneath.sync_all(&there).err(),
                beneath.open_lock(&new).err(),
                beneath.beneath(&root.join(link)).err(),
            ];
            for (number, refusal) in refusals.into_iter().enumerate() {
                let error = refusal.unwrap_or_else(|| panic!("{link}: operation {number} went through"));
                assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{link} {number}: {}", error.source);
                assert!(error.source.to_string().contains("leads out of"), "{link} {number}: {}", error.source);
            }
        }
        for path in [outside.join("new"), root.join("../outside/new"), PathBuf::from("/")] {
            assert!(beneath.create_folder(&path, 0o755).is_err(), "{}", path.display());
        }
        assert!(is_untouched(&outside) && fs_err::read_to_string(mine).unwrap() == "mine");
    }

    #[test]
    fn links_that_stay_inside_are_followed_on_the_way_and_not_at_the_end() {
        let (_folder, root, outside, beneath) = project();
        fs_err::create_dir(root.join("real")).unwrap();
        symlink("real", root.join("link")).unwrap();
        let mut file = beneath.create(&root.join("link/file"), 0o644).unwrap();
        beneath.write(&mut file, b"bytes").unwrap();
        assert_eq!(file.path(), root.join("link/file"));
        assert_eq!(fs_err::read_to_string(root.join("real/file")).unwrap(), "bytes");
        // A link at the end is a name like any other: it is removed or replaced, and what it leads to stays.
        symlink(outside.join("file"), root.join("out")).unwrap();
        assert_eq!(beneath.stat(&root.join("out")).unwrap().unwrap().kind, FileKind::Link);
        beneath.rename(&root.join("link/file"), &root.join("out")).unwrap();
        assert_eq!(fs_err::read_to_string(root.join("out")).unwrap(), "bytes");
        beneath.remove_tree(&root.join("link")).unwrap();
        assert!(root.join("real").is_dir() && !root.join("link").is_symlink() && is_untouched(&outside));
    }

    #[test]
    fn it_answers_as_the_whole_file_system_does() {
        let (_folder, root, _, beneath) = project();
        let (one, other, none) = (root.join("one"), root.join("deep/other"), root.join("none/none"));
        assert_eq!(beneath.create_folder(&root.join("deep"), 0o750).unwrap(), Placement::Placed);
        assert_eq!(beneath.create_folder(&root.join("deep"), 0o750).unwrap(), Placement::Taken);
        fs_err::write(&one, "one").unwrap();
        fs_err::write(&other, "other").unwrap();
        for path in [&root, &one, &root.join("deep"), &none, &one.join("below")] {
            assert_eq!(beneath.stat(path).unwrap(), RealFilesystem.stat(path).unwrap(), "{}", path.display());
            assert_eq!(beneath.stat_target(path).unwrap(), RealFilesystem.stat_target(path).unwrap());
        }
        assert_eq!(beneath.rename_new(&one, &other).unwrap(), Placement::Taken);
        if beneath.exchange(&one, &other).unwrap() {
            assert_eq!(fs_err::read_to_string(&one).unwrap(), "other");
        }
        assert_eq!(beneath.link(&one, &other).unwrap(), Some(Placement::Taken));
        assert_eq!(beneath.list(&root.join("deep")).unwrap(), ["other"]);
        let missing = beneath.open(&none).unwrap_err();
        assert_eq!((missing.kind(), missing.path), (io::ErrorKind::NotFound, none.clone()));
        beneath.remove_file(&none).unwrap();
        beneath.remove_tree(&root.join("deep")).unwrap();
        assert!(!root.join("deep").exists());
    }

    #[test]
    fn e5_nothing_is_written_outside_while_somebody_swaps_a_folder_for_a_link() {
        let (folder, root, outside, beneath) = project();
        let (place, aside) = (root.join("place"), folder.path().join("aside"));
        fs_err::create_dir(&place).unwrap();
        symlink(&outside, folder.path().join("link")).unwrap();
        let (link, stop) = (folder.path().join("link"), AtomicBool::new(false));
        let swap = |one: &Path, other: &Path| RealFilesystem.rename(one, other).unwrap();
        let (mut written, mut refused) = (0, 0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    swap(&place, &aside);
                    swap(&link, &place);
                    swap(&place, &link);
                    swap(&aside, &place);
                }
            });
            // Until both were met often: the link, which is refused, and the folder, which is written to.
            while written < 500 || refused < 500 {
                let created = beneath.create(&place.join(written.to_string()), 0o644);
                match created.and_then(|mut file| beneath.write(&mut file, b"x")) {
                    Ok(()) => written += 1,
                    Err(error) if error.source.to_string().contains("leads out") => refused += 1,
                    Err(error) => assert_eq!(error.kind(), io::ErrorKind::NotFound, "{}", error.source),
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
        assert!(is_untouched(&outside));
    }
}
