//! The end of a run: what ran, what was reused, what failed and blocked what, where the results are.

use std::collections::BTreeSet;

use dgpipe_engine::graph::Targets;
use dgpipe_engine::run::{Outcome, RunReport};
use dgpipe_engine::stage::View;

use super::causes::causes;
use super::{Screen, duration, print, sanitised, say};
use crate::Program;
use crate::arguments::Common;
use crate::session::Session;

pub(crate) fn show(
    program: &Program,
    session: &Session,
    targets: &Targets,
    report: &RunReport,
    screen: Screen,
    common: &Common,
) {
    if !common.quiet {
        for text in tables(program, session, targets) {
            print(&format!("{}\n", text.trim_end()));
        }
    }
    failures(session, report, screen);
    if common.quiet {
        return;
    }
    for line in causes(&session.graph, report) {
        say(&format!("{} {line}\n", screen.paint("2", "ran")));
    }
    let counts = &report.counts;
    let mut parts = vec![format!("{} executed", counts.executed), format!("{} reused", counts.reused)];
    let others = [
        (counts.failed, "failed"),
        (counts.blocked, "blocked"),
        (counts.cancelled, "cancelled"),
        (counts.restored, if counts.restored == 1 { "path published" } else { "paths published" }),
        (counts.edited, if counts.edited == 1 { "path refused" } else { "paths refused" }),
    ];
    parts.extend(others.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")));
    let colour = if report.succeeded() { "32;1" } else { "31;1" };
    let head = screen.paint(colour, if report.succeeded() { "done" } else { "not done" });
    let saved: f64 =
        report.cells.values().filter(|cell| cell.outcome == Outcome::Reused).map(|cell| cell.seconds).sum();
    let saved = if saved >= 1.0 { format!("; reuse saved {} of work", duration(saved)) } else { String::new() };
    say(&format!("{head}: {} in {}{saved}\n", parts.join(", "), duration(report.seconds)));
    let places = places(session, targets);
    if !places.is_empty() {
        say(&format!("results: {}\n", places.join(", ")));
    }
}

/// What the program wants to show of published artifacts.
fn tables(program: &Program, session: &Session, targets: &Targets) -> Vec<String> {
    let mut texts = Vec::new();
    for index in &targets.publications {
        let publication = &session.graph.publications[*index];
        for member in &publication.members {
            let ports = session.graph.cells[member.cell].work.ports();
            let Some(kind) = ports.output(&member.port).map(|port| &port.kind) else { continue };
            for (_, show) in program.shows.iter().filter(|(shown, _)| shown == kind) {
                let path = session.root.join(&publication.path);
                texts.extend(show(&View::disk(path)));
            }
        }
    }
    texts
}

/// Failed cells once more, after all that scrolled by, each with what it blocked.
fn failures(session: &Session, report: &RunReport, screen: Screen) {
    let failed = report.cells.iter().filter(|(_, cell)| cell.outcome == Outcome::Failed);
    for (name, cell) in failed {
        say(&format!("{} {}\n", screen.paint("31;1", "failed:"), sanitised(name)));
        let error = cell.error.as_deref().unwrap_or("");
        say(&format!("    {}\n", sanitised(error).replace('\n', "\n    ")));
        let blocked = blocked_by(session, report, name);
        if let Some(first) = blocked.first() {
            let more = if blocked.len() > 1 { format!(" and {} more", blocked.len() - 1) } else { String::new() };
            say(&format!("    blocked: {}{more}\n", sanitised(first)));
        }
    }
}

fn blocked_by(session: &Session, report: &RunReport, name: &str) -> Vec<String> {
    let Some(cell) = session.graph.find(name) else { return Vec::new() };
    let mut below = BTreeSet::new();
    let mut open = vec![cell];
    while let Some(cell) = open.pop() {
        open.extend(session.graph.readers(cell).into_iter().filter(|reader| below.insert(*reader)));
    }
    let names = below.into_iter().map(|cell| session.graph.name(cell));
    names.filter(|name| report.cells.get(name).is_some_and(|cell| cell.outcome == Outcome::Blocked)).collect()
}

/// The folders under which the published paths lie.
fn places(session: &Session, targets: &Targets) -> Vec<String> {
    let paths = targets.publications.iter().map(|index| session.graph.publications[*index].path.as_str());
    let two = |path: &str| path.split('/').take(2).collect::<Vec<_>>().join("/");
    let folders: BTreeSet<String> = paths.map(two).collect();
    let mut shown: Vec<String> = folders.iter().take(5).cloned().collect();
    if folders.len() > 5 {
        shown.push("…".to_owned());
    }
    shown
}
