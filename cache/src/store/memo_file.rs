//! Files that only save time: whole or damaged, and a damaged one is none. Nobody waits for the disk for them.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::scratch::process_mark;
use super::store::DRAFT;
use crate::filesystem::{FileError, Filesystem, read_if_there};
use crate::layout::Layout;

/// Reads a file that only saves time, where it is there.
pub fn read_memo(filesystem: &dyn Filesystem, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    read_if_there(filesystem, path)
}

/// Writes a file that only saves time, in place of what was there, and makes the folder that it is in. What a killed
/// process leaves beside it is known to `gc`.
pub fn write_memo(filesystem: &dyn Filesystem, path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    /// Gives every draft of this process a name of its own.
    static DRAFTS: AtomicU64 = AtomicU64::new(0);
    let folder = path.parent().unwrap_or(path);
    let _ = filesystem.create_folder(folder, Layout::FOLDER_MODE)?;
    let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
    let draft = folder.join(format!("{DRAFT}{}-memo-{number}", process_mark()));
    // Process numbers come again, most of all in containers.
    filesystem.remove_file(&draft)?;
    let placed = write_draft(filesystem, &draft, bytes).and_then(|()| filesystem.rename(&draft, path));
    if placed.is_err() {
        // The first error is the one to tell.
        drop(filesystem.remove_file(&draft));
    }
    placed
}

fn write_draft(filesystem: &dyn Filesystem, draft: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut file = filesystem.create(draft, Layout::FILE_MODE)?;
    filesystem.write(&mut file, bytes)?;
    filesystem.close(file)
}
