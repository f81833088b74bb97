//! Every path and every version of the store. No other file spells a name of a folder in it.
//!
//! ```text
//! <root>/
//!   CACHEDIR.TAG                      tells backup programs to pass by
//!   .gitignore                        `*`
//!   objects-v1/ab/cdef…               bytes, read-only, named by their digest
//!   records-v1/ab/cdef….json          one record, named by its key, with a checksum of its own
//!   logs-v1/ab/cdef…                  stdout and stderr of the execution of a key
//!   projects-v1/<id>/<pipeline>/<profile>/
//!     latest.json                     cell → key
//!     former.json                     keys that were the latest once, and until when
//!     ledger.json                     published path → what was put there
//!     intended-….json                 published path → what was about to be put there, until the ledger says so
//!     pins.json                       keys that stay until somebody says otherwise
//!     lock, publishing                held while one of these is changed, while paths are published
//!     runs/<run>/events.jsonl         what happened, a line an event
//!     runs/<run>/report.json          the view made from it
//!     runs/<run>/in-use               keys that the run uses, until its report names them; locked while it lives
//!   resume-v1/<key>/<lease>/          checkpoints of an unfinished execution
//!   resume-v1/final-<family>/         states at the end, for executions that only go further
//!   items-v1/<family>/                rows made of single items, many to a file
//!   leases-v1/holders/<id>            one file for each process that executes, locked while it lives
//!   leases-v1/<key>                   a second name of the holder's file: it executes the key
//!   quarantine-v1/                    what was found to be damaged, for a person to look at
//!   scratch/<process>-<label>-<n>/    private folders of live executions
//!   scratch/kept-…/                   those left for a person to look at
//!   memo-v1/<host>/sources            digests of source files by their stamps
//!   memo-v1/<host>/records            outputs of records by the stamps of their files
//!   memo-v1/views/<digest>/           folders laid out for a person to look at
//!   memo-v1/listings/ab/cdef…         manifests of source folders, to say later which files changed
//! ```
//!
//! Rules
//! - A bucket with a version in its name is never read by a program that expects another one: a new
//!   format is a new bucket beside the old, so old and new programs share a store without harm.
//!   `scratch` has no version because nothing in it outlives the process that made it.
//! - `objects-v1` and `records-v1` are the truth. All else can be deleted at any time and costs only
//!   work (`memo-v1`, `items-v1`, `resume-v1`, `scratch`) or memory of the past (`logs-v1`,
//!   `projects-v1`, `quarantine-v1`).
//! - Names fan out by the first two digits, so that no folder gets too large to list.
//! - All of it is one file system: whatever is published is written in `scratch` and renamed.
//! - Folders are private to their owner (0700), because records and logs tell what the user does.

use std::path::{Path, PathBuf};

use crate::content::{Digest, Key};

/// A top folder of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bucket {
    Objects,
    Records,
    Projects,
    Logs,
    Resume,
    Items,
    Leases,
    Quarantine,
    Scratch,
    Memo,
}

impl Bucket {
    pub(crate) const ALL: [Self; 10] = [
        Self::Objects,
        Self::Records,
        Self::Projects,
        Self::Logs,
        Self::Resume,
        Self::Items,
        Self::Leases,
        Self::Quarantine,
        Self::Scratch,
        Self::Memo,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Objects => "objects-v1",
            Self::Records => "records-v1",
            Self::Projects => "projects-v1",
            Self::Logs => "logs-v1",
            Self::Resume => "resume-v1",
            Self::Items => "items-v1",
            Self::Leases => "leases-v1",
            Self::Quarantine => "quarantine-v1",
            Self::Scratch => "scratch",
            Self::Memo => "memo-v1",
        }
    }
}

/// Start of the names of states at the end, beside the keys of unfinished executions.
pub(crate) const FINAL: &str = "final-";

/// The paths of one store.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Mode of every folder in the store.
    pub(crate) const FOLDER_MODE: u32 = 0o700;
    /// Mode of objects: nobody writes to them again.
    pub(crate) const OBJECT_MODE: u32 = 0o444;
    /// Mode of all other files.
    pub(crate) const FILE_MODE: u32 = 0o600;
    /// Name and content of the tag that backup programs look for.
    pub(crate) const CACHE_TAG: (&str, &str) = (
        "CACHEDIR.TAG",
        "Signature: 8a477f597d28d172789f06886806bc55\n# The store of dgpipe. Deleting it costs only time.\n",
    );
    /// Keeps the store out of version control.
    pub(crate) const IGNORE: (&str, &str) = (".gitignore", "*\n");

    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn bucket(&self, bucket: Bucket) -> PathBuf {
        self.root.join(bucket.name())
    }

    pub(crate) fn object(&self, digest: &Digest) -> PathBuf {
        self.fanned(Bucket::Objects, &digest.to_string(), "")
    }

    pub(crate) fn record(&self, key: &Key) -> PathBuf {
        self.fanned(Bucket::Records, &key.to_string(), ".json")
    }

    pub(crate) fn log(&self, key: &Key) -> PathBuf {
        self.fanned(Bucket::Logs, &key.to_string(), "")
    }

    pub(crate) fn lease(&self, key: &Key) -> PathBuf {
        self.bucket(Bucket::Leases).join(key.to_string())
    }

    pub(crate) fn checkpoints(&self, key: &Key) -> PathBuf {
        self.bucket(Bucket::Resume).join(key.to_string())
    }

    pub(crate) fn final_states(&self, family: &Key) -> PathBuf {
        self.bucket(Bucket::Resume).join(format!("{FINAL}{family}"))
    }

    pub(crate) fn items(&self, family: &Key) -> PathBuf {
        self.bucket(Bucket::Items).join(family.to_string())
    }

    pub(crate) fn holders(&self) -> PathBuf {
        self.bucket(Bucket::Leases).join("holders")
    }

    pub(crate) fn quarantine(&self, name: &str) -> PathBuf {
        self.bucket(Bucket::Quarantine).join(name)
    }

    pub(crate) fn views(&self) -> PathBuf {
        self.bucket(Bucket::Memo).join("views")
    }

    pub(crate) fn source_memo(&self, host: &str) -> PathBuf {
        self.bucket(Bucket::Memo).join(escape(host)).join("sources")
    }

    pub(crate) fn record_index(&self, host: &str) -> PathBuf {
        self.bucket(Bucket::Memo).join(escape(host)).join("records")
    }

    pub(crate) fn listing(&self, digest: &Digest) -> PathBuf {
        let digest = digest.to_string();
        let (fan, rest) = digest.split_at(2);
        self.bucket(Bucket::Memo).join("listings").join(fan).join(rest)
    }

    pub(crate) fn project(&self, id: &str, pipeline: &str, profile: &str) -> PathBuf {
        let mut path = self.bucket(Bucket::Projects);
        path.extend([id, pipeline, profile].map(escape));
        path
    }

    fn fanned(&self, bucket: Bucket, hex: &str, ending: &str) -> PathBuf {
        let (fan, rest) = hex.split_at(2);
        let mut path = String::with_capacity(self.root.as_os_str().len() + 96);
        path.push_str(bucket.name());
        for part in ["/", fan, "/", rest, ending] {
            path.push_str(part);
        }
        self.root.join(path)
    }
}

/// Longer names are refused by most file systems; the rest leaves room for endings.
const LONGEST: usize = 200;

/// Turns any text into one path component, different texts into different ones.
///
/// All but letters, digits and `-_.,+=@` becomes `%` and two hexadecimal digits; a dot in front
/// too, so that neither `..` nor a hidden name can come out. What gets too long ends in a hash.
pub(crate) fn escape(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for (place, byte) in text.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || b"-_,+=@".contains(&byte);
        if plain || (byte == b'.' && place > 0) {
            name.push(char::from(byte));
        } else {
            name.push('%');
            name.push_str(&crate::content::to_hex(&[byte]));
        }
    }
    if name.is_empty() {
        return "%".to_owned();
    }
    if name.len() > LONGEST {
        name.truncate(LONGEST - 65);
        name.push('~');
        name.push_str(&Digest::of(text.as_bytes()).to_string());
    }
    name
}

/// Reads what [`escape`] wrote; a name that was cut stays as it is.
pub(crate) fn unescape(name: &str) -> String {
    if name == "%" {
        return String::new();
    }
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|digits| str::from_utf8(digits).ok());
        let escaped = hex.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let (b'%', Some(byte)) = (first, escaped) {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_its_folder() {
        for text in ["..", ".", "", "/etc", "a/../../b", "\0", "lodo[target=sketch]", "ä ö", "%2e"] {
            let name = escape(text);
            assert_eq!(Path::new(&name).components().count(), 1, "{text}");
            assert!(!name.starts_with('.'));
            assert_eq!(unescape(&name), text);
        }
    }

    #[test]
    fn long_names_stay_short_and_different() {
        let (one, other) = ("x".repeat(500) + "a", "x".repeat(500) + "b");
        assert!(escape(&one).len() <= LONGEST);
        assert_ne!(escape(&one), escape(&other));
    }
}
