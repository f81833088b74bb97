//! What executed in a run and why, in a few lines: cells with the same cause together, folded into their stages.

use dgpipe_engine::graph::Graph;
use dgpipe_engine::plan::{Reason, in_short};
use dgpipe_engine::run::{CellReport, Outcome, RunReport};

use super::sanitised;

/// How many causes are named, and how many stages of each.
const MOST: usize = 4;
/// The longest cause, in characters.
const LONGEST: usize = 90;

/// Stages with how many of their cells executed, and the cause, a line for each cause.
pub(super) fn causes(graph: &Graph, report: &RunReport) -> Vec<String> {
    let mut causes: Vec<(String, Vec<(&str, usize)>)> = Vec::new();
    for cell in graph.order() {
        let name = graph.name(*cell);
        let Some(executed) = report.cells.get(&name).filter(|cell| cell.outcome == Outcome::Executed) else { continue };
        let cause = cause(executed);
        let at = causes.iter().position(|(other, _)| *other == cause);
        let at = at.unwrap_or_else(|| {
            causes.push((cause, Vec::new()));
            causes.len() - 1
        });
        let stage = graph.cells[*cell].id.stage.as_str();
        match causes[at].1.iter_mut().find(|(other, _)| *other == stage) {
            Some((_, count)) => *count += 1,
            None => causes[at].1.push((stage, 1)),
        }
    }
    let line = |(cause, stages): &(String, Vec<(&str, usize)>)| sanitised(&format!("{}: {cause}", folded(stages)));
    let mut lines: Vec<String> = causes.iter().take(MOST).map(line).collect();
    let more = causes.len().saturating_sub(MOST);
    if more > 0 {
        lines.push(format!("and for {more} other reasons; `dgpipe show` names them"));
    }
    lines
}

/// The first reason, with what differs from cell to cell left out.
fn cause(cell: &CellReport) -> String {
    let text = match cell.reasons.first() {
        None => "no reason was kept".to_owned(),
        Some(Reason::InputChanged { .. }) => "what they read changed".to_owned(),
        Some(reason) => in_short(std::slice::from_ref(reason)),
    };
    if text.chars().count() <= LONGEST { text } else { text.chars().take(LONGEST - 1).chain(['…']).collect() }
}

fn folded(stages: &[(&str, usize)]) -> String {
    let shown =
        |(stage, count): &(&str, usize)| if *count > 1 { format!("{stage} ×{count}") } else { (*stage).to_owned() };
    let mut shown: Vec<String> = stages.iter().map(shown).collect();
    let more = shown.len().saturating_sub(MOST + 2);
    if more > 0 {
        shown.truncate(MOST + 2);
        shown.push(format!("{more} more stages"));
    }
    shown.join(", ")
}
