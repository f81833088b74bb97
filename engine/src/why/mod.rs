//! Why a cell executes, or why it last did: from the cell to the first changes, as a view of plan, records and reports.

mod chain;
mod link;
mod nearest;
mod past;
mod pending;

pub use chain::Chain;
pub use link::{Link, LinkState};
pub use nearest::{Nearest, nearest};
pub use past::past;
pub use pending::pending;
