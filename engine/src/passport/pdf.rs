//! The passport in a PDF: XMP metadata, added by an incremental update as ISO 32000-1 section 7.5.6 describes it. What
//! was there stays as it is, byte for byte; the catalog is written once more with a reference to the metadata.
//!
//! Files with cross-reference streams, encrypted ones, and those with metadata of their own are left to a passport
//! beside them.

use std::ops::Range;

use super::passport::last;

/// What begins an update by dgpipe.
const MARK: &[u8] = b"\n%dgpipe passport\n";
/// How far from the end of a file its last cross-reference table is announced.
const TAIL: usize = 2048;
/// Tables that are looked through, the newest first.
const MOST_TABLES: usize = 64;

/// A PDF with a passport; nothing where that cannot be done without harm.
pub(super) fn put(bytes: &[u8], text: &str) -> Option<Vec<u8>> {
    let document = Document::read(bytes)?;
    let mut update = MARK.to_vec();
    let place = |update: &Vec<u8>| bytes.len() + update.len();
    let metadata = document.size;
    let packet = packet(text);
    let metadata_place = place(&update);
    update.extend(
        format!(
            "{metadata} 0 obj\n<< /Type /Metadata /Subtype /XML /Length {} >>\nstream\n{packet}\nendstream\nendobj\n",
            packet.len()
        )
        .into_bytes(),
    );
    let (root, generation) = document.root;
    let catalog_place = place(&update);
    update.extend(format!("{root} {generation} obj\n<<").into_bytes());
    update.extend(document.catalog);
    update.extend(format!("\n/Metadata {metadata} 0 R >>\nendobj\n").into_bytes());
    let table_place = place(&update);
    let mut lines = [
        (root, format!("{root} 1\n{catalog_place:010} {generation:05} n \n")),
        (metadata, format!("{metadata} 1\n{metadata_place:010} 00000 n \n")),
    ];
    lines.sort();
    let table: String = lines.into_iter().map(|(_, line)| line).collect();
    let (size, previous) = (metadata + 1, document.table);
    update.extend(format!("xref\n{table}trailer\n<< /Size {size} /Root {root} {generation} R").into_bytes());
    for (key, value) in [("/Info", document.about), ("/ID", document.id)] {
        if let Some(value) = value {
            update.extend([b" ", key.as_bytes(), b" ", value].concat());
        }
    }
    update.extend(format!(" /Prev {previous} >>\nstartxref\n{table_place}\n%%EOF\n").into_bytes());
    Some([bytes, &update].concat())
}

/// The update at the end of a PDF.
pub(super) fn stamp(bytes: &[u8]) -> Option<Range<usize>> {
    Some(last(bytes, MARK)?..bytes.len())
}

/// An XMP packet (ISO 16684-1) that only says the passport, for programs that know no more of PDF than that.
fn packet(text: &str) -> String {
    format!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
         <rdf:Description rdf:about=\"\" xmlns:dgpipe=\"urn:dgpipe:passport:1:\">\
         <dgpipe:passport>{text}</dgpipe:passport></rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end=\"r\"?>"
    )
}

/// What an update has to know.
struct Document<'a> {
    /// Where the newest cross-reference table is.
    table: usize,
    /// One more than the largest object number.
    size: usize,
    /// Number and generation of the catalog.
    root: (usize, usize),
    /// What is in the catalog's dictionary.
    catalog: &'a [u8],
    /// The trailer's references to the document's description and identifier.
    about: Option<&'a [u8]>,
    id: Option<&'a [u8]>,
}

impl<'a> Document<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        if !bytes.starts_with(b"%PDF-") {
            return None;
        }
        let tail = bytes.len().saturating_sub(TAIL);
        let announced = tail + last(&bytes[tail..], b"startxref")? + b"startxref".len();
        let table = Scanner::at(bytes, announced)?.number()?;
        let trailer = Table::read(bytes, table)?.trailer;
        if value(trailer, b"/Encrypt").is_some() {
            return None;
        }
        let size = Scanner::at(value(trailer, b"/Size")?, 0)?.number()?;
        let mut reference = Scanner::at(value(trailer, b"/Root")?, 0)?;
        let root = (reference.number()?, reference.number()?);
        let mut object = Scanner::at(bytes, place_of(bytes, table, root.0)?)?;
        let named = (object.number()?, object.number()?) == root && object.word() == b"obj";
        let catalog = object.dictionary().filter(|_| named)?;
        if value(catalog, b"/Metadata").is_some() {
            return None;
        }
        let (about, id) = (value(trailer, b"/Info"), value(trailer, b"/ID"));
        Some(Self { table, size, root, catalog, about, id })
    }
}

/// Where an object is, by the newest table that knows it.
fn place_of(bytes: &[u8], newest: usize, object: usize) -> Option<usize> {
    let mut place = newest;
    for _ in 0..MOST_TABLES {
        let table = Table::read(bytes, place)?;
        if let Some(found) = table.sections.iter().find_map(|section| section.place_of(object)) {
            return Some(found);
        }
        place = Scanner::at(value(table.trailer, b"/Prev")?, 0)?.number()?;
    }
    None
}

/// A cross-reference table with its trailer.
struct Table<'a> {
    sections: Vec<Section<'a>>,
    /// What is in the trailer's dictionary.
    trailer: &'a [u8],
}

/// Places of consecutive objects, 20 bytes each.
struct Section<'a> {
    first: usize,
    entries: &'a [u8],
}

impl Section<'_> {
    fn place_of(&self, object: usize) -> Option<usize> {
        let entry = self.entries.chunks_exact(20).nth(object.checked_sub(self.first)?)?;
        if entry[17] == b'n' { std::str::from_utf8(&entry[..10]).ok()?.parse().ok() } else { None }
    }
}

impl<'a> Table<'a> {
    fn read(bytes: &'a [u8], place: usize) -> Option<Self> {
        let mut scanner = Scanner::at(bytes, place)?;
        if scanner.word() != b"xref" {
            return None;
        }
        let mut sections = Vec::new();
        loop {
            let word = scanner.word();
            if word == b"trailer" {
                return Some(Self { sections, trailer: scanner.dictionary()? });
            }
            let first = std::str::from_utf8(word).ok()?.parse().ok()?;
            let length = scanner.number()?.checked_mul(20)?;
            scanner.space();
            let entries = scanner.rest.get(..length)?;
            scanner.rest = &scanner.rest[length..];
            sections.push(Section { first, entries });
        }
    }
}

/// The value of a key at the top of a dictionary, as it is written.
fn value<'a>(dictionary: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let mut scanner = Scanner { rest: dictionary };
    loop {
        scanner.space();
        let name = scanner.element()?;
        let before = scanner.rest;
        let next = |scanner: &mut Scanner<'a>| {
            scanner.space();
            scanner.element()
        };
        next(&mut scanner)?;
        // A reference is three elements: two numbers and `R`.
        let mut ahead = Scanner { rest: scanner.rest };
        if next(&mut ahead).is_some_and(|word| word.iter().all(u8::is_ascii_digit)) && next(&mut ahead) == Some(b"R") {
            scanner = ahead;
        }
        if name == key {
            return Some(before[..before.len() - scanner.rest.len()].trim_ascii());
        }
    }
}

/// Reads the elements of PDF's syntax (ISO 32000-1 section 7.2 and 7.3), one after another.
struct Scanner<'a> {
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    fn at(bytes: &'a [u8], place: usize) -> Option<Self> {
        Some(Self { rest: bytes.get(place..)? })
    }

    /// Steps over white space and comments.
    fn space(&mut self) {
        loop {
            let blank = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'\x0c' | b'\0');
            self.rest = &self.rest[self.rest.iter().position(blank).unwrap_or(self.rest.len())..];
            if self.rest.first() != Some(&b'%') {
                return;
            }
            let end = self.rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            self.rest = &self.rest[end.unwrap_or(self.rest.len())..];
        }
    }

    /// The next letters or digits.
    fn word(&mut self) -> &'a [u8] {
        self.space();
        let end = self.rest.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn number(&mut self) -> Option<usize> {
        std::str::from_utf8(self.word()).ok()?.parse().ok()
    }

    /// What is between the next `<<` and the `>>` that closes it.
    fn dictionary(&mut self) -> Option<&'a [u8]> {
        self.space();
        let whole = self.element()?;
        whole.strip_prefix(b"<<")?.strip_suffix(b">>")
    }

    /// The next element, whole: a name, a number, a word, a text, a list or a dictionary.
    fn element(&mut self) -> Option<&'a [u8]> {
        let begin = self.rest;
        let mut open = 0_usize;
        loop {
            self.space();
            let (length, change) = match self.rest {
                [b'<', b'<', ..] => (2, 1),
                [b'>', b'>', ..] => (2, -1),
                [b'[', ..] => (1, 1),
                [b']', ..] => (1, -1),
                [b'<', ..] => (self.rest.iter().position(|byte| *byte == b'>')? + 1, 0),
                [b'(', ..] => (text_length(self.rest)?, 0),
                [_, rest @ ..] => {
                    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\0<>[]()/%{}".contains(byte);
                    (1 + rest.iter().position(ends).unwrap_or(rest.len()), 0)
                }
                [] => return None,
            };
            self.rest = &self.rest[length..];
            open = open.checked_add_signed(change)?;
            if open == 0 {
                return Some(&begin[..begin.len() - self.rest.len()]);
            }
        }
    }
}

/// The length of a text in parentheses, which may hold further ones.
fn text_length(bytes: &[u8]) -> Option<usize> {
    let mut open = 0_usize;
    let mut escaped = false;
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'(' => open += 1,
            b')' => {
                open -= 1;
                if open == 0 {
                    return Some(index + 1);
                }
            }
            _ => {}
        }
    }
    None
}
