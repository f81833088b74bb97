//! Recognises a file by its content and hands it to its decoder.

use image::ImageFormat;

use super::{DecodeError, MaxPixels, jpeg, png};
use crate::images::Pixels;

/// Decodes a PNG or JPEG file of the usual most pixels.
pub fn decode(bytes: &[u8]) -> Result<Pixels, DecodeError> {
    decode_within(MaxPixels::default(), bytes)
}

/// Decodes a PNG or JPEG file, recognised by its content, not by its name.
pub fn decode_within(most: MaxPixels, bytes: &[u8]) -> Result<Pixels, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    match image::guess_format(bytes) {
        Ok(ImageFormat::Png) => png::decode(most, bytes),
        Ok(ImageFormat::Jpeg) => jpeg::decode(most, bytes),
        Ok(ImageFormat::Gif) => Err(DecodeError::Unsupported("GIF")),
        Ok(ImageFormat::WebP) => Err(DecodeError::Unsupported("WebP")),
        Ok(ImageFormat::Bmp) => Err(DecodeError::Unsupported("BMP")),
        Ok(ImageFormat::Tiff) => Err(DecodeError::Unsupported("TIFF")),
        Ok(ImageFormat::Avif) => Err(DecodeError::Unsupported("AVIF")),
        _ => Err(DecodeError::Unknown),
    }
}

/// Refuses what no real photograph claims, before anything is allocated for it.
pub(super) fn check_size(most: MaxPixels, width: usize, height: usize) -> Result<(), DecodeError> {
    let fits = width.checked_mul(height).is_some_and(|pixels| (1..=most.get()).contains(&pixels));
    if fits { Ok(()) } else { Err(DecodeError::TooLarge { width, height, most }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn golden(name: &str) -> Vec<u8> {
        fs_err::read(format!("{}/tests/golden/decode/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn every_mode_becomes_pillows_rgb() {
        for mode in [
            "rgb",
            "grey",
            "grey_alpha",
            "alpha",
            "palette",
            "palette_alpha",
            "bits",
            "rgb16",
            "grey16",
            "grey16_hole",
            "turned",
            "animated",
        ] {
            let (found, expected) = (golden(&format!("{mode}.png")), golden(&format!("{mode}.rgb")));
            assert_eq!(decode(&found).unwrap().bytes(), expected, "{mode}");
        }
    }

    #[test]
    fn every_jpeg_becomes_pillows_rgb() {
        for mode in ["rgb", "grey", "cmyk", "turned", "progressive", "half", "quarter"] {
            let (found, expected) = (golden(&format!("{mode}.jpg")), golden(&format!("{mode}.jpg.rgb")));
            assert_eq!(decode(&found).unwrap().bytes(), expected, "{mode}");
        }
    }

    #[test]
    fn a_name_does_not_decide() {
        // The content is looked at alone, so there is no name to be wrong.
        assert!(decode(b"GIF89a and so on").unwrap_err().to_string().starts_with("is a GIF file"));
        assert!(decode(b"RIFF\0\0\0\0WEBPVP8 ").unwrap_err().to_string().starts_with("is a WebP file"));
        assert_eq!(decode(b"a text").unwrap_err().to_string(), "is neither a PNG nor a JPEG file");
        assert_eq!(decode(b"").unwrap_err().to_string(), "is empty");
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error() {
        for name in ["rgb.png", "rgb.jpg", "progressive.jpg"] {
            let whole = golden(name);
            // A PNG without its last, empty chunk still has all its pixels.
            let least = if name == "rgb.png" { 16 } else { 1 };
            for missing in (least..whole.len()).step_by(7) {
                assert!(decode(&whole[..whole.len() - missing]).is_err(), "{name} without {missing} bytes");
            }
        }
        let png = golden("rgb.png");
        let error = decode(&png[..png.len() / 2]).unwrap_err().to_string();
        assert_eq!(error, "ends before the picture does");
    }

    #[test]
    fn a_changed_byte_never_panics() {
        for name in ["rgb.png", "palette.png", "rgb.jpg", "progressive.jpg", "cmyk.jpg"] {
            let whole = golden(name);
            for place in 0..whole.len() {
                let mut changed = whole.clone();
                changed[place] ^= 0x55;
                drop(decode(&changed));
            }
        }
    }

    #[test]
    fn how_many_pixels_are_decoded_can_be_said() {
        for (name, most, expected) in
            [("rgb.png", "1", Err(())), ("rgb.jpg", "1", Err(())), ("rgb.png", "4000000000", Ok(()))]
        {
            let most: MaxPixels = serde_json::from_str(most).unwrap();
            let error = decode_within(most, &golden(name)).map(drop).map_err(|error| error.to_string());
            if let Err(message) = &error {
                assert!(message.ends_with("pixels; at most 1 are decoded"), "{message}");
            }
            assert_eq!(error.map_err(drop), expected, "{name}");
        }
        assert!(serde_json::from_str::<MaxPixels>("0").is_err());
    }

    #[test]
    fn a_header_that_claims_any_size_costs_no_memory() {
        let mut png = golden("rgb.png");
        png[16..24].copy_from_slice(&[0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF]);
        // The sum of the chunk is right, so that the size is what is refused.
        let mut sum = flate2::Crc::new();
        sum.update(&png[12..29]);
        png[29..33].copy_from_slice(&sum.sum().to_be_bytes());
        let message = "claims 65535×65535 pixels; at most 89478485 are decoded";
        assert_eq!(decode(&png[..60]).unwrap_err().to_string(), message);
        let mut jpeg = golden("rgb.jpg");
        let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
        jpeg[frame + 5..frame + 9].copy_from_slice(&[0xFD, 0xE8, 0xFD, 0xE8]);
        assert_eq!(decode(&jpeg).unwrap_err().to_string(), message.replace("65535", "65000"));
    }
}
