//! Where a command runs: inputs laid out, outputs awaited, what it says kept.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::argument::Paths;
use super::{CommandStage, WorkingFolderKind};
use crate::stage::{Context, Input, StageError};

/// The prepared surroundings of one execution.
pub(super) struct WorkingFolder {
    /// The folder that the program starts in.
    pub(super) path: PathBuf,
    /// Where inputs and outputs are, as the program sees them.
    pub(super) paths: Paths,
    /// For the program's own temporary files.
    pub(super) temporary: PathBuf,
    pub(super) stdout: PathBuf,
    pub(super) stderr: PathBuf,
    /// Outputs of a project command that were moved aside: from, to.
    aside: Vec<(PathBuf, PathBuf)>,
    /// Held while a command runs in the project root.
    _project: Option<File>,
}

impl WorkingFolder {
    pub(super) fn prepare(stage: &CommandStage, context: &Context<'_>) -> Result<Self, StageError> {
        let scratch = context.scratch();
        let (laid_out, temporary) = (scratch.join("work"), scratch.join("tmp"));
        fs_err::create_dir_all(&laid_out)?;
        fs_err::create_dir_all(&temporary)?;
        let project = stage.cwd == WorkingFolderKind::Project;
        let lock = if project { Some(lock_project(&stage.root)?) } else { None };
        let path = if project { stage.root.clone() } else { laid_out.clone() };
        let mut folder = Self {
            paths: Paths { inputs: BTreeMap::new(), outputs: stage.output_paths.clone() },
            temporary,
            stdout: scratch.join("stdout"),
            stderr: scratch.join("stderr"),
            aside: Vec::new(),
            _project: lock,
            path,
        };
        for port in &stage.ports.inputs {
            folder.lay_out(&port.name, context.inputs(&port.name), &laid_out, project)?;
        }
        if project {
            folder.move_aside(stage, scratch)?;
        }
        for output in stage.output_paths.values() {
            if let Some(parent) = folder.path.join(output).parent() {
                fs_err::create_dir_all(parent)?;
            }
        }
        Ok(folder)
    }

    fn lay_out(&mut self, port: &str, inputs: &[Input], laid_out: &Path, project: bool) -> Result<(), StageError> {
        let mut shown = Vec::with_capacity(inputs.len());
        for (index, input) in inputs.iter().enumerate() {
            let relative = match (input.in_place, inputs.len()) {
                (true, _) => input.file_name.clone(),
                (false, 1) => format!("in/{port}/{}", input.file_name),
                (false, _) => format!("in/{port}/{index}/{}", input.file_name),
            };
            // In the project root, what lies there is read there.
            if project && input.in_place {
                shown.push(relative);
                continue;
            }
            let path = laid_out.join(&relative);
            if let Some(parent) = path.parent() {
                fs_err::create_dir_all(parent)?;
            }
            if !path.exists() {
                input.view.materialise(&path)?;
            }
            shown.push(if project { path.display().to_string() } else { relative });
        }
        self.paths.inputs.insert(port.to_owned(), shown);
        Ok(())
    }

    /// Declared outputs that lie in the project must not be mistaken for what this execution makes.
    fn move_aside(&mut self, stage: &CommandStage, scratch: &Path) -> Result<(), StageError> {
        for (port, output) in &stage.output_paths {
            let from = stage.root.join(output);
            if from.symlink_metadata().is_ok() {
                let to = scratch.join(format!("aside-{port}"));
                crate::files::move_path(&from, &to)?;
                self.aside.push((from, to));
            }
        }
        Ok(())
    }

    /// Puts back what was moved aside where the execution left nothing in its place.
    pub(super) fn finish(&self, succeeded: bool) -> Result<(), StageError> {
        for (from, to) in &self.aside {
            if !succeeded && to.symlink_metadata().is_ok() {
                crate::files::remove_path(from)?;
                crate::files::move_path(to, from)?;
            }
        }
        Ok(())
    }

    /// What the program wrote, with the values of secrets masked.
    pub(super) fn log_text(&self, secrets: &BTreeMap<String, String>) -> crate::stage::LogText {
        let read = |path: &Path| mask(fs_err::read(path).unwrap_or_default(), secrets);
        crate::stage::LogText { stdout: read(&self.stdout), stderr: read(&self.stderr) }
    }
}

fn lock_project(root: &Path) -> Result<File, StageError> {
    let folder = fs_err::File::open(root)?.into_parts().0;
    // Where the file system has no locks, the other commands of this process are still kept apart by their paths.
    if let Err(error) = folder.lock() {
        return if error.kind() == std::io::ErrorKind::Unsupported { Ok(folder) } else { Err(error.into()) };
    }
    Ok(folder)
}

fn mask(mut text: Vec<u8>, secrets: &BTreeMap<String, String>) -> Vec<u8> {
    for value in secrets.values().filter(|value| !value.is_empty()) {
        let needle = value.as_bytes();
        while let Some(at) = text.windows(needle.len()).position(|window| window == needle) {
            text.splice(at..at + needle.len(), b"***".iter().copied());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        let secrets = BTreeMap::from([("TOKEN".to_owned(), "hunter2".to_owned())]);
        assert_eq!(mask(b"a hunter2 b hunter2".to_vec(), &secrets), b"a *** b ***");
    }
}
