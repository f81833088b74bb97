//! `inspect-images`: what an image folder holds: counts, sizes, and the files that cannot be read.

use std::collections::BTreeMap;
use std::path::Path;

use dgpipe_engine::stage::{Context, In, Out, Ports, RawFolder, StageError, StageType};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::formats::{ImageFolder, ImageItem};
use crate::images::{Counter, DecodeError, MaxPixels, PACS_CLASSES, PACS_COUNTS, decode_within};

/// A collection whose counts are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KnownCollection {
    /// PACS, 9,991 images.
    Pacs,
}

/// What `inspect-images` compares and says.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InspectImagesConfig {
    /// Warns where the counts differ from those published for this collection.
    #[serde(default)]
    pub expect: Option<KnownCollection>,
    /// The first line of `summary.md`.
    #[serde(default)]
    pub caption: Option<String>,
    /// How many pixels a picture may claim; one that claims more is no readable picture. Decoding takes 3 bytes for each, and up to
    /// 12 where a JPEG is progressive.
    #[serde(default, skip_serializing_if = "MaxPixels::is_usual")]
    pub max_pixels: MaxPixels,
}

const IMAGES: In<ImageFolder> = In::new("images");
const TABLE: Out<RawFolder> = Out::new("table");

/// How many files are read between two looks at whether to stop.
const BATCH: usize = 256;

/// See the module's documentation.
pub struct InspectImages;

impl StageType for InspectImages {
    type Config = InspectImagesConfig;
    const NAME: &'static str = "inspect-images";
    const VERSION: u32 = 2;
    const ABOUT: &'static str =
        "Counts images by domain and class, measures them, and lists the files that cannot be read.";

    fn ports() -> Ports {
        Ports::default().reads(IMAGES).writes(TABLE)
    }

    fn execute(config: &InspectImagesConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let images = context.read(IMAGES)?;
        let inspection = Inspection::new(&images, config.max_pixels, context)?;
        let differences = match config.expect {
            Some(KnownCollection::Pacs) => inspection.differences_from_pacs(),
            None => Vec::new(),
        };
        for difference in &differences {
            context.note(difference.as_str());
        }
        if !inspection.problems.is_empty() {
            context.note(format!("{} files cannot be read; `problems.csv` names them", inspection.problems.len()));
        }
        context.metric("images", inspection.readable());
        context.metric("corrupt", inspection.problems.len());
        context.metric("classes", images.classes.len());
        context.metric("domains", images.domains.len());
        let folder = context.output(TABLE)?;
        fs_err::create_dir_all(&folder)?;
        inspection.write(&folder, config.caption.as_deref(), &differences)
    }
}

/// Pictures of one domain, class and size.
type Group = (String, String, usize, usize);

/// What was found.
struct Inspection {
    domains: Vec<String>,
    classes: Vec<String>,
    groups: BTreeMap<Group, usize>,
    /// Path and reason of each file that cannot be read.
    problems: Vec<(String, String)>,
}

impl Inspection {
    /// Reads every file.
    fn new(images: &ImageFolder, most: MaxPixels, context: &Context<'_>) -> Result<Self, StageError> {
        // Without a level of domains there is one, without a name.
        let domains = if images.domains.is_empty() { vec![String::new()] } else { images.domains.clone() };
        let classes = images.classes.clone();
        let mut found = Self { domains, classes, groups: BTreeMap::new(), problems: Vec::new() };
        let counter = Counter::new(context, images.items.len());
        for batch in images.items.chunks(BATCH) {
            context.stop_if_cancelled()?;
            let measured: Vec<_> = batch
                .par_iter()
                .map(|item| {
                    let size = measure(item, most);
                    counter.add_one();
                    size
                })
                .collect();
            for (item, size) in batch.iter().zip(measured) {
                match size? {
                    Ok((width, height)) => {
                        let domain = item.domain.clone().unwrap_or_default();
                        *found.groups.entry((domain, item.class.clone(), width, height)).or_default() += 1;
                    }
                    Err(reason) => found.problems.push((item.path(), reason.to_string())),
                }
            }
        }
        Ok(found)
    }

    fn readable(&self) -> usize {
        self.groups.values().sum()
    }

    /// The number of readable images of a domain and class.
    fn count(&self, domain: &str, class: &str) -> usize {
        let matches = |group: &Group| group.0 == domain && group.1 == class;
        self.groups.iter().filter(|(group, _)| matches(group)).map(|(_, count)| count).sum()
    }

    fn differences_from_pacs(&self) -> Vec<String> {
        let mut differences = Vec::new();
        for (domain, counts) in PACS_COUNTS {
            for (class, expected) in PACS_CLASSES.iter().zip(counts) {
                let found = self.count(domain, class);
                if found != expected {
                    differences.push(format!("`{domain}/{class}` has {found} images; PACS has {expected}"));
                }
            }
        }
        let known = |domain: &&String| PACS_COUNTS.iter().any(|(known, _)| known == domain);
        for domain in self.domains.iter().filter(|domain| !known(domain)) {
            differences.push(format!("PACS has no domain `{domain}`"));
        }
        for class in self.classes.iter().filter(|class| !PACS_CLASSES.contains(&class.as_str())) {
            differences.push(format!("PACS has no class `{class}`"));
        }
        differences
    }

    /// Rows of `counts.csv`: a domain, its counts by class, its total; the last row is totals.
    fn count_rows(&self) -> Vec<Vec<String>> {
        let mut totals = vec![0; self.classes.len() + 1];
        let mut rows = Vec::new();
        for domain in &self.domains {
            let mut counts: Vec<usize> = self.classes.iter().map(|class| self.count(domain, class)).collect();
            counts.push(counts.iter().sum());
            totals.iter_mut().zip(&counts).for_each(|(total, count)| *total += count);
            rows.push(row(domain, &counts));
        }
        rows.push(row("total", &totals));
        rows
    }

    fn header(&self) -> Vec<String> {
        let names = self.classes.iter().cloned();
        std::iter::once("domain".to_owned()).chain(names).chain(["total".to_owned()]).collect()
    }

    fn write(&self, folder: &Path, caption: Option<&str>, differences: &[String]) -> Result<(), StageError> {
        write_csv(&folder.join("counts.csv"), &self.header(), &self.count_rows())?;
        let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let size = |((domain, class, width, height), count): (&Group, &usize)| {
            vec![domain.clone(), class.clone(), width.to_string(), height.to_string(), count.to_string()]
        };
        let sizes: Vec<_> = self.groups.iter().map(size).collect();
        write_csv(&folder.join("sizes.csv"), &texts(&["domain", "class", "width", "height", "images"]), &sizes)?;
        let problem = |(path, reason): &(String, String)| vec![path.clone(), reason.clone()];
        let problems: Vec<_> = self.problems.iter().map(problem).collect();
        write_csv(&folder.join("problems.csv"), &texts(&["file", "problem"]), &problems)?;
        Ok(fs_err::write(folder.join("summary.md"), self.summary(caption, differences))?)
    }

    fn summary(&self, caption: Option<&str>, differences: &[String]) -> String {
        let header = self.header();
        let mut lines = vec![format!("# {}", caption.unwrap_or("Images")), String::new()];
        lines.push(format!("| {} |", header.join(" | ")));
        lines.push(format!("|---|{}", "---:|".repeat(header.len() - 1)));
        lines.extend(self.count_rows().iter().map(|row| format!("| {} |", row.join(" | "))));
        let mut list = |title: &str, items: Vec<String>| {
            if !items.is_empty() {
                lines.extend([String::new(), format!("## {title}"), String::new()]);
                lines.extend(items.into_iter().map(|item| format!("- {item}")));
            }
        };
        list("Files that cannot be read", self.problems.iter().map(|(path, why)| format!("`{path}` {why}")).collect());
        list("Differences from PACS", differences.to_vec());
        lines.join("\n") + "\n"
    }
}

/// Width and height. The inner error is a property of the image; the outer one is none, and whoever executes the stage has to
/// see it: a damaged object in the store is healed where its reading fails, and must not be kept as a corrupt image.
fn measure(item: &ImageItem, most: MaxPixels) -> Result<Result<(usize, usize), DecodeError>, StageError> {
    let bytes = item.view()?.bytes()?;
    Ok(decode_within(most, &bytes).map(|pixels| (pixels.width(), pixels.height())))
}

fn row(name: &str, counts: &[usize]) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(counts.iter().map(usize::to_string)).collect()
}

fn write_csv(path: &Path, header: &[String], rows: &[Vec<String>]) -> Result<(), StageError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row)?;
    }
    Ok(fs_err::write(path, writer.into_inner()?)?)
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::stage::{Format, Metric, Solo, View};

    use super::*;

    fn golden(name: &str) -> Vec<u8> {
        fs_err::read(format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    fn put(root: &Path, path: &str, bytes: &[u8]) {
        let path = root.join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, bytes).unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_read_is_no_corrupt_image() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "dog/1.jpg", &golden("decode/rgb.jpg"));
        put(folder.path(), "dog/2.jpg", b"a text");
        let images = ImageFolder::read(&View::disk(folder.path())).unwrap();
        assert!(matches!(measure(&images.items[1], MaxPixels::default()), Ok(Err(DecodeError::Unknown))));
        fs_err::remove_file(folder.path().join("dog/1.jpg")).unwrap();
        let error = measure(&images.items[0], MaxPixels::default()).unwrap_err().to_string();
        assert!(error.contains("1.jpg"), "{error}");
    }

    #[test]
    fn corrupt_files_are_listed_and_the_rest_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let images = folder.path().join("images");
        let jpeg = golden("decode/rgb.jpg");
        put(&images, "photo/dog/1.jpg", &jpeg);
        put(&images, "photo/dog/2.jpg", &jpeg[..jpeg.len() / 2]);
        put(&images, "photo/cat, \"big\"/3.png", &golden("decode/grey.png"));
        put(&images, "photo/dog/empty.jpg", b"");
        let config = InspectImagesConfig { expect: Some(KnownCollection::Pacs), ..InspectImagesConfig::default() };
        let result =
            Solo::new(folder.path().join("out")).input("images", &images).execute::<InspectImages>(&config).unwrap();
        let read = |name: &str| fs_err::read_to_string(result.outputs["table"].join(name)).unwrap();
        assert_eq!(read("counts.csv"), "domain,\"cat, \"\"big\"\"\",dog,total\nphoto,1,1,2\ntotal,1,1,2\n");
        assert_eq!(read("sizes.csv").lines().count(), 3);
        let problems = read("problems.csv");
        assert!(problems.contains("photo/dog/2.jpg,ends before the picture does"), "{problems}");
        assert!(problems.contains("photo/dog/empty.jpg,is empty"), "{problems}");
        assert!(read("summary.md").contains("| photo | 1 | 1 | 2 |"));
        assert_eq!(result.metrics["corrupt"], Metric::Count(2));
        assert_eq!(result.metrics["images"], Metric::Count(2));
        assert!(result.notes.iter().any(|note| note == "`photo/dog` has 1 images; PACS has 189"), "{:?}", result.notes);
        assert!(result.notes.iter().any(|note| note.starts_with("PACS has no class `cat")), "{:?}", result.notes);
    }
}
