//! One line of a manifest. A name is a single path component and valid UTF-8, so that an entry can
//! never lead out of the folder it stands in.

use serde::{Deserialize, Serialize};

use super::{Artifact, Digest};

/// What a name in a folder stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum EntryContent {
    /// A file.
    File {
        /// Hash of its bytes.
        digest: Digest,
        /// Number of bytes.
        size: u64,
        /// Whether its owner may execute it.
        executable: bool,
    },
    /// A folder with a manifest of its own.
    Folder {
        /// Hash of that manifest.
        digest: Digest,
        /// Bytes of all files below.
        size: u64,
    },
    /// A symbolic link to another place in the same tree.
    Link {
        /// The relative target, as it was found.
        target: String,
    },
}

/// A name in a folder with what it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestEntry {
    /// A single path component.
    pub name: String,
    /// What is there.
    pub content: EntryContent,
}

impl ManifestEntry {
    /// Returns the artifact that the name stands for; a link is none.
    pub fn artifact(&self) -> Option<Artifact> {
        match self.content {
            EntryContent::File { digest, size, .. } => Some(Artifact::file(digest, size)),
            EntryContent::Folder { digest, size } => Some(Artifact::folder(digest, size)),
            EntryContent::Link { .. } => None,
        }
    }

    /// Tells whether this is a file that its owner may execute.
    pub fn executable(&self) -> bool {
        matches!(self.content, EntryContent::File { executable: true, .. })
    }

    /// Returns the target where this is a symbolic link.
    pub fn link_target(&self) -> Option<&str> {
        match &self.content {
            EntryContent::Link { target } => Some(target),
            _ => None,
        }
    }
}

/// Tells whether a text can be one component of a path.
pub(crate) fn is_component(name: &str) -> bool {
    !(name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']))
}

/// Tells whether a link at `depth` folders below the root of a tree stays in that tree.
///
/// `..` is taken only at the front: those steps go up through real folders, whatever other links
/// exist, whereas `link/..` would go wherever that link leads.
pub(crate) fn link_stays_inside(target: &str, depth: usize) -> bool {
    if target.is_empty() || target.starts_with('/') || target.contains('\0') {
        return false;
    }
    let steps = target.split('/').filter(|step| !step.is_empty() && *step != ".");
    let ups = steps.clone().take_while(|step| *step == "..").count();
    ups <= depth && steps.skip(ups).all(|step| step != "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_may_not_leave_its_tree() {
        assert!(link_stays_inside("b", 0));
        assert!(link_stays_inside("./b/c", 0));
        assert!(link_stays_inside("../b", 1));
        assert!(!link_stays_inside("../b", 0));
        assert!(!link_stays_inside("/etc/passwd", 3));
        assert!(!link_stays_inside("", 0));
    }

    #[test]
    fn a_link_may_not_step_up_behind_another_link() {
        assert!(!link_stays_inside("other-link/../..", 5));
    }
}
