//! Leases: the right to execute one key, held by a live process.
//!
//! A process has one file of its own in `leases-v1/holders`, which it keeps locked and touches now and then. It claims
//! a key by giving that file a second name, `leases-v1/<key>`, and lets it go by removing that name. So no file is made
//! or freed for a key, one lock and one heartbeat serve all keys, and whoever waits finds out everything from the name.

mod holder;
mod holding;
#[expect(clippy::module_inception, reason = "a file is named after its main type")]
mod lease;
mod leases;
mod signature;

pub use holding::Holding;
pub use lease::{Lease, LeaseAttempt};
pub(crate) use leases::Leases;
