//! How things stand while a run goes on: a small text that the page asks for again and again, made from events.

use std::collections::BTreeMap;
use std::path::Path;

use dgpipe_cache::RunFolder;
use dgpipe_engine::run::{Event, Outcome};
use serde_json::{Value, json};

use super::CellState;
use super::cells::Cells;
use super::runs::Runs;
use crate::Failure;
use crate::session::Session;
use crate::terminal::sanitised;

/// Follows the newest run as long as it has not ended.
pub(crate) struct Live {
    /// The place of each cell in the page.
    places: BTreeMap<String, usize>,
    /// How cells stood when the page was made.
    states: Vec<u8>,
    following: Option<Following>,
}

/// A run that goes on, as far as its events were read.
struct Following {
    folder: RunFolder,
    read: u64,
    states: Vec<u8>,
    running: BTreeMap<usize, Running>,
    cells: usize,
    executed: usize,
    reused: usize,
    failed: usize,
    ended: bool,
}

struct Running {
    began: f64,
    progress: Option<(u64, u64, String)>,
}

impl Live {
    /// Takes over what a page shows that is made at the same moment.
    pub(crate) fn of(session: &Session) -> Result<Self, Failure> {
        let plan = session.plan(&[], &[])?;
        let runs = Runs::of(session)?;
        let index = Cells::new(session, &plan, runs.last()).index(&crate::picture::Folded::default());
        let names = index["names"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let places = names.enumerate().map(|(place, name)| (name.to_owned(), place)).collect();
        let states = index["states"].as_str().unwrap_or("").as_bytes().to_vec();
        Ok(Self { places, states, following: None })
    }

    /// What the page asks for: how cells stand, and of the run that goes on what it did so far. `site` is the page's
    /// version, `trouble` what keeps it from being made anew.
    pub(crate) fn state(&mut self, session: &Session, site: u64, trouble: Option<&str>) -> Result<Value, Failure> {
        self.follow(session)?;
        let following = self.following.as_ref().filter(|following| !following.ended);
        let states = following.map_or(&self.states, |following| &following.states);
        let run = following.map(|following| {
            let running =
                following.running.iter().map(|(place, running)| json!([place, running.began, running.progress]));
            json!({
                "cells": following.cells, "executed": following.executed, "reused": following.reused,
                "failed": following.failed, "running": running.collect::<Vec<_>>(),
                "seconds": seconds_since(following.folder.id()), "alive": is_alive(following.folder.id()),
            })
        });
        Ok(json!({ "site": site, "trouble": trouble, "run": run, "states": String::from_utf8_lossy(states) }))
    }

    fn follow(&mut self, session: &Session) -> Result<(), Failure> {
        let newest = session.project.runs()?.pop();
        let Some(newest) = newest.filter(|folder| !folder.path().join("report.json").exists()) else {
            self.following = None;
            return Ok(());
        };
        if self.following.as_ref().is_none_or(|following| following.folder.id() != newest.id()) {
            self.following = Some(Following::new(newest, self.states.clone()));
        }
        if let Some(following) = &mut self.following {
            let (events, read) = following.folder.events_from(following.read)?;
            following.read = read;
            for value in events {
                let at = value["at"].as_f64().unwrap_or(0.0);
                if let Ok(event) = serde_json::from_value::<Event>(value) {
                    following.hear(&event, at, &self.places);
                }
            }
        }
        Ok(())
    }
}

impl Following {
    fn new(folder: RunFolder, states: Vec<u8>) -> Self {
        let (running, ended) = (BTreeMap::new(), false);
        Self { folder, read: 0, states, running, cells: 0, executed: 0, reused: 0, failed: 0, ended }
    }

    fn hear(&mut self, event: &Event, at: f64, places: &BTreeMap<String, usize>) {
        let place = |cell: &str| places.get(&sanitised(cell)).copied();
        match event {
            Event::RunStarted { cells, .. } => self.cells = *cells,
            Event::RunFinished { .. } => self.ended = true,
            Event::CellStarted { cell, .. } => {
                if let Some(place) = place(cell) {
                    self.running.insert(place, Running { began: at, progress: None });
                    self.set(place, CellState::Running);
                }
            }
            Event::CellProgress { cell, done, total, unit } => {
                if let Some(running) = place(cell).and_then(|place| self.running.get_mut(&place)) {
                    running.progress = Some((*done, *total, sanitised(unit)));
                }
            }
            Event::CellFinished { cell, outcome, .. } => {
                let state = match outcome {
                    Outcome::Executed | Outcome::Reused => CellState::Current,
                    Outcome::Failed => CellState::Failed,
                    Outcome::Blocked => CellState::Blocked,
                    Outcome::Cancelled => CellState::Waiting,
                };
                match outcome {
                    Outcome::Executed => self.executed += 1,
                    Outcome::Reused => self.reused += 1,
                    _ => self.failed += 1,
                }
                if let Some(place) = place(cell) {
                    self.running.remove(&place);
                    self.set(place, state);
                }
            }
            _ => {}
        }
    }

    fn set(&mut self, place: usize, state: CellState) {
        if let Some(digit) = self.states.get_mut(place) {
            *digit = state.digit() as u8;
        }
    }
}

/// A run is named by its beginning and its process.
fn seconds_since(run: &str) -> f64 {
    let began: Option<u64> = run.split('-').next().and_then(|began| began.parse().ok());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    began.map_or(0.0, |began| (now.as_secs_f64() - began as f64 / 1000.0).max(0.0))
}

/// Whether the process of a run is there; one of another machine is not seen.
fn is_alive(run: &str) -> bool {
    let process: Option<u32> = run.split('-').nth(1).and_then(|process| process.parse().ok());
    process.is_some_and(|process| Path::new("/proc").join(process.to_string()).exists())
}
