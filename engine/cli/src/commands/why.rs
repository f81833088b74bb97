//! `dgpipe why`: the chain of causes of an execution, pending or past.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::Args;
use dgpipe_cache::Record;
use dgpipe_engine::plan::{Decision, Plan, Provenance, Reason, in_short};
use dgpipe_engine::run::{CellReport, Outcome, RunReport};
use dgpipe_engine::spec::{Constraint, Place, Selector};
use dgpipe_engine::why::{Chain, Link, LinkState, Nearest, nearest, past, pending};
use serde_json::json;

use crate::arguments::Common;
use crate::past::Past;
use crate::session::Session;
use crate::terminal::{counted, print, sanitised, when};
use crate::{ExitStatus, Failure, Program};

/// What `why` takes.
#[derive(Debug, Args)]
pub struct Why {
    /// The pipeline file
    file: PathBuf,
    /// The cell, such as `mask[target=sketch, seed=42]`
    cell: String,
    /// Explain what a past run did: its name, the beginning of it, `latest` or `latest~1`
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
}

/// All that is found out about one question.
struct Answer {
    chain: Chain,
    about: About,
    /// For whom the record was made, where that is somebody else.
    made_for: Option<String>,
    /// The nearest records, by the place of the link in the chain.
    nearest: BTreeMap<usize, Nearest>,
}

/// What the first link of an answer is.
#[derive(PartialEq)]
enum About {
    /// What would be.
    Pending,
    /// The execution whose record stands for the cell today.
    Today,
    /// The execution in a run that was named.
    Run,
}

impl Why {
    pub(crate) fn execute(&self, program: &Program, common: &Common) -> Result<ExitStatus, Failure> {
        let answer = match &self.run {
            Some(run) => self.in_run(program, common, run)?,
            None => self.now(program, common)?,
        };
        if common.json {
            print(&format!("{}\n", answer.as_json()));
        } else {
            print(&sanitised(&answer.as_text(common.verbose)));
        }
        Ok(ExitStatus::Done)
    }

    /// Why a cell would execute now, or else why it last did.
    fn now(&self, program: &Program, common: &Common) -> Result<Answer, Failure> {
        let session = Session::look(program, &self.file, common)?;
        let cell = session.cell(&self.cell)?;
        let plan = session.plan(&[session.graph.name(cell)], &[])?;
        if plan.decisions[&cell].decision == Decision::Reuse {
            return last_execution(&session, &plan, cell);
        }
        let chain = pending(&session.planner(), &plan, cell)?;
        let nearest = nearest_records(&session, &plan, &chain)?;
        Ok(Answer { chain, about: About::Pending, made_for: None, nearest })
    }

    /// Why a cell executed in a run that the call names, also where the pipeline of today has no such cell, or mistakes.
    fn in_run(&self, program: &Program, common: &Common, run: &str) -> Result<Answer, Failure> {
        let session = Session::look(program, &self.file, common);
        let today = session.and_then(|session| {
            let cell = session.cell(&self.cell)?;
            let plan = session.plan(&[session.graph.name(cell)], &[])?;
            Ok((session.graph.name(cell), session, plan))
        });
        let (report, name, chain) = match &today {
            Ok((name, session, plan)) => {
                let (pipeline, profile) = (&session.graph.spec.name, &session.graph.spec.profile);
                let own = Past::of(&session.store, &session.root, Some(pipeline), Some(profile))?;
                let report = match own.run(run) {
                    Ok(report) => report,
                    Err(failure) => return Err(self.of_another_profile(session, run).unwrap_or(failure)),
                };
                let chain = past(Some((&session.planner(), &plan.sources)), &report, name)?;
                (report, name.clone(), chain)
            }
            Err(_) => {
                let report = Past::look(Some(&self.file), common)?.run(run)?;
                let Some(name) = named(&report, &self.cell) else {
                    // What is wrong with the pipeline or the name is what there is to say.
                    return Err(today.err().unwrap_or_else(|| Failure::call("there is no such cell")));
                };
                let chain = past(None, &report, &name)?;
                (report, name, chain)
            }
        };
        let chain = chain.ok_or_else(|| {
            let became = match report.cells.get(&name) {
                Some(cell) => format!("was {} in", cell.outcome),
                None => "was not looked at in".to_owned(),
            };
            Failure::call(format!("`{name}` {became} run {}", report.run)).hint(format!(
                "without `--run`, `dgpipe why` tells of its last execution; `dgpipe show {}` of this run",
                report.run
            ))
        })?;
        Ok(Answer { chain, about: About::Run, made_for: None, nearest: BTreeMap::new() })
    }

    /// What to say where a run is there, but of another profile or pipeline of this project.
    fn of_another_profile(&self, session: &Session, run: &str) -> Option<Failure> {
        let all = Past::of(&session.store, &session.root, None, None).ok()?;
        let report = all.run(run).ok().filter(|report| report.run.starts_with(run))?;
        let spec = &session.graph.spec;
        if report.pipeline != spec.name {
            let failure = Failure::call(format!("run {} is of the pipeline `{}`", report.run, report.pipeline));
            return Some(failure.hint("name the file of that pipeline"));
        }
        let failure = Failure::call(format!("run {} is of the profile `{}`", report.run, report.profile));
        let cell = if self.cell.contains(['[', ' ', '"']) { format!("'{}'", self.cell) } else { self.cell.clone() };
        // What `--profile` has to be where a run had none: the file as it is.
        let profile = if report.profile == "default" { "''" } else { report.profile.as_str() };
        let file = self.file.display();
        Some(failure.hint(format!("`dgpipe why {file} {cell} --run {} --profile {profile}`", report.run)))
    }
}

/// The nearest records of the cell that was asked about and of those behind it that execute though nothing that is
/// known of them changed: what a person expected to be found.
fn nearest_records(session: &Session, plan: &Plan, chain: &Chain) -> Result<BTreeMap<usize, Nearest>, Failure> {
    let (mut cells, mut stages) = (BTreeMap::new(), BTreeSet::new());
    for (place, _) in chain.ways() {
        let link = &chain.links[place];
        let Some(cell) = session.graph.find(&link.cell) else { continue };
        // A new value of an axis says enough, and cells of one stage say much the same.
        let is_missed = |reason: &Reason| match reason {
            Reason::NewCell { axes } => axes.is_empty(),
            reason => *reason == Reason::RecordMissing,
        };
        let is_asked = place == 0;
        let missed = link.state == LinkState::Executes && link.reasons.iter().any(is_missed);
        if (is_asked || missed) && stages.insert(&session.graph.cells[cell].id.stage) {
            cells.insert(cell, place);
        }
    }
    let found = nearest(&session.planner(), plan, &cells.keys().copied().collect::<Vec<_>>())?;
    Ok(found.into_iter().map(|(cell, nearest)| (cells[&cell], nearest)).collect())
}

/// The one cell of a report that a text means, whatever the order of its axes.
fn named(report: &RunReport, text: &str) -> Option<String> {
    let asked = Selector::parse(text, Place::default()).ok()?;
    let is_meant = |name: &&String| {
        let cell = Selector::parse(name, Place::default());
        cell.is_ok_and(|cell| {
            let has = |asked: &Constraint| {
                let own = cell.constraints.iter().find(|own| own.axis == asked.axis);
                own.is_some_and(|own| own.values.iter().all(|value| asked.accepts(value)))
            };
            cell.name == asked.name && asked.constraints.iter().all(has)
        })
    };
    let mut meant = report.cells.keys().filter(is_meant);
    meant.next().filter(|_| meant.next().is_none()).cloned()
}

/// Why a cell executed when its record was made.
fn last_execution(session: &Session, plan: &Plan, cell: usize) -> Result<Answer, Failure> {
    let name = session.graph.name(cell);
    let record = plan.key(cell).map(|key| session.store.record(&key)).transpose()?.flatten();
    let Some(record) = record else {
        let link = Link { cell: name, state: LinkState::Unknown, reasons: Vec::new(), behind: Vec::new() };
        return Ok(Answer {
            chain: Chain { links: vec![link] },
            about: About::Today,
            made_for: None,
            nearest: BTreeMap::new(),
        });
    };
    let provenance = Provenance::read(&record).unwrap_or_default();
    let made_as = if provenance.cell.is_empty() { name.clone() } else { provenance.cell.clone() };
    let report = Past::of(&session.store, &session.root, None, None)?.named(&record.run)?;
    let kept =
        report.as_ref().map(|report| past(Some((&session.planner(), &plan.sources)), report, &made_as)).transpose()?;
    let mut chain = match kept.flatten() {
        Some(chain) => chain,
        // The run is forgotten, or was another project's: the record tells of its own cell at least.
        None => {
            past(Some((&session.planner(), &plan.sources)), &alone(&record, &made_as), &made_as)?.unwrap_or_default()
        }
    };
    if let Some(first) = chain.links.first_mut() {
        first.cell.clone_from(&name);
    }
    let spec = &session.graph.spec;
    let elsewhere = (&provenance.pipeline, &provenance.profile) != (&spec.name, &spec.profile);
    let place = if elsewhere { format!(" of {} ({})", provenance.pipeline, provenance.profile) } else { String::new() };
    let made_for = (!provenance.cell.is_empty() && (elsewhere || made_as != name)).then(|| format!("{made_as}{place}"));
    Ok(Answer { chain, about: About::Today, made_for, nearest: BTreeMap::new() })
}

/// A report with one execution in it, as its record tells of it.
fn alone(record: &Record, cell: &str) -> RunReport {
    let reasons: Vec<Reason> = serde_json::from_value(record.reasons.clone()).unwrap_or_default();
    let cell_report = CellReport {
        outcome: Outcome::Executed,
        seconds: record.seconds,
        began: None,
        reasons,
        error: None,
        key: Some(record.key),
        was: None,
        metrics: record.metrics.clone(),
    };
    let cells = [(cell.to_owned(), cell_report)].into();
    RunReport { run: record.run.clone(), cells, ..RunReport::default() }
}

impl Answer {
    fn as_text(&self, all: bool) -> String {
        let ways = if all { self.chain.all() } else { self.chain.ways() };
        let mut text = String::new();
        for (place, depth) in &ways {
            let link = &self.chain.links[*place];
            // Deeper than this, depth says nothing any more.
            let indent = "  ".repeat((*depth).min(12));
            let what = if *depth == 0 { self.first(link) } else { behind(link) };
            text.push_str(&format!("{indent}{} {what}\n", link.cell));
            for reason in shown(&link.reasons) {
                text.push_str(&format!("{indent}  because {reason}\n"));
            }
        }
        if ways.len() < self.chain.links.len() {
            let more = counted(self.chain.links.len() - ways.len(), "more cell");
            text.push_str(&format!("{more} on the way, for the same causes (-v shows all)\n"));
        }
        for (place, nearest) in &self.nearest {
            let to = (*place > 0).then(|| self.chain.links[*place].cell.as_str());
            text.push_str(&nearest_text(nearest, to, &self.chain.links[*place].reasons));
        }
        text
    }

    fn first(&self, link: &Link) -> String {
        let by = self.made_for.as_ref().map(|made_for| format!(" as {made_for}")).unwrap_or_default();
        match &link.state {
            LinkState::Executes => "executes".to_owned(),
            LinkState::Awaits => "awaits what it reads, and may be reused".to_owned(),
            LinkState::Executed { run } if self.about == About::Run => format!("executed in run {run}{}", when(run)),
            LinkState::Executed { run } if self.about == About::Today => {
                format!("is up to date; it executed{by} in run {run}{}", when(run))
            }
            LinkState::Executed { run } | LinkState::Reused { run } => format!("is reused from run {run}{}", when(run)),
            LinkState::Unknown => "has no record and no pending execution".to_owned(),
        }
    }

    fn as_json(&self) -> serde_json::Value {
        let mut value = serde_json::to_value(self.chain.links.first()).unwrap_or_default();
        let name = |place: &usize| self.chain.links[*place].cell.clone();
        let links: Vec<serde_json::Value> = self
            .chain
            .links
            .iter()
            .enumerate()
            .map(|(place, link)| {
                let mut value = serde_json::to_value(link).unwrap_or_default();
                value["behind"] = link.behind.iter().map(name).collect();
                value["nearest"] = json!(self.nearest.get(&place));
                value
            })
            .collect();
        value["behind"] = links.first().map(|first| first["behind"].clone()).unwrap_or_default();
        value["made_for"] = json!(self.made_for);
        value["nearest"] = json!(self.nearest.get(&0));
        value["links"] = json!(links);
        value
    }
}

fn behind(link: &Link) -> String {
    match &link.state {
        LinkState::Executes => "executes".to_owned(),
        LinkState::Awaits => "awaits what it reads".to_owned(),
        LinkState::Executed { run } => format!("executed in run {run}"),
        LinkState::Reused { run } => format!("has another record, from run {run}"),
        LinkState::Unknown => String::new(),
    }
}

/// Reasons a line each, changes of many members of one port together.
fn shown(reasons: &[Reason]) -> Vec<String> {
    let (inputs, others): (Vec<Reason>, Vec<Reason>) =
        reasons.iter().cloned().partition(|reason| matches!(reason, Reason::InputChanged { .. }));
    let few = inputs.len() <= 4;
    let inputs = if few { inputs.iter().map(ToString::to_string).collect() } else { vec![in_short(&inputs)] };
    others.iter().map(ToString::to_string).chain(inputs).filter(|line| !line.is_empty()).collect()
}

/// The nearest record, where it is another one than the reasons compare with; of another cell than the one that was
/// asked about with its name.
fn nearest_text(nearest: &Nearest, to: Option<&str>, reasons: &[Reason]) -> String {
    let compared = !reasons.iter().any(|reason| matches!(reason, Reason::NewCell { .. } | Reason::RecordMissing));
    if nearest.differences.is_empty() || (compared && nearest.differences.len() >= reasons.len()) {
        return String::new();
    }
    let cell = nearest.cell.as_deref().unwrap_or("another cell");
    let pipeline = nearest.pipeline.as_deref().zip(nearest.profile.as_deref());
    let pipeline = pipeline.map(|(name, profile)| format!(" of {name} ({profile})")).unwrap_or_default();
    let run = &nearest.run;
    let which = to.map_or_else(|| "the nearest record".to_owned(), |to| format!("the record nearest to {to}"));
    let mut text = format!("{which} is that of {cell}{pipeline}, from run {run}{}\n", when(run));
    for reason in shown(&nearest.differences) {
        text.push_str(&format!("  it differs in {reason}\n"));
    }
    text
}
