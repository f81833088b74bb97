//! How a file carries its passport: inside where its format has a place for it, else in a file beside it.
//!
//! Stamping and removing are exact: what is left when a stamp is removed are the bytes that were stamped. A file that
//! is not what its name says, or whose format cannot be extended safely, gets a file beside it.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use dgpipe_cache::Digest;

use super::passport::LONGEST;
use super::{Passport, pdf, png, svg};

/// What the name of a file that holds another file's passport ends with.
pub const SIDECAR: &str = ".passport.json";
/// Larger files are not taken into memory to be stamped; their passport lies beside them.
const LARGEST: u64 = 256 << 20;

/// Where the passport of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// In a chunk `iTXt` of a PNG.
    Png,
    /// In an element `metadata` of an SVG.
    Svg,
    /// In the XMP metadata of a PDF.
    Pdf,
    /// In a file beside it.
    Sidecar,
}

/// A passport that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PassportError {
    /// There is none.
    #[error("it carries no passport: dgpipe did not publish it, or something removed it")]
    None,
    /// Its text was changed or cut.
    #[error("its passport is damaged: it does not match its own seal")]
    Unsealed,
    /// A later version wrote it.
    #[error("a newer dgpipe wrote its passport (version {version})")]
    Newer {
        /// The version found.
        version: u64,
    },
    /// It is no passport.
    #[error("its passport cannot be read: {0}")]
    Syntax(#[source] serde_json::Error),
    /// It is unreasonably large.
    #[error("it has {size} bytes; files of more than {LARGEST} are not searched for a passport")]
    TooLarge {
        /// Bytes.
        size: u64,
    },
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Carrier {
    /// Where the passport of a file of this name would be.
    pub(super) fn of(name: &str) -> Self {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        match ending.as_deref() {
            Some("png") => Self::Png,
            Some("svg") => Self::Svg,
            Some("pdf") => Self::Pdf,
            _ => Self::Sidecar,
        }
    }

    /// The file with its passport in it; nothing where that has to lie beside it.
    pub(super) fn stamp(self, bytes: &[u8], passport: &Passport) -> Option<Vec<u8>> {
        let bare = self.bare(bytes);
        self.put(&bare, &passport.for_bytes(Digest::of(&bare)).to_text())
    }

    /// Whether a file of so many bytes is taken into memory for a passport inside.
    pub(super) fn fits(self, size: u64) -> bool {
        self != Self::Sidecar && size <= LARGEST
    }

    fn put(self, bare: &[u8], text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Png => png::put(bare, text),
            Self::Svg => svg::put(bare, text),
            Self::Pdf => pdf::put(bare, text),
            Self::Sidecar => None,
        }
    }

    /// The bytes without the stamp, where there is one.
    fn bare(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        let stamp = Passport::find(bytes).and_then(|text| match self {
            Self::Png => png::stamp(bytes, text),
            Self::Svg => svg::stamp(bytes, text),
            Self::Pdf => pdf::stamp(bytes),
            Self::Sidecar => None,
        });
        match stamp {
            Some(stamp) => Cow::Owned([&bytes[..stamp.start], &bytes[stamp.end..]].concat()),
            None => Cow::Borrowed(bytes),
        }
    }
}

/// A passport that was found with a file.
#[derive(Clone, Debug)]
pub struct Found {
    /// What it says.
    pub passport: Passport,
    /// Whether the file is exactly the one that was stamped.
    pub intact: bool,
}

/// Reads the passport of a file, from the file alone or from the one beside it.
pub fn read_passport(path: &Path) -> Result<Found, PassportError> {
    // Whoever names the file beside means the one that it speaks of.
    let name = path.to_string_lossy();
    let path = name.strip_suffix(SIDECAR).map_or(path, Path::new);
    let metadata = fs_err::metadata(path)?;
    if !metadata.is_file() {
        let text = format!("`{}` is not a file; name one of the files in it", path.display());
        return Err(PassportError::Io(std::io::Error::other(text)));
    }
    let beside = beside(path);
    if metadata.len() > LARGEST && !beside.is_file() {
        return Err(PassportError::TooLarge { size: metadata.len() });
    }
    if metadata.len() <= LARGEST {
        let bytes = fs_err::read(path)?;
        if let Some(text) = Passport::find(&bytes) {
            let text = std::str::from_utf8(&bytes[text]).map_err(|_| PassportError::Unsealed)?;
            let passport = Passport::from_text(text)?;
            let carrier = Carrier::of(&path.to_string_lossy());
            let bare = carrier.bare(&bytes);
            let intact =
                passport.bytes == Some(Digest::of(&bare)) && carrier.put(&bare, text).is_some_and(|put| put == bytes);
            return Ok(Found { passport, intact });
        }
    }
    let passport = sidecar(&beside)?;
    let intact = passport.bytes == Some(digest_of(path)?);
    Ok(Found { passport, intact })
}

/// Whether a file, or every file in a folder, is exactly as it was published at a path below the project root, by
/// what its own passport says.
pub(crate) fn is_intact(on_disk: &Path, path: &str) -> bool {
    let Ok(metadata) = on_disk.symlink_metadata() else { return false };
    if metadata.is_dir() {
        let inside = |entry: std::io::Result<fs_err::DirEntry>| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            Some(is_intact(&on_disk.join(&name), &format!("{path}/{name}")))
        };
        return fs_err::read_dir(on_disk).is_ok_and(|mut entries| entries.all(|entry| inside(entry) == Some(true)));
    }
    if !metadata.is_file() {
        return false;
    }
    match path.strip_suffix(SIDECAR) {
        Some(path) => sidecar(on_disk).is_ok_and(|passport| passport.path == path),
        None => read_passport(on_disk).is_ok_and(|found| found.intact && found.passport.path == path),
    }
}

/// Reads a file that holds another file's passport.
fn sidecar(path: &Path) -> Result<Passport, PassportError> {
    let text = match fs_err::metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.len() <= LONGEST as u64 => fs_err::read(path)?,
        _ => return Err(PassportError::None),
    };
    Passport::from_text(&String::from_utf8(text).map_err(|_| PassportError::Unsealed)?)
}

/// Where the passport of a file lies that cannot carry it inside.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(SIDECAR);
    name.into()
}

/// The digest of a file of any size.
fn digest_of(path: &Path) -> Result<Digest, PassportError> {
    let memo = dgpipe_cache::SourceMemo::in_memory();
    let snapshot = dgpipe_cache::hash_path(path, dgpipe_cache::HashOptions::default(), &memo);
    Ok(snapshot.map_err(std::io::Error::other)?.artifact().digest)
}
