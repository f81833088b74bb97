//! Removing what nothing uses: mark, grace, re-check, sweep.
//!
//! What is in use is known from the projects that use the store, from runs that live, and from leases. Everything else is
//! removed when it is old enough: records first, so that a crash leaves objects without records and never the reverse.
//! Nobody is kept waiting. Who uses an old object anew touches it and then looks whether it is still there; gc moves each
//! object aside, looks whether it was touched, and puts it back if so. Whatever still gets lost is made again.

mod collection;
mod gc_options;
mod mark;
mod roots;
mod sweep;

pub use collection::{Collection, Removed, What, Why};
pub use gc_options::GcOptions;
