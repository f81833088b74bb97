//! The terminal while a run goes on: finished cells scroll above, running cells have a line each, the last line counts.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dgpipe_engine::plan::Reason;
use dgpipe_engine::run::{Event, Listener, Outcome};
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::forecast::Forecast;
use super::lines::{finished_line, other_line};
use super::running_line::{AllCells, RunningCell, Step};
use super::{Screen, sanitised};

/// How often lines are drawn where nothing happens.
const TICK: Duration = Duration::from_millis(250);

/// Lines for running cells, a counter for all.
pub(crate) struct Progress {
    screen: Screen,
    verbose: bool,
    bars: MultiProgress,
    forecast: Arc<Mutex<Forecast>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    all: Option<(ProgressBar, Arc<Mutex<AllCells>>)>,
    running: BTreeMap<String, Running>,
    /// Cells that were reused before anything was drawn.
    reused: usize,
}

struct Running {
    bar: ProgressBar,
    line: Arc<Mutex<RunningCell>>,
    reasons: Vec<Reason>,
    /// When the cell said first how far it is, and how far it was.
    first: Option<(Instant, u64)>,
}

impl Progress {
    pub(crate) fn new(screen: Screen, verbose: bool, forecast: Forecast) -> Self {
        let forecast = Arc::new(Mutex::new(forecast));
        Self { screen, verbose, bars: MultiProgress::new(), forecast, state: Mutex::default() }
    }

    fn print(&self, line: Option<String>) {
        if let Some(line) = line {
            // A terminal that cannot be written to cannot be told so either.
            self.bars.println(line.trim_end_matches('\n')).ok();
        }
    }

    fn started(&self, state: &mut State, cells: usize, unsure: usize) {
        if unsure == 0 {
            return;
        }
        let counts = Arc::new(Mutex::new(AllCells { all: cells, reused: state.reused, ..AllCells::default() }));
        let (shown, forecast, screen) = (Arc::clone(&counts), Arc::clone(&self.forecast), self.screen);
        let bar = self.bars.add(ProgressBar::new_spinner());
        bar.set_style(drawn(move |seconds| {
            let (seconds, left) = (seconds, lock(&forecast).left());
            AllCells { seconds, left, ..lock(&shown).clone() }.line(columns(screen), screen)
        }));
        bar.enable_steady_tick(TICK);
        state.all = Some((bar, counts));
    }

    fn cell_started(&self, state: &mut State, cell: &str, reasons: &[Reason]) {
        lock(&self.forecast).began(cell);
        let expected = lock(&self.forecast).expected(cell);
        let line = Arc::new(Mutex::new(RunningCell { name: sanitised(cell), expected, ..RunningCell::default() }));
        let bar = ProgressBar::new_spinner();
        let bar = match &state.all {
            Some((all, _)) => self.bars.insert_before(all, bar),
            None => self.bars.add(bar),
        };
        let (shown, screen) = (Arc::clone(&line), self.screen);
        bar.set_style(drawn(move |seconds| {
            RunningCell { seconds, ..lock(&shown).clone() }.line(columns(screen), screen)
        }));
        bar.enable_steady_tick(TICK);
        state.running.insert(cell.to_owned(), Running { bar, line, reasons: reasons.to_vec(), first: None });
    }

    fn finished(&self, state: &mut State, event: &Event) {
        let Event::CellFinished { cell, outcome, seconds, .. } = event else { return };
        lock(&self.forecast).ended(cell, (*outcome == Outcome::Executed).then_some(*seconds));
        let running = state.running.remove(cell);
        let reasons = running.as_ref().map(|running| running.reasons.clone()).unwrap_or_default();
        if let Some(running) = running {
            running.bar.finish_and_clear();
            self.bars.remove(&running.bar);
        }
        let width = (!self.verbose).then(|| columns(self.screen));
        self.print(finished_line(event, &reasons, self.screen, self.verbose, width));
        match &state.all {
            None => state.reused += usize::from(*outcome == Outcome::Reused),
            Some((_, counts)) => {
                let mut counts = lock(counts);
                match outcome {
                    Outcome::Reused => counts.reused += 1,
                    Outcome::Executed => counts.executed += 1,
                    _ => counts.not_done += 1,
                }
            }
        }
    }
}

impl Running {
    /// Takes over how far the cell is, and how fast it got there.
    fn advance(&mut self, done: u64, total: u64, unit: &str) {
        let (began, before) = *self.first.get_or_insert((Instant::now(), done));
        let seconds = began.elapsed().as_secs_f64();
        let rate = (done > before && seconds > 0.2).then(|| (done - before) as f64 / seconds);
        lock(&self.line).step = Some(Step { done, total, unit: sanitised(unit), rate });
    }
}

/// A style whose only part is a line that is made whenever it is drawn, from the seconds since the beginning.
fn drawn(line: impl Fn(f64) -> String + Clone + Send + Sync + 'static) -> ProgressStyle {
    let write = move |state: &ProgressState, out: &mut dyn Write| {
        // What is written to is a text in memory.
        out.write_str(&line(state.elapsed().as_secs_f64())).ok();
    };
    let style = ProgressStyle::with_template("{line}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    style.with_key("line", write)
}

/// A window may be made narrower at any time. The last column stays free, where some terminals wrap.
fn columns(screen: Screen) -> usize {
    let width =
        terminal_size::terminal_size_of(std::io::stderr()).map_or(screen.width, |(width, _)| usize::from(width.0));
    width.saturating_sub(1).clamp(1, 120)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Listener for Progress {
    fn hear(&self, event: &Event) {
        let mut state = lock(&self.state);
        match event {
            Event::RunStarted { cells, execute, waiting, .. } => self.started(&mut state, *cells, execute + waiting),
            Event::CellStarted { cell, reasons, .. } => self.cell_started(&mut state, cell, reasons),
            Event::CellProgress { cell, done, total, unit } => {
                if let Some(running) = state.running.get_mut(cell) {
                    running.advance(*done, *total, unit);
                }
            }
            Event::CellFinished { .. } => self.finished(&mut state, event),
            Event::RunFinished { .. } => {
                if let Some((bar, _)) = state.all.take() {
                    bar.finish_and_clear();
                }
            }
            _ => self.print(other_line(event, self.screen, self.verbose)),
        }
    }
}
