//! The provenance that a published figure or table carries: what it says, how it is stamped into a file and read
//! from it, and what it tells about the file today.

mod carrier;
mod chain;
mod difference;
mod folded;
#[expect(clippy::module_inception, reason = "a file is named after its main type")]
mod passport;
mod pdf;
mod png;
mod published;
mod stamper;
mod standing;
mod svg;
mod wanted;

pub(crate) use carrier::is_intact;
pub use carrier::{Found, PassportError, SIDECAR, read_passport};
pub use difference::{Difference, differences};
pub use passport::{ChainStage, Passport, PassportInput, PassportSource};
pub use published::{Published, PublishedFile};
pub(crate) use stamper::{OutputOf, Stamper};
pub use standing::Standing;
pub(crate) use wanted::Wanted;
