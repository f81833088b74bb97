//! `plot-images`: a few images of each domain and class, as a figure.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use dgpipe_engine::stage::{Context, In, Out, Ports, StageError, StageType};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figure::{ContactRow, ContactSheet, Dpi, Look, Picture, Width};
use crate::formats::{FigureFiles, ImageFolder, ImageItem};
use crate::images::{ImageError, ImageFile, MaxPixels, OnError, Pixels, Skipped, resize};

/// Settings of `plot-images`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlotImagesConfig {
    /// How many images are drawn of a class in a domain, spread evenly over their names.
    #[serde(default = "one")]
    pub per_class: NonZeroUsize,
    /// Which classes are drawn; all where nothing is said.
    #[serde(default)]
    pub classes: Option<Vec<String>>,
    /// Which domains are drawn; all where nothing is said.
    #[serde(default)]
    pub domains: Option<Vec<String>>,
    /// What happens where a file is no readable picture. Where it is left out, the next one of its class is drawn instead.
    #[serde(default, skip_serializing_if = "OnError::is_fail")]
    pub on_error: OnError,
    /// How many pixels a picture may claim; one that claims more is no readable picture. Decoding takes 3 bytes for each, and up to
    /// 12 where a JPEG is progressive.
    #[serde(default, skip_serializing_if = "MaxPixels::is_usual")]
    pub max_pixels: MaxPixels,
    /// What domains and classes are called in the figure.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    /// Drawn at the top.
    #[serde(default)]
    pub title: Option<String>,
    /// Set below.
    #[serde(default)]
    pub caption: Option<String>,
    /// How wide it is printed.
    #[serde(default = "Width::double")]
    pub width: Width,
    /// Dots an inch of the PNG, and the most of each image.
    #[serde(default)]
    pub dpi: Dpi,
}

fn one() -> NonZeroUsize {
    NonZeroUsize::MIN
}

const IMAGES: In<ImageFolder> = In::new("images");
const FIGURE: Out<FigureFiles> = Out::new("figure");

/// Images of at most so many pixels a side are shown pixel by pixel.
const COARSE: usize = 32;
const QUALITY: u8 = 88;
const INCH: f64 = 25.4;

/// Draws the middle square of each image. A class that is missing in a domain has empty frames.
pub struct PlotImages;

impl StageType for PlotImages {
    type Config = PlotImagesConfig;
    const NAME: &'static str = "plot-images";
    const VERSION: u32 = 2;
    const ABOUT: &'static str = "Draws a few images of each domain and class.";

    fn ports() -> Ports {
        Ports::default().reads(IMAGES).writes(FIGURE)
    }

    fn execute(config: &PlotImagesConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let folder = context.read(IMAGES)?;
        let look = Look {
            title: config.title.as_deref(),
            caption: config.caption.as_deref(),
            width: config.width,
            dpi: config.dpi,
        };
        let mut skipped = Skipped::default();
        let sheet = sheet(config, &folder, look, &mut skipped, context)?;
        if config.on_error == OnError::Skip {
            context.metric("skipped", skipped.len());
        }
        if !skipped.is_empty() {
            context.note(format!("skipped images: {skipped}"));
        }
        context.write(FIGURE, &FigureFiles::of("images", &sheet.draw(look))?)
    }
}

fn sheet(
    config: &PlotImagesConfig,
    folder: &ImageFolder,
    look: Look<'_>,
    skipped: &mut Skipped,
    context: &Context<'_>,
) -> Result<ContactSheet, StageError> {
    let classes = chosen("classes", &folder.classes, config.classes.as_deref())?;
    let domains = chosen("domains", &folder.domains, config.domains.as_deref())?;
    // A folder without domains has one row without a name.
    let domains: Vec<Option<String>> =
        if domains.is_empty() { vec![None] } else { domains.into_iter().map(Some).collect() };
    let named = |name: &String| config.names.get(name).cloned().unwrap_or_else(|| name.clone());
    let rows = domains
        .iter()
        .map(|domain| ContactRow { name: domain.as_ref().map_or(String::new(), &named), places: Vec::new() });
    let mut sheet = ContactSheet {
        columns: classes.iter().map(named).collect(),
        deep: config.per_class.get(),
        rows: rows.collect(),
        notes: Vec::new(),
    };
    let pixels = (sheet.side(look) / INCH * f64::from(config.dpi.get())).ceil() as usize;
    for (row, domain) in sheet.rows.iter_mut().zip(&domains) {
        for class in &classes {
            context.stop_if_cancelled()?;
            let items: Vec<&ImageItem> =
                folder.items.iter().filter(|item| item.domain == *domain && item.class == *class).collect();
            row.places.push(pictures(config, &items, pixels, skipped)?);
        }
    }
    Ok(sheet)
}

/// The pictures of a class in a domain. In the place of one that cannot be decoded stands the next that can, in the order
/// of the names and beginning again at the first, and none that has a place of its own.
fn pictures(
    config: &PlotImagesConfig,
    items: &[&ImageItem],
    most: usize,
    skipped: &mut Skipped,
) -> Result<Vec<Picture>, StageError> {
    let chosen: Vec<usize> = spread(items.len(), config.per_class.get()).collect();
    let mut taken: BTreeSet<usize> = chosen.iter().copied().collect();
    let mut pictures = Vec::new();
    for mut index in chosen {
        loop {
            match (square(items[index], config.max_pixels)?, config.on_error) {
                (Ok(square), _) => {
                    pictures.push(picture(items[index], square, most)?);
                    break;
                }
                (Err(error), OnError::Fail) => return Err(error.into_failure()),
                (Err(error), OnError::Skip) => skipped.add(error),
            }
            let Some(next) = (index + 1..items.len()).chain(0..index).find(|next| !taken.contains(next)) else {
                break;
            };
            taken.insert(next);
            index = next;
        }
    }
    Ok(pictures)
}

/// The names asked for, or all, in their own order.
fn chosen(field: &str, all: &[String], wanted: Option<&[String]>) -> Result<Vec<String>, StageError> {
    let Some(wanted) = wanted else {
        return Ok(all.to_vec());
    };
    match wanted.iter().find(|name| !all.contains(name)) {
        Some(unknown) => {
            Err(StageError::new(format!("`{field}` names `{unknown}`, but there are [{}]", all.join(", ")))
                .hint(format!("correct `{field}`, or leave it out to draw all")))
        }
        None => Ok(wanted.to_vec()),
    }
}

/// `wanted` of `count` indices, evenly spread; all where there are fewer.
fn spread(count: usize, wanted: usize) -> impl Iterator<Item = usize> {
    let wanted = wanted.min(count);
    (0..wanted).map(move |index| (2 * index + 1) * count / (2 * wanted))
}

/// The middle of a picture, or what is wrong with it. A file that cannot be read at all is a failure in any case.
fn square(item: &ImageItem, most: MaxPixels) -> Result<Result<Pixels, ImageError>, StageError> {
    Ok(ImageFile::read(item)?.pixels(most).map(|pixels| middle_square(&pixels)))
}

fn picture(item: &ImageItem, square: Pixels, most: usize) -> Result<Picture, StageError> {
    let is_coarse = square.width() <= COARSE;
    let square = if square.width() > most { resize(&square, most, most) } else { square };
    let side = square.width() as u32;
    let mut bytes = Vec::new();
    if is_coarse {
        PngEncoder::new(&mut bytes).write_image(square.bytes(), side, side, ExtendedColorType::Rgb8)
    } else {
        JpegEncoder::new_with_quality(&mut bytes, QUALITY).write_image(
            square.bytes(),
            side,
            side,
            ExtendedColorType::Rgb8,
        )
    }
    .map_err(|error| StageError::new(format!("`{}` cannot be encoded: {error}", item.path())))?;
    Ok(Picture { bytes, is_coarse })
}

fn middle_square(pixels: &Pixels) -> Pixels {
    let side = pixels.width().min(pixels.height());
    let (left, top) = ((pixels.width() - side) / 2, (pixels.height() - side) / 2);
    let rows = (top..top + side).flat_map(|row| {
        let start = 3 * (row * pixels.width() + left);
        &pixels.bytes()[start..start + 3 * side]
    });
    Pixels::new(side, side, rows.copied().collect())
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::stage::{Solo, SoloResult};

    use super::*;

    fn execute(folder: &tempfile::TempDir, text: &str) -> Result<SoloResult, StageError> {
        let config = serde_json::from_str(text).unwrap();
        Solo::new(folder.path().join("out"))
            .input("images", folder.path().join("images"))
            .execute::<PlotImages>(&config)
    }

    fn put(folder: &tempfile::TempDir, path: &str, (width, height): (u32, u32)) {
        let path = folder.path().join("images").join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        image::RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 0])).save(path).unwrap();
    }

    #[test]
    fn indices_are_spread_over_the_names() {
        assert_eq!(spread(10, 2).collect::<Vec<_>>(), [2, 7]);
        assert_eq!(spread(2, 5).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(spread(0, 3).count(), 0);
    }

    #[test]
    fn every_domain_and_class_has_its_images_and_what_is_missing_is_a_frame() {
        let folder = tempfile::tempdir().unwrap();
        put(&folder, "photo/cat/1.png", (200, 100));
        put(&folder, "photo/dog/1.png", (8, 8));
        put(&folder, "sketch/cat/1.png", (9, 30));
        let result = execute(&folder, r#"{"names": {"cat": "Cat"}}"#).unwrap();
        let svg = fs_err::read_to_string(result.outputs["figure"].join("images.svg")).unwrap();
        assert_eq!((svg.matches("data:image/jpeg").count(), svg.matches("data:image/png").count()), (1, 2));
        assert!(svg.contains(">Cat<") && svg.contains(">sketch<"));
        assert!(result.outputs["figure"].join("images.pdf").exists());
    }

    #[test]
    fn names_that_are_not_there_and_files_that_are_no_images_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        put(&folder, "photo/cat/1.png", (8, 8));
        let error = execute(&folder, r#"{"classes": ["dog"]}"#).unwrap_err().to_string();
        assert_eq!(error, "`classes` names `dog`, but there are [cat]");
        fs_err::write(folder.path().join("images/photo/cat/0.png"), b"no picture").unwrap();
        let error = execute(&folder, r#"{"per_class": 2}"#).unwrap_err().to_string();
        assert_eq!(error, "`photo/cat/0.png` is neither a PNG nor a JPEG file");
    }

    #[test]
    fn the_next_readable_image_stands_for_one_that_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        // Of six names, the second and the fifth are drawn; the fifth and the last cannot be decoded.
        for (number, side) in [(0, 40), (1, 41), (2, 42), (3, 43)] {
            put(&folder, &format!("photo/cat/{number}.png"), (side, side));
        }
        for number in [4, 5] {
            fs_err::write(folder.path().join(format!("images/photo/cat/{number}.png")), b"no picture").unwrap();
        }
        let drawn = |text: &str| {
            let result = execute(&folder, text).unwrap();
            let svg = fs_err::read_to_string(result.outputs["figure"].join("images.svg")).unwrap();
            fs_err::remove_dir_all(folder.path().join("out")).unwrap();
            (svg.matches("data:image/").count(), result)
        };
        assert_eq!(spread(6, 2).collect::<Vec<_>>(), [1, 4]);
        let (pictures, result) = drawn(r#"{"per_class": 2, "on_error": "skip"}"#);
        assert_eq!((pictures, &result.metrics["skipped"]), (2, &2_usize.into()));
        let what = "is neither a PNG nor a JPEG file";
        let note = format!("skipped images: `photo/cat/4.png` {what}; `photo/cat/5.png` {what}");
        assert_eq!(result.notes, [note]);
        // Where too few can be decoded, a frame stays empty and no picture is drawn twice.
        assert_eq!(drawn(r#"{"per_class": 6, "on_error": "skip"}"#).0, 4);
    }
}
