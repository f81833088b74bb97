//! Tables of leave-one-domain-out results and of sweeps: what they say, and how it is written for programs, readers and papers.

mod lodo_csv;
mod lodo_latex;
mod lodo_markdown;
mod lodo_summary;
mod percent;
mod sweep_table;

pub(crate) use lodo_csv::csv;
pub(crate) use lodo_latex::latex;
pub(crate) use lodo_markdown::markdown;
pub(crate) use lodo_summary::{LodoRow, LodoSummary, Words};
pub(crate) use sweep_table::SweepTable;
