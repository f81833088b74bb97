//! The disk of the store: room, kind, locks, copies. It is tried out beside the store, in a folder that is gone after.

use std::path::{Path, PathBuf};

use dgpipe_cache::{FileError, Filesystem, Locking, RealFilesystem};

use super::Finding;
use crate::terminal::{bytes, digits};

/// Less room than this is worth a word.
const LITTLE_ROOM: u64 = 1 << 30;
/// Fewer files than this, too.
const FEW_FILES: u64 = 10_000;
/// Kinds that other machines may use at the same time.
const SHARED: [&str; 14] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "lustre",
    "gpfs",
    "beegfs",
    "ceph",
    "9p",
    "afs",
    "fuse.sshfs",
    "fuse.glusterfs",
    "fuse.ceph",
    "fuse.juicefs",
];

/// Looks at the disk of a store that may not be there yet.
pub(crate) fn disk(store: &Path) -> Vec<Finding> {
    if store.exists() && !store.is_dir() {
        let text = format!("`{}` is no folder", store.display());
        return vec![Finding::problem("store", text, "put the store elsewhere with `--cache DIR`")];
    }
    let place = store.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/"));
    let mut findings = vec![room(store, place)];
    match tempfile::Builder::new().prefix(".dgpipe-doctor-").tempdir_in(place) {
        Err(error) => findings.push(Finding::problem(
            "store",
            format!("nothing can be written in `{}`: {error}", place.display()),
            "put the store elsewhere with `--cache DIR`",
        )),
        Ok(folder) => match tried(folder.path()) {
            Ok(tried) => findings.extend(tried),
            Err(error) => findings.push(Finding::problem(
                "store",
                error.to_string(),
                "put the store on another disk with `--cache DIR`",
            )),
        },
    }
    findings
}

fn room(store: &Path, place: &Path) -> Finding {
    let mounts = fs_err::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let real = place.canonicalize().unwrap_or_else(|_| place.to_owned());
    let kind = kind_of(&mounts, &real);
    let (free, files) = RealFilesystem.free(place);
    // Some disks make places for files as they need them, and say 0.
    let files_text = if files > 0 { format!(" and {} files", digits(files as f64)) } else { String::new() };
    let on = kind.map(|kind| format!(", on {kind}")).unwrap_or_default();
    let text = format!("{}{on}, with room for {}{files_text}", store.display(), bytes(free));
    if free < LITTLE_ROOM || (1..FEW_FILES).contains(&files) {
        return Finding::note("store", text, "`dgpipe gc` removes what nothing uses; `--cache DIR` puts it elsewhere");
    }
    match kind {
        Some(kind) if SHARED.contains(&kind) => Finding::note(
            "store",
            text,
            "machines that share it share the work; a local disk is faster for one machine alone",
        ),
        Some("tmpfs" | "ramfs") => Finding::note("store", text, "it is gone when the machine is switched off"),
        _ => Finding::ok("store", text),
    }
}

/// The kind of the disk on which a path lies, as Linux lists it (proc(5), `mountinfo`).
fn kind_of<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    let mount = |line: &'a str| {
        let (before, after) = line.split_once(" - ")?;
        // Blanks in names are written as octal numbers.
        let point = PathBuf::from(before.split(' ').nth(4)?.replace("\\040", " "));
        path.starts_with(&point).then(|| Some((point.components().count(), after.split(' ').next()?)))?
    };
    // A later line hides an earlier one of the same place.
    mounts.lines().filter_map(mount).max_by_key(|(depth, _)| *depth).map(|(_, kind)| kind)
}

fn tried(folder: &Path) -> Result<Vec<Finding>, FileError> {
    let disk = RealFilesystem;
    let (one, other) = (folder.join("one"), folder.join("other"));
    let mut file = disk.create(&one, 0o600)?;
    disk.write(&mut file, &[7; 4096])?;
    disk.sync_file(&one)?;
    let copy = disk.create(&other, 0o600)?;
    let copies = match disk.reflink(&disk.open(&one)?, &copy) {
        Ok(()) => Finding::ok("copies", "share their bytes with the store (reflink)"),
        Err(_) => Finding::note(
            "copies",
            "take room of their own: this disk has no reflink",
            "Btrfs, XFS and APFS have; what is published takes its room twice",
        ),
    };
    let lock = disk.open_lock(&folder.join("lock"))?;
    let locks = match disk.try_lock(&lock)? {
        Locking::Unsupported => Finding::note(
            "locks",
            "this disk has none",
            "leases rest on their files alone: what a dead run on another machine held is free after a minute",
        ),
        _ => Finding::ok("locks", "the kernel's"),
    };
    Ok(vec![copies, locks])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_and_last_mount_counts() {
        let mounts = "22 1 0:20 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
                      30 22 0:30 / /shared/my\\040data rw - nfs4 host:/x rw\n\
                      31 22 0:31 / /disks/a rw - tmpfs tmpfs rw\n\
                      32 22 0:32 / /disks/a rw - btrfs /dev/vdb rw\n\
                      nonsense";
        let kind = |path: &str| kind_of(mounts, Path::new(path));
        assert_eq!(kind("/somewhere/.dgpipe"), Some("ext4"));
        assert_eq!(kind("/shared/my data/x"), Some("nfs4"));
        assert_eq!(kind("/disks/a"), Some("btrfs"));
        assert_eq!(kind("/disks/ab"), Some("ext4"));
        assert_eq!(kind_of("", Path::new("/")), None);
    }
}
