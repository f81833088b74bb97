//! `NumPy`'s `.npy` files, read with suspicion: a header that promises more than the file holds, another element type or
//! Python objects are refused before anything is allocated.

use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use dgpipe_engine::stage::{FormatError, View};
use ndarray::{Array1, Array2, ArrayD, ArrayViewD};
use ndarray_npy::npy::header::{Header, Layout};
use ndarray_npy::{ReadNpyExt, WritableElement, WriteNpyExt};

/// An element that arrays on disk have here.
pub trait Element: ndarray_npy::ReadableElement + ndarray_npy::WritableElement + Clone {
    /// `NumPy`'s name, for messages.
    const NAME: &'static str;
    /// `NumPy`'s descriptors that are read as this type.
    const DESCRIPTORS: &'static [&'static str];
    /// Bytes per element.
    const SIZE: usize;
}

impl Element for f32 {
    const NAME: &'static str = "float32";
    const DESCRIPTORS: &'static [&'static str] = &["<f4", ">f4", "=f4"];
    const SIZE: usize = 4;
}

impl Element for i64 {
    const NAME: &'static str = "int64";
    const DESCRIPTORS: &'static [&'static str] = &["<i8", ">i8", "=i8"];
    const SIZE: usize = 8;
}

impl Element for bool {
    const NAME: &'static str = "bool";
    const DESCRIPTORS: &'static [&'static str] = &["|b1"];
    const SIZE: usize = 1;
}

/// Reads an array of any rank.
pub fn read<T: Element>(file: &View) -> Result<ArrayD<T>, FormatError> {
    from_bytes(file.label(), &file.bytes()?)
}

/// Reads a vector.
pub fn read_vector<T: Element>(file: &View) -> Result<Array1<T>, FormatError> {
    let array = read::<T>(file)?;
    let shape = array.shape().to_vec();
    array.into_dimensionality().map_err(|_| wrong_rank(file.label(), 1, &shape))
}

/// Reads a matrix.
pub fn read_matrix<T: Element>(file: &View) -> Result<Array2<T>, FormatError> {
    let array = read::<T>(file)?;
    let shape = array.shape().to_vec();
    array.into_dimensionality().map_err(|_| wrong_rank(file.label(), 2, &shape))
}

/// Reads an array from the bytes of a file; `place` is what messages call it.
pub fn from_bytes<T: Element>(place: &str, bytes: &[u8]) -> Result<ArrayD<T>, FormatError> {
    check_header::<T>(place, bytes)?;
    let array = ArrayD::<T>::read_npy(bytes).map_err(|error| FormatError::content(place, error))?;
    // Fortran order is legal on disk; from here on everything is in C order.
    Ok(if array.is_standard_layout() { array } else { array.as_standard_layout().into_owned() })
}

/// Writes an array in C order.
#[expect(clippy::needless_pass_by_value, reason = "a view is a reference already")]
pub fn write<T: Element>(path: &Path, array: ArrayViewD<'_, T>) -> Result<(), FormatError> {
    let file = fs_err::File::create_new(path)?;
    let mut writer = BufWriter::new(file);
    let standard = array.as_standard_layout();
    standard.write_npy(&mut writer).map_err(|error| FormatError::content(path.display(), error))?;
    writer.flush()?;
    Ok(())
}

/// Writes a matrix of 32-bit floats row by row, as [`write`](fn@write) does it as a whole.
#[derive(Debug)]
pub struct RowWriter {
    file: BufWriter<fs_err::File>,
    width: usize,
    rows: usize,
}

impl RowWriter {
    /// Starts a file of rows of that width.
    pub fn create(path: &Path, width: usize) -> Result<Self, FormatError> {
        let mut file = BufWriter::new(fs_err::File::create_new(path)?);
        // It says how many rows there are and is written again at the end; it is filled up to a length that holds any number.
        file.write_all(&header(path, 0, width)?)?;
        Ok(Self { file, width, rows: 0 })
    }

    /// How many rows were written.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Writes one more.
    pub fn push(&mut self, row: &[f32]) -> Result<(), FormatError> {
        assert_eq!(row.len(), self.width, "the numbers of a row");
        for number in row {
            self.file.write_all(&number.to_ne_bytes())?;
        }
        self.rows += 1;
        Ok(())
    }

    /// Says in the header how many there are.
    pub fn finish(mut self) -> Result<(), FormatError> {
        let path = self.file.get_ref().path().to_owned();
        let [reserved, needed] = [header(&path, 0, self.width)?, header(&path, self.rows, self.width)?];
        if reserved.len() != needed.len() {
            return Err(FormatError::content(path.display(), "the header does not hold so many rows"));
        }
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&needed)?;
        Ok(self.file.flush()?)
    }
}

fn header(path: &Path, rows: usize, width: usize) -> Result<Vec<u8>, FormatError> {
    let header = Header { type_descriptor: f32::type_descriptor(), layout: Layout::Standard, shape: vec![rows, width] };
    header.to_bytes().map_err(|error| FormatError::content(path.display(), error))
}

fn wrong_rank(place: &str, rank: usize, shape: &[usize]) -> FormatError {
    FormatError::content(place, format!("the array has shape {shape:?}; {rank} dimensions were expected"))
}

/// Refuses what cannot be read before the reader allocates what the header promises.
fn check_header<T: Element>(place: &str, bytes: &[u8]) -> Result<(), FormatError> {
    let mut rest = bytes;
    let declared = header_length(bytes).ok_or_else(|| FormatError::content(place, "this is not a NumPy file"))?;
    if declared > bytes.len() {
        return Err(FormatError::content(place, "the file ends inside its header"));
    }
    // The reader of the header descends as deep as its brackets; an honest header has two.
    if bytes[..declared].iter().filter(|byte| b"([{".contains(byte)).count() > 8 {
        return Err(FormatError::content(place, "the header describes records, which are never read"));
    }
    let header = Header::from_reader(&mut rest)
        .map_err(|error| FormatError::content(place, format!("the header cannot be read: {error}")))?;
    let descriptor = header.type_descriptor.to_string();
    let descriptor = descriptor.trim_matches(['\'', '"']);
    if !T::DESCRIPTORS.contains(&descriptor) {
        let what = if descriptor.contains('O') {
            "Python objects, which are never read".to_owned()
        } else {
            format!("elements of type `{descriptor}`")
        };
        return Err(FormatError::content(place, format!("the array has {what}; {} was expected", T::NAME)));
    }
    let promised = header.shape.iter().try_fold(T::SIZE, |bytes, &length| bytes.checked_mul(length));
    if promised != Some(rest.len()) {
        let what =
            format!("the header promises shape {:?} of {}, but {} bytes follow it", header.shape, T::NAME, rest.len());
        return Err(FormatError::content(place, what));
    }
    Ok(())
}

/// The length of magic, version, length field and header text, or nothing where the magic is missing.
fn header_length(bytes: &[u8]) -> Option<usize> {
    let rest = bytes.strip_prefix(b"\x93NUMPY")?;
    match rest {
        [1, _, a, b, ..] => Some(10 + usize::from(u16::from_le_bytes([*a, *b]))),
        [2 | 3, _, a, b, c, d, ..] => Some(12 + u32::from_le_bytes([*a, *b, *c, *d]) as usize),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, content: &[u8]) -> Vec<u8> {
        let mut text = header.to_owned();
        while !(10 + text.len() + 1).is_multiple_of(64) {
            text.push(' ');
        }
        text.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.extend(content);
        bytes
    }

    fn message<T: Element + std::fmt::Debug>(bytes: &[u8]) -> String {
        from_bytes::<T>("x.npy", bytes).unwrap_err().to_string()
    }

    #[test]
    fn e8_a_header_that_promises_terabytes_is_refused_without_allocating() {
        let bytes = file("{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000, 4000000000), }", &[0; 16]);
        assert!(message::<f32>(&bytes).contains("promises shape"), "{}", message::<f32>(&bytes));
    }

    #[test]
    fn a_short_file_and_a_long_file_are_refused() {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
        assert!(from_bytes::<f32>("x.npy", &file(header, &[0; 16])).is_ok());
        for length in [0, 12, 20] {
            assert!(message::<f32>(&file(header, &vec![0; length])).contains("bytes follow"));
        }
    }

    #[test]
    fn e8_python_objects_are_refused_by_name() {
        let bytes = file("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", &[0; 16]);
        assert!(message::<f32>(&bytes).contains("Python objects"));
    }

    #[test]
    fn another_element_type_is_refused_by_name() {
        let bytes = file("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", &[0; 16]);
        assert_eq!(message::<f32>(&bytes), "x.npy: the array has elements of type `<f8`; float32 was expected");
        let bytes = file("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }", &[0; 2]);
        assert!(message::<bool>(&bytes).contains("bool was expected"));
    }

    #[test]
    fn bytes_that_are_no_numpy_file_are_refused() {
        for bytes in
            [&b""[..], b"\x93NUM", b"\x93NUMPY\x01\x00\xff\xff{", b"PK\x03\x04", b"\x93NUMPY\x09\x00\x01\x00\n"]
        {
            assert!(from_bytes::<f32>("x.npy", bytes).is_err());
        }
    }

    #[test]
    fn fortran_order_is_read_as_what_it_means() {
        let content: Vec<u8> = [1.0_f32, 3.0, 2.0, 4.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let bytes = file("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", &content);
        let array = from_bytes::<f32>("x.npy", &bytes).unwrap();
        assert_eq!(array.as_slice().unwrap(), [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let array = ndarray::arr2(&[[true, false], [false, true]]).into_dyn();
        write(&folder.path().join("m.npy"), array.view()).unwrap();
        let view = View::disk(folder.path().join("m.npy"));
        assert_eq!(read::<bool>(&view).unwrap(), array);
        assert!(read_vector::<bool>(&view).unwrap_err().to_string().contains("1 dimensions were expected"));
    }

    #[test]
    fn row_by_row_the_same_bytes_are_written_as_in_one_go() {
        let folder = tempfile::tempdir().unwrap();
        for (rows, width) in [(0, 3), (1, 1), (7, 768), (1234, 5)] {
            let matrix = Array2::from_shape_fn((rows, width), |(row, column)| (row * width + column) as f32 / 7.0);
            let [whole, by_rows] = ["whole", "rows"].map(|name| folder.path().join(format!("{name}-{rows}.npy")));
            write(&whole, matrix.view().into_dyn()).unwrap();
            let mut writer = RowWriter::create(&by_rows, width).unwrap();
            matrix.rows().into_iter().for_each(|row| writer.push(row.as_slice().unwrap()).unwrap());
            writer.finish().unwrap();
            assert!(fs_err::read(whole).unwrap() == fs_err::read(by_rows).unwrap(), "{rows}×{width}");
        }
        // Not more than any number of rows that a disk holds.
        let [none, many] = [0, 10_usize.pow(15)].map(|rows| header(folder.path(), rows, 1 << 26).unwrap().len());
        assert_eq!(none, many);
    }

    #[test]
    fn a_number_without_dimensions_is_an_array_of_rank_0() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n.npy");
        write(&path, ndarray::arr0(7_i64).into_dyn().view()).unwrap();
        assert_eq!(read::<i64>(&View::disk(path)).unwrap().first(), Some(&7));
    }
}
