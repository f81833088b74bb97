//! The line of a running cell and the line of all cells, fitted to the width of the terminal: what matters less is left
//! out first, and a long name loses its middle.

use super::{Screen, duration};

/// How far a cell is that says so.
#[derive(Clone, Debug, Default)]
pub(super) struct Step {
    pub(super) done: u64,
    pub(super) total: u64,
    pub(super) unit: String,
    /// Units a second since the first word, where that can be told.
    pub(super) rate: Option<f64>,
}

/// What there is to say of a running cell.
#[derive(Clone, Debug, Default)]
pub(super) struct RunningCell {
    pub(super) name: String,
    pub(super) step: Option<Step>,
    pub(super) seconds: f64,
    /// How long it took before.
    pub(super) expected: Option<f64>,
}

/// What there is to say of all cells.
#[derive(Clone, Debug, Default)]
pub(super) struct AllCells {
    pub(super) all: usize,
    pub(super) executed: usize,
    pub(super) reused: usize,
    /// Failed, blocked, cancelled.
    pub(super) not_done: usize,
    pub(super) seconds: f64,
    pub(super) left: Option<f64>,
}

impl RunningCell {
    pub(super) fn line(&self, width: usize, screen: Screen) -> String {
        let tails = match &self.step {
            Some(step) if step.total > 0 => step.tails(self.seconds),
            _ => self.tails(),
        };
        let room = |tail: &Tail| width.saturating_sub(tail.width() + 4);
        let wanted = console::measure_text_width(&self.name).min(20);
        let tail = tails.iter().find(|tail| room(tail) >= wanted).or(tails.last());
        let Some(tail) = tail else { return String::new() };
        let name = middle(&self.name, room(tail).max(1));
        let pad = " ".repeat(width.saturating_sub(2 + console::measure_text_width(&name) + tail.width()).min(60));
        format!("  {name}{pad}{}", tail.painted(screen))
    }

    /// Without a word from the cell, its past tells how far it may be.
    fn tails(&self) -> Vec<Tail> {
        let seconds = duration(self.seconds);
        match self.expected.filter(|expected| *expected > 1.0) {
            Some(expected) => {
                let share = self.seconds / expected;
                let text = format!("{seconds} of about {}", duration(expected));
                vec![Tail::new(Some(share), &text), Tail::new(None, &text), Tail::new(None, &seconds)]
            }
            None => vec![Tail::new(None, &seconds)],
        }
    }
}

impl Step {
    /// From the richest to the poorest.
    fn tails(&self, seconds: f64) -> Vec<Tail> {
        let Self { done, total, unit, rate } = self;
        let share = *done as f64 / *total as f64;
        let count = format!("{done}/{total}");
        let Some(rate) = rate.filter(|rate| *rate > 0.0) else {
            let text = format!("{count} {unit}  {}", duration(seconds));
            return vec![Tail::new(Some(share), &text), Tail::new(None, &count)];
        };
        let left = format!("{} left", duration(total.saturating_sub(*done) as f64 / rate));
        let speed = if rate >= 9.95 { format!("{rate:.0}/s") } else { format!("{rate:.1}/s") };
        vec![
            Tail::new(Some(share), &format!("{count} {unit}  {speed}  {left}")),
            Tail::new(Some(share), &format!("{count}  {speed}  {left}")),
            Tail::new(Some(share), &format!("{count}  {left}")),
            Tail::new(None, &format!("{count}  {left}")),
            Tail::new(None, &count),
        ]
    }
}

impl AllCells {
    pub(super) fn line(&self, width: usize, screen: Screen) -> String {
        let ended = self.executed + self.reused + self.not_done;
        let left = format!("{} left", self.all.saturating_sub(ended));
        let mut counts = format!("{} done · {} reused · {left}", self.executed, self.reused);
        if self.not_done > 0 {
            counts.push_str(&format!(" · {} not done", self.not_done));
        }
        let time = self.left.map(|seconds| format!("about {} left", duration(seconds)));
        let spent = duration(self.seconds);
        let with_time = time.as_ref().map_or_else(|| counts.clone(), |time| format!("{counts} · {time}"));
        let share = ended as f64 / self.all.max(1) as f64;
        let tails = [
            Tail::new(Some(share), &format!("{with_time} · {spent}")),
            Tail::new(Some(share), &with_time),
            Tail::new(None, &with_time),
            Tail::new(None, &counts),
            Tail::new(None, &left),
        ];
        let tail = tails.iter().find(|tail| tail.width() <= width).unwrap_or(&tails[4]);
        tail.painted(screen)
    }
}

/// A bar and a text.
struct Tail {
    share: Option<f64>,
    text: String,
}

/// Columns of a bar.
const BAR: usize = 14;

impl Tail {
    fn new(share: Option<f64>, text: &str) -> Self {
        Self { share, text: text.to_owned() }
    }

    fn width(&self) -> usize {
        self.share.map_or(0, |_| BAR + 2) + console::measure_text_width(&self.text)
    }

    fn painted(&self, screen: Screen) -> String {
        let Some(share) = self.share else { return self.text.clone() };
        let full = ((share.clamp(0.0, 1.0) * BAR as f64).round() as usize).min(BAR);
        let bar = screen.paint("36", &"━".repeat(full));
        let rest = if screen.colour { screen.paint("2", &"━".repeat(BAR - full)) } else { "·".repeat(BAR - full) };
        format!("{bar}{rest}  {}", self.text)
    }
}

/// A name without its middle where it is too long: the stage is at its beginning, what differs at its end.
fn middle(name: &str, width: usize) -> String {
    let characters: Vec<char> = name.chars().collect();
    if console::measure_text_width(name) <= width {
        return name.to_owned();
    }
    let keep = width.saturating_sub(1);
    let begin = (keep / 2).min(characters.len());
    let end = (keep - keep / 2).min(characters.len() - begin);
    characters[..begin].iter().chain(&['…']).chain(&characters[characters.len() - end..]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Screen = Screen { is_terminal: true, colour: false, width: 80, columns: None };

    fn cell() -> RunningCell {
        let step = Step { done: 30, total: 120, unit: "steps".to_owned(), rate: Some(2.5) };
        let name = "train-importance[seed=42,target=art_painting]".to_owned();
        RunningCell { name, step: Some(step), seconds: 12.0, expected: None }
    }

    #[test]
    fn a_line_never_wraps_and_keeps_what_matters() {
        for width in [100, 80, 60, 40, 24, 12, 1] {
            let line = cell().line(width, PLAIN);
            assert!(width < 12 || console::measure_text_width(&line) <= width, "{width}: {line}");
            assert!(line.contains("30/120"), "{width}: {line}");
        }
        assert_eq!(
            cell().line(100, PLAIN),
            "  train-importance[seed=42,target=art_painting]       ━━━━··········  30/120 steps  2.5/s  36 s left"
        );
        assert_eq!(cell().line(60, PLAIN), "  train-impor…t_painting]  ━━━━··········  30/120  36 s left");
    }

    #[test]
    fn the_past_tells_how_far_a_silent_cell_is() {
        let cell = RunningCell { name: "a".to_owned(), step: None, seconds: 5.0, expected: Some(10.0) };
        assert_eq!(cell.line(48, PLAIN), "  a          ━━━━━━━·······  5.0 s of about 10 s");
    }

    #[test]
    fn the_counter_fits_every_width() {
        let all = AllCells { all: 160, executed: 12, reused: 30, not_done: 1, seconds: 61.0, left: Some(300.0) };
        let wide = "━━━━··········  12 done · 30 reused · 117 left · 1 not done · about 5 min left · 61 s";
        assert_eq!(all.line(100, PLAIN), wide);
        assert_eq!(all.line(60, PLAIN), "12 done · 30 reused · 117 left · 1 not done");
        assert_eq!(all.line(20, PLAIN), "117 left");
    }
}
