//! What can be fetched.

/// Files that are known before they are asked for: where they are, at which revision, and the digests they must have.
#[derive(Clone, Copy, Debug)]
pub struct Download {
    /// What `fetch` calls it.
    pub name: &'static str,
    /// One sentence about it.
    pub about: &'static str,
    /// The server, such as `https://example.org`; `--from` names another one with the same paths.
    pub server: &'static str,
    /// The folder on the server, with the revision in it.
    pub path: &'static str,
    /// The files.
    pub files: &'static [DownloadFile],
    /// Where they are put, relative to the project root.
    pub folder: &'static str,
    /// What to do with them.
    pub next: &'static str,
}

/// One file of a download.
#[derive(Clone, Copy, Debug)]
pub struct DownloadFile {
    /// Its path below that of the download. Its last part is its name in the folder.
    pub path: &'static str,
    /// How many bytes it has, where the publisher says so; else the server's word counts up to `at_most`, and in the end the
    /// digest.
    pub size: Option<u64>,
    /// The most bytes that it may have: no server fills a disk, whatever it says.
    pub at_most: u64,
    /// Its SHA-256 in hexadecimal digits.
    pub sha256: &'static str,
}

impl DownloadFile {
    /// The most bytes that are taken.
    pub(super) fn limit(&self) -> u64 {
        self.size.unwrap_or(self.at_most)
    }

    /// Its name in the folder.
    pub fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }
}
