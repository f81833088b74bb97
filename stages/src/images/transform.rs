//! The transform in front of a net (two-phase weight importance, section 1): resize, to [0, 1], normalise.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Pixels, resize};

/// Resizes to a square without a crop and normalises each channel: `(x / 255 − mean) / std`.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageTransform {
    /// The side of the square in pixels.
    pub size: usize,
    /// What is subtracted from red, green and blue.
    pub mean: [f32; 3],
    /// What red, green and blue are divided by.
    pub std: [f32; 3],
}

/// What is used of `preprocessor_config.json`, as Hugging Face's processors of images write it. They write `null`
/// where nothing was set.
#[derive(Deserialize)]
struct Preprocessor {
    size: Size,
    do_resize: Option<bool>,
    do_normalize: Option<bool>,
    do_rescale: Option<bool>,
    do_center_crop: Option<bool>,
    rescale_factor: Option<f64>,
    resample: Option<u32>,
    image_mean: Option<[f32; 3]>,
    image_std: Option<[f32; 3]>,
}

/// A side, or both.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Size {
    Side(usize),
    Sides {
        height: usize,
        width: usize,
    },
    /// Anything else, such as `shortest_edge`.
    Other(IgnoredAny),
}

const BYTE: f64 = 1.0 / 255.0;
const BILINEAR: u32 = 2;
const HALVES: [f32; 3] = [0.5; 3];

impl ImageTransform {
    /// The usual transform, with mean and deviation 0.5.
    pub fn square(size: usize) -> Self {
        Self { size, mean: HALVES, std: HALVES }
    }

    /// Reads `preprocessor_config.json`. Returns every mistake where it asks for what is not done here.
    pub fn from_json(json: &[u8]) -> Result<Self, Vec<String>> {
        let read: Preprocessor = serde_json::from_slice(json).map_err(|error| vec![error.to_string()])?;
        let (size, what) = match read.size {
            Size::Side(size) => (size, "`size` must be above 0"),
            Size::Sides { height, width } if height == width => (width, "`size` must be above 0"),
            Size::Sides { .. } => (0, "`size` must be a square"),
            // Zero is no size.
            Size::Other(_) => (0, "`size` must be a number of pixels, or have a `height` and a `width`"),
        };
        let is = |flag: Option<bool>| flag.unwrap_or(true);
        let factor = read.rescale_factor.unwrap_or(BYTE);
        let resample = read.resample.unwrap_or(BILINEAR);
        let (mean, std) = (read.image_mean.unwrap_or(HALVES), read.image_std.unwrap_or(HALVES));
        let wrong = [
            (size == 0, what.to_owned()),
            (!is(read.do_resize), "`do_resize` must be true".to_owned()),
            (!is(read.do_rescale), "`do_rescale` must be true".to_owned()),
            (!is(read.do_normalize), "`do_normalize` must be true".to_owned()),
            (read.do_center_crop == Some(true), "`do_center_crop` must be false".to_owned()),
            ((factor * 255.0 - 1.0).abs() > 1e-6, format!("`rescale_factor` must be 1/255, not {factor}")),
            (resample != BILINEAR, format!("`resample` must be 2 (bilinear), not {resample}")),
            (std.iter().any(|std| !std.is_finite() || *std <= 0.0), "`image_std` must be above 0".to_owned()),
            (mean.iter().any(|mean| !mean.is_finite()), "`image_mean` must be finite".to_owned()),
        ];
        let mistakes: Vec<String> = wrong.into_iter().filter_map(|(wrong, what)| wrong.then_some(what)).collect();
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        Ok(Self { size, mean, std })
    }

    /// Writes `preprocessor_config.json`, with a trailing newline.
    pub fn to_json(&self) -> String {
        let json = serde_json::json!({
            "do_normalize": true,
            "do_rescale": true,
            "do_resize": true,
            "image_mean": self.mean,
            "image_processor_type": "ViTImageProcessor",
            "image_std": self.std,
            "resample": 2,
            "rescale_factor": BYTE,
            "size": { "height": self.size, "width": self.size },
        });
        format!("{json:#}\n")
    }

    /// How many numbers [`ImageTransform::apply`] gives.
    pub fn len(&self) -> usize {
        3 * self.size * self.size
    }

    /// Whether it gives nothing.
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// Gives the normalised picture `[3, size, size]`.
    pub fn apply(&self, pixels: &Pixels) -> Vec<f32> {
        let resized = resize(pixels, self.size, self.size);
        let channel = |c: usize| {
            let (mean, std) = (self.mean[c], self.std[c]);
            resized.bytes().iter().skip(c).step_by(3).map(move |&value| (f32::from(value) / 255.0 - mean) / std)
        };
        (0..3).flat_map(channel).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_an_integer_or_both_sides() {
        for size in ["224", r#"{"height": 224, "width": 224}"#] {
            let json = format!(
                r#"{{"size": {size}, "resample": 2, "image_mean": [0.5, 0.5, 0.5], "feature_extractor_type": "x"}}"#
            );
            assert_eq!(ImageTransform::from_json(json.as_bytes()), Ok(ImageTransform::square(224)));
        }
    }

    #[test]
    fn all_that_is_not_done_here_is_named() {
        let json = br#"{"size": {"height": 224, "width": 200}, "resample": 3, "do_center_crop": true, "image_std": [0, 1, 1]}"#;
        assert_eq!(ImageTransform::from_json(json).unwrap_err().len(), 4);
        for size in [r#"{"shortest_edge": 224}"#, "\"224\"", "-1"] {
            let json = format!(r#"{{"size": {size}, "resample": 3}}"#);
            let expected = "`size` must be a number of pixels, or have a `height` and a `width`";
            let mistakes = ImageTransform::from_json(json.as_bytes()).unwrap_err();
            assert_eq!(mistakes, [expected, "`resample` must be 2 (bilinear), not 3"], "{size}");
        }
    }

    #[test]
    fn a_transform_survives_its_file() {
        let transform = ImageTransform { size: 48, mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6] };
        assert_eq!(ImageTransform::from_json(transform.to_json().as_bytes()), Ok(transform));
    }

    #[test]
    fn black_is_minus_one_and_white_is_one() {
        let pixels = Pixels::new(1, 1, vec![0, 255, 51]);
        let values = ImageTransform::square(2).apply(&pixels);
        assert_eq!(values[..8], [-1.0, -1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0]);
        assert!((values[8] + 0.6).abs() < 1e-6);
    }
}
