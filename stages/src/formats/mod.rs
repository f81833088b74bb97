//! What artifacts contain: one file a format, named as its kind.

mod image_folder;

pub use image_folder::{ImageFolder, ImageItem};
