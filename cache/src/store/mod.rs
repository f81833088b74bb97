//! The store: objects, records, logs, leases and scratch folders under one root.

mod commit;
mod inventory;
mod listings;
mod logs;
mod objects;
mod records;
mod restore;
mod scratch;
#[expect(clippy::module_inception, reason = "a file is named after its main type")]
mod store;
mod store_error;
mod transaction;

pub use commit::Committed;
pub use records::Found;
pub(crate) use records::ReadRecord;
pub use restore::RestoreMethod;
pub use scratch::Scratch;
pub use store::Store;
pub(crate) use store::lock;
pub use store_error::StoreError;
pub use transaction::{Seal, Transaction};
