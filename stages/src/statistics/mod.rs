//! The statistics of the tables and figures: means over repeats with standard errors, paired comparisons
//! against a baseline, and the correction for making several of them.

mod holm;
mod jaccard;
mod measure;
mod paired_t;
mod score_grid;
mod summary;
mod sweep_summary;

pub(crate) use holm::holm;
pub(crate) use jaccard::Overlap;
pub(crate) use measure::Measure;
pub(crate) use paired_t::PairedT;
#[cfg(test)]
pub(crate) use score_grid::tests::{AXES, at};
pub(crate) use score_grid::{GridAxes, ScoreGrid};
pub(crate) use summary::Summary;
pub(crate) use sweep_summary::{SweepAxes, SweepSummary, SweepValues};
