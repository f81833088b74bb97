//! The pages of a column of a Parquet file, by their headers alone: how much they unpack to is known before anything is.
//!
//! Headers are structures of Thrift's compact protocol, of which two numbers are taken and the rest is passed over.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// What the header of a page says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// Its bytes in the file.
    pub(crate) packed: u64,
    /// Its bytes when it is unpacked.
    pub(crate) unpacked: u64,
}

/// Pages up to so many bytes may be packed as densely as they like.
const FREE: u64 = 64 << 20;

/// Larger ones unpack to at most so many times their bytes: images are packed already.
const TIMES: u64 = 16;

/// No page may unpack to more bytes.
const MOST: u64 = 1 << 30;

impl Page {
    /// Says why the page is not unpacked, if it is not.
    pub(crate) fn mistake(self) -> Option<String> {
        let Self { packed, unpacked } = self;
        let most = MOST.min(FREE.max(packed.saturating_mul(TIMES)));
        (unpacked > most).then(|| format!("a page of {packed} bytes unpacks to {unpacked}; at most {most} are taken"))
    }
}

/// Returns the largest page in `length` bytes from `start`. Where no page can be made out it ends: there the reader of the
/// pages ends too, and says what is wrong.
pub(crate) fn largest(file: &File, start: u64, length: u64) -> io::Result<Page> {
    let mut headers = Headers { file: BufReader::new(file), read: 0, most: 0 };
    headers.file.seek(SeekFrom::Start(start))?;
    let (mut rest, mut largest) = (length, Page::default());
    while let Some(page) = headers.next_in(rest)? {
        if page.unpacked > largest.unpacked {
            largest = page;
        }
        rest -= headers.read + page.packed;
        headers.file.seek_relative(i64::try_from(page.packed).map_err(|_| invalid())?)?;
    }
    Ok(largest)
}

/// No header nests deeper.
const DEEPEST: usize = 64;

/// Fields of a page's header.
const UNPACKED: i64 = 2;
const PACKED: i64 = 3;

/// Reads headers, one after the other.
struct Headers<'a> {
    file: BufReader<&'a File>,
    /// How many bytes of this header were read.
    read: u64,
    /// How many there can be.
    most: u64,
}

impl Headers<'_> {
    /// The next header, if one with its page fits into `rest` bytes.
    fn next_in(&mut self, rest: u64) -> io::Result<Option<Page>> {
        if rest == 0 {
            return Ok(None);
        }
        (self.read, self.most) = (0, rest);
        let mut page = Page::default();
        match self.structure(&mut page, 0) {
            Ok(()) => Ok((self.read.saturating_add(page.packed) <= rest).then_some(page)),
            Err(error) if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Passes over a structure; of the outermost one two fields are taken.
    fn structure(&mut self, page: &mut Page, depth: usize) -> io::Result<()> {
        let mut field = 0;
        loop {
            let head = self.byte()?;
            let kind = head & 0x0F;
            if kind == 0 {
                return Ok(());
            }
            field = if head >> 4 == 0 { self.number()? } else { field + i64::from(head >> 4) };
            if depth == 0 && kind == 5 && (field == UNPACKED || field == PACKED) {
                let number = u64::try_from(self.number()?).map_err(|_| invalid())?;
                // Where a field stands twice it is not known which one counts.
                let place = if field == UNPACKED { &mut page.unpacked } else { &mut page.packed };
                *place = number.max(*place);
            } else if kind > 2 {
                // Truth values have no bytes as fields.
                self.value(kind, depth + 1)?;
            }
        }
    }

    /// Passes over a value of a kind.
    fn value(&mut self, kind: u8, depth: usize) -> io::Result<()> {
        if depth > DEEPEST {
            return Err(invalid());
        }
        match kind {
            1..=3 => self.byte().map(drop),
            4..=6 => self.number().map(drop),
            7 => self.skip(8),
            8 => {
                let length = self.varint()?;
                self.skip(length)
            }
            9 | 10 => {
                let head = self.byte()?;
                let count = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
                (0..count).try_for_each(|_| self.value(head & 0x0F, depth + 1))
            }
            11 => {
                let count = self.varint()?;
                let kinds = if count == 0 { 0 } else { self.byte()? };
                (0..count).try_for_each(|_| {
                    self.value(kinds >> 4, depth + 1)?;
                    self.value(kinds & 0x0F, depth + 1)
                })
            }
            12 => self.structure(&mut Page::default(), depth),
            _ => Err(invalid()),
        }
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.file.read_exact(&mut byte)?;
        self.count(1)?;
        Ok(byte[0])
    }

    /// A number without a sign, seven bits a byte.
    fn varint(&mut self) -> io::Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(invalid())
    }

    /// A number whose sign is its last bit.
    fn number(&mut self) -> io::Result<i64> {
        let number = self.varint()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn skip(&mut self, length: u64) -> io::Result<()> {
        self.count(length)?;
        self.file.seek_relative(i64::try_from(length).map_err(|_| invalid())?)
    }

    /// Counts bytes of a header. Without an end a list of nothing could be as long as a number is large.
    fn count(&mut self, bytes: u64) -> io::Result<()> {
        self.read = self.read.saturating_add(bytes);
        if self.read > self.most { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

fn invalid() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn largest_of(bytes: &[u8]) -> Page {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"PAR1").unwrap();
        file.write_all(bytes).unwrap();
        largest(&file, 4, bytes.len() as u64).unwrap()
    }

    #[test]
    fn the_largest_page_is_found_by_headers_alone() {
        // Kind 0, 1,000 unpacked, 3 packed; a structure with a number, a binary and a truth value; the end.
        let page = [0x15, 0, 0x15, 0xD0, 0x0F, 0x15, 6, 0x2C, 0x15, 2, 0x18, 2, b'a', b'b', 0x11, 0, 0, 7, 7, 7];
        assert_eq!(largest_of(&page), Page { packed: 3, unpacked: 1000 });
        let mut larger = page;
        larger[4] = 0x10;
        let three = [page, larger, page].concat();
        assert_eq!(largest_of(&three), Page { packed: 3, unpacked: 1064 });
        // A page that is cut off, bytes that are no header.
        assert_eq!(largest_of(&page[..18]), Page::default());
        assert_eq!(largest_of(&[0xFF; 90]), Page::default());
        // A list of 2⁶² numbers of eight bytes.
        let list = [&[0x19, 0xF7], &[0x80; 8][..], &[0x40, 0, 0]].concat();
        assert_eq!(largest_of(&list), Page::default());
    }

    #[test]
    fn a_page_that_unpacks_to_much_more_than_images_do_is_refused() {
        let mistake = |packed, unpacked| Page { packed, unpacked }.mistake();
        assert_eq!(mistake(100, 64 << 20), None);
        assert_eq!(mistake(50 << 20, 700 << 20), None);
        let message = "a page of 47666 bytes unpacks to 1500000000; at most 67108864 are taken";
        assert_eq!(mistake(47_666, 1_500_000_000).as_deref(), Some(message));
        assert!(mistake(1 << 31, (1 << 30) + 1).is_some());
    }
}
