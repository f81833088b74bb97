//! Parquet files of images, as data sets lie on the hub.

use std::path::Path;
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// An image with its domain and the number of its class.
pub(crate) struct ImageRow {
    pub(crate) bytes: Vec<u8>,
    pub(crate) path: String,
    pub(crate) domain: &'static str,
    pub(crate) label: i64,
}

const SCHEMA: &str = "message schema {
  optional group image { optional binary bytes; optional binary path (STRING); }
  optional binary domain (STRING);
  optional int64 label;
}";

/// Writes a file of so many groups of rows. `names` are those of the classes.
pub(crate) fn write(path: &Path, names: &[&str], groups: impl Iterator<Item = Vec<ImageRow>>) {
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    let features = serde_json::json!({"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}});
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_key_value_metadata(Some(vec![KeyValue::new("huggingface".to_owned(), features.to_string())]));
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let file = fs_err::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties.build())).unwrap();
    for rows in groups {
        let mut group = writer.next_row_group().unwrap();
        let texts = |of: fn(&ImageRow) -> &[u8]| rows.iter().map(|row| ByteArray::from(of(row).to_vec())).collect();
        // How deep values are: present, and in a structure that is present.
        let columns: [(Vec<ByteArray>, i16); 3] = [
            (texts(|row| &row.bytes), 2),
            (texts(|row| row.path.as_bytes()), 2),
            (texts(|row| row.domain.as_bytes()), 1),
        ];
        for (values, depth) in columns {
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<ByteArrayType>().write_batch(&values, Some(&vec![depth; values.len()]), None).unwrap();
            column.close().unwrap();
        }
        let labels: Vec<i64> = rows.iter().map(|row| row.label).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&labels, Some(&vec![1; labels.len()]), None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.close().unwrap();
}
