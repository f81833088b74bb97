//! The meaning of a pipeline file: cells, what they read, and how they depend on one another.

mod coordinates;

pub use coordinates::{AxisValue, Coordinates};
