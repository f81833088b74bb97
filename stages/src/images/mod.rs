//! Images: decoding to RGB, resizing as Pillow does, and the transform in front of a net.

mod decode;
mod embedding;
mod labels;
mod loading;
mod pacs;
mod pixels;
mod resize;
mod skipped;
mod transform;

pub use decode::{DecodeError, MaxPixels, decode, decode_within};
pub use embedding::{Embedded, Embedding, OnError};
pub use labels::{class_list, labels};
pub use loading::{Counter, ImageError, ImageFile, Loaded, load, load_files};
pub use pacs::{PACS_CLASSES, PACS_COUNTS, pacs_count};
pub use pixels::Pixels;
pub use resize::resize;
pub use skipped::Skipped;
pub use transform::ImageTransform;
