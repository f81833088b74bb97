//! Disks that fail and power that is cut, for whole runs in this process.
//!
//! [`Intercepted`] asks an [`Interceptor`] before every operation of the store. [`FailingDisk`] fails the N-th one,
//! [`PowerCut`] stops the world there and then takes away what was not made durable, [`Owner`] saves files of their own
//! meanwhile. [`Trial`] is a project that
//! runs on such a disk; the [`oracle`] tells whether its store is sound.

mod failing_disk;
mod intercepted;
pub mod oracle;
mod owner;
mod power_cut;
mod trial;

pub use failing_disk::{FailingDisk, Failure};
pub use intercepted::{Intercepted, Interceptor, Operation};
pub use oracle::Undisturbed;
pub use owner::Owner;
pub use power_cut::{Loss, PowerCut, Tree};
pub use trial::Trial;
