//! Reads and transforms the pictures of an image folder, a bounded number at a time and in parallel.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use dgpipe_engine::stage::{Context, Digest, StageError};
use rayon::prelude::*;

use super::{DecodeError, MaxPixels, Pixels, decode_within};
use crate::formats::ImageItem;

/// A picture made ready, and what its file is known by.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// What the picture became.
    pub value: T,
    /// The digest of the file's bytes.
    pub digest: String,
}

/// The file of a picture.
pub struct ImageFile<'a> {
    item: &'a ImageItem,
    bytes: Vec<u8>,
    /// The digest of its bytes.
    pub digest: Digest,
}

/// A file that is no readable picture, with its name.
#[derive(Debug, thiserror::Error)]
#[error("`{path}` {reason}")]
pub struct ImageError {
    path: String,
    reason: DecodeError,
}

impl ImageError {
    /// The failure of a stage that cannot do without the file.
    pub fn into_failure(self) -> StageError {
        StageError::from(self).hint("remove or replace the file; `inspect-images` lists all files that cannot be read")
    }
}

impl<'a> ImageFile<'a> {
    /// Reads the file of an image.
    pub fn read(item: &'a ImageItem) -> Result<Self, StageError> {
        let bytes = item.view()?.bytes()?;
        Ok(Self { item, digest: Digest::of(&bytes), bytes })
    }

    /// Decodes the picture.
    pub fn pixels(&self, most: MaxPixels) -> Result<Pixels, ImageError> {
        decode_within(most, &self.bytes).map_err(|reason| ImageError { path: self.item.path(), reason })
    }
}

/// Reads, decodes and prepares pictures in parallel, in the order of `items`. Fails with the first file that is no picture.
pub fn load<T: Send>(
    items: &[ImageItem],
    most: MaxPixels,
    prepare: impl Fn(&Pixels) -> T + Sync,
) -> Result<Vec<Loaded<T>>, StageError> {
    load_files(items, |file| Ok(prepare(&file.pixels(most).map_err(ImageError::into_failure)?)))
}

/// Reads and prepares files in parallel, in the order of `items`. Fails with the first one that fails.
pub fn load_files<T: Send>(
    items: &[ImageItem],
    prepare: impl Fn(&ImageFile<'_>) -> Result<T, StageError> + Sync,
) -> Result<Vec<Loaded<T>>, StageError> {
    let failed = AtomicUsize::new(usize::MAX);
    let load_one = |item| {
        let file = ImageFile::read(item)?;
        Ok(Loaded { value: prepare(&file)?, digest: file.digest.to_string() })
    };
    let load_unless_failed = |(place, item)| {
        // After a failure the rest would be in vain. Those before it may fail too, and are to be reported first.
        if failed.load(Ordering::Relaxed) < place {
            return None;
        }
        let loaded = load_one(item);
        if loaded.is_err() {
            failed.fetch_min(place, Ordering::Relaxed);
        }
        Some(loaded)
    };
    let loaded: Vec<Option<_>> = items.par_iter().enumerate().map(load_unless_failed).collect();
    // Collecting first makes the failure reported the first in order, not the first in time.
    loaded.into_iter().flatten().collect()
}

/// Counts finished images from many threads for whoever watches.
pub struct Counter<'a> {
    context: &'a Context<'a>,
    total: u64,
    done: Mutex<u64>,
}

impl<'a> Counter<'a> {
    /// Starts at 0 of `total`.
    pub fn new(context: &'a Context<'a>, total: usize) -> Self {
        Self { context, total: total as u64, done: Mutex::new(0) }
    }

    /// Returns an error where the run is being stopped.
    pub fn stop_if_cancelled(&self) -> Result<(), StageError> {
        self.context.stop_if_cancelled()
    }

    /// One more is finished.
    pub fn add_one(&self) {
        let mut done = self.done.lock().expect("nothing panics while it counts");
        *done += 1;
        // Told under the lock, so that the numbers go up only.
        self.context.progress(*done, self.total, "images");
    }
}
