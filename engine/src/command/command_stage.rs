//! A `command` stage with everything declared, ready to execute.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use dgpipe_cache::Digest;
use serde_json::json;

use super::argument::Argument;
use super::child::Child;
use super::sandbox::{Sandbox, own_place};
use super::tool::tool_digest;
use super::working_folder::WorkingFolder;
use super::{NAME, VERSION, orphans, outputs, undeclared};
use crate::environment::Environment;
use crate::stage::{BoundStage, Context, LogText, Ports, StageError};

/// Where a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkingFolderKind {
    /// In scratch, with its inputs laid out for it.
    Scratch,
    /// In the project root, for code that expects it.
    Project,
}

/// A program with its arguments, and all that may decide its result.
#[derive(Debug)]
pub struct CommandStage {
    pub(super) run: Vec<Argument>,
    pub(super) shell: bool,
    pub(super) cwd: WorkingFolderKind,
    pub(super) ports: Ports,
    /// Where each output is written, relative to the working folder.
    pub(super) output_paths: BTreeMap<String, String>,
    pub(super) metrics: Option<String>,
    /// Declared variables with their values, which enter the key.
    pub(super) env: BTreeMap<String, Option<String>>,
    /// Variables that are passed on and whose values are kept nowhere.
    pub(super) secrets: BTreeMap<String, Option<String>>,
    /// `PATH` and `HOME` as the caller has them.
    pub(super) passed: BTreeMap<String, String>,
    pub(super) tools: BTreeMap<String, Digest>,
    /// Whether undeclared files of the project are kept away, where the system can.
    pub(super) sandbox: bool,
    pub(super) root: PathBuf,
}

impl BoundStage for CommandStage {
    fn type_name(&self) -> &str {
        NAME
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn ports(&self) -> &Ports {
        &self.ports
    }

    fn config(&self) -> serde_json::Value {
        let run: Vec<String> = self.run.iter().map(Argument::symbolic).collect();
        let mut config = json!({ "run": run, "outputs": self.output_paths });
        let map = config.as_object_mut().expect("a literal map is a map");
        // What is not declared stays out, so that the key of a plain command is as short as its declaration.
        if self.shell {
            map.insert("shell".to_owned(), true.into());
        }
        if self.cwd == WorkingFolderKind::Project {
            map.insert("cwd".to_owned(), "project".into());
        }
        if let Some(metrics) = &self.metrics {
            map.insert("metrics".to_owned(), metrics.as_str().into());
        }
        if !self.env.is_empty() {
            map.insert("env".to_owned(), json!(self.env));
        }
        if !self.secrets.is_empty() {
            map.insert("secrets".to_owned(), json!(self.secrets.keys().collect::<Vec<_>>()));
        }
        if !self.tools.is_empty() {
            map.insert("tools".to_owned(), json!(self.tools));
        }
        config
    }

    fn slots(&self) -> &[&'static str] {
        &[]
    }

    fn project_outputs(&self) -> Vec<String> {
        match self.cwd {
            WorkingFolderKind::Scratch => Vec::new(),
            WorkingFolderKind::Project => self.output_paths.values().cloned().collect(),
        }
    }

    fn execute(&self, context: &mut Context<'_>) -> Result<(), StageError> {
        let folder = WorkingFolder::prepare(self, context)?;
        let (said, result) = self.run_in(&folder, context)?;
        let result = result.and_then(|()| self.tools_are_unchanged());
        let result = result.and_then(|()| outputs::collect(self, &folder, context));
        folder.finish(result.is_ok(), &said)?;
        context.keep_log(said);
        if result.is_ok() && orphans::are_all_dead() {
            context.is_at_rest();
        }
        result
    }
}

impl CommandStage {
    /// Runs the program to its end; what it said is there also where it failed.
    fn run_in(
        &self,
        folder: &WorkingFolder,
        context: &Context<'_>,
    ) -> Result<(LogText, Result<(), StageError>), StageError> {
        let mut command = self.program(folder)?;
        command.current_dir(&folder.path).env_clear().envs(self.environment(folder));
        let cancel = context.cancel();
        let mut run = || Ok::<_, StageError>(Child::spawn(&mut command)?.wait(cancel)?);
        let ending = if self.sandbox {
            // Scratch folders of all cells, so that the rules are made once.
            let scratch = context.scratch().parent().map(Path::to_owned);
            // Until the end: the kernel takes the children of a thread that is gone for orphans.
            Sandbox::new(&self.root, self.tool_places().into_iter().chain(scratch)).within(run)?
        } else {
            run()?
        };
        let said = folder.log_text(ending.said);
        let result = match ending.status {
            status if ending.told || (context.is_cancelled() && !status.success()) => Err(StageError::cancelled()),
            status if status.success() => Ok(()),
            status => Err(self.failure(status, &said.stderr, context)),
        };
        Ok((said, result))
    }

    /// What belongs to the declared tools, and the folders of `PATH`, some of which may lie in the project.
    fn tool_places(&self) -> Vec<PathBuf> {
        let root = self.root.canonicalize().unwrap_or_else(|_| self.root.clone());
        // A tool that is a link has its own folder where that leads.
        let tools =
            self.tool_paths().flat_map(|(_, tool)| [tool.canonicalize().unwrap_or_else(|_| tool.clone()), tool]);
        let tools = tools.map(|tool| own_place(&tool, &root));
        let path = self.passed.get("PATH").map(String::as_str).unwrap_or_default();
        let path = path.split(':').filter(|folder| !folder.is_empty()).map(|folder| root.join(folder));
        // The project itself on `PATH` would make everything in it readable.
        let path = path.filter(|folder| !root.starts_with(folder.canonicalize().unwrap_or_else(|_| folder.clone())));
        tools.chain(path).filter(|place| place.exists()).collect()
    }

    /// Where the declared tools lie.
    fn tool_paths(&self) -> impl Iterator<Item = (&String, PathBuf)> {
        let environment = Environment::new(self.passed.clone());
        self.tools.keys().filter_map(move |name| Some((name, environment.executable(name, &self.root)?)))
    }

    /// A tool must still be what was hashed, else the key would lie.
    fn tools_are_unchanged(&self) -> Result<(), StageError> {
        let found: BTreeMap<_, _> = self.tool_paths().collect();
        for (name, digest) in &self.tools {
            let now = found.get(name).and_then(|path| tool_digest(path).ok());
            if now != Some(*digest) {
                let error = StageError::new(format!("the tool `{name}` changed while the cell was executing"));
                return Err(error.hint("nothing was cached; run again when it is at rest"));
            }
        }
        Ok(())
    }

    fn program(&self, folder: &WorkingFolder) -> Result<std::process::Command, StageError> {
        if self.shell {
            let text: Vec<String> = self.run.iter().map(|argument| argument.render_quoted(&folder.paths)).collect();
            let mut command = std::process::Command::new("/bin/sh");
            command.arg("-c").arg(text.join(" "));
            return Ok(command);
        }
        let mut words = self.run.iter().flat_map(|argument| argument.render(&folder.paths));
        let program = words.next().ok_or_else(|| StageError::new("`run` is empty"))?;
        // A relative program means a file of the working folder, whatever the caller's folder is.
        let relative = program.contains('/') && !program.starts_with('/');
        let program = if relative { folder.path.join(program).into_os_string() } else { program.into() };
        let mut command = std::process::Command::new(program);
        command.args(words);
        Ok(command)
    }

    fn environment(&self, folder: &WorkingFolder) -> BTreeMap<String, String> {
        let mut variables = self.passed.clone();
        variables.insert("TMPDIR".to_owned(), folder.temporary.display().to_string());
        variables.insert("LANG".to_owned(), "C.UTF-8".to_owned());
        variables.insert("TZ".to_owned(), "UTC".to_owned());
        let declared = self.env.iter().chain(&self.secrets);
        let set = declared.filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
        variables.extend(set);
        variables
    }

    fn failure(&self, status: ExitStatus, stderr: &[u8], context: &Context<'_>) -> StageError {
        let what = match (status.code(), status.signal()) {
            // A shell ends with this where a program that it waited for was killed.
            (Some(137), _) if self.shell => {
                "the command exited with 137: a program in it was killed (SIGKILL), most likely for want of memory"
                    .to_owned()
            }
            (Some(code), _) => format!("the command exited with {code}"),
            (None, Some(9)) => "the command was killed (SIGKILL), most likely for want of memory".to_owned(),
            (None, Some(signal)) => format!("the command was killed by signal {signal}"),
            (None, None) => "the command ended without a status".to_owned(),
        };
        let text = String::from_utf8_lossy(stderr);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines[lines.len().saturating_sub(3)..].join("\n  ");
        let failure = StageError::new(if last.is_empty() { what } else { format!("{what}:\n  {last}") });
        if self.cwd == WorkingFolderKind::Project {
            return failure;
        }
        let ports = self.ports.inputs.iter().flat_map(|port| context.inputs(&port.name));
        let declared = ports.filter(|input| input.in_place).map(|input| input.file_name.clone()).collect();
        let undeclared = undeclared::find(&text, &self.root, &declared);
        let outside = if self.sandbox { undeclared::refused_outside(&text, &self.root) } else { None };
        let hint = undeclared::hint(&undeclared, &self.root);
        match hint.or_else(|| outside.map(|path| undeclared::hint_outside(&path))) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
