//! `dgpipe report`: what is known of a pipeline, as a page that opens from a disk and from any web host.

use std::path::PathBuf;

use clap::Args;

use crate::arguments::Common;
use crate::report::Site;
use crate::session::Session;
use crate::terminal::print;
use crate::{ExitStatus, Failure, Program};

/// What `report` takes.
#[derive(Debug, Args)]
pub struct Report {
    /// The pipeline file
    file: PathBuf,
    /// The folder to write to: a new or empty one, or one with a report to replace
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Report {
    pub(crate) fn execute(&self, program: &Program, common: &Common) -> Result<ExitStatus, Failure> {
        let session = Session::look(program, &self.file, common)?;
        Site::of(&session, &self.file, false)?.write(&self.out)?;
        let page = self.out.join("index.html");
        if common.json {
            print(&format!("{:#}\n", serde_json::json!({ "page": page.to_string_lossy() })));
        } else {
            print(&format!("{}\n", page.display()));
        }
        Ok(ExitStatus::Done)
    }
}
