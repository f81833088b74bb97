//! `dgpipe figures`: the published figures and tables, and whether each is what the pipeline gives today.

use std::path::PathBuf;

use clap::Args;
use dgpipe_engine::passport::{Published, PublishedFile, Standing};
use serde_json::{Value, json};

use crate::arguments::Common;
use crate::session::Session;
use crate::terminal::{Screen, counted, print, sanitised, say};
use crate::{ExitStatus, Failure, Program};

/// What `figures` takes.
#[derive(Debug, Args)]
pub struct Figures {
    /// The pipeline file
    file: PathBuf,
    /// Exit with 1 unless all of them are current
    #[arg(long)]
    check: bool,
}

impl Figures {
    pub(crate) fn execute(&self, program: &Program, common: &Common) -> Result<ExitStatus, Failure> {
        let session = Session::look(program, &self.file, common)?;
        let plan = session.plan(&[], &[])?;
        let published = Published::new(&session.graph, &session.store, &plan, &session.root, &self.file);
        let files = published.files()?;
        let current = files.iter().filter(|file| file.standing == Standing::Current).count();
        if common.json {
            print(&format!("{:#}\n", as_json(&files)));
        } else {
            let screen = Screen::of_stdout(common);
            print(
                &files
                    .chunk_by(|one, next| one.standing == next.standing)
                    .map(|files| lines(files, screen))
                    .collect::<String>(),
            );
            if !common.quiet {
                let all = counted(files.len(), "figure and table file");
                let files =
                    if files.is_empty() { "nothing that is published carries a passport".to_owned() } else { all };
                say(&format!("{files}, {current} current\n"));
            }
        }
        Ok(if self.check && current < files.len() { ExitStatus::Failed } else { ExitStatus::Done })
    }
}

/// Files that stand alike, and what there is to say about them.
fn lines(files: &[PublishedFile], screen: Screen) -> String {
    let Some(standing) = files.first().map(|file| &file.standing) else { return String::new() };
    let colour = match standing {
        Standing::Current => "32",
        Standing::Unknown { .. } => "33;1",
        _ => "31;1",
    };
    let word = screen.paint(colour, &format!("{:<8}", standing.word()));
    let file = |file: &PublishedFile| format!("{word} {}  {}\n", sanitised(&file.path), sanitised(&file.cell));
    let detail = |detail: String| format!("           {}\n", sanitised(&detail));
    files.iter().map(file).chain(standing.details().into_iter().map(detail)).collect()
}

fn as_json(files: &[PublishedFile]) -> Value {
    let file = |file: &PublishedFile| {
        let mut value = json!({ "path": file.path, "cell": file.cell, "kind": file.kind });
        for (name, part) in json!(file.standing).as_object().into_iter().flatten() {
            value[name] = part.clone();
        }
        value
    };
    json!({ "files": files.iter().map(file).collect::<Vec<_>>() })
}
