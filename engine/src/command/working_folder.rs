//! Where a command runs: inputs laid out, outputs awaited, what is secret masked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dgpipe_cache::{FileError, Filesystem, RealFilesystem};

use super::argument::Paths;
use super::leftovers::Leftovers;
use super::project_root::{aside, put_back};
use super::secrets::Secrets;
use super::{CommandStage, WorkingFolderKind};
use crate::stage::{Context, Input, LogText, StageError};

/// The prepared surroundings of one execution.
pub(super) struct WorkingFolder {
    /// The folder that the program starts in.
    pub(super) path: PathBuf,
    /// Where inputs and outputs are, as the program sees them.
    pub(super) paths: Paths,
    /// For the program's own temporary files.
    pub(super) temporary: PathBuf,
    /// Outputs of a project command that were moved aside: from, to.
    aside: Vec<(PathBuf, PathBuf)>,
    secrets: Secrets,
    /// What lies beneath the project root, of a command that runs there: outputs that are moved aside must not lead
    /// anywhere else.
    project: Option<Arc<dyn Filesystem>>,
}

impl WorkingFolder {
    pub(super) fn prepare(stage: &CommandStage, context: &Context<'_>) -> Result<Self, StageError> {
        let scratch = context.scratch();
        let mut leftovers = Leftovers::find(scratch)?;
        let laid_out = scratch.join("work");
        leftovers.folder(&laid_out, scratch)?;
        let project = stage.cwd == WorkingFolderKind::Project;
        let tree = if project { Some(RealFilesystem.beneath(&stage.root)?) } else { None };
        let path = if project { stage.root.clone() } else { laid_out.clone() };
        let outputs = stage.output_paths.iter().map(|(port, path)| (port.clone(), no_option(path)));
        let mut folder = Self {
            paths: Paths { inputs: BTreeMap::new(), outputs: outputs.collect() },
            temporary: scratch.to_owned(),
            aside: Vec::new(),
            secrets: Secrets::new(&stage.secrets),
            project: tree,
            path,
        };
        let mut laying = Laying { leftovers, folder: laid_out, laid: BTreeSet::new(), project };
        for port in &stage.ports.inputs {
            let shown = laying.inputs(&port.name, context.inputs(&port.name), scratch)?;
            folder.paths.inputs.insert(port.name.clone(), shown);
        }
        folder.move_aside(stage)?;
        for output in stage.output_paths.values() {
            match (&folder.project, folder.path.join(output).parent()) {
                (Some(tree), _) => make_folders_of(&**tree, output, &stage.root)?,
                (None, Some(parent)) if output.contains('/') => laying.leftovers.folder(parent, scratch)?,
                (None, _) => {}
            }
        }
        laying.leftovers.remove()?;
        Ok(folder)
    }

    /// Declared outputs that lie in the project must not be mistaken for what this execution makes. They stay beside
    /// their places, so that a run that is killed cannot take them along with its scratch folder.
    fn move_aside(&mut self, stage: &CommandStage) -> Result<(), FileError> {
        let Some(tree) = &self.project else { return Ok(()) };
        for output in stage.output_paths.values() {
            let from = stage.root.join(output);
            put_back(&**tree, &from)?;
            if tree.stat(&from)?.is_some() {
                let to = aside(&from);
                tree.rename(&from, &to)?;
                self.aside.push((from, to));
            }
        }
        Ok(())
    }

    /// Puts back what was moved aside where the execution failed, and removes it where it did not. What a failed one
    /// said is left beside what it wrote.
    pub(super) fn finish(&self, succeeded: bool, said: &LogText) -> Result<(), StageError> {
        if let Some(tree) = &self.project {
            for (from, to) in &self.aside {
                if succeeded {
                    tree.remove_tree(to)?;
                } else if tree.stat(to)?.is_some() {
                    tree.remove_tree(from)?;
                    tree.rename(to, from)?;
                }
            }
        }
        if !succeeded {
            fs_err::write(self.temporary.join("stdout"), &said.stdout)?;
            fs_err::write(self.temporary.join("stderr"), &said.stderr)?;
        }
        Ok(())
    }

    /// What the program wrote, with the values of secrets masked.
    pub(super) fn log_text(&self, [stdout, stderr]: [Vec<u8>; 2]) -> LogText {
        LogText { stdout: self.secrets.mask(stdout), stderr: self.secrets.mask(stderr) }
    }

    /// A text of the program with the values of secrets masked.
    pub(super) fn masked(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.secrets.mask(text.into())).into_owned()
    }
}

/// The laying out of inputs.
struct Laying {
    leftovers: Leftovers,
    /// Where inputs are laid out.
    folder: PathBuf,
    /// What lies there by now: an artifact may be connected to several ports.
    laid: BTreeSet<PathBuf>,
    project: bool,
}

impl Laying {
    /// Lays out what is connected to one port, and returns the paths as the program sees them.
    fn inputs(&mut self, port: &str, inputs: &[Input], scratch: &Path) -> Result<Vec<String>, StageError> {
        let mut shown = Vec::with_capacity(inputs.len());
        for (index, input) in inputs.iter().enumerate() {
            let relative = match (input.in_place, inputs.len()) {
                (true, _) => input.file_name.clone(),
                (false, 1) => format!("in/{port}/{}", input.file_name),
                (false, _) => format!("in/{port}/{index}/{}", input.file_name),
            };
            // In the project root, what lies there is read there.
            if self.project && input.in_place {
                shown.push(no_option(&relative));
                continue;
            }
            let path = self.folder.join(&relative);
            if self.laid.insert(path.clone()) {
                self.input(input, &path, scratch)?;
            }
            shown.push(if self.project { path.display().to_string() } else { no_option(&relative) });
        }
        Ok(shown)
    }

    fn input(&mut self, input: &Input, path: &Path, scratch: &Path) -> Result<(), StageError> {
        if let Some(parent) = path.parent() {
            self.leftovers.folder(parent, scratch)?;
        }
        if input.view.can_overwrite() && self.leftovers.file(path)? {
            return Ok(input.view.overwrite(path)?);
        }
        self.leftovers.free(path)?;
        Ok(input.view.materialise(path)?)
    }
}

/// A relative path in a spelling that no program takes for an option.
fn no_option(path: &str) -> String {
    if path.starts_with('-') { format!("./{path}") } else { path.to_owned() }
}

/// Makes the folders that an output in the project is in.
fn make_folders_of(tree: &dyn Filesystem, output: &str, root: &Path) -> Result<(), FileError> {
    for (end, _) in output.match_indices('/') {
        // One that is there is as good as one that is made.
        let _ = tree.create_folder(&root.join(&output[..end]), 0o777)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_never_an_option() {
        assert_eq!(no_option("-rf"), "./-rf");
        assert_eq!(no_option("in/x/-rf"), "in/x/-rf");
    }
}
