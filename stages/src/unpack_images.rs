//! `unpack-images`: the images in Parquet files, as data sets lie on the hub, as a folder of classes.
//!
//! Files are read row group by row group, so that memory does not depend on how many images there are.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use dgpipe_engine::stage::{Context, Form, In, Out, Ports, RawFolder, StageError, StageType, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::formats::ImageFolder;
use crate::parquet_rows::{ImageRow, ImageRows};

/// Which columns `unpack-images` reads.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnpackImagesConfig {
    /// The column of images: a structure with `bytes`, and with the file's former `path` where that is known.
    #[serde(default = "image")]
    pub image: String,
    /// The column of domains, text or a number with names. Where the files have no such column, classes lie at the top.
    #[serde(default = "domain")]
    pub domain: String,
    /// The column of classes, text or a number with names.
    #[serde(default = "label")]
    pub label: String,
}

fn image() -> String {
    "image".to_owned()
}

fn domain() -> String {
    "domain".to_owned()
}

fn label() -> String {
    "label".to_owned()
}

impl Default for UnpackImagesConfig {
    fn default() -> Self {
        Self { image: image(), domain: domain(), label: label() }
    }
}

const TABLE: In<RawFolder> = In::new("table");
const IMAGES: Out<ImageFolder> = Out::new("images");

/// See the module's documentation.
pub struct UnpackImages;

impl StageType for UnpackImages {
    type Config = UnpackImagesConfig;
    const NAME: &'static str = "unpack-images";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Lays out the images of Parquet files as a folder of domains and classes.";

    fn ports() -> Ports {
        Ports::default().reads(TABLE).writes(IMAGES)
    }

    fn execute(config: &UnpackImagesConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let RawFolder(table) = context.read(TABLE)?;
        let files = parquet_files(&table)?;
        if files.is_empty() {
            return Err(StageError::new(format!("{} has no file `*.parquet`", table.label())));
        }
        let mut folder = Unpacked { root: context.output(IMAGES)?, paths: BTreeSet::new(), numbers: BTreeMap::new() };
        let opened = files.iter().map(|file| open(file, config)).collect::<Result<Vec<_>, _>>()?;
        let total: u64 = opened.iter().map(ImageRows::len).sum();
        if total == 0 {
            return Err(StageError::new(format!("the Parquet files of {} have no rows", table.label())));
        }
        for (file, rows) in files.iter().zip(opened) {
            // The reader panics where a file contradicts itself in ways that it does not expect.
            let unpacked = catch_unwind(AssertUnwindSafe(|| folder.take(rows, total, context)));
            unpacked.unwrap_or_else(|_| Err(StageError::new("the file contradicts itself"))).map_err(|error| {
                if error.is_cancelled() { error } else { StageError::new(format!("{}: {error}", file.label())) }
            })?;
        }
        context.metric("images", folder.paths.len());
        Ok(())
    }
}

fn open(file: &View, config: &UnpackImagesConfig) -> Result<ImageRows, StageError> {
    let bytes = file.open()?;
    let rows = catch_unwind(AssertUnwindSafe(|| ImageRows::open(bytes, config)));
    let rows = rows.unwrap_or_else(|_| Err("the file contradicts itself".to_owned()));
    rows.map_err(|error| StageError::new(format!("{}: {error}", file.label())))
}

/// All files of a folder that end in `.parquet`, in the order of their paths.
fn parquet_files(folder: &View) -> Result<Vec<View>, StageError> {
    let mut files = Vec::new();
    for entry in folder.entries()? {
        let view = folder.at(&entry.name)?;
        match entry.form {
            Form::Folder => files.extend(parquet_files(&view)?),
            Form::File if entry.name.ends_with(".parquet") => files.push(view),
            Form::File => {}
        }
    }
    Ok(files)
}

/// The folder that is being written.
struct Unpacked {
    root: PathBuf,
    /// What is there, below the root.
    paths: BTreeSet<PathBuf>,
    /// The last number that was given to a path that several images have; below it all are taken.
    numbers: BTreeMap<PathBuf, usize>,
}

/// The images of a file may take so many bytes in any case,
const FREE: u64 = 1 << 30;

/// and so many times the bytes of the file: an image that stands once in it can be that of any number of rows.
const TIMES: u64 = 100;

impl Unpacked {
    fn take(&mut self, rows: ImageRows, total: u64, context: &Context<'_>) -> Result<(), StageError> {
        let (size, mut written) = (rows.size(), 0);
        let most = FREE.max(size.saturating_mul(TIMES));
        for row in rows.rows()? {
            context.stop_if_cancelled()?;
            let row = row?;
            written += row.bytes.len() as u64;
            if written > most {
                let what = format!("its images take more than {most} bytes, over {TIMES} times the {size} of the file");
                return Err(StageError::new(what));
            }
            let path = self.place(&row);
            let full = self.root.join(&path);
            fs_err::create_dir_all(full.parent().expect("an image lies in the folder of its class"))?;
            fs_err::write(full, &row.bytes)?;
            self.paths.insert(path);
            context.progress(self.paths.len() as u64, total, "images");
        }
        Ok(())
    }

    /// Where an image goes: under its own name, or under one like it where that is taken.
    fn place(&mut self, row: &ImageRow) -> PathBuf {
        let folder =
            row.domain.iter().map(|domain| folder_name(domain)).collect::<PathBuf>().join(folder_name(&row.class));
        let name = row.path.as_deref().and_then(|path| path.rsplit(['/', '\\']).next()).filter(|name| !name.is_empty());
        let name = name.map_or_else(|| format!("{:06}{}", self.paths.len(), extension(&row.bytes)), folder_name);
        let path = folder.join(&name);
        if !self.paths.contains(&path) {
            return path;
        }
        let (stem, end) =
            name.rsplit_once('.').map_or((name.as_str(), String::new()), |(stem, end)| (stem, format!(".{end}")));
        let other = |number: usize| folder.join(format!("{stem}_{number}{end}"));
        let last = self.numbers.entry(path).or_insert(1);
        loop {
            *last += 1;
            let other = other(*last);
            if !self.paths.contains(&other) {
                return other;
            }
        }
    }
}

/// A name that is one part of a path, visible, and nothing else.
fn folder_name(name: &str) -> String {
    let clean: String = name.chars().map(|c| if c.is_control() || matches!(c, '/' | '\\') { '_' } else { c }).collect();
    if clean.is_empty() || clean.starts_with('.') { format!("_{clean}") } else { clean }
}

fn extension(bytes: &[u8]) -> &'static str {
    match image::guess_format(bytes) {
        Ok(image::ImageFormat::Png) => ".png",
        Ok(image::ImageFormat::Jpeg) => ".jpg",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use dgpipe_engine::stage::{Format, Metric, Solo};

    use super::*;

    fn golden(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
    }

    fn unpack(table: &Path, config: &UnpackImagesConfig) -> Result<(tempfile::TempDir, ImageFolder), StageError> {
        let out = tempfile::tempdir().unwrap();
        let result = Solo::new(out.path()).input("table", table).execute::<UnpackImages>(config)?;
        let images = ImageFolder::read(&View::disk(&result.outputs["images"])).unwrap();
        assert_eq!(result.metrics["images"], Metric::Count(images.items.len() as i64));
        Ok((out, images))
    }

    #[test]
    fn rows_become_files_with_their_names_in_folders_of_domains_and_classes() {
        let (_out, images) = unpack(&golden("parquet"), &UnpackImagesConfig::default()).unwrap();
        let paths: Vec<String> = images.items.iter().map(crate::formats::ImageItem::path).collect();
        assert_eq!(
            paths,
            [
                "photo/dog/pic_1.jpg",
                "photo/dog/pic_1_2.jpg",
                "photo/house/pic_1.jpg",
                "sketch/dog/pic_2.png",
                "sketch/giraffe/000004.png",
                "sketch/giraffe/000005.jpg",
            ]
        );
        let expected = ["rgb.jpg", "grey.jpg", "half.jpg", "rgb.png", "grey.png", "quarter.jpg"];
        for (item, file) in images.items.iter().zip(expected) {
            let bytes = fs_err::read(golden("decode").join(file)).unwrap();
            assert_eq!(item.view().unwrap().bytes().unwrap(), bytes, "{file}");
        }
    }

    #[test]
    fn without_a_column_of_domains_classes_lie_at_the_top() {
        let config = UnpackImagesConfig { domain: "style".to_owned(), ..UnpackImagesConfig::default() };
        let (_out, images) = unpack(&golden("parquet"), &config).unwrap();
        assert!(images.domains.is_empty());
        assert_eq!(images.classes, ["dog", "giraffe", "house"]);
    }

    #[test]
    fn a_column_that_is_not_there_is_named_with_those_that_are() {
        let config = UnpackImagesConfig { label: "class".to_owned(), ..UnpackImagesConfig::default() };
        let error = unpack(&golden("parquet"), &config).unwrap_err().to_string();
        assert!(error.ends_with("there is no column `class`; columns are [image, domain, label]"), "{error}");
        let config = UnpackImagesConfig { label: "image".to_owned(), ..UnpackImagesConfig::default() };
        let error = unpack(&golden("parquet"), &config).unwrap_err().to_string();
        assert!(error.contains("row 0: column `image` is a structure; expected text or a number"), "{error}");
        let error = unpack(&golden("decode"), &UnpackImagesConfig::default()).unwrap_err().to_string();
        assert!(error.ends_with("has no file `*.parquet`"), "{error}");
    }

    #[test]
    fn a_damaged_file_is_an_error_or_other_images_and_never_a_panic() {
        let good = fs_err::read(golden("parquet/data/train-00001-of-00002.parquet")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("train.parquet");
        for place in (0..good.len()).step_by(31) {
            let mut bytes = good.clone();
            bytes[place] ^= 0x3C;
            fs_err::write(&file, bytes).unwrap();
            drop(unpack(folder.path(), &UnpackImagesConfig::default()));
        }
        fs_err::write(&file, &good[..good.len() / 2]).unwrap();
        let error = unpack(folder.path(), &UnpackImagesConfig::default()).unwrap_err().to_string();
        assert!(error.contains("train.parquet: "), "{error}");
    }

    #[test]
    fn files_that_are_not_unpacked_say_why() {
        for (name, expected) in [
            ("gzip", "column `image.bytes` is compressed with GZIP; Snappy, Zstandard and no compression are read"),
            ("bomb", "; at most 67108864 are taken"),
            ("empty", "have no rows"),
        ] {
            let refused = golden("parquet_refused").join(name);
            let error = unpack(&refused, &UnpackImagesConfig::default()).unwrap_err().to_string();
            assert!(error.ends_with(expected), "{error}");
        }
    }

    #[test]
    fn many_rows_with_one_path_get_numbers_in_order_and_quickly() {
        let (root, paths, numbers) = (PathBuf::new(), BTreeSet::new(), BTreeMap::new());
        let mut folder = Unpacked { root, paths, numbers };
        let mut put = |path: &str| {
            let path = Some(path.to_owned());
            let found = folder.place(&ImageRow { bytes: Vec::new(), path, domain: None, class: "dog".to_owned() });
            folder.paths.insert(found.clone());
            found.to_str().unwrap().to_owned()
        };
        // A name that looks like a number given is passed over, also where it comes later.
        let found = ["a_3.jpg", "a.jpg", "b/a.jpg", "a.jpg", "a_4.jpg", "a.jpg"].map(&mut put);
        assert_eq!(
            found,
            ["a_3.jpg", "a.jpg", "a_2.jpg", "a_4.jpg", "a_4_2.jpg", "a_5.jpg"].map(|name| format!("dog/{name}"))
        );
        let names: BTreeSet<String> = (0..50_000).map(|_| put("image.jpg")).collect();
        assert!(names.len() == 50_000 && names.contains("dog/image_50000.jpg"));
    }

    #[test]
    fn names_stay_inside_their_folder() {
        for (name, expected) in
            [("..", "_.."), ("a/b", "a_b"), ("", "_"), (".git", "_.git"), ("a\0b\\c", "a_b_c"), ("dog", "dog")]
        {
            assert_eq!(folder_name(name), expected);
        }
    }
}
