//! `dgpipe init`: a small project that runs.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::terminal::print;
use crate::{ExitStatus, Failure, Program, Template};

/// What `init` takes.
#[derive(Debug, Args)]
pub struct Init {
    /// The folder (default: this one)
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// What to start with
    #[arg(long, value_name = "NAME", default_value = Template::COMMAND.name)]
    template: String,
}

/// What every project has.
const FILES: &[(&str, &str)] = &[
    ("dgpipe.toml", include_str!("../templates/dgpipe.toml")),
    (".gitignore", include_str!("../templates/gitignore")),
];

impl Init {
    pub(crate) fn execute(&self, program: &Program) -> Result<ExitStatus, Failure> {
        let template = program.templates().find(|template| template.name == self.template);
        let template = template.expect("the grammar of the call has no other names");
        let files = || FILES.iter().chain(template.files);
        let taken: Vec<&str> = files()
            .map(|(name, _)| *name)
            .filter(|name| *name != ".gitignore" && self.folder.join(name).symlink_metadata().is_ok())
            .collect();
        if !taken.is_empty() {
            let message =
                format!("`{}` already has [{}]; nothing was written", self.folder.display(), taken.join(", "));
            return Err(Failure::call(message).hint("name an empty folder: `dgpipe init my-project`"));
        }
        for (name, content) in files() {
            write(&self.folder.join(name), content)?;
        }
        let folder = self.folder.display();
        let go = if self.folder == Path::new(".") { String::new() } else { format!("cd {folder} && ") };
        print(&format!("A project is in {folder}. Next:\n  {go}{} run pipeline.yaml\n", program.name));
        Ok(ExitStatus::Done)
    }
}

/// Writes a file, or adds lines to a `.gitignore` that is there.
fn write(path: &Path, content: &str) -> Result<(), Failure> {
    if let Some(parent) = path.parent() {
        fs_err::create_dir_all(parent)?;
    }
    let mut text = if path.exists() { fs_err::read_to_string(path)? } else { String::new() };
    let missing: Vec<&str> = content.lines().filter(|line| !text.lines().any(|known| known == *line)).collect();
    if text.is_empty() {
        content.clone_into(&mut text);
    } else {
        missing.iter().for_each(|line| text.push_str(&format!("{line}\n")));
    }
    Ok(fs_err::write(path, text)?)
}
