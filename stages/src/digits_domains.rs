//! `digits-domains`: real handwritten digits as an image folder whose domains are angles
//! (two-phase weight importance, section 2).
//!
//! Each digit belongs to one domain, so that no domain shows the digits of another under a new angle.

use std::io::Read;
use std::path::Path;

use dgpipe_engine::stage::{Context, FormatError, In, Out, Ports, RawFile, StageError, StageType};
use flate2::read::MultiGzDecoder;
use image::{GrayImage, ImageEncoder, codecs::png::PngEncoder};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::formats::ImageFolder;
use crate::images::{Pixels, resize};
use crate::random::Random;

/// How `digits-domains` deals out the digits.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DigitsDomainsConfig {
    /// Seed of the shuffle that deals digits to domains.
    pub seed: u64,
    /// Name of the shuffle's random numbers.
    #[serde(default = "default_stream")]
    pub stream: String,
    /// Degrees of rotation, counter-clockwise: one domain each, such as `deg_15`.
    #[serde(default = "default_angles")]
    pub angles: Vec<f64>,
    /// The side of the images in pixels; the digits are 8 pixels wide and enlarged.
    #[serde(default = "default_size")]
    pub size: u8,
}

fn default_stream() -> String {
    "digits".to_owned()
}

fn default_angles() -> Vec<f64> {
    vec![0.0, 15.0, 30.0, 45.0, 60.0]
}

fn default_size() -> u8 {
    16
}

const DIGITS: In<RawFile> = In::new("digits");
const IMAGES: Out<ImageFolder> = Out::new("images");

/// The side of a digit in the file.
const SIDE: usize = 8;
/// The largest value of a pixel in the file.
const BRIGHTEST: u8 = 16;

/// One line of the file.
struct Digit {
    /// Brightness, 0–255, `SIDE` rows of `SIDE`.
    pixels: Vec<u8>,
    label: u8,
}

/// See the module's documentation.
pub struct DigitsDomains;

impl StageType for DigitsDomains {
    type Config = DigitsDomainsConfig;
    const NAME: &'static str = "digits-domains";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Deals handwritten digits out to domains that rotate them by differing angles.";

    fn ports() -> Ports {
        Ports::default().reads(DIGITS).writes(IMAGES)
    }

    fn execute(config: &DigitsDomainsConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let domains = domain_names(config)?;
        let RawFile(file) = context.read(DIGITS)?;
        let digits = parse(file.label(), &file.bytes()?)?;
        let mut order: Vec<usize> = (0..digits.len()).collect();
        Random::new(config.seed, &config.stream, "domains", 0).shuffle(&mut order);
        let root = context.output(IMAGES)?;
        for (place, domain) in domains.iter().enumerate() {
            context.stop_if_cancelled()?;
            let members: Vec<usize> = order.iter().copied().skip(place).step_by(domains.len()).collect();
            write_domain(&root.join(domain), config, config.angles[place], &digits, &members)?;
            context.progress(place as u64 + 1, domains.len() as u64, "domains");
            context.metric(format!("images_{domain}"), members.len());
        }
        context.metric("images", digits.len());
        Ok(())
    }
}

/// A folder name per angle, such as `deg_00` and `deg_7.5`.
fn domain_names(config: &DigitsDomainsConfig) -> Result<Vec<String>, StageError> {
    let names: Vec<String> = config.angles.iter().map(|angle| format!("deg_{angle:02}")).collect();
    if names.is_empty() || config.size == 0 || config.angles.iter().any(|angle| !angle.is_finite()) {
        return Err(StageError::new("`angles` needs at least one finite angle, and `size` must be above 0"));
    }
    match names.iter().enumerate().find(|(place, name)| names[..*place].contains(name)) {
        Some((_, name)) => Err(StageError::new(format!("`angles` has `{name}` twice"))),
        None => Ok(names),
    }
}

/// Reads lines of 64 values from 0 to 16 and a label from 0 to 9, gzipped or not.
fn parse(place: &str, bytes: &[u8]) -> Result<Vec<Digit>, FormatError> {
    let mut text = Vec::new();
    if bytes.starts_with(&[0x1F, 0x8B]) {
        MultiGzDecoder::new(bytes).read_to_end(&mut text)?;
    } else {
        text.extend_from_slice(bytes);
    }
    let mut lines = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_slice());
    let digit = |(index, record): (usize, csv::Result<csv::StringRecord>)| {
        let wrong = || {
            let what = format!("expected {} values from 0 to {BRIGHTEST} and a label from 0 to 9", SIDE * SIDE);
            FormatError::content(format!("{place}:{}", index + 1), what)
        };
        let record = record.map_err(|_| wrong())?;
        let values: Vec<u8> =
            record.iter().map(|field| field.trim().parse().map_err(|_| wrong())).collect::<Result<_, _>>()?;
        match values.split_last() {
            Some((&label, pixels))
                if pixels.len() == SIDE * SIDE && label < 10 && pixels.iter().all(|value| *value <= BRIGHTEST) =>
            {
                let bright = |value: &u8| ((u32::from(*value) * 255 + 8) / u32::from(BRIGHTEST)) as u8;
                Ok(Digit { pixels: pixels.iter().map(bright).collect(), label })
            }
            _ => Err(wrong()),
        }
    };
    let digits = lines.records().enumerate().map(digit).collect::<Result<Vec<_>, _>>()?;
    if digits.is_empty() { Err(FormatError::content(place, "there are no digits")) } else { Ok(digits) }
}

/// Writes one domain: a folder a label, files named by the digit's line.
fn write_domain(
    folder: &Path,
    config: &DigitsDomainsConfig,
    angle: f64,
    digits: &[Digit],
    members: &[usize],
) -> Result<(), StageError> {
    for label in 0..10 {
        fs_err::create_dir_all(folder.join(label.to_string()))?;
    }
    members.par_iter().try_for_each(|&index| {
        let digit = &digits[index];
        let side = usize::from(config.size);
        let image = rotate(&enlarge(&digit.pixels, side), side, angle);
        let mut png = Vec::new();
        let encoder = PngEncoder::new(&mut png);
        let size = u32::from(config.size);
        encoder.write_image(
            GrayImage::from_raw(size, size, image).expect("one byte a pixel").as_raw(),
            size,
            size,
            image::ExtendedColorType::L8,
        )?;
        let name = format!("digit_{:04}.png", index + 1);
        Ok(fs_err::write(folder.join(digit.label.to_string()).join(name), png)?)
    })
}

/// Enlarges a digit as images are resized everywhere.
fn enlarge(pixels: &[u8], side: usize) -> Vec<u8> {
    let colours = pixels.iter().flat_map(|value| [*value; 3]).collect();
    resize(&Pixels::new(SIDE, SIDE, colours), side, side).bytes().iter().copied().step_by(3).collect()
}

/// Turns a square counter-clockwise about its centre, bilinear; black comes in from outside.
fn rotate(pixels: &[u8], side: usize, degrees: f64) -> Vec<u8> {
    if degrees == 0.0 {
        return pixels.to_vec();
    }
    let (sin, cos) = degrees.to_radians().sin_cos();
    let centre = (side as f64 - 1.0) / 2.0;
    let at = |column: i64, row: i64| {
        let inside = (0..side as i64).contains(&column) && (0..side as i64).contains(&row);
        if inside { f64::from(pixels[row as usize * side + column as usize]) } else { 0.0 }
    };
    let sample = |index: usize| {
        let (dx, dy) = ((index % side) as f64 - centre, (index / side) as f64 - centre);
        // Rows grow downwards, so this is where a counter-clockwise turn takes its pixel from.
        let (x, y) = (cos * dx - sin * dy + centre, sin * dx + cos * dy + centre);
        let (left, top) = (x.floor(), y.floor());
        let (right_share, low_share) = (x - left, y - top);
        let (column, row) = (left as i64, top as i64);
        let upper = at(column, row) * (1.0 - right_share) + at(column + 1, row) * right_share;
        let lower = at(column, row + 1) * (1.0 - right_share) + at(column + 1, row + 1) * right_share;
        (upper * (1.0 - low_share) + lower * low_share).round() as u8
    };
    (0..side * side).map(sample).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use dgpipe_engine::stage::{Format, Solo, View};

    use super::*;

    fn source() -> String {
        format!("{}/../pipelines/data/optdigits/digits.csv.gz", env!("CARGO_MANIFEST_DIR"))
    }

    fn config() -> DigitsDomainsConfig {
        serde_json::from_str(r#"{"seed": 1}"#).unwrap()
    }

    #[test]
    fn no_digit_occurs_in_two_domains_and_none_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let result = Solo::new(folder.path()).input("digits", source()).execute::<DigitsDomains>(&config()).unwrap();
        let images = ImageFolder::read(&View::disk(&result.outputs["images"])).unwrap();
        assert_eq!(images.domains, ["deg_00", "deg_15", "deg_30", "deg_45", "deg_60"]);
        assert_eq!(images.classes.len(), 10);
        assert_eq!(images.items.len(), 1797);
        let names: BTreeSet<&String> = images.items.iter().map(|item| &item.name).collect();
        assert_eq!(names.len(), 1797, "a digit keeps its name whatever its domain");
        let of = |domain: &str| images.items.iter().filter(|item| item.domain.as_deref() == Some(domain)).count();
        assert_eq!(images.domains.iter().map(|domain| of(domain)).collect::<Vec<_>>(), [360, 360, 359, 359, 359]);
    }

    #[test]
    fn a_quarter_turn_goes_counter_clockwise() {
        let pixels = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        assert_eq!(rotate(&pixels, 3, 90.0), [3, 6, 9, 2, 5, 8, 1, 4, 7]);
        assert_eq!(rotate(&pixels, 3, 0.0), pixels);
    }

    #[test]
    fn a_bad_line_is_named() {
        let line = |value: &str| format!("{}{value}", "0,".repeat(64));
        for bad in [line("10"), line("x"), "1,2".to_owned(), line("1").replacen('0', "17", 1), line("-1")] {
            let error = parse("digits.csv", format!("{}\n{bad}\n", line("3")).as_bytes()).err().unwrap();
            assert!(error.to_string().starts_with("digits.csv:2: expected 64 values"), "{error}");
        }
        assert!(parse("digits.csv", b"").is_err());
    }

    #[test]
    fn angles_must_differ() {
        let config = DigitsDomainsConfig { angles: vec![15.0, 0.0, 15.0], ..config() };
        assert!(domain_names(&config).unwrap_err().to_string().contains("`deg_15` twice"));
    }
}
