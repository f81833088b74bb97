//! Decodes files to RGB as Pillow's `Image.open(…).convert("RGB")` does, to the bit: grey is repeated, palettes are looked
//! up, alpha is dropped, and orientation tags are not applied.

mod cmyk;
mod decode;
mod decode_error;
mod jpeg;
mod max_pixels;
mod png;

pub use decode::{decode, decode_within};
pub use decode_error::DecodeError;
pub use max_pixels::MaxPixels;
