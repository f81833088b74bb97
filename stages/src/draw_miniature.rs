//! `draw-miniature`: a drawn stand-in for PACS, with its domains, classes and imbalance, where nothing can be downloaded.

use std::num::NonZeroU32;
use std::path::Path;

use dgpipe_engine::stage::{Context, Out, Ports, StageError, StageType};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::drawing::{MAX_SIZE, SUBJECTS_PACS, SUBJECTS_PRETRAINING, Style, Subject, draw, encode};
use crate::formats::ImageFolder;
use crate::images::pacs_count;

/// Which objects are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectSet {
    /// The seven classes of PACS.
    #[default]
    Pacs,
    /// Ten other objects, to pretrain a backbone on.
    Pretraining,
}

impl SubjectSet {
    fn subjects(self) -> &'static [Subject] {
        match self {
            Self::Pacs => &SUBJECTS_PACS,
            Self::Pretraining => &SUBJECTS_PRETRAINING,
        }
    }
}

/// A manner of drawing, which is a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DrawnDomain {
    /// Brush strokes.
    ArtPainting,
    /// Flat colours inside dark outlines.
    Cartoon,
    /// Light, shadow and grain.
    Photo,
    /// Thin lines on white paper.
    Sketch,
}

impl DrawnDomain {
    fn style(self) -> Style {
        match self {
            Self::ArtPainting => Style::ArtPainting,
            Self::Cartoon => Style::Cartoon,
            Self::Photo => Style::Photo,
            Self::Sketch => Style::Sketch,
        }
    }
}

/// What `draw-miniature` is told.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// Seed of all drawings.
    seed: u64,
    /// Which objects.
    #[serde(default)]
    set: SubjectSet,
    /// The domains.
    #[serde(default = "all_styles")]
    styles: Vec<DrawnDomain>,
    /// The share of PACS's images of each domain and class, which keeps its imbalance: rounded to the nearest number (halves
    /// up), at least 1. 0.1 where neither this nor `per_class` is given.
    scale: Option<f64>,
    /// The number of images of each domain and class, instead of `scale`.
    per_class: Option<NonZeroU32>,
    /// The side of the images in pixels.
    #[serde(default = "default_size")]
    size: u32,
}

fn all_styles() -> Vec<DrawnDomain> {
    vec![DrawnDomain::ArtPainting, DrawnDomain::Cartoon, DrawnDomain::Photo, DrawnDomain::Sketch]
}

fn default_size() -> u32 {
    64
}

/// What `draw-miniature` draws. Either `scale` or `per_class` is there.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct DrawMiniatureConfig(Fields);

impl From<DrawMiniatureConfig> for Fields {
    fn from(config: DrawMiniatureConfig) -> Self {
        config.0
    }
}

impl TryFrom<Fields> for DrawMiniatureConfig {
    type Error = String;

    fn try_from(mut fields: Fields) -> Result<Self, String> {
        let Fields { set, scale, per_class, size, .. } = fields;
        let scale = match (scale, per_class) {
            (Some(_), Some(_)) => {
                return Err("`scale` and `per_class` exclude each other".to_owned());
            }
            (None, Some(_)) => None,
            _ if set == SubjectSet::Pretraining => {
                return Err("`set: pretraining` needs `per_class`; PACS has no counts of its objects".to_owned());
            }
            (scale, None) => Some(scale.unwrap_or(0.1)),
        };
        if scale.is_some_and(|scale| !(scale > 0.0 && scale <= 10.0)) {
            return Err("`scale` must be above 0 and at most 10".to_owned());
        }
        if !(1..=MAX_SIZE).contains(&size) {
            return Err(format!("`size` must be between 1 and {MAX_SIZE}"));
        }
        let styles = &fields.styles;
        if styles.is_empty() || (1..styles.len()).any(|place| styles[..place].contains(&styles[place])) {
            return Err("`styles` needs at least one style, and each only once".to_owned());
        }
        fields.scale = scale;
        Ok(Self(fields))
    }
}

impl Fields {
    /// How many images of a class a domain gets.
    fn count(&self, style: Style, subject: &Subject) -> u32 {
        let Some(scale) = self.scale else {
            return self.per_class.map_or(1, NonZeroU32::get);
        };
        let published = pacs_count(style.name(), subject.name()).expect("a scale goes with the classes of PACS");
        ((published as f64 * scale + 0.5).floor() as u32).max(1)
    }

    /// Every image there is to draw: its style, its subject and its number from 0.
    fn drawings(&self) -> Vec<(Style, &'static Subject, u32)> {
        let mut drawings = Vec::new();
        for style in self.styles.iter().map(|domain| domain.style()) {
            for subject in self.set.subjects() {
                drawings.extend((0..self.count(style, subject)).map(|index| (style, subject, index)));
            }
        }
        drawings
    }
}

const IMAGES: Out<ImageFolder> = Out::new("images");

/// How many images are drawn between two looks at whether to stop.
const BATCH: usize = 64;

/// See the module's documentation.
pub struct DrawMiniature;

impl StageType for DrawMiniature {
    type Config = DrawMiniatureConfig;
    const NAME: &'static str = "draw-miniature";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Draws a small stand-in for PACS: four styles of seven objects, or of ten others.";

    fn ports() -> Ports {
        Ports::default().writes(IMAGES)
    }

    fn execute(DrawMiniatureConfig(config): &DrawMiniatureConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let root = context.output(IMAGES)?;
        for domain in &config.styles {
            for subject in config.set.subjects() {
                fs_err::create_dir_all(root.join(domain.style().name()).join(subject.name()))?;
            }
        }
        let drawings = config.drawings();
        let mut done = 0;
        for batch in drawings.chunks(BATCH) {
            context.stop_if_cancelled()?;
            batch.par_iter().try_for_each(|&(style, subject, index)| write(config, &root, style, subject, index))?;
            done += batch.len();
            context.progress(done as u64, drawings.len() as u64, "images");
        }
        context.metric("images", drawings.len());
        Ok(())
    }
}

/// Draws one image to `<domain>/<class>/pic_0001.jpg`.
fn write(config: &Fields, root: &Path, style: Style, subject: &Subject, index: u32) -> Result<(), StageError> {
    let bytes = encode(style, &draw(subject, style, config.seed, index, config.size))?;
    let name = format!("pic_{:04}.{}", index + 1, style.extension());
    Ok(fs_err::write(root.join(style.name()).join(subject.name()).join(name), bytes)?)
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::stage::{Digest, Format, Solo, View};

    use super::*;

    fn config(json: &str) -> Result<DrawMiniatureConfig, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    fn images(json: &str) -> (tempfile::TempDir, ImageFolder) {
        let folder = tempfile::tempdir().unwrap();
        let result = Solo::new(folder.path()).execute::<DrawMiniature>(&config(json).unwrap()).unwrap();
        let images = ImageFolder::read(&View::disk(&result.outputs["images"])).unwrap();
        (folder, images)
    }

    #[test]
    fn a_scale_keeps_the_imbalance_of_pacs() {
        let DrawMiniatureConfig(config) = config(r#"{"seed": 7}"#).unwrap();
        let count = |style: Style, class: usize| config.count(style, &SUBJECTS_PACS[class]);
        assert_eq!(count(Style::Sketch, 5), 8);
        assert_eq!(count(Style::Photo, 0), 19);
        assert_eq!(count(Style::ArtPainting, 1), 26, "255 · 0.1 = 25.5 is rounded up");
        assert_eq!(config.drawings().len(), 1002);
        let tiny = Fields { scale: Some(0.001), ..config };
        assert_eq!(tiny.count(Style::Sketch, &SUBJECTS_PACS[5]), 1);
    }

    #[test]
    fn the_folder_has_a_level_of_domains_even_with_one_style() {
        let (_folder, images) =
            images(r#"{"seed": 1, "set": "pretraining", "styles": ["photo"], "per_class": 1, "size": 16}"#);
        assert_eq!(images.domains, ["photo"]);
        assert_eq!(images.classes.len(), 10);
        assert_eq!(images.items[0].path(), "photo/bicycle/pic_0001.jpg");
    }

    #[test]
    fn the_number_of_threads_changes_no_byte() {
        let json = r#"{"seed": 3, "scale": 0.004, "size": 24}"#;
        let digests = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let (_folder, images) = images(json);
                let digest =
                    |item: &crate::formats::ImageItem| Digest::of(&item.view().unwrap().bytes().unwrap()).to_string();
                images.items.iter().map(|item| (item.path(), digest(item))).collect::<Vec<_>>()
            })
        };
        assert_eq!(digests(1), digests(4));
    }

    #[test]
    fn settings_that_exclude_each_other_are_refused() {
        for (json, expected) in [
            (r#"{"seed": 1, "scale": 0.1, "per_class": 2}"#, "exclude each other"),
            (r#"{"seed": 1, "set": "pretraining"}"#, "needs `per_class`"),
            (r#"{"seed": 1, "scale": 0}"#, "`scale` must be above 0"),
            (r#"{"seed": 1, "size": 0}"#, "`size` must be between"),
            (r#"{"seed": 1, "styles": ["photo", "photo"]}"#, "each only once"),
            (r#"{"seed": 1, "per_class": 0}"#, "nonzero"),
            (r#"{"seed": 1, "speed": 0}"#, "unknown field"),
        ] {
            let error = config(json).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
