//! Rows of a Parquet file that hold an image, its domain and its class, as Hugging Face's data sets write them.

use std::fs::File;

use dgpipe_engine::stage::StageError;
use parquet::basic::CompressionCodec;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row};
use parquet::schema::types::Type;
use serde::Deserialize;
use serde_json::Value;

use crate::parquet_pages::{Page, largest};
use crate::unpack_images::UnpackImagesConfig;

/// An image and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageRow {
    /// The bytes of its file.
    pub(crate) bytes: Vec<u8>,
    /// The path that the file once had.
    pub(crate) path: Option<String>,
    /// Its domain, where the file has that column.
    pub(crate) domain: Option<String>,
    /// Its class.
    pub(crate) class: String,
}

/// The rows of one file.
pub(crate) struct ImageRows {
    reader: SerializedFileReader<File>,
    projection: Type,
    columns: UnpackImagesConfig,
    domains: Option<Vec<String>>,
    classes: Option<Vec<String>>,
    has_domains: bool,
    count: u64,
    /// The bytes of the file.
    size: u64,
}

/// How many rows lie decoded in memory.
const BATCH: usize = 16;

/// The key under which Hugging Face describes columns.
const DESCRIPTION: &str = "huggingface";

/// A column of numbers that stand for names, in that description.
#[derive(Deserialize)]
struct ClassLabel {
    names: Vec<String>,
}

impl ImageRows {
    /// Opens a file and checks its columns.
    pub(crate) fn open(file: File, columns: &UnpackImagesConfig) -> Result<Self, String> {
        let pages = file.try_clone().map_err(|error| error.to_string())?;
        let size = file.metadata().map_err(|error| error.to_string())?.len();
        let reader = SerializedFileReader::new(file).map_err(|error| error.to_string())?;
        let metadata = reader.metadata().file_metadata();
        let schema = metadata.schema();
        let found: Vec<&str> = schema.get_fields().iter().map(|field| field.name()).collect();
        for needed in [&columns.image, &columns.label] {
            if !found.contains(&needed.as_str()) {
                return Err(format!("there is no column `{needed}`; columns are [{}]", found.join(", ")));
            }
        }
        let wanted = [&columns.image, &columns.domain, &columns.label];
        check_chunks(&pages, reader.metadata(), &wanted)?;
        let fields = schema.get_fields().iter().filter(|field| wanted.iter().any(|name| *name == field.name()));
        let projection = Type::group_type_builder(schema.name()).with_fields(fields.cloned().collect()).build();
        let described = metadata.key_value_metadata().into_iter().flatten().find(|pair| pair.key == DESCRIPTION);
        let described = described.and_then(|pair| serde_json::from_str(pair.value.as_deref()?).ok());
        let names = |column: &str| names(described.as_ref(), column);
        Ok(Self {
            projection: projection.map_err(|error| error.to_string())?,
            domains: names(&columns.domain),
            classes: names(&columns.label),
            has_domains: found.contains(&columns.domain.as_str()),
            count: u64::try_from(metadata.num_rows()).map_err(|_| "the number of rows is below 0")?,
            columns: columns.clone(),
            size,
            reader,
        })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.count
    }

    /// The bytes of the file.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Reads them one after the other.
    pub(crate) fn rows(self) -> Result<impl Iterator<Item = Result<ImageRow, StageError>>, StageError> {
        let Self { reader, projection, columns, domains, classes, has_domains, .. } = self;
        let rows = RowIter::from_file_into(Box::new(reader)).with_batch_size(BATCH).project(Some(projection))?;
        Ok(rows.enumerate().map(move |(number, row)| {
            let read = row.map_err(|error| error.to_string()).and_then(|row| {
                let domain = if has_domains { Some(text(&row, &columns.domain, domains.as_deref())?) } else { None };
                let class = text(&row, &columns.label, classes.as_deref())?;
                let (bytes, path) = image(&row, &columns.image)?;
                Ok(ImageRow { bytes, path, domain, class })
            });
            read.map_err(|error: String| StageError::new(format!("row {number}: {error}")))
        }))
    }
}

/// Refuses what cannot be unpacked, and what unpacks to more than memory shall hold, before anything is.
fn check_chunks(file: &File, metadata: &ParquetMetaData, wanted: &[&String]) -> Result<(), String> {
    let is_wanted = |chunk: &&ColumnChunkMetaData| {
        chunk.column_path().parts().first().is_some_and(|column| wanted.contains(&column))
    };
    for chunk in metadata.row_groups().iter().flat_map(RowGroupMetaData::columns).filter(is_wanted) {
        let name = chunk.column_path().string();
        match chunk.compression_codec() {
            CompressionCodec::UNCOMPRESSED | CompressionCodec::SNAPPY | CompressionCodec::ZSTD => {}
            other => {
                return Err(format!(
                    "column `{name}` is compressed with {other:?}; Snappy, Zstandard and no compression are read"
                ));
            }
        }
        let (start, length) = chunk.byte_range();
        let page: Page = largest(file, start, length).map_err(|error| error.to_string())?;
        if let Some(mistake) = page.mistake() {
            return Err(format!("column `{name}`: {mistake}"));
        }
    }
    Ok(())
}

/// The names that numbers of a column stand for.
fn names(described: Option<&Value>, column: &str) -> Option<Vec<String>> {
    let feature = described?.get("info")?.get("features")?.get(column)?;
    ClassLabel::deserialize(feature).ok().map(|label| label.names)
}

fn column<'a>(row: &'a Row, name: &str) -> Option<&'a Field> {
    row.get_column_iter().find(|(found, _)| *found == name).map(|(_, field)| field)
}

/// A text, or the name that a number stands for.
fn text(row: &Row, name: &str, names: Option<&[String]>) -> Result<String, String> {
    let number = match column(row, name) {
        Some(Field::Str(text)) => return Ok(text.clone()),
        Some(Field::Long(number)) => *number,
        Some(Field::Int(number)) => i64::from(*number),
        Some(Field::Short(number)) => i64::from(*number),
        Some(Field::Byte(number)) => i64::from(*number),
        other => return Err(format!("column `{name}` is {}; expected text or a number", kind(other))),
    };
    let known =
        names.ok_or_else(|| format!("column `{name}` has numbers, and the file does not say what they stand for"))?;
    let name_of = usize::try_from(number).ok().and_then(|number| known.get(number));
    name_of.cloned().ok_or_else(|| format!("column `{name}` is {number}; names are [{}]", known.join(", ")))
}

/// An image of more bytes is refused: whoever reads it later holds it whole.
const MOST_BYTES: usize = 256 << 20;

/// The bytes and the path of an image.
fn image(row: &Row, name: &str) -> Result<(Vec<u8>, Option<String>), String> {
    let parts = match column(row, name) {
        Some(Field::Group(parts)) => parts,
        Some(Field::Bytes(bytes)) => return Ok((taken(bytes.data())?, None)),
        other => return Err(format!("column `{name}` is {}; expected an image", kind(other))),
    };
    let path = match column(parts, "path") {
        Some(Field::Str(path)) => Some(path.clone()),
        _ => None,
    };
    match column(parts, "bytes") {
        Some(Field::Bytes(bytes)) => Ok((taken(bytes.data())?, path)),
        other => Err(format!("`{name}.bytes` is {}; expected bytes", kind(other))),
    }
}

fn taken(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let fits = bytes.len() <= MOST_BYTES;
    fits.then(|| bytes.to_vec())
        .ok_or_else(|| format!("an image has {} bytes; at most {MOST_BYTES} are taken", bytes.len()))
}

/// What a field is, for a message.
fn kind(field: Option<&Field>) -> &'static str {
    match field {
        None => "missing",
        Some(Field::Null) => "null",
        Some(Field::Str(_)) => "text",
        Some(Field::Bytes(_)) => "bytes",
        Some(Field::Group(_)) => "a structure",
        Some(_) => "of another type",
    }
}
