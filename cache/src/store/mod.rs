//! The store: objects, records, logs, leases and scratch folders under one root.

mod checkpoints;
mod commit;
mod item_rows;
mod lease;
mod logs;
mod objects;
mod records;
mod remembered;
mod restore;
mod scratch;
#[expect(clippy::module_inception, reason = "a file is named after its main type")]
mod store;
mod store_error;
mod transaction;

pub use checkpoints::{Checkpoint, Checkpoints};
pub use commit::Committed;
pub use item_rows::ItemRows;
pub use lease::{Lease, LeaseAttempt};
pub use records::Found;
pub use remembered::{MemoryKind, Remembered};
pub use restore::RestoreMethod;
pub use scratch::Scratch;
pub use store::Store;
pub use store_error::StoreError;
pub use transaction::{Seal, Transaction};
