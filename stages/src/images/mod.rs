//! Images: decoding to RGB, resizing as Pillow does, and the transform in front of a net.

mod decode;
mod pixels;
mod resize;
mod transform;

pub use decode::{DecodeError, decode};
pub use pixels::Pixels;
pub use resize::resize;
pub use transform::ImageTransform;
