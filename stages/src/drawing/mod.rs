//! Procedural drawings that stand in for PACS where nothing can be downloaded.
//!
//! A [`Subject`] builds a figure out of vector parts, with a pose, proportions and colours thrown by dice; a [`Style`]
//! renders the parts in its own manner. All chance comes from one generator keyed by the arguments of [`draw`].

mod angle;
mod brush;
mod canvas;
mod cartoon;
mod colour;
mod composition;
mod dice;
mod draw;
mod encode;
mod figure;
mod figures;
mod light;
mod noise;
mod outline;
mod painting;
mod photo;
mod plane;
mod raster;
mod scene;
mod sketch;
mod style;
mod subject;

pub use draw::{MAX_SIZE, draw};
pub use encode::{EncodeError, encode};
pub use style::{Style, UnknownStyle};
pub use subject::{SUBJECTS_PACS, SUBJECTS_PRETRAINING, Subject};
