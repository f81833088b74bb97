//! Sources: files that are read where they lie and never copied into the store.

mod snapshot;
mod source_memo;

pub use snapshot::{HashOptions, Snapshot, hash_path};
pub use source_memo::SourceMemo;
