//! What the store holds: hashes, files, folders. Pure values, no disk.

#[macro_use]
mod hash_type;
mod artifact;
mod digest;
mod key;
mod manifest;
mod manifest_entry;

pub use artifact::{Artifact, Form};
pub use digest::Digest;
pub use hash_type::ParseHashError;
pub(crate) use hash_type::to_hex;
pub use key::Key;
pub use manifest::{Manifest, ManifestError};
pub(crate) use manifest_entry::link_stays_inside;
pub use manifest_entry::{EntryContent, ManifestEntry};
