//! `dgpipe runs`: the past, newest last, filtered and sorted by params and metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use dgpipe_engine::run::{GitState, RunReport};
use serde_json::{Value, json};

use crate::arguments::Common;
use crate::condition::Condition;
use crate::metrics::{Metrics, Values, is_named};
use crate::past::Past;
use crate::terminal::{Table, digits, duration, number, print, sanitised, time};
use crate::{ExitStatus, Failure};

/// What `runs` takes.
#[derive(Debug, Args)]
pub struct Runs {
    /// The pipeline file (default: all pipelines of the project)
    file: Option<PathBuf>,
    /// Only runs in which some cell fulfils this: `accuracy>0.7`, `score[target=sketch].accuracy>=0.5`, `failed>0`
    #[arg(long = "where", value_name = "CONDITION")]
    conditions: Vec<String>,
    /// Show this param, or only runs in which it fulfils something: `threshold`, `threshold>0.3`
    #[arg(long = "param", value_name = "NAME[CONDITION]")]
    params: Vec<String>,
    /// Show this metric, of any cell or of one: `accuracy`, `score[seed=42].accuracy`
    #[arg(long = "metric", value_name = "NAME")]
    metrics: Vec<String>,
    /// Sort by a param, a metric, `started` or `seconds`; `-NAME` sorts downwards
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    sort: Option<String>,
    /// How many runs to show: the newest, or the first after --sort (default: 20 as text, else all)
    #[arg(long, short = 'n')]
    number: Option<usize>,
    /// How to write the list
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

/// How a list of runs is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal
    Text,
    /// A list of objects, like --json
    Json,
    /// A table with a column for each param and metric, or for those asked for
    Csv,
    /// A table for a document
    Md,
}

/// A run with what its cells measured.
struct Listed {
    report: RunReport,
    metrics: BTreeMap<String, Values>,
    /// The run before it of the same pipeline and profile, whatever the list shows.
    before: Option<Before>,
}

/// What is new since the run before.
struct Before {
    run: String,
    same_git: bool,
    changed_params: Vec<String>,
}

/// A column that was asked for.
#[derive(PartialEq)]
enum Column {
    Param(String),
    Metric(String),
}

impl Runs {
    pub(crate) fn execute(&self, common: &Common) -> Result<ExitStatus, Failure> {
        let (conditions, params) = (self.conditions()?, self.params()?);
        let past = Past::look(self.file.as_deref(), common)?;
        let reports = past.reports()?;
        let mut metrics = Metrics::new(&past, &reports);
        let befores = befores(&reports);
        let all = reports.into_iter().zip(befores);
        let all: Vec<Listed> =
            all.map(|(report, before)| Listed { metrics: metrics.of(&report), report, before }).collect();
        let apart = Apart::of(&all);
        self.known_names(&all, &conditions, &params)?;
        let mut listed: Vec<Listed> = all.into_iter().filter(|run| run.fulfils(&conditions, &params)).collect();
        if let Some(sort) = &self.sort {
            sorted(&mut listed, sort);
        }
        let format = if common.json { Format::Json } else { self.format.unwrap_or(Format::Text) };
        let most = self.number.unwrap_or(if format == Format::Text { 20 } else { usize::MAX });
        // The newest are what matters, or whatever the call puts first.
        let from = if self.sort.is_none() { listed.len().saturating_sub(most) } else { 0 };
        let shown = &listed[from..listed.len().min(from.saturating_add(most))];
        let columns = self.columns(&conditions, &params);
        // A condition or an order narrows down nothing but runs.
        let everything = self.params.is_empty() && self.metrics.is_empty();
        print(&sanitised(&match format {
            Format::Json => format!("{:#}\n", shown.iter().map(Listed::as_json).collect::<Value>()),
            Format::Csv => full_table(shown, if everything { &[] } else { &columns }).csv(),
            Format::Md if everything => full_table(shown, &[]).markdown(),
            Format::Md => short_table(shown, &columns).markdown(),
            Format::Text if columns.is_empty() => lines(shown, &apart),
            Format::Text if shown.is_empty() => String::new(),
            Format::Text => short_table(shown, &columns).text(),
        }));
        Ok(ExitStatus::Done)
    }

    fn conditions(&self) -> Result<Vec<Condition>, Failure> {
        let parse = |text: &String| {
            Condition::parse(text)?.ok_or_else(|| {
                let failure = Failure::call(format!("`{text}` is not a condition"));
                failure.hint("write a name, a comparison and a value: `accuracy>0.7`; `--metric` only shows a metric")
            })
        };
        self.conditions.iter().map(parse).collect()
    }

    /// Params that are asked for, with what they have to be.
    fn params(&self) -> Result<Vec<(String, Option<Condition>)>, Failure> {
        let parse = |text: &String| {
            let condition = Condition::parse(text)?;
            Ok((condition.as_ref().map_or_else(|| text.clone(), |condition| condition.name.clone()), condition))
        };
        self.params.iter().map(parse).collect()
    }

    /// A name that no run knows is most likely misspelt.
    fn known_names(
        &self,
        runs: &[Listed],
        conditions: &[Condition],
        params: &[(String, Option<Condition>)],
    ) -> Result<(), Failure> {
        if runs.is_empty() {
            return Ok(());
        }
        let of_params = || runs.iter().flat_map(|run| run.report.params.keys()).map(String::as_str);
        let of_metrics = || runs.iter().flat_map(|run| run.metrics.values()).flat_map(Values::keys).map(String::as_str);
        let of_all = || of_params().chain(of_metrics()).chain(BUILT_IN).collect();
        let nowhere = |name: &str| runs.iter().all(|run| run.values(name).is_empty());
        let unknown = |what: &str, name: &str, known: BTreeSet<&str>| {
            let near = dgpipe_engine::spec::nearest(name, known.iter().copied());
            let failure = Failure::call(format!("no run has {what} `{name}`"));
            match (near, known.len()) {
                (Some(near), _) => failure.hint(format!("did you mean `{near}`?")),
                (None, 1..=24) => {
                    let known: Vec<&str> = known.into_iter().collect();
                    failure.hint(format!("known are [{}]", known.join(", ")))
                }
                _ => failure,
            }
        };
        for (name, _) in params {
            if runs.iter().all(|run| run.param(name).is_none()) {
                return Err(unknown("a param", name, of_params().collect()));
            }
        }
        if let Some(name) = self.metrics.iter().find(|name| nowhere(name)) {
            return Err(unknown("a metric", name, of_metrics().collect()));
        }
        let sort = self.sort.iter().map(|sort| sort.trim_start_matches('-'));
        match conditions.iter().map(|condition| condition.name.as_str()).chain(sort).find(|name| nowhere(name)) {
            Some(name) => Err(unknown("a param or metric", name, of_all())),
            None => Ok(()),
        }
    }

    /// Every name that the call mentions is a column, once.
    fn columns(&self, conditions: &[Condition], params: &[(String, Option<Condition>)]) -> Vec<Column> {
        let mut columns: Vec<Column> = params.iter().map(|(name, _)| Column::Param(name.clone())).collect();
        let sort = self.sort.iter().map(|sort| sort.trim_start_matches('-'));
        let metrics = self.metrics.iter().map(String::as_str);
        for name in metrics.chain(conditions.iter().map(|condition| condition.name.as_str())).chain(sort) {
            let column = Column::Metric(name.to_owned());
            if !columns.contains(&column)
                && !columns.contains(&Column::Param(name.to_owned()))
                && !BUILT_IN.contains(&name)
            {
                columns.push(column);
            }
        }
        columns
    }
}

/// What is known of every run.
const BUILT_IN: [&str; 5] = ["started", "seconds", "executed", "reused", "failed"];

impl Listed {
    fn param(&self, name: &str) -> Option<&Value> {
        let mut parts = name.split('.');
        let first = self.report.params.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    }

    /// What a name means in this run: the values of a metric, else a param, else what is known of every run.
    fn values(&self, name: &str) -> Vec<Value> {
        let of_cell = |(cell, values): (&String, &Values)| -> Vec<Value> {
            let named = values.iter().filter(|(metric, _)| is_named(name, cell, metric));
            named.map(|(_, value)| value.clone()).collect()
        };
        let metrics: Vec<Value> = self.metrics.iter().flat_map(of_cell).collect();
        if !metrics.is_empty() {
            return metrics;
        }
        let (report, counts) = (&self.report, &self.report.counts);
        let own = || match name {
            "started" => Some(report.started.into()),
            "seconds" => Some(report.seconds.into()),
            "executed" => Some(counts.executed.into()),
            "reused" => Some(counts.reused.into()),
            "failed" => Some(counts.failed.into()),
            _ => None,
        };
        self.param(name).cloned().or_else(own).into_iter().collect()
    }

    fn fulfils(&self, conditions: &[Condition], params: &[(String, Option<Condition>)]) -> bool {
        let some = |condition: &Condition| self.values(&condition.name).iter().any(|value| condition.accepts(value));
        let has = |(name, condition): &(String, Option<Condition>)| {
            let fits = |value: &Value| condition.as_ref().is_none_or(|condition| condition.accepts(value));
            self.param(name).is_some_and(fits)
        };
        conditions.iter().all(some) && params.iter().all(has)
    }

    fn as_json(&self) -> Value {
        let report = &self.report;
        json!({
            "run": report.run, "pipeline": report.pipeline, "profile": report.profile, "started": report.started,
            "seconds": report.seconds, "unfinished": report.unfinished, "git": report.git,
            "params": report.params, "counts": report.counts, "metrics": self.metrics,
        })
    }
}

/// Sorts by a name, upwards or downwards; runs without a value of that name come last.
fn sorted(runs: &mut [Listed], sort: &str) {
    let (name, down) = match sort.strip_prefix('-') {
        Some(name) => (name, true),
        None => (sort, false),
    };
    runs.sort_by_cached_key(|run| {
        let values = run.values(name);
        let numbers = values.iter().filter_map(Value::as_f64).collect::<Vec<_>>();
        // Of many cells the mean counts.
        let mean = (!numbers.is_empty()).then(|| numbers.iter().sum::<f64>() / numbers.len() as f64);
        let place = match (mean, values.first()) {
            (Some(mean), _) => Place::Number(mean),
            (None, Some(text)) => Place::Text(text.to_string()),
            (None, None) => return Rank::Last,
        };
        if down { Rank::Down(std::cmp::Reverse(place)) } else { Rank::Up(place) }
    });
}

/// Where a run belongs in an order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Up(Place),
    Down(std::cmp::Reverse<Place>),
    Last,
}

/// What runs are sorted by: numbers, then texts.
enum Place {
    Number(f64),
    Text(String),
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => one.total_cmp(other),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Number(_), Self::Text(_)) => std::cmp::Ordering::Less,
            (Self::Text(_), Self::Number(_)) => std::cmp::Ordering::Greater,
        }
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Place {}

/// What is new in each run since the one before it of the same pipeline and profile. The oldest come first.
fn befores(reports: &[RunReport]) -> Vec<Option<Before>> {
    let mut latest: BTreeMap<(&str, &str), &RunReport> = BTreeMap::new();
    let mut befores = Vec::new();
    for report in reports {
        let last = latest.insert((&report.pipeline, &report.profile), report);
        befores.push(last.map(|last| Before {
            run: last.run.clone(),
            same_git: last.git == report.git,
            changed_params: changed_params(last, report),
        }));
    }
    befores
}

/// By what runs have to be told apart.
struct Apart {
    pipelines: bool,
    profiles: bool,
}

impl Apart {
    fn of(runs: &[Listed]) -> Self {
        let several = |of: fn(&RunReport) -> &String| runs.iter().any(|run| of(&run.report) != of(&runs[0].report));
        Self { pipelines: several(|report| &report.pipeline), profiles: several(|report| &report.profile) }
    }
}

/// A line for each run, and one below with what changed since the run before it of the same pipeline and profile.
fn lines(runs: &[Listed], apart: &Apart) -> String {
    let mut above: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    let mut text = String::new();
    for run in runs {
        let report = &run.report;
        let above = above.insert((&report.pipeline, &report.profile), &report.run);
        text.push_str(&line(report));
        let mut notes = Vec::new();
        match (apart.pipelines, apart.profiles) {
            (true, _) => notes.push(format!("{} ({})", report.pipeline, report.profile)),
            (false, true) => notes.push(report.profile.clone()),
            (false, false) => {}
        }
        // The commit may be left out only where the line above has said it.
        let said = run.before.as_ref().is_some_and(|before| before.same_git && above == Some(&before.run));
        if let Some(git) = report.git.as_ref().filter(|_| !said) {
            notes.push(in_short(git));
        }
        notes.extend(run.before.iter().flat_map(|before| before.changed_params.clone()));
        if !notes.is_empty() {
            text.push_str(&format!("    {}\n", notes.join(", ")));
        }
    }
    text
}

fn line(report: &RunReport) -> String {
    let counts = &report.counts;
    let failed = match counts.failed + counts.blocked + counts.cancelled {
        0 => String::new(),
        _ => format!(", {} failed, {} blocked, {} cancelled", counts.failed, counts.blocked, counts.cancelled),
    };
    let took = if report.unfinished { "?".to_owned() } else { duration(report.seconds) };
    let unfinished = if report.unfinished { "; unfinished" } else { "" };
    format!(
        "{}  {}  {took:>8}  {} executed, {} reused{failed}{unfinished}\n",
        report.run,
        time(report.started),
        counts.executed,
        counts.reused
    )
}

/// The commit in short, and whether files differed from it.
pub(crate) fn in_short(git: &GitState) -> String {
    let commit = git.commit.as_deref().map_or("no commit yet", |commit| commit.get(..10).unwrap_or(commit));
    if git.dirty { format!("git {commit}, dirty") } else { format!("git {commit}") }
}

fn changed_params(last: &RunReport, now: &RunReport) -> Vec<String> {
    let names: BTreeSet<&String> = last.params.keys().chain(now.params.keys()).collect();
    let shown = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), number);
    let change = |name: &&String| {
        let (was, now) = (last.params.get(*name), now.params.get(*name));
        (was != now).then(|| format!("{name} {} → {}", shown(was), shown(now)))
    };
    names.iter().filter_map(change).collect()
}

/// What a person wants to compare: the columns that were asked for.
fn short_table(runs: &[Listed], columns: &[Column]) -> Table {
    let own = ["run", "began"].map(str::to_owned);
    let asked = columns.iter().map(|(Column::Param(name) | Column::Metric(name))| name.clone());
    let row = |run: &Listed| {
        let value = |column: &Column| match column {
            Column::Param(name) => run.param(name).map(number).unwrap_or_default(),
            Column::Metric(name) => range(&run.values(name)),
        };
        let own = [run.report.run.clone(), time(run.report.started)];
        own.into_iter().chain(columns.iter().map(value)).collect()
    };
    Table { headers: own.into_iter().chain(asked).collect(), rows: runs.iter().map(row).collect() }
}

/// One value, or from where to where many of them go.
fn range(values: &[Value]) -> String {
    let numbers: Vec<f64> = values.iter().filter_map(Value::as_f64).collect();
    match (values, numbers.len() == values.len()) {
        ([], _) => String::new(),
        ([one], _) => number(one),
        (_, true) => {
            let least = numbers.iter().fold(f64::INFINITY, |a, b| a.min(*b));
            let most = numbers.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
            let (least, most) = (digits(least), digits(most));
            if least == most {
                format!("{least} ({})", values.len())
            } else {
                format!("{least} … {most} ({})", values.len())
            }
        }
        (_, false) => format!("{} values", values.len()),
    }
}

/// Everything about runs: a column for each param and for each metric of each cell, or for those asked for.
fn full_table(runs: &[Listed], columns: &[Column]) -> Table {
    let own = ["run", "pipeline", "profile", "started", "seconds", "git", "dirty", "executed", "reused", "failed"];
    let all: BTreeSet<(&String, &String)> = runs
        .iter()
        .flat_map(|run| &run.metrics)
        .flat_map(|(cell, values)| values.keys().map(move |metric| (cell, metric)))
        .collect();
    let wanted = |cell: &str, metric: &str| {
        columns.is_empty()
            || columns.iter().any(|column| matches!(column, Column::Metric(name) if is_named(name, cell, metric)))
    };
    let metrics: Vec<(&String, &String)> = all.into_iter().filter(|(cell, metric)| wanted(cell, metric)).collect();
    // The name of a metric may also be that of a param.
    let asked = columns.iter().map(|(Column::Param(name) | Column::Metric(name))| name);
    let params: BTreeSet<&String> = match columns {
        [] => runs.iter().flat_map(|run| run.report.params.keys()).collect(),
        _ => asked.filter(|name| runs.iter().any(|run| run.param(name).is_some())).collect(),
    };
    let exact = |value: Option<&Value>| match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    let row = |run: &Listed| {
        let (report, git) = (&run.report, run.report.git.as_ref());
        let commit = git.and_then(|git| git.commit.clone()).unwrap_or_default();
        let dirty = git.map(|git| git.dirty.to_string()).unwrap_or_default();
        let mut row = vec![report.run.clone(), report.pipeline.clone(), report.profile.clone(), time(report.started)];
        row.extend([report.seconds.to_string(), commit, dirty]);
        row.extend([report.counts.executed, report.counts.reused, report.counts.failed].map(|count| count.to_string()));
        row.extend(params.iter().map(|name| exact(run.param(name))));
        row.extend(
            metrics.iter().map(|(cell, metric)| exact(run.metrics.get(*cell).and_then(|values| values.get(*metric)))),
        );
        row
    };
    let names = params.iter().map(|name| (*name).clone());
    let metric_names = metrics.iter().map(|(cell, metric)| format!("{cell}.{metric}"));
    let headers = own.map(str::to_owned).into_iter().chain(names).chain(metric_names).collect();
    Table { headers, rows: runs.iter().map(row).collect() }
}
