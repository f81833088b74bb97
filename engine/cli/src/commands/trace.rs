//! `dgpipe trace`: what the passport of a published file says, and how the file stands today.

use std::path::{Path, PathBuf};

use clap::Args;
use dgpipe_cache::Record;
use dgpipe_engine::passport::{ChainStage, Found, Passport, PassportError, Published, Standing, read_passport};
use dgpipe_engine::project_root;
use serde_json::{Map, Value, json};

use crate::arguments::Common;
use crate::session::Session;
use crate::terminal::{Screen, duration, print, sanitised, time};
use crate::{ExitStatus, Failure, Program};

/// What `trace` takes.
#[derive(Debug, Args)]
pub struct Trace {
    /// A published figure or table, also a copy of one
    path: PathBuf,
    /// The pipeline file (default: the one that the passport names)
    #[arg(long, value_name = "FILE")]
    pipeline: Option<PathBuf>,
}

/// What the project knows of a file.
struct Today {
    standing: Standing,
    record: Option<Record>,
}

impl Trace {
    pub(crate) fn execute(&self, program: &Program, common: &Common) -> Result<ExitStatus, Failure> {
        let found = read_passport(&self.path).map_err(|error| self.unreadable(error))?;
        let today = self.today(program, common, &found);
        let today = today.unwrap_or_else(|why| Today { standing: Standing::Unknown { why }, record: None });
        if common.json {
            print(&format!("{:#}\n", self.as_json(&found, &today)));
        } else {
            print(&self.as_text(&found, &today, Screen::of_stdout(common)));
        }
        Ok(ExitStatus::Done)
    }

    fn unreadable(&self, error: PassportError) -> Failure {
        match error {
            PassportError::Io(_) if !self.path.exists() => {
                Failure::call(format!("there is no file `{}`", self.path.display()))
            }
            PassportError::Io(error) => Failure::call(error.to_string()),
            error => {
                let failure = Failure::call(format!("`{}`: {error}", self.path.display()));
                failure.hint("figures and tables get their passport when `dgpipe run` publishes them")
            }
        }
    }

    /// What the project at hand says; where there is none, why not.
    fn today(&self, program: &Program, common: &Common, found: &Found) -> Result<Today, String> {
        let file = match (&self.pipeline, &found.passport.file) {
            (Some(file), _) => file.clone(),
            (None, Some(file)) => beside_project(&self.path, file)
                .ok_or_else(|| format!("there is no `{file}` here; `--pipeline FILE` names the pipeline file"))?,
            (None, None) => return Err("`--pipeline FILE` names the pipeline file".to_owned()),
        };
        let session = open(program, &file, common, &found.passport).map_err(|failure| one_line(&failure))?;
        let plan = session.plan(std::slice::from_ref(&found.passport.path), &[]);
        // What is not published any more has no plan of its own.
        let plan = plan.or_else(|_| session.plan(&[], &[])).map_err(|failure| one_line(&failure))?;
        let published = Published::new(&session.graph, &session.store, &plan, &session.root, &file);
        let standing = published.standing(&self.path, found).map_err(|error| error.to_string())?;
        let record = found.passport.key.and_then(|key| session.store.record(&key).ok().flatten());
        Ok(Today { standing, record })
    }

    fn as_json(&self, found: &Found, today: &Today) -> Value {
        let record = today.record.as_ref().map(|record| {
            json!({
                "started": record.started, "seconds": record.seconds, "device": record.device, "host": record.host,
                "run": record.run, "engine": record.engine, "reasons": record.reasons,
            })
        });
        let mut value = json!({ "file": self.path.to_string_lossy(), "intact": found.intact });
        for (name, part) in json!(today.standing).as_object().into_iter().flatten() {
            value[name] = part.clone();
        }
        value["passport"] = json!(found.passport);
        value["record"] = json!(record);
        value
    }

    fn as_text(&self, found: &Found, today: &Today, screen: Screen) -> String {
        let passport = &found.passport;
        let colour = match today.standing {
            Standing::Current => "32;1",
            Standing::Unknown { .. } => "33;1",
            _ => "31;1",
        };
        let mut text = format!("{}\n", sanitised(&self.path.to_string_lossy()));
        text.push_str(&format!("  {}\n", screen.paint(colour, today.standing.word())));
        for detail in today.standing.details() {
            text.push_str(&format!("    {}\n", sanitised(&detail)));
        }
        if !found.intact && !matches!(today.standing, Standing::Edited { .. }) {
            text.push_str("    its bytes are not those that were published\n");
        }
        let mut lines = vec![
            ("made by", format!("{} of {} ({})", passport.cell, passport.pipeline, passport.profile)),
            ("published", passport.path.clone()),
        ];
        lines.extend(passport.file.iter().map(|file| ("pipeline", file.clone())));
        if let Some(record) = &today.record {
            let host = |name: &str| record.host[name].as_str().unwrap_or("");
            let on = [record.device.as_str(), host("os"), host("architecture")];
            let on: Vec<&str> = on.into_iter().filter(|text| !text.is_empty()).collect();
            let on = if on.is_empty() { String::new() } else { format!(" on {}", on.join(", ")) };
            lines.push(("computed", format!("{} in {}{on}", time(record.started), duration(record.seconds))));
            lines.push(("by", format!("dgpipe {}, run {}", record.engine, record.run)));
        }
        for (name, value) in &lines {
            text.push_str(&format!("  {name:<10} {}\n", sanitised(value)));
        }
        text.push_str(&sanitised(&body(passport)));
        text
    }
}

/// Params, chain, inputs and sources.
fn body(passport: &Passport) -> String {
    let mut text = String::new();
    if !passport.params.is_empty() {
        text.push_str("\nparams\n");
        let widest = passport.params.keys().map(|name| name.chars().count()).max().unwrap_or(0);
        for (name, value) in &passport.params {
            text.push_str(&format!("  {name:<widest$}  {}\n", plain(value)));
        }
    }
    text.push_str("\nstages, from the first to the one that made it\n");
    for stage in &passport.stages {
        text.push_str(&stage_lines(stage));
    }
    if !passport.sources.is_empty() {
        text.push_str("\nsources\n");
        for source in &passport.sources {
            let part = source.part.as_ref().map(|part| format!("/{part}")).unwrap_or_default();
            let digest = source.digest.map_or_else(|| "unknown".to_owned(), |digest| digest.short());
            text.push_str(&format!("  {}{part}  {}  {digest}\n", source.source, source.kind));
        }
    }
    if !passport.inputs.is_empty() {
        text.push_str(&format!("\nwhat {} read\n", passport.cell));
        for input in &passport.inputs {
            let digest = input.digest.map_or_else(|| "unknown".to_owned(), |digest| digest.short());
            text.push_str(&format!("  {}  {}  {digest}\n", input.port, input.from));
        }
    }
    let key = passport.key.map_or_else(|| "unknown".to_owned(), |key| key.short());
    let bytes = passport.bytes.map_or_else(|| "unknown".to_owned(), |digest| digest.short());
    let format = passport.fingerprint_format;
    text.push_str(&format!(
        "\nkey {key}, recipe {}, bytes {bytes}; fingerprints of format {format}\n",
        passport.recipe.short()
    ));
    text
}

fn stage_lines(stage: &ChainStage) -> String {
    let cells = if stage.cells > 1 { format!(" ×{}", stage.cells) } else { String::new() };
    let name = if stage.uses == stage.stage { String::new() } else { format!("  {}", stage.uses) };
    let mut text = format!("  {}{cells}{name}  version {}\n", stage.stage, stage.type_version);
    let shown = |map: &Map<String, Value>, between: &str| -> Vec<String> {
        map.iter().map(|(name, value)| format!("{name}{between}{}", plain(value))).collect()
    };
    let mut parts = shown(&stage.config, ": ");
    parts.extend(shown(&stage.axes, " in "));
    // A setting that only repeats an axis says nothing new.
    let differs = |(name, value): &(&String, &Value)| stage.axes.get(name.as_str()) != Some(*value);
    parts.extend(stage.varying.iter().filter(differs).map(|(name, value)| format!("{name} in {}", plain(value))));
    for line in wrapped(&parts, 92) {
        text.push_str(&format!("      {line}\n"));
    }
    text
}

/// Parts joined by commas, in lines of about so many columns.
fn wrapped(parts: &[String], columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.chars().count() + part.chars().count() + 2 <= columns => {
                line.push_str(&format!(", {part}"));
            }
            _ => lines.push(part.clone()),
        }
    }
    lines
}

/// A value as people write it in YAML, as far as it is short; what was folded says so.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => format!("[{}]", list.iter().map(plain).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => match (map.get("values"), map.get("bytes"), map.get("digest").and_then(Value::as_str)) {
            (Some(count), _, Some(digest)) => format!("{count} values ({digest})"),
            (_, Some(bytes), Some(digest)) => format!("{bytes} bytes ({digest})"),
            _ => {
                let parts: Vec<String> = map.iter().map(|(name, value)| format!("{name}: {}", plain(value))).collect();
                format!("{{{}}}", parts.join(", "))
            }
        },
        other => other.to_string(),
    }
}

/// The pipeline file that a passport names, in the project around a path or around the working folder.
fn beside_project(path: &Path, file: &str) -> Option<PathBuf> {
    let around = [std::path::absolute(path).ok()?, std::path::absolute("x").ok()?];
    around.iter().map(|path| project_root(path).join(file)).find(|file| file.is_file())
}

/// Opens the pipeline under the call's profiles, else under those of the passport. It has their names joined, which
/// may be one name with a dash in it.
fn open(program: &Program, file: &Path, common: &Common, passport: &Passport) -> Result<Session, Failure> {
    let session = Session::look(program, file, common)?;
    if common.profile.is_some() || session.graph.spec.profile == passport.profile {
        return Ok(session);
    }
    let joined = if passport.profile == "default" { "" } else { passport.profile.as_str() };
    for profiles in [vec![joined], joined.split('-').collect()] {
        let profile = Some(profiles.into_iter().map(str::to_owned).collect());
        let session = Session::look(program, file, &Common { profile, ..common.clone() });
        if let Some(session) = session.ok().filter(|session| session.graph.spec.profile == passport.profile) {
            return Ok(session);
        }
    }
    Ok(session)
}

fn one_line(failure: &Failure) -> String {
    match failure {
        Failure::Mistakes(mistakes) => format!("the pipeline file has {} mistakes", mistakes.list.len()),
        Failure::Call { message, .. } | Failure::Environment { message, .. } => message.replace('\n', "; "),
    }
}
