//! A person who saves files while a run publishes, and a process that may be killed at any later moment.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use dgpipe_cache::FileError;

use super::{Interceptor, Operation};

/// Saves a file of the project once at each of these moments, each time with other bytes; then the process dies.
///
/// Moments are operations in a folder of the project, counted from 1.
#[derive(Debug)]
pub struct Owner {
    /// The folder whose operations are counted.
    folder: PathBuf,
    /// The file that is saved, and whether that is as editors do it: beside, then renamed.
    file: PathBuf,
    renames: bool,
    moments: Vec<usize>,
    /// The first operation that does not happen any more.
    death: Option<usize>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    operations: Vec<Operation>,
    /// What was saved, less what was saved over by its own owner.
    saved: Vec<String>,
    is_dead: bool,
}

impl Owner {
    /// An owner of a file in a folder of the project.
    pub fn new(folder: &Path, file: &Path, renames: bool, moments: Vec<usize>, death: Option<usize>) -> Self {
        let (folder, file) = (folder.to_owned(), file.to_owned());
        Self { folder, file, renames, moments, death, state: Mutex::default() }
    }

    /// What was saved and not saved over by its owner.
    pub fn saved(&self) -> Vec<String> {
        self.lock().saved.clone()
    }

    /// The operations that there were in the folder.
    pub fn operations(&self) -> Vec<Operation> {
        self.lock().operations.clone()
    }

    fn save(&self, state: &mut State) {
        // Where there is no such file at the moment, there is nothing that its owner would edit.
        let Ok(before) = fs_err::read_to_string(&self.file) else { return };
        state.saved.retain(|saved| *saved != before);
        let text = format!("edit {}\n", state.operations.len());
        let saved = if self.renames {
            let beside = self.folder.with_file_name("saving");
            fs_err::write(&beside, &text).and_then(|()| fs_err::rename(&beside, &self.file))
        } else {
            fs_err::write(&self.file, &text)
        };
        saved.expect("the file can be saved");
        state.saved.push(text);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the lock panics")
    }
}

impl Interceptor for Owner {
    fn before(&self, operation: Operation, path: &Path) -> Result<(), FileError> {
        let mut state = self.lock();
        if path.starts_with(&self.folder) && !state.is_dead {
            state.operations.push(operation);
            let moment = state.operations.len();
            state.is_dead = self.death == Some(moment);
            if !state.is_dead && self.moments.contains(&moment) {
                self.save(&mut state);
            }
        }
        if state.is_dead {
            return Err(FileError::new(operation, path, io::Error::from_raw_os_error(5)));
        }
        Ok(())
    }
}
