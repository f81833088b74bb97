//! Records: what a successful execution left, and how it is written down.

#[expect(clippy::module_inception, reason = "a file is named after its main type")]
mod record;
mod record_file;
mod record_index;

pub use record::{Output, Outputs, Record};
pub(crate) use record_file::{Parsed, encode, parse};
pub(crate) use record_index::{Indexed, RecordIndex};
