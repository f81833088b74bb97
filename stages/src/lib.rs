//! Placeholder.

mod figure;
mod statistics;
