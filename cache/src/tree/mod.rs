//! Walking files on disk and turning them into manifests, the same way for what is stored and for
//! what is only read. The same files always give the same digest.

mod hashed;
#[expect(clippy::module_inception, reason = "a file is named after its main type")]
mod tree;
mod tree_error;

pub(crate) use hashed::{Hashed, HashedFile};
pub(crate) use tree::{Links, Tree, TreeFile, Walk};
pub use tree_error::TreeError;
