//! The stage types of dgpipe: what a pipeline's `uses:` can name, and what they share.
//!
//! One stage type is one file here and one line in [`STAGE_TYPES`]; both lists are alphabetical.

pub mod formats;
pub mod nets;
pub mod random;
pub mod training;

use dgpipe_engine::stage::Registered;

/// Every stage type of this binary.
pub const STAGE_TYPES: &[Registered] = &[];
