//! Rows that former executions made of single items, by the digest of the item, so that ten added items cost ten. All rows
//! of a family, of what differs in its items alone, lie in one folder.
//!
//! A folder consists of segments. A segment is written whole, renamed into place and never changed, so that readers need
//! no lock: title, number of rows, then for each row the item's digest, where the row starts, how long it is and its
//! digest; a checksum over that; the rows, one after the other.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use fs_err::File;

use super::{Store, StoreError};
use crate::content::{Digest, Key};
use crate::filesystem::{FileError, Filesystem, Placement, read_if_there};
use crate::layout::Layout;
use crate::packed::{PackedReader, PackedWriter};

/// Title of a segment; raised with its format.
const TITLE: &str = "dgpipe items 1\n";
/// Bytes of what a segment says of a row: two digests and two numbers.
const ENTRY: u64 = 32 + 8 + 8 + 32;
/// Bytes of title, number of rows and checksum.
const FRAME: u64 = TITLE.len() as u64 + 8 + 32;

/// The rows of one family.
#[derive(Debug)]
pub struct ItemRows {
    store: Store,
    folder: PathBuf,
    segments: Vec<PathBuf>,
    places: BTreeMap<Digest, Place>,
    /// Rows that are not written yet.
    added: BTreeMap<Digest, Vec<u8>>,
    waiting: usize,
}

/// Where a row lies.
#[derive(Debug, Clone, Copy)]
struct Place {
    segment: usize,
    start: u64,
    length: u64,
    checksum: Digest,
}

impl Store {
    /// Opens the rows of a family. Those that others write meanwhile are not seen.
    pub fn item_rows(&self, family: &Key) -> Result<ItemRows, StoreError> {
        let folder = self.layout().items(family);
        let mut rows = ItemRows {
            store: self.clone(),
            folder,
            segments: Vec::new(),
            places: BTreeMap::new(),
            added: BTreeMap::new(),
            waiting: 0,
        };
        rows.read_segments()?;
        Ok(rows)
    }
}

impl ItemRows {
    /// Returns how many rows there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Returns the row of an item; a damaged one counts as absent and is told about.
    pub fn get(&self, item: &Digest) -> Option<Vec<u8>> {
        let place = self.places.get(item)?;
        let path = &self.segments[place.segment];
        match self.read_row(path, place) {
            Ok(row) if Digest::of(&row) == place.checksum => Some(row),
            // Somebody collected it.
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            _ => {
                self.store.warn(format!("a row in `{}` is damaged and was passed over", path.display()));
                None
            }
        }
    }

    /// Adds the row of an item, to be written by the next [`ItemRows::flush`].
    pub fn add(&mut self, item: Digest, row: Vec<u8>) {
        self.waiting += row.len();
        self.added.insert(item, row);
    }

    /// Returns the bytes of the rows that are not written yet.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Writes what was added, durably.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        let added = std::mem::take(&mut self.added);
        self.waiting = 0;
        if added.is_empty() {
            return Ok(());
        }
        let head = head(&added);
        let path = self.folder.join(Digest::of(&head).to_string());
        self.store.make_folder(&self.folder)?;
        let draft = self.store.staging()?.join(self.store.number().to_string());
        let placed = self.write(&draft, &head, &added, &path);
        if !matches!(placed, Ok(Placement::Placed)) {
            // Where it has the name already, another execution wrote the same rows, and they are whole.
            drop(self.store.filesystem().remove_file(&draft));
        }
        self.store.sync_later(&self.folder);
        placed.map(drop).map_err(|error| self.store.explain(error))
    }

    fn write(
        &self,
        draft: &Path,
        head: &[u8],
        rows: &BTreeMap<Digest, Vec<u8>>,
        path: &Path,
    ) -> Result<Placement, FileError> {
        let filesystem = self.store.filesystem();
        let mut file = filesystem.create(draft, Layout::FILE_MODE)?;
        let bytes: Vec<&[u8]> = std::iter::once(head).chain(rows.values().map(Vec::as_slice)).collect();
        let bytes = bytes.concat();
        filesystem.write(&mut file, &bytes)?;
        filesystem.close(file)?;
        filesystem.sync_file(draft)?;
        let placed = filesystem.rename_new(draft, path)?;
        // The name is that of the list of rows; the rows behind it may be damaged, all of them where the same are made
        // again, and would be passed over for ever.
        let is_whole = || matches!(read_if_there(filesystem, path), Ok(Some(there)) if there == bytes);
        if placed == Placement::Taken && !is_whole() {
            filesystem.rename(draft, path)?;
            return Ok(Placement::Placed);
        }
        Ok(placed)
    }

    fn read_segments(&mut self) -> Result<(), StoreError> {
        let names = match self.store.filesystem().list(&self.folder) {
            Ok(names) => names,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let mut segments = Vec::new();
        for path in names.into_iter().map(|name| self.folder.join(name)) {
            if let Some(stat) = self.store.filesystem().stat(&path)? {
                segments.push((stat.stamp.modified, path));
            }
        }
        // Where two have a row of the same item, the younger one was written because the older one is damaged.
        segments.sort();
        for (_, path) in segments {
            match read_places(self.store.filesystem(), &path, self.segments.len()) {
                Ok(Some(places)) => {
                    self.places.extend(places);
                    self.segments.push(path);
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                _ => self.store.quarantine(&path, "items", "it is no list of rows"),
            }
        }
        Ok(())
    }

    fn read_row(&self, path: &Path, place: &Place) -> Result<Vec<u8>, FileError> {
        let mut file = self.store.filesystem().open(path)?;
        file.seek(SeekFrom::Start(place.start)).map_err(|error| FileError::new("read", path, error))?;
        read_exactly(self.store.filesystem(), &mut file, place.length)
    }
}

/// All of a segment that stands before its rows.
fn head(rows: &BTreeMap<Digest, Vec<u8>>) -> Vec<u8> {
    let mut head = PackedWriter::new(TITLE);
    head.u64(rows.len() as u64);
    let mut start = FRAME + ENTRY * rows.len() as u64;
    for (item, row) in rows {
        head.hash(item.as_bytes());
        head.u64(start);
        head.u64(row.len() as u64);
        head.hash(Digest::of(row).as_bytes());
        start += row.len() as u64;
    }
    head.finish()
}

/// Reads where the rows of a segment lie; `None` where it is damaged.
fn read_places(
    filesystem: &dyn Filesystem,
    path: &Path,
    segment: usize,
) -> Result<Option<BTreeMap<Digest, Place>>, FileError> {
    let mut file = filesystem.open(path)?;
    let size = filesystem.stat_open(&file)?.stamp.size;
    let mut bytes = read_exactly(filesystem, &mut file, (TITLE.len() as u64 + 8).min(size))?;
    let Some(count) = bytes.last_chunk::<8>().map(|count| u64::from_le_bytes(*count)) else { return Ok(None) };
    // A damaged number must not make us ask for memory that no file could fill.
    let Some(length) = count.checked_mul(ENTRY).and_then(|entries| entries.checked_add(FRAME)) else { return Ok(None) };
    if length > size {
        return Ok(None);
    }
    let rest = length - bytes.len() as u64;
    bytes.extend(read_exactly(filesystem, &mut file, rest)?);
    Ok(decode(&bytes, size, segment))
}

fn decode(head: &[u8], size: u64, segment: usize) -> Option<BTreeMap<Digest, Place>> {
    let mut reader = PackedReader::open(head, TITLE)?;
    let mut places = BTreeMap::new();
    for _ in 0..reader.u64()? {
        let item = Digest::from_bytes(reader.hash()?);
        let (start, length) = (reader.u64()?, reader.u64()?);
        let checksum = Digest::from_bytes(reader.hash()?);
        // A file that was cut still has the rows before the cut.
        if start.checked_add(length)? <= size {
            places.insert(item, Place { segment, start, length, checksum });
        }
    }
    reader.is_empty().then_some(places)
}

/// Reads that many bytes, or those there are before the end.
fn read_exactly(filesystem: &dyn Filesystem, file: &mut File, length: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = vec![0; length as usize];
    let mut filled = 0;
    while filled < bytes.len() {
        match filesystem.read(file, &mut bytes[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
