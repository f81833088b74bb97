//! Embeds the images of a folder one by one: those that a former execution embedded are not decoded again.

use std::num::NonZeroUsize;
use std::path::Path;

use dgpipe_engine::stage::{Context, Digest, Items, StageError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Counter, ImageError, MaxPixels, Pixels, Skipped, labels, load_files};
use crate::formats::{EmbeddingsWriter, ImageFolder, ImageItem, ItemLists};

/// What happens where a file is no readable picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// The stage fails with the file's name.
    #[default]
    Fail,
    /// The file is left out; a note names it and the metric `skipped` counts it.
    Skip,
}

impl OnError {
    /// Whether it is the usual one, which configs leave out.
    pub fn is_fail(&self) -> bool {
        *self == Self::Fail
    }
}

/// How images become vectors. A vector must not depend on which others are made with it.
pub struct Embedding<P, E> {
    /// The length of a vector.
    pub width: usize,
    /// How many images are taken at a time.
    pub at_once: NonZeroUsize,
    /// What happens where a file is no readable picture.
    pub on_error: OnError,
    /// How many pixels a picture may claim.
    pub max_pixels: MaxPixels,
    /// Makes an image ready, on many threads.
    pub prepare: P,
    /// Makes vectors of images that are ready, one after the other.
    pub embed: E,
}

/// What images became. Their vectors are written already.
pub struct Embedded {
    /// The images that could be read.
    pub images: ImageFolder,
    /// The digest of each image's bytes.
    pub digests: Vec<String>,
    vectors: EmbeddingsWriter,
}

impl Embedded {
    /// Adds names and labels. The class list must have every class found.
    pub fn label(self, classes: &[String]) -> Result<(), StageError> {
        let ids: Vec<String> = self.images.items.iter().map(ImageItem::path).collect();
        let labels = labels(&self.images, classes);
        Ok(self.vectors.finish(ItemLists { labels: &labels, classes, ids: &ids, digests: &self.digests })?)
    }
}

/// An image on its way.
enum Found<T> {
    /// Its vector is known.
    Known(Vec<f32>),
    /// It was made ready.
    New(Digest, T),
    /// It cannot be read.
    Bad(ImageError),
}

/// What went before.
struct Progress {
    vectors: EmbeddingsWriter,
    digests: Vec<String>,
    new: usize,
    /// The places of the images that cannot be read.
    bad: Vec<usize>,
    /// Why.
    skipped: Skipped,
}

impl<T, P, E> Embedding<P, E>
where
    T: Send,
    P: Fn(&Pixels) -> T + Sync,
    E: Fn(Vec<T>) -> Vec<f32>,
{
    /// Embeds all images, in their order, and writes their vectors to `folder` as they come. `rows` are those that former
    /// executions made.
    pub fn run(
        &self,
        images: ImageFolder,
        folder: &Path,
        mut rows: Items<'_>,
        context: &mut Context<'_>,
    ) -> Result<Embedded, StageError> {
        let count = images.items.len();
        let vectors = EmbeddingsWriter::create(folder, self.width)?;
        let (digests, skipped) = (Vec::new(), Skipped::default());
        let mut progress = Progress { vectors, digests, new: 0, bad: Vec::new(), skipped };
        let counter = Counter::new(context, count);
        for (number, items) in images.items.chunks(self.at_once.get()).enumerate() {
            context.stop_if_cancelled()?;
            self.chunk(number * self.at_once.get(), items, &mut rows, &counter, &mut progress)?;
            rows.write_when_due();
        }
        let Progress { vectors, digests, new, bad, skipped } = progress;
        if new + bad.len() < count {
            context.note(format!("embedded {new} of {count} images; the others were embedded before"));
        }
        if self.on_error == OnError::Skip {
            context.metric("skipped", bad.len());
        }
        if bad.len() == count {
            return Err(StageError::new(format!("none of the {count} images can be read: {skipped}")));
        }
        if !bad.is_empty() {
            context.note(format!("skipped {} of {count} images: {skipped}", bad.len()));
        }
        let images = images.without(bad);
        Ok(Embedded { images, digests, vectors })
    }

    fn chunk(
        &self,
        first: usize,
        items: &[ImageItem],
        rows: &mut Items<'_>,
        counter: &Counter<'_>,
        progress: &mut Progress,
    ) -> Result<(), StageError> {
        let (prepare, width, on_error, most) = (&self.prepare, self.width, self.on_error, self.max_pixels);
        let loaded = load_files(items, |file| {
            counter.stop_if_cancelled()?;
            let found = match rows.find(&file.digest).and_then(|row| decode(&row, width)) {
                Some(vector) => Found::Known(vector),
                None => match file.pixels(most) {
                    Ok(pixels) => Found::New(file.digest, prepare(&pixels)),
                    Err(error) if on_error == OnError::Skip => Found::Bad(error),
                    Err(error) => return Err(error.into_failure()),
                },
            };
            counter.add_one();
            Ok(found)
        })?;
        let (mut vectors, mut ready) = (Vec::new(), Vec::new());
        for (place, image) in loaded.into_iter().enumerate() {
            match image.value {
                Found::Known(vector) => vectors.push((place, Ok(vector))),
                Found::New(digest, value) => {
                    ready.push(value);
                    vectors.push((place, Err(digest)));
                }
                Found::Bad(error) => {
                    progress.bad.push(first + place);
                    progress.skipped.add(error);
                    continue;
                }
            }
            progress.digests.push(image.digest);
        }
        progress.new += ready.len();
        let embedded = if ready.is_empty() { Vec::new() } else { (self.embed)(ready) };
        let mut embedded = embedded.chunks_exact(self.width);
        for (place, vector) in vectors {
            let id = items[place].path();
            match vector {
                Ok(vector) => progress.vectors.push(&vector, &id)?,
                Err(digest) => {
                    let vector = embedded.next().expect("there is a vector for each image that was made ready");
                    // Checked first: no later execution is to find a row that is no vector.
                    progress.vectors.push(vector, &id)?;
                    rows.keep(digest, vector.iter().flat_map(|value| value.to_le_bytes()).collect());
                }
            }
        }
        Ok(())
    }
}

/// A row's vector; nothing where its length is another.
fn decode(row: &[u8], width: usize) -> Option<Vec<f32>> {
    let (values, rest) = row.as_chunks::<4>();
    let fits = values.len() == width && rest.is_empty();
    fits.then(|| values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}
