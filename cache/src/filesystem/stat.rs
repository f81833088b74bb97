//! What the file system says about a file without opening it.

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A pipe, socket or device.
    Special,
}

/// The part of a stat that changes whenever the content may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// Number of bytes.
    pub size: u64,
    /// Last change of the content, in nanoseconds since 1970.
    pub modified: i128,
    /// Last change of content or inode, in nanoseconds since 1970.
    pub changed: i128,
    /// Number of the inode.
    pub inode: u64,
}

impl Stamp {
    /// Younger stamps may hide a second write: some file systems keep times to the second or two.
    const TRUSTED_AGE: i128 = 2_000_000_000;

    /// Tells whether a write could have followed without changing this stamp, seen at `now`
    /// (nanoseconds since 1970). A stamp from the future is too young as well.
    pub fn is_young(&self, now: i128) -> bool {
        self.modified.max(self.changed) > now - Self::TRUSTED_AGE
    }
}

/// What the file system says about a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// What lies there.
    pub kind: FileKind,
    /// Size, times and inode.
    pub stamp: Stamp,
    /// Permission bits.
    pub mode: u32,
    /// Number of hard links.
    pub links: u64,
    /// Number of the device.
    pub device: u64,
}

impl Stat {
    /// Tells whether this is a regular file of that size.
    pub fn is_file_of(&self, size: u64) -> bool {
        self.kind == FileKind::File && self.stamp.size == size
    }

    /// Tells whether the owner may execute the file.
    pub fn executable(&self) -> bool {
        self.mode & 0o100 != 0
    }
}

/// Two types of metadata have the same functions, and no trait in common.
macro_rules! stat_of {
    ($metadata:expr) => {{
        let metadata = $metadata;
        let kind = match metadata.file_type() {
            kind if kind.is_file() => FileKind::File,
            kind if kind.is_dir() => FileKind::Folder,
            kind if kind.is_symlink() => FileKind::Link,
            _ => FileKind::Special,
        };
        let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Self {
            kind,
            stamp: Stamp {
                size: metadata.len(),
                modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
                changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
                inode: metadata.ino(),
            },
            mode: metadata.mode() & 0o7777,
            links: metadata.nlink(),
            device: metadata.dev(),
        }
    }};
}

impl From<&std::fs::Metadata> for Stat {
    fn from(metadata: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;

        stat_of!(metadata)
    }
}

impl From<&cap_std::fs::Metadata> for Stat {
    fn from(metadata: &cap_std::fs::Metadata) -> Self {
        use cap_std::fs::MetadataExt;

        stat_of!(metadata)
    }
}
