//! Executes one stage type on files and folders, without a pipeline or a store.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::context::Findings;
use super::{Ambient, Cancel, Context, Input, Metric, Silent, StageError, StageType, View};
use crate::graph::Coordinates;

/// One execution of a stage type by hand: for tests, benchmarks and tools.
///
/// ```no_run
/// # use dgpipe_engine::stage::*;
/// # fn example<S: StageType>(config: S::Config) -> Result<(), StageError> {
/// let result = Solo::new("out").input("embeddings", "some/folder").execute::<S>(&config)?;
/// println!("{:?}", result.outputs["train"]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Solo {
    folder: PathBuf,
    inputs: BTreeMap<String, Vec<Input>>,
    ambient: Ambient,
}

/// What an execution by hand left.
#[derive(Debug)]
pub struct SoloResult {
    /// Where each output lies, by port.
    pub outputs: BTreeMap<String, PathBuf>,
    /// Metrics by name.
    pub metrics: BTreeMap<String, Metric>,
    /// Remarks and warnings.
    pub notes: Vec<String>,
}

impl Solo {
    /// Prepares an execution whose outputs go into `folder`, by the names of their ports.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), inputs: BTreeMap::new(), ambient: Ambient::default() }
    }

    /// Connects a file or folder; called again for the same port, adds to its list.
    #[must_use]
    pub fn input(self, port: &str, path: impl AsRef<Path>) -> Self {
        self.labelled(port, Coordinates::default(), path)
    }

    /// Connects a file or folder as made by the cell with these coordinates.
    #[must_use]
    pub fn labelled(mut self, port: &str, coordinates: Coordinates, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let input = Input { view: View::disk(path), coordinates, file_name, in_place: false };
        self.inputs.entry(port.to_owned()).or_default().push(input);
        self
    }

    /// Lends what the stage asks for.
    #[must_use]
    pub fn ambient(mut self, ambient: Ambient) -> Self {
        self.ambient = ambient;
        self
    }

    /// Executes, and checks that every declared output is there.
    pub fn execute<S: StageType>(self, config: &S::Config) -> Result<SoloResult, StageError> {
        fs_err::create_dir_all(&self.folder)?;
        let scratch = tempfile::tempdir_in(&self.folder)?;
        let ports = S::ports();
        let path = |file_name: &str| self.folder.join(file_name);
        let outputs = ports.outputs.iter().map(|port| (port.name.clone(), path(&port.file_name))).collect();
        let cancel = Cancel::default();
        let mut context = Context::new(&self.inputs, &outputs, scratch.path(), &self.ambient, &Silent, &cancel);
        S::execute(config, &mut context)?;
        let Findings { metrics, notes, .. } = context.into_findings();
        if let Some((port, _)) = outputs.iter().find(|(_, path)| !path.exists()) {
            return Err(StageError::new(format!("output `{port}` was not written")));
        }
        Ok(SoloResult { outputs, metrics, notes })
    }
}
