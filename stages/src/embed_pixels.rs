//! `embed-pixels`: the pixels of images themselves as embeddings, where no backbone is wanted.

use std::num::NonZeroUsize;

use dgpipe_engine::stage::{Context, In, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::formats::{Embeddings, ImageFolder};
use crate::images::{Embedding, MaxPixels, OnError, Pixels, class_list, resize};

/// What of a pixel is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PixelColor {
    /// Its brightness (ITU-R 601-2).
    #[default]
    Grey,
    /// Red, green and blue.
    Rgb,
}

/// How `embed-pixels` embeds.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmbedPixelsConfig {
    /// The side in pixels to which images are resized.
    pub size: NonZeroUsize,
    /// What of a pixel is kept. A vector is `size²` long with `grey`, `3 · size²` with `rgb` (red, green, blue of each pixel).
    #[serde(default)]
    pub color: PixelColor,
    /// The classes in the order of their labels. Without it: the folders of classes found, in alphabetical order. Needed
    /// where the images are one domain of several and a class may be missing in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
    /// What happens where a file is no readable picture.
    #[serde(default, skip_serializing_if = "OnError::is_fail")]
    pub on_error: OnError,
    /// How many pixels a picture may claim; one that claims more is no readable picture. Decoding takes 3 bytes for each, and up to
    /// 12 where a JPEG is progressive.
    #[serde(default, skip_serializing_if = "MaxPixels::is_usual")]
    pub max_pixels: MaxPixels,
}

const IMAGES: In<ImageFolder> = In::new("images");
const EMBEDDINGS: Out<Embeddings> = Out::new("embeddings");

/// How many images are read between two looks at whether to stop.
const BATCH: NonZeroUsize = NonZeroUsize::new(256).expect("256 is not 0");

/// The largest side of an image, which then takes 201 MB as a vector of colours.
const LARGEST: NonZeroUsize = NonZeroUsize::new(4096).expect("4096 is not 0");

/// See the module's documentation.
pub struct EmbedPixels;

impl StageType for EmbedPixels {
    type Config = EmbedPixelsConfig;
    const NAME: &'static str = "embed-pixels";
    const VERSION: u32 = 3;
    const ABOUT: &'static str = "Embeds images as their pixels, row by row, in [-1, 1].";

    fn ports() -> Ports {
        Ports::default().reads(IMAGES).writes(EMBEDDINGS)
    }

    fn execute(config: &EmbedPixelsConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let images = context.read(IMAGES)?;
        let classes = class_list(&images, config.classes.as_deref())?;
        let embedding = Embedding {
            width: config.width()?,
            at_once: BATCH,
            on_error: config.on_error,
            max_pixels: config.max_pixels,
            prepare: |pixels: &Pixels| flatten(config, pixels),
            embed: |vectors: Vec<Vec<f32>>| vectors.concat(),
        };
        // The usual limit says nothing, so that rows of former versions stay.
        let rows = if config.max_pixels.is_usual() {
            context.items(IMAGES, &(config.size, config.color))?
        } else {
            context.items(IMAGES, &(config.size, config.color, config.max_pixels))?
        };
        let embedded = embedding.run(images, &context.output(EMBEDDINGS)?, rows, context)?;
        context.metric("images", embedded.images.items.len());
        context.metric("width", embedding.width);
        embedded.label(&classes)
    }
}

impl EmbedPixelsConfig {
    /// The length of a vector. A size that no memory holds is refused before anything is allocated.
    fn width(&self) -> Result<usize, StageError> {
        let (size, values) = match self.color {
            PixelColor::Grey => (self.size, 1),
            PixelColor::Rgb => (self.size, 3),
        };
        if size > LARGEST {
            return Err(StageError::new(format!("`size` {size} is too large; at most {LARGEST} are taken")));
        }
        Ok(values * size.get() * size.get())
    }
}

/// `(x / 255 − 0.5) / 0.5` of every value.
fn flatten(config: &EmbedPixelsConfig, pixels: &Pixels) -> Vec<f32> {
    let resized = resize(pixels, config.size.get(), config.size.get());
    let bytes = match config.color {
        PixelColor::Grey => resized.grey(),
        PixelColor::Rgb => resized.bytes().to_vec(),
    };
    bytes.into_iter().map(|value| (f32::from(value) / 255.0 - 0.5) / 0.5).collect()
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::stage::{Format, Solo, View};

    use super::*;

    #[test]
    fn a_size_that_no_memory_holds_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let class = folder.path().join("images/dog");
        fs_err::create_dir_all(&class).unwrap();
        fs_err::write(class.join("1.png"), b"").unwrap();
        let size = NonZeroUsize::MAX;
        let config: EmbedPixelsConfig =
            serde_json::from_value(serde_json::json!({ "size": size, "color": "rgb" })).unwrap();
        let solo = Solo::new(folder.path().join("out")).input("images", folder.path().join("images"));
        let error = solo.execute::<EmbedPixels>(&config).unwrap_err().to_string();
        assert_eq!(error, format!("`size` {size} is too large; at most 4096 are taken"));
    }

    #[test]
    fn vectors_are_pixels_between_minus_one_and_one() {
        let folder = tempfile::tempdir().unwrap();
        let class = folder.path().join("images/dog");
        fs_err::create_dir_all(&class).unwrap();
        image::RgbImage::from_raw(2, 1, vec![255, 255, 255, 255, 0, 0]).unwrap().save(class.join("1.png")).unwrap();
        let embed = |color| {
            let config = EmbedPixelsConfig {
                size: NonZeroUsize::new(2).unwrap(),
                color,
                classes: None,
                on_error: OnError::Fail,
                max_pixels: MaxPixels::default(),
            };
            let solo = Solo::new(folder.path().join("out")).input("images", folder.path().join("images"));
            let result = solo.execute::<EmbedPixels>(&config).unwrap();
            let found = Embeddings::read(&View::disk(&result.outputs["embeddings"])).unwrap();
            fs_err::remove_dir_all(folder.path().join("out")).unwrap();
            found.vectors.row(0).to_vec()
        };
        assert_eq!(embed(PixelColor::Rgb), [1.0, 1.0, 1.0, 1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0, -1.0, -1.0]);
        let red = (76.0_f32 / 255.0 - 0.5) / 0.5;
        assert_eq!(embed(PixelColor::Grey), [1.0, red, 1.0, red]);
    }
}
