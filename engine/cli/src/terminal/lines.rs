//! Plain lines for pipes and log files: what starts is silent, what ends is a line, long work says a word now and then.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use dgpipe_engine::plan::{Reason, in_short};
use dgpipe_engine::run::{Event, Listener, Outcome, PublishHow};

use super::{Screen, duration, sanitised, say, time};
use crate::arguments::Common;

/// How often a cell that runs long says how far it is.
const EVERY: Duration = Duration::from_secs(10);

/// Writes events as lines to stderr.
pub(crate) struct Lines {
    screen: Screen,
    quiet: bool,
    verbose: bool,
    cells: Mutex<BTreeMap<String, Running>>,
}

struct Running {
    reasons: Vec<Reason>,
    spoke: Instant,
}

impl Lines {
    pub(crate) fn new(screen: Screen, common: &Common) -> Self {
        Self { screen, quiet: common.quiet, verbose: common.verbose, cells: Mutex::default() }
    }
}

impl Listener for Lines {
    fn hear(&self, event: &Event) {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::CellStarted { cell, reasons, .. } => {
                cells.insert(cell.clone(), Running { reasons: reasons.clone(), spoke: Instant::now() });
            }
            Event::CellProgress { cell, done, total, unit } => {
                let Some(running) = cells.get_mut(cell).filter(|running| running.spoke.elapsed() > EVERY) else {
                    return;
                };
                running.spoke = Instant::now();
                if !self.quiet {
                    say(&sanitised(&format!("running   {cell}  {done} of {total} {unit}\n")));
                }
            }
            Event::CellFinished { cell, .. } => {
                let reasons = cells.remove(cell).map(|running| running.reasons).unwrap_or_default();
                if let Some(line) = finished_line(event, &reasons, self.screen, self.verbose, None)
                    && (!self.quiet || matches!(event, Event::CellFinished { outcome: Outcome::Failed, .. }))
                {
                    say(&line);
                }
            }
            _ => {
                if let Some(line) = other_line(event, self.screen, self.verbose)
                    && !self.quiet
                {
                    say(&line);
                }
            }
        }
    }
}

/// The line of a cell that ended. Reused and blocked cells are only counted, unless everything is wanted. Reasons are
/// shortened to a width where there is one.
pub(super) fn finished_line(
    event: &Event,
    reasons: &[Reason],
    screen: Screen,
    verbose: bool,
    width: Option<usize>,
) -> Option<String> {
    let Event::CellFinished { cell, outcome, seconds, error, same_bytes, .. } = event else { return None };
    let quiet = matches!(outcome, Outcome::Reused | Outcome::Blocked | Outcome::Cancelled);
    if quiet && !verbose {
        return None;
    }
    let colour = match outcome {
        Outcome::Executed => "32",
        Outcome::Reused => "2",
        Outcome::Failed => "31;1",
        Outcome::Blocked | Outcome::Cancelled => "33",
    };
    let word = screen.paint(colour, &format!("{:9}", outcome.to_string()));
    let mut line = format!("{word} {}", sanitised(cell));
    if matches!(outcome, Outcome::Executed | Outcome::Failed) {
        line.push_str(&format!("  {}", screen.paint("2", &duration(*seconds))));
    }
    if *outcome == Outcome::Executed && !reasons.is_empty() {
        let same = if *same_bytes { "; ran again, same bytes" } else { "" };
        let why = sanitised(&in_short(reasons));
        let taken = console::measure_text_width(&line) + same.len() + 2;
        // The name and what came of it stay whole; a person who wants all asks `why`.
        let room = width.map_or(usize::MAX, |width| width.saturating_sub(taken).max(24));
        let why = console::truncate_str(&why, room, "…");
        line.push_str(&screen.paint("2", &format!("  {why}{same}")));
    }
    if let Some(error) = error {
        line.push_str(&format!("\n    {}", sanitised(error).replace('\n', "\n    ")));
    }
    line.push('\n');
    Some(line)
}

/// The line of an event that is no cell's end, where it has one.
pub(super) fn other_line(event: &Event, screen: Screen, verbose: bool) -> Option<String> {
    let line = |colour: &str, word: &str, text: &str| format!("{} {}\n", screen.paint(colour, word), sanitised(text));
    Some(match event {
        Event::CellNote { cell, text } => line("36", "note     ", &format!("{cell}: {text}")),
        Event::CellWaiting { cell, holder, since } => {
            let since = since.map(|since| format!(" since {} UTC", time(since))).unwrap_or_default();
            line("33", "waiting  ", &format!("{cell}: {holder} executes it{since}"))
        }
        Event::RunWaiting { text } => line("33", "waiting  ", text),
        Event::CellRetried { cell, attempt, error } => {
            line("33", "retrying ", &format!("{cell}: attempt {attempt} failed: {error}"))
        }
        Event::Warning { text } => line("33;1", "warning: ", text),
        // What was published as expected is only counted: the summary says where it lies.
        Event::Published { how: PublishHow::Created | PublishHow::Updated, .. } if !verbose => return None,
        Event::Published { path, how } => published_line(path, how, screen),
        _ => return None,
    })
}

fn published_line(path: &str, how: &PublishHow, screen: Screen) -> String {
    let path = sanitised(path);
    match how {
        PublishHow::Created => format!("{} {path}\n", screen.paint("34", "published")),
        PublishHow::Restored => format!("{} {path}  it had been deleted\n", screen.paint("34", "restored ")),
        PublishHow::Updated => format!("{} {path}  updated\n", screen.paint("34", "published")),
        PublishHow::Discarded => format!("{} {path}  your edit was discarded\n", screen.paint("33", "published")),
        PublishHow::MovedAside { to } => {
            format!("{} {path}  your edit is now {}\n", screen.paint("33", "published"), sanitised(to))
        }
        PublishHow::Occupied => format!(
            "{} {path} was there before and was not published by dgpipe; it is left alone\n    --discard-edits replaces it, --keep-edits moves it aside first\n",
            screen.paint("31;1", "occupied ")
        ),
        PublishHow::Edited => format!(
            "{} {path} was edited by hand and is left alone\n    --discard-edits replaces it, --keep-edits moves it aside first\n",
            screen.paint("31;1", "edited   ")
        ),
        PublishHow::Impossible { error } => {
            format!("{} {path}: {}\n", screen.paint("31;1", "blocked  "), sanitised(error))
        }
        PublishHow::Clash { name } => format!(
            "{} {path}: two of its artifacts have a file `{name}`; publish them at different paths\n",
            screen.paint("31;1", "clash    ")
        ),
    }
}
