//! `dgpipe fetch`: known data and weights, from where they are published.

use std::cell::Cell;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::Args;
use dgpipe_engine::project_root;
use serde_json::json;
use signal_hook::consts::SIGINT;

use super::run::listen;
use crate::arguments::Common;
use crate::fetch::{Download, FetchError, Fetcher, Got, Listener, Patience};
use crate::terminal::{ByteBar, Screen, bytes, duration, print, sanitised, say};
use crate::{ExitStatus, Failure, Program};

/// How often a long download says how far it is, where no bar does.
const EVERY: Duration = Duration::from_secs(10);

/// What `fetch` takes.
#[derive(Debug, Args)]
pub struct Fetch {
    /// What to fetch; without it, all that can be fetched is listed
    name: Option<String>,
    /// Another server with the same paths as the publisher's
    #[arg(long, value_name = "URL", requires = "name")]
    from: Option<String>,
    /// The folder (default: the one that the list names, in the project root)
    #[arg(long, value_name = "DIR", requires = "name")]
    out: Option<PathBuf>,
    /// How long the server may say nothing, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// How many attempts without progress follow the first one
    #[arg(long, value_name = "N", default_value_t = 5)]
    retries: u32,
}

/// Reads the address of a server. What is wrong with one is told without repeating it, since it may have a password in it.
fn server(text: &str) -> Result<&str, Failure> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let reason = match rest {
        None => "it must begin with `https://` or `http://`",
        Some(rest) if rest.is_empty() || rest.starts_with('/') => "it names no server",
        // They would stand in messages.
        Some(rest) if rest.contains(['@', '?', '#']) => "it may have no password, `?` or `#`",
        Some(_) => return Ok(text.trim_end_matches('/')),
    };
    Err(Failure::call(format!("what follows `--from` is no address of a server: {reason}")))
}

impl Fetch {
    pub(crate) fn execute(&self, program: &Program, common: &Common) -> Result<ExitStatus, Failure> {
        let Some(name) = &self.name else {
            print(&list(program.downloads, common.json));
            return Ok(ExitStatus::Done);
        };
        let Some(download) = program.downloads.iter().find(|download| download.name == name) else {
            let names = program.downloads.iter().map(|download| download.name);
            let near = dgpipe_engine::spec::nearest(name, names);
            let hint = near.map_or_else(
                || format!("`{} fetch` lists what can be fetched", program.name),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(Failure::call(format!("nothing known is called `{name}`")).hint(hint));
        };
        let server = self.from.as_deref().map_or(Ok(download.server), server)?;
        let folder = match &self.out {
            Some(folder) => folder.clone(),
            None => project_root(&std::path::absolute("any.yaml")?).join(download.folder),
        };
        self.fetch(program, download, server, &folder, common)
    }

    fn fetch(
        &self,
        program: &Program,
        download: &Download,
        server: &str,
        folder: &Path,
        common: &Common,
    ) -> Result<ExitStatus, Failure> {
        fs_err::create_dir_all(folder).map_err(|error| in_the_way(error, folder))?;
        let (cancel, signal) = listen()?;
        let patience = Patience { stall: Duration::from_secs(self.timeout), retries: self.retries };
        let user_agent = format!("{}/{}", program.name, program.version);
        let fetcher = Fetcher::new(download, server, folder, user_agent, patience, &cancel);
        let mut files = Vec::new();
        for file in download.files {
            let watch = Watch::new(file.name(), common);
            let fetched = fetcher.fetch(file, &watch);
            watch.bar.finish();
            let (got, size) = match fetched {
                Err(FetchError::Stopped) => {
                    say("stopped; the same call goes on where this one ended\n");
                    let interrupted = signal.load(Ordering::SeqCst) == SIGINT;
                    return Ok(if interrupted { ExitStatus::Interrupted } else { ExitStatus::Terminated });
                }
                fetched => fetched?,
            };
            if !common.json && !common.quiet {
                say(&format!("{} {}  {}\n", word(got), file.name(), bytes(size)));
            }
            files.push(json!({ "file": file.name(), "got": got, "size": size, "sha256": file.sha256 }));
        }
        if common.json {
            let all = json!({ "download": download.name, "folder": folder, "server": server, "path": download.path, "files": files });
            print(&format!("{all:#}\n"));
        } else {
            print(&format!("{} is in {}\n{}\n", download.name, folder.display(), download.next));
        }
        Ok(ExitStatus::Done)
    }
}

fn in_the_way(error: std::io::Error, folder: &Path) -> Failure {
    match error.kind() {
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            Failure::call(format!("`{}` cannot be a folder: a file is in the way", folder.display()))
        }
        _ => error.into(),
    }
}

fn word(got: Got) -> &'static str {
    match got {
        Got::Present => "present  ",
        Got::Resumed => "resumed  ",
        Got::Fetched => "fetched  ",
    }
}

fn list(downloads: &[Download], as_json: bool) -> String {
    if as_json {
        let files = |download: &Download| -> Vec<_> {
            let file = download.files.iter();
            file.map(|file| json!({ "file": file.name(), "path": file.path, "size": file.size, "sha256": file.sha256 }))
                .collect()
        };
        let list = downloads.iter().map(|download| {
            json!({
                "name": download.name, "about": download.about, "server": download.server, "path": download.path,
                "folder": download.folder, "files": files(download),
            })
        });
        return format!("{:#}\n", list.collect::<serde_json::Value>());
    }
    let widest = downloads.iter().map(|download| download.name.len()).max().unwrap_or(0);
    let line = |download: &Download| {
        format!("{:widest$}  {}\n{:widest$}  into {}\n", download.name, download.about, "", download.folder)
    };
    downloads.iter().map(line).collect()
}

/// Shows how one file comes along: a bar, or a line now and then.
struct Watch<'a> {
    name: &'static str,
    common: &'a Common,
    bar: ByteBar,
    spoke: Cell<Instant>,
}

impl<'a> Watch<'a> {
    fn new(name: &'static str, common: &'a Common) -> Self {
        let bar = ByteBar::new(Screen::new(common), common, name);
        Self { name, common, bar, spoke: Cell::new(Instant::now()) }
    }

    fn is_silent(&self) -> bool {
        self.common.quiet || self.common.json
    }
}

impl Listener for Watch<'_> {
    fn at(&self, done: u64, total: u64) {
        self.bar.at(done, total);
        if !self.bar.is_seen() && !self.is_silent() && self.spoke.get().elapsed() > EVERY {
            self.spoke.set(Instant::now());
            say(&format!("fetching  {}  {} of {}\n", self.name, bytes(done), bytes(total)));
        }
    }

    fn again(&self, error: &FetchError, wait: Duration) {
        if !self.is_silent() {
            let wait = duration(wait.as_secs_f64());
            self.bar.say(&sanitised(&format!("retrying  {} in {wait}: {error}\n", self.name)));
        }
    }
}
