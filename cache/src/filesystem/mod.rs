//! The one door to the disk. Everything the store does to files goes through [`Filesystem`], so that
//! another implementation can fail, reorder or forget at any step.

mod beneath;
mod file_error;
#[expect(clippy::module_inception, reason = "a file is named after its main type")]
mod filesystem;
mod large_file;
mod read_file;
mod real_filesystem;
mod stat;

pub use file_error::FileError;
pub use filesystem::{Filesystem, Locking, Placement};
pub(crate) use read_file::{copy_hashed, hash_file, read_if_there, read_to_end};
pub use real_filesystem::RealFilesystem;
pub use stat::{FileKind, Stamp, Stat};
