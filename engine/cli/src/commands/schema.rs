//! `dgpipe schema`: the JSON Schema of pipeline files, for editors.

use clap::Args;

use crate::terminal::print;
use crate::{ExitStatus, Failure, Program};

/// What `schema` takes.
#[derive(Debug, Args)]
pub struct Schema {}

impl Schema {
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "every command has the same shape")]
    pub(crate) fn execute(&self, program: &Program) -> Result<ExitStatus, Failure> {
        let schema = dgpipe_engine::spec::pipeline_schema(&program.registry);
        print(&format!("{schema:#}\n"));
        Ok(ExitStatus::Done)
    }
}
