//! `dgpipe man`: the manual pages, one for the program and one for each command. They are made of the help, so there is
//! no second text to keep up, and no date in them.

use std::path::PathBuf;

use clap::Args;
use clap_mangen::Man;

use crate::terminal::print;
use crate::{ExitStatus, Failure, Program};

/// What `man` takes.
#[derive(Debug, Args)]
pub struct ManPages {
    /// The folder to write them to, such as `~/.local/share/man/man1`
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl ManPages {
    pub(crate) fn execute(&self, program: &Program) -> Result<ExitStatus, Failure> {
        let mut command = crate::command(program);
        command.build();
        fs_err::create_dir_all(&self.out)?;
        let mut pages = 0;
        for described in [&command].into_iter().chain(command.get_subcommands()) {
            let source = format!("{} {}", program.name, program.version);
            let page = Man::new(described.clone()).source(source).manual("Experiments as pipelines");
            let mut text = Vec::new();
            page.render(&mut text)?;
            fs_err::write(self.out.join(page.get_filename()), text)?;
            pages += 1;
        }
        let folder = self.out.display();
        print(&format!("{pages} manual pages are in {folder}. Next:\n  man -l {folder}/{}.1\n", program.name));
        Ok(ExitStatus::Done)
    }
}
