//! What a program offers to pipeline files: its stage types, and how the kinds of its sources are read.

use std::collections::BTreeSet;

use crate::stage::{Kind, Registered};

/// The stage types and source kinds of a program. `command`, `file/1` and `folder/1` are always there.
#[derive(Clone, Copy, Debug)]
pub struct Registry {
    /// Stage types, by name in byte order.
    pub stage_types: &'static [Registered],
    /// Kinds of sources that are read in another way than any folder.
    pub source_kinds: &'static [SourceKind],
}

/// How a source of some kind is read where it lies.
#[derive(Clone, Debug)]
pub struct SourceKind {
    /// The kind.
    pub kind: Kind,
    /// Folders that are stepped into where the source contains nothing else, such as `kfold`.
    pub steps_into: &'static [&'static str],
}

impl Registry {
    /// The stage type of that name.
    pub fn stage_type(&self, name: &str) -> Option<&'static Registered> {
        self.stage_types.iter().find(|registered| registered.name == name)
    }

    /// Every name that `uses:` can have.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.stage_types.iter().map(|registered| registered.name).collect();
        names.push(crate::command::NAME);
        names.sort_unstable();
        names
    }

    /// Every kind that a source or an output of a command can have.
    pub fn kinds(&self) -> BTreeSet<Kind> {
        let mut kinds = BTreeSet::from([Kind::FILE, Kind::FOLDER]);
        for registered in self.stage_types {
            let ports = (registered.ports)();
            kinds.extend(ports.inputs.into_iter().flat_map(|port| port.kinds));
            kinds.extend(ports.outputs.into_iter().map(|port| port.kind));
        }
        kinds.extend(self.source_kinds.iter().map(|source| source.kind.clone()));
        kinds
    }

    /// How a source of that kind is read, where that is special.
    pub fn source_kind(&self, kind: &Kind) -> Option<&'static SourceKind> {
        self.source_kinds.iter().find(|source| source.kind == *kind)
    }
}
