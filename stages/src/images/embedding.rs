//! Embeds the images of a folder one by one: those that a former execution embedded are not decoded again.

use dgpipe_engine::stage::{Context, Digest, Items, StageError};
use ndarray::Array2;

use super::{Counter, Pixels, load_files};
use crate::formats::{ImageFolder, ImageItem};

/// How images become vectors. A vector must not depend on which others are made with it.
pub struct Embedding<P, E> {
    /// The length of a vector.
    pub width: usize,
    /// How many images are decoded and held at a time.
    pub at_once: usize,
    /// Makes an image ready, on many threads.
    pub prepare: P,
    /// Makes vectors of images that are ready, one after the other, and counts them.
    pub embed: E,
}

/// What images became.
pub struct Embedded {
    /// f32 `[n, width]`.
    pub vectors: Array2<f32>,
    /// The digest of each image's bytes.
    pub digests: Vec<String>,
}

/// What is known of an image's vector.
enum Vector {
    /// All of it.
    Known(Vec<f32>),
    /// That it is to be made, of the image with this digest.
    New(Digest),
}

impl<T, P, E> Embedding<P, E>
where
    T: Send,
    P: Fn(&Pixels) -> T + Sync,
    E: Fn(Vec<T>, &Counter<'_>) -> Vec<f32>,
{
    /// Embeds all images, in their order. `rows` are the vectors that former executions made.
    pub fn run(
        &self,
        images: &ImageFolder,
        mut rows: Items<'_>,
        context: &mut Context<'_>,
    ) -> Result<Embedded, StageError> {
        let count = images.items.len();
        let (mut values, mut digests) = (Vec::with_capacity(count * self.width), Vec::with_capacity(count));
        let mut new = 0;
        let counter = Counter::new(context, count);
        for items in images.items.chunks(self.at_once) {
            context.stop_if_cancelled()?;
            let (vectors, names) = self.chunk(items, &mut rows, &counter, &mut new)?;
            values.extend(vectors);
            digests.extend(names);
            rows.write_when_due();
        }
        if new < count {
            context.note(format!("embedded {new} of {count} images; the others were embedded before"));
        }
        Ok(Embedded { vectors: Array2::from_shape_vec((count, self.width), values)?, digests })
    }

    fn chunk(
        &self,
        items: &[ImageItem],
        rows: &mut Items<'_>,
        counter: &Counter<'_>,
        new: &mut usize,
    ) -> Result<(Vec<f32>, Vec<String>), StageError> {
        let (prepare, width) = (&self.prepare, self.width);
        let loaded = load_files(items, |file| {
            let Some(vector) = rows.find(&file.digest).and_then(|row| decode(&row, width)) else {
                return Ok((Vector::New(file.digest), Some(prepare(&file.pixels()?))));
            };
            counter.add_one();
            Ok((Vector::Known(vector), None))
        })?;
        let (mut vectors, mut names, mut ready) = (Vec::new(), Vec::new(), Vec::new());
        for image in loaded {
            let (vector, value) = image.value;
            names.push(image.digest);
            vectors.push(vector);
            ready.extend(value);
        }
        *new += ready.len();
        let embedded = if ready.is_empty() { Vec::new() } else { (self.embed)(ready, counter) };
        let mut embedded = embedded.chunks_exact(self.width);
        let mut values = Vec::with_capacity(items.len() * self.width);
        for vector in vectors {
            match vector {
                Vector::Known(vector) => values.extend(vector),
                Vector::New(digest) => {
                    let vector = embedded.next().expect("there is a vector for each image that was made ready");
                    rows.keep(digest, vector.iter().flat_map(|value| value.to_le_bytes()).collect());
                    values.extend_from_slice(vector);
                }
            }
        }
        Ok((values, names))
    }
}

/// A row's vector; nothing where its length is another.
fn decode(row: &[u8], width: usize) -> Option<Vec<f32>> {
    let (values, rest) = row.as_chunks::<4>();
    let fits = values.len() == width && rest.is_empty();
    fits.then(|| values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}
