//! The terminal while a run goes on: finished cells scroll above, running cells have a bar each.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dgpipe_engine::plan::Reason;
use dgpipe_engine::run::{Event, Listener, Outcome};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::lines::{finished_line, other_line};
use super::{Screen, sanitised};

/// Bars for running cells, a counter for all.
pub(crate) struct Progress {
    screen: Screen,
    verbose: bool,
    bars: MultiProgress,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    all: Option<ProgressBar>,
    running: BTreeMap<String, (ProgressBar, Vec<Reason>)>,
    reused: usize,
    executed: usize,
}

impl Progress {
    pub(crate) fn new(screen: Screen, verbose: bool) -> Self {
        Self { screen, verbose, bars: MultiProgress::new(), state: Mutex::default() }
    }

    fn line(&self, line: Option<String>) {
        if let Some(line) = line {
            // A terminal that cannot be written to cannot be told so either.
            self.bars.println(line.trim_end_matches('\n')).ok();
        }
    }

    fn started(&self, state: &mut State, cells: usize, sure: usize) {
        if sure == 0 {
            return;
        }
        let bar = self.bars.add(ProgressBar::new(cells as u64));
        let style = ProgressStyle::with_template("{bar:24.green/dim} {pos}/{len} cells  {msg}  {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_position(state.reused as u64);
        bar.enable_steady_tick(Duration::from_millis(200));
        state.all = Some(bar);
    }

    fn cell_started(&self, state: &mut State, cell: &str, reasons: &[Reason]) {
        let bar = ProgressBar::new_spinner();
        let bar = match &state.all {
            Some(all) => self.bars.insert_before(all, bar),
            None => self.bars.add(bar),
        };
        bar.set_style(style("  {spinner:.cyan} {prefix}  {elapsed}"));
        bar.set_prefix(sanitised(cell));
        bar.enable_steady_tick(Duration::from_millis(120));
        state.running.insert(cell.to_owned(), (bar, reasons.to_vec()));
    }

    fn finished(&self, state: &mut State, event: &Event) {
        let Event::CellFinished { cell, outcome, .. } = event else { return };
        let running = state.running.remove(cell);
        let reasons = running.as_ref().map(|(_, reasons)| reasons.clone()).unwrap_or_default();
        if let Some((bar, _)) = running {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
        self.line(finished_line(event, &reasons, self.screen, self.verbose));
        match outcome {
            Outcome::Reused => state.reused += 1,
            Outcome::Executed => state.executed += 1,
            _ => {}
        }
        if let Some(all) = &state.all {
            all.inc(1);
            all.set_message(format!("{} executed, {} reused", state.executed, state.reused));
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Listener for Progress {
    fn hear(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::RunStarted { cells, execute, waiting, .. } => self.started(&mut state, *cells, execute + waiting),
            Event::CellStarted { cell, reasons, .. } => self.cell_started(&mut state, cell, reasons),
            Event::CellProgress { cell, done, total, unit } => {
                let Some((bar, _)) = state.running.get(cell) else { return };
                bar.set_position(*done);
                if bar.length() != Some(*total) {
                    bar.set_length(*total);
                    bar.set_style(style("  {prefix}  {bar:24.cyan/dim} {pos}/{len} {msg}  {per_sec}, {eta} left"));
                    bar.set_message(sanitised(unit));
                    // What a former execution did says nothing of how fast this one is.
                    bar.reset_eta();
                }
            }
            Event::CellFinished { .. } => self.finished(&mut state, event),
            Event::RunFinished { .. } => {
                if let Some(all) = state.all.take() {
                    all.finish_and_clear();
                }
            }
            _ => self.line(other_line(event, self.screen, self.verbose)),
        }
    }
}
