//! A small picture inside a figure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// An encoded picture.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    /// JPEG or PNG.
    pub(crate) bytes: Vec<u8>,
    /// Whether its pixels are to be seen as squares instead of smoothed, as of an 8 × 8 digit.
    pub(crate) is_coarse: bool,
}

impl Picture {
    /// The picture as an address that holds it whole (RFC 2397), in base 64.
    pub(super) fn address(&self) -> String {
        let kind = if self.bytes.starts_with(b"\x89PNG") { "png" } else { "jpeg" };
        format!("data:image/{kind};base64,{}", STANDARD.encode(&self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_an_address_of_its_kind() {
        let address = |bytes: &[u8]| Picture { bytes: bytes.to_vec(), is_coarse: false }.address();
        assert_eq!(address(b"foob"), "data:image/jpeg;base64,Zm9vYg==");
        assert!(address(b"\x89PNG").starts_with("data:image/png;"));
    }
}
