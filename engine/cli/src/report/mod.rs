//! The report: what the store knows of a pipeline, as a page with its files. Everything on it that came from a file,
//! a name or a log is text and nothing else; the page forbids itself whatever is not its own.

mod cell_state;
mod cells;
mod figures;
mod legible;
mod live;
mod page;
mod runs;
mod script;
mod site;

pub(crate) use live::Live;
pub(crate) use site::Site;

use cell_state::CellState;
