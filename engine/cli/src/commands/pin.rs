//! `dgpipe pin`: records that stay in the store until somebody says otherwise.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use dgpipe_cache::{Key, Project};
use serde_json::json;

use crate::arguments::Common;
use crate::session::{Session, store_to_look_at};
use crate::terminal::{print, sanitised, say, time};
use crate::{ExitStatus, Failure, Program};

/// What `pin` takes.
#[derive(Debug, Args)]
pub struct Pin {
    /// The pipeline file; without it, `--list` and `--remove` mean all pins in the store of this folder's project
    file: Option<PathBuf>,
    /// The cells whose records are to stay, such as `train[seed=1]` or `train[*]`
    #[arg(requires = "file", conflicts_with_all = ["list", "remove"])]
    cells: Vec<String>,
    /// Show what is pinned
    #[arg(long, conflicts_with = "remove")]
    list: bool,
    /// Let go of pins: cells, or beginnings of keys, as `--list` shows them
    #[arg(long, value_name = "PIN", num_args = 1..)]
    remove: Vec<String>,
}

impl Pin {
    pub(crate) fn execute(&self, program: &Program, common: &Common) -> Result<ExitStatus, Failure> {
        match &self.file {
            Some(file) if !self.cells.is_empty() => self.pin(program, common, file)?,
            _ if !self.remove.is_empty() => self.remove(&self.projects(program, common)?, common)?,
            _ if self.list => list(&self.projects(program, common)?, common)?,
            _ => return Err(Failure::call("nothing to pin was named").hint("dgpipe pin FILE CELL…, or `--list`")),
        }
        Ok(ExitStatus::Done)
    }

    fn pin(&self, program: &Program, common: &Common, file: &Path) -> Result<(), Failure> {
        let session = Session::look(program, file, common)?;
        let mut keys: BTreeMap<Key, String> = BTreeMap::new();
        for text in &self.cells {
            for cell in dgpipe_engine::graph::cells(&session.graph, text)? {
                let name = session.graph.name(cell);
                let recorded = |key: &Key| session.store.lookup(key).is_ok_and(|found| found.is_some());
                let latest = session.latest.get(&name).copied();
                let key = session.key(cell)?.filter(recorded).or(latest.filter(recorded));
                let Some(key) = key else {
                    return Err(Failure::call(format!("`{name}` has no record that could be pinned"))
                        .hint(format!("dgpipe run {} '{name}'", file.display())));
                };
                keys.insert(key, name);
            }
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = u64::try_from(now.as_millis()).unwrap_or(0);
        session.project.change_pins(|pins| {
            for (key, cell) in &keys {
                pins.entry(*key).or_insert_with(|| dgpipe_cache::Pin { cell: cell.clone(), at });
            }
        })?;
        session.store.sync()?;
        tell("pinned", keys.iter(), common);
        Ok(())
    }

    fn remove(&self, projects: &[Project], common: &Common) -> Result<(), Failure> {
        let matches = |text: &str, key: &Key, cell: &str| cell == text || key.to_string().starts_with(text);
        let mut removed: BTreeMap<Key, String> = BTreeMap::new();
        for text in &self.remove {
            let before = removed.len();
            for project in projects {
                let pins = project.pins()?.into_iter().filter(|(key, pin)| matches(text, key, &pin.cell));
                removed.extend(pins.map(|(key, pin)| (key, pin.cell)));
            }
            if removed.len() == before {
                return Err(Failure::call(format!("nothing is pinned as `{text}`")).hint("dgpipe pin --list"));
            }
        }
        for project in projects {
            if project.pins()?.keys().any(|key| removed.contains_key(key)) {
                project.change_pins(|pins| pins.retain(|key, _| !removed.contains_key(key)))?;
                project.store().sync()?;
            }
        }
        tell("no longer pinned", removed.iter(), common);
        Ok(())
    }

    /// The project of the file under its profile, or all that use the store.
    fn projects(&self, program: &Program, common: &Common) -> Result<Vec<Project>, Failure> {
        match &self.file {
            Some(file) => Ok(vec![Session::look(program, file, common)?.project.clone()]),
            None => Ok(store_to_look_at(None, common)?.all_projects()?),
        }
    }
}

fn tell<'a>(what: &str, keys: impl Iterator<Item = (&'a Key, &'a String)>, common: &Common) {
    if !common.quiet {
        let lines: String = keys.map(|(key, cell)| format!("{what}  {}  {cell}\n", key.short())).collect();
        say(&sanitised(&lines));
    }
}

fn list(projects: &[Project], common: &Common) -> Result<(), Failure> {
    let (mut text, mut values) = (String::new(), Vec::new());
    for project in projects {
        let [name, pipeline, profile] = project.names();
        for (key, pin) in project.pins()? {
            let (short, at) = (key.short(), time(pin.at));
            text.push_str(&format!("{short}  {at}  {}  ({name}, {pipeline}, {profile})\n", pin.cell));
            values.push(json!({
                "key": key, "cell": pin.cell, "at": pin.at, "project": name, "pipeline": pipeline, "profile": profile,
            }));
        }
    }
    if common.json {
        print(&format!("{:#}\n", serde_json::Value::from(values)));
    } else {
        print(&sanitised(&text));
    }
    Ok(())
}
