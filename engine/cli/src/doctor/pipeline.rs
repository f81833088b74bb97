//! What a pipeline asks of the machine: sources that are there, programs that can be started.

use std::collections::BTreeSet;
use std::path::Path;

use dgpipe_engine::graph::{Cell, Graph, Source};
use dgpipe_engine::{Environment, command};

use super::Finding;
use crate::arguments::Common;
use crate::session::{Pipeline, variables};
use crate::terminal::counted;
use crate::{Failure, Program};

/// Looks at a pipeline file. One that cannot be read at all is an error.
pub(crate) fn pipeline(program: &Program, file: &Path, common: &Common) -> Result<Vec<Finding>, Failure> {
    let Pipeline { graph, root } = match Pipeline::open(program, file, common) {
        Ok(pipeline) => pipeline,
        Err(Failure::Mistakes(mistakes)) => {
            let hint = format!("{} check {} shows them", program.name, file.display());
            return Ok(vec![Finding::problem("pipeline", counted(mistakes.list.len(), "mistake"), hint)]);
        }
        Err(failure) => return Err(failure),
    };
    let (cells, stages) = (counted(graph.cells.len(), "cell"), counted(graph.stages.len(), "stage"));
    let mut findings = vec![Finding::ok("pipeline", format!("{cells} in {stages}"))];
    findings.extend(graph.sources.iter().map(|found| source(program, found)));
    findings.extend(programs(&graph, &root));
    Ok(findings)
}

fn source(program: &Program, source: &Source) -> Finding {
    match fs_err::metadata(&source.path) {
        Ok(_) => Finding::ok("source", format!("{} at {}", source.name, source.shown)),
        Err(error) => {
            let is_missing = error.kind() == std::io::ErrorKind::NotFound;
            let why = if is_missing { "is not there".to_owned() } else { format!("cannot be read: {error}") };
            let text = format!("{} at {} {why}", source.name, source.shown);
            let known = program.downloads.iter().find(|download| download.folder == source.shown);
            let hint = known.map_or_else(
                || "put it there, or name another path under `sources:`".to_owned(),
                |download| format!("`{} fetch {}` gets it", program.name, download.name),
            );
            Finding::problem("source", text, hint)
        }
    }
}

/// The programs that commands start or declare. One that is written as a path may come with the inputs, so only names
/// are looked for.
fn programs(graph: &Graph, root: &Path) -> Vec<Finding> {
    let environment = Environment::new(variables());
    let names: BTreeSet<String> = graph.cells.iter().flat_map(programs_of).collect();
    let plain = names.into_iter().filter(|name| !name.contains(['/', '$']));
    let found = plain.map(|name| match environment.executable(&name, root) {
        Some(path) => Finding::ok("program", format!("{name} is {}", path.display())),
        None => Finding::problem("program", format!("`{name}` is not on `PATH`"), "install it"),
    });
    found.collect()
}

fn programs_of(cell: &Cell) -> Vec<String> {
    if cell.work.type_name() != command::NAME {
        return Vec::new();
    }
    let config = cell.work.config();
    let first = if config["shell"] == true { Some("sh") } else { config["run"][0].as_str() };
    let tools = config["tools"].as_object().into_iter().flat_map(|tools| tools.keys().cloned());
    first.map(str::to_owned).into_iter().chain(tools).collect()
}
