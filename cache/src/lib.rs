//! The store of dgpipe: digests, artifacts, records, leases and the memory of projects.
//!
//! Nothing in here knows pipelines. The store promises that what it serves is exactly what was put
//! into it, or an error that [`StoreError::is_miss`] calls a miss; deleting all of it costs only time.

mod content;
mod filesystem;
mod gc;
mod layout;
mod lease;
mod packed;
mod process;
mod project;
mod record;
mod source;
mod store;
mod tree;
mod verify;

pub use content::{Artifact, Digest, EntryContent, Form, Key, Manifest, ManifestEntry, ManifestError, ParseHashError};
pub use filesystem::{FileError, FileKind, Filesystem, Locking, Placement, RealFilesystem, Stamp, Stat};
pub use gc::{Collection, GcOptions, Removed, What, Why};
pub use lease::{Holding, Lease, LeaseAttempt};
pub use project::{Former, InUse, Intended, Latest, Ledger, LedgerEntry, Pin, Project, Replaced, RunFolder};
pub use record::{Output, Outputs, Record};
pub use source::{HashOptions, Snapshot, SourceMemo, hash_path};
pub use store::{
    Checkpoint, Checkpoints, Committed, Found, ItemRows, Kept, MemoryKind, Remembered, Replacement, RestoreMethod,
    Restoring, Scratch, Seal, Store, StoreError, Transaction, published_digest, read_memo, write_memo,
};
pub use tree::TreeError;
pub use verify::{Incomplete, Problem, Verification};
