//! `dgpipe completions`: what a shell needs to complete calls.

use clap::Args;
use clap_complete::Shell;

use crate::terminal::print;
use crate::{ExitStatus, Failure, Program};

/// What `completions` takes.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    #[expect(clippy::unnecessary_wraps, reason = "every command has the same shape")]
    pub(crate) fn execute(&self, program: &Program) -> Result<ExitStatus, Failure> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut crate::command(program), program.name, &mut text);
        print(&String::from_utf8_lossy(&text));
        Ok(ExitStatus::Done)
    }
}
