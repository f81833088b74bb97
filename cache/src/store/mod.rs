//! The store: objects, records, logs, leases and scratch folders under one root.

mod checkpoints;
mod commit;
mod inventory;
mod item_rows;
mod listings;
mod logs;
mod memo_file;
mod objects;
mod records;
mod remembered;
mod replacing;
mod restore;
mod restoring;
mod scratch;
#[expect(clippy::module_inception, reason = "a file is named after its main type")]
mod store;
mod store_error;
mod transaction;
mod view;

pub use checkpoints::{Checkpoint, Checkpoints};
pub use commit::Committed;
pub(crate) use inventory::Inventory;
pub use item_rows::ItemRows;
pub use memo_file::{read_memo, write_memo};
pub use records::Found;
pub(crate) use records::ReadRecord;
pub use remembered::{MemoryKind, Remembered};
pub use replacing::{Kept, Replacement, published_digest};
pub use restore::RestoreMethod;
pub use restoring::Restoring;
pub use scratch::Scratch;
pub(crate) use scratch::{lock_file, process_mark};
pub use store::Store;
pub(crate) use store::lock;
pub use store_error::StoreError;
pub use transaction::{Seal, Transaction};
