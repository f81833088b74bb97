//! `dgpipe path`: where the artifact of a cell lies.

use std::path::PathBuf;

use clap::Args;
use dgpipe_cache::Form;

use crate::arguments::Common;
use crate::session::Session;
use crate::terminal::print;
use crate::{ExitStatus, Failure, Program};

/// What `path` takes.
#[derive(Debug, Args)]
pub struct PathCommand {
    /// The pipeline file
    file: PathBuf,
    /// The cell and output, such as `phase1[domain=photo, seed=42].final`
    cell: String,
}

impl PathCommand {
    pub(crate) fn execute(&self, program: &Program, common: &Common) -> Result<ExitStatus, Failure> {
        let session = Session::look(program, &self.file, common)?;
        let cell = session.cell(&self.cell)?;
        let port = self.port(&session)?;
        let name = session.graph.name(cell);
        let ports = session.graph.cells[cell].work.ports();
        let port = match port {
            Some(port) => ports.output(&port).map(|port| port.name.clone()).ok_or_else(|| {
                let known: Vec<&str> = ports.outputs.iter().map(|port| port.name.as_str()).collect();
                Failure::call(format!("`{name}` has no output `{port}`; it has [{}]", known.join(", ")))
            })?,
            None => ports.main_output().map(|port| port.name.clone()).unwrap_or_default(),
        };
        let key = session.key(cell)?;
        let found = key.and_then(|key| session.store.lookup(&key).ok().flatten());
        let output = found.and_then(|found| found.outputs.get(&port).cloned());
        let Some(output) = output else {
            return Err(Failure::call(format!("`{name}` has not executed yet"))
                .hint(format!("dgpipe run {} '{name}'", self.file.display())));
        };
        let artifact = output.artifact;
        // A folder lies in the store as a list of its files, so it is laid out where it can be looked at.
        let place = match artifact.form {
            Form::File => session.store.verify(&artifact).map(|()| session.store.object_path(&artifact)),
            Form::Folder => session.store.view(&artifact).map(Some),
        };
        match place {
            Ok(Some(path)) => print(&format!("{}\n", path.display())),
            Ok(None) => return Err(self.lost(&name, &port, "they were removed just now")),
            Err(error) if error.is_miss() => return Err(self.lost(&name, &port, &error.to_string())),
            Err(error) => return Err(error.into()),
        }
        Ok(ExitStatus::Done)
    }

    /// The output that the call names, or that lies at the published path that it names.
    fn port(&self, session: &Session) -> Result<Option<String>, Failure> {
        let Some(published) = dgpipe_engine::graph::published(&session.graph, &self.cell) else {
            let selector = dgpipe_engine::spec::Selector::parse(&self.cell, dgpipe_engine::spec::Place::default());
            return Ok(selector.map_err(|mistake| Failure::call(mistake.message))?.port);
        };
        match published.members.as_slice() {
            [one] => Ok(Some(one.port.clone())),
            several => {
                let name = |member: &dgpipe_engine::graph::Member| {
                    format!("{}.{}", session.graph.name(member.cell), member.port)
                };
                let names: Vec<String> = several.iter().map(name).collect();
                let message = format!("`{}` means {} outputs: [{}]", self.cell, names.len(), names.join(", "));
                Err(Failure::call(message).hint("name one of them"))
            }
        }
    }

    fn lost(&self, cell: &str, port: &str, why: &str) -> Failure {
        Failure::call(format!("bytes of `{cell}.{port}` are not in the store: {why}"))
            .hint(format!("`dgpipe run {} '{cell}'` makes them again", self.file.display()))
    }
}
