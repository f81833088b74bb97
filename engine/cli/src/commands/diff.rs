//! `dgpipe diff`: two past runs side by side: params, reasons, metrics, and what they published.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use dgpipe_cache::{Artifact, Digest, Store};
use dgpipe_engine::plan::FileChanges;
use dgpipe_engine::run::{Outcome, RunReport};
use serde_json::{Value, json};

use super::runs::in_short;
use crate::arguments::Common;
use crate::metrics::{Metrics, Values};
use crate::past::{Past, file_first};
use crate::terminal::{Table, counted, digits, duration, number, print, sanitised, time};
use crate::{ExitStatus, Failure};

/// More metrics than this are put together by stage.
const MANY: usize = 24;

/// What `diff` takes.
#[derive(Debug, Args)]
#[command(override_usage = "dgpipe diff [OPTIONS] [FILE] RUN RUN")]
pub struct Diff {
    /// A pipeline file (default: all of the project), then two runs: names, beginnings of names, `latest`, `latest~1`
    #[arg(value_name = "RUN", num_args = 2..=3, required = true)]
    arguments: Vec<String>,
}

/// What differs between two runs.
struct Difference {
    was: RunReport,
    now: RunReport,
    params: BTreeMap<String, (Value, Value)>,
    /// By cell and metric.
    metrics: BTreeMap<(String, String), (Value, Value)>,
    /// How many metrics both have, or one of them.
    metrics_in_all: usize,
    /// By path, with what happened to the files of a folder, where that is known.
    published: BTreeMap<String, String>,
    published_in_all: usize,
}

impl Diff {
    pub(crate) fn execute(&self, common: &Common) -> Result<ExitStatus, Failure> {
        let (file, runs) = file_first(&self.arguments);
        let [was, now] = runs else {
            return Err(Failure::call("`diff` takes two runs").hint("dgpipe diff latest~1 latest"));
        };
        let past = Past::look(file, common)?;
        let (was, now) = (past.run(was)?, past.run(now)?);
        let difference = Difference::of(was, now, &past);
        if common.json {
            print(&format!("{:#}\n", difference.as_json()));
        } else {
            print(&sanitised(&difference.as_text(common.verbose)));
        }
        Ok(ExitStatus::Done)
    }
}

impl Difference {
    fn of(was: RunReport, now: RunReport, past: &Past) -> Self {
        let params = pairs(&was.params.clone().into_iter().collect(), &now.params.clone().into_iter().collect());
        let both = [was, now];
        let mut metrics = Metrics::new(past, &both);
        let [was, now] = both;
        let metrics = pairs(&flat(metrics.of(&was)), &flat(metrics.of(&now)));
        let artifacts = |report: &RunReport| -> BTreeMap<String, Option<Vec<Artifact>>> {
            report.artifacts.iter().map(|(path, artifacts)| (path.clone(), Some(artifacts.clone()))).collect()
        };
        let published = pairs(&artifacts(&was), &artifacts(&now));
        let (metrics_in_all, published_in_all) = (metrics.len(), published.len());
        Self {
            params: params.into_iter().filter(|(_, (was, now))| was != now).collect(),
            metrics: metrics.into_iter().filter(|(_, (was, now))| was != now).collect(),
            published: published
                .into_iter()
                .filter(|(_, (was, now))| was != now)
                .map(|(path, (was, now))| (path, files(past.store.as_ref(), was, now)))
                .collect(),
            metrics_in_all,
            published_in_all,
            was,
            now,
        }
    }

    fn as_json(&self) -> Value {
        let run = |report: &RunReport| {
            json!({
                "run": report.run, "pipeline": report.pipeline, "profile": report.profile,
                "started": report.started, "seconds": report.seconds, "git": report.git, "counts": report.counts,
                "reasons": reasons(report),
            })
        };
        let pair = |(was, now): &(Value, Value)| json!({ "was": was, "now": now });
        let mut metrics: BTreeMap<&String, BTreeMap<&String, Value>> = BTreeMap::new();
        for ((cell, metric), values) in &self.metrics {
            metrics.entry(cell).or_default().insert(metric, pair(values));
        }
        let params: BTreeMap<&String, Value> = self.params.iter().map(|(name, values)| (name, pair(values))).collect();
        json!({
            "was": run(&self.was), "now": run(&self.now),
            "params": params, "metrics": metrics, "published": self.published,
        })
    }

    fn as_text(&self, all: bool) -> String {
        let mut text = self.heads().text();
        if !self.params.is_empty() {
            text.push_str("\nparams\n");
            text.push_str(&indented(&self.param_table().text()));
        }
        text.push_str(&self.reason_text());
        if !self.metrics.is_empty() {
            let (count, in_all) = (self.metrics.len(), self.metrics_in_all);
            text.push_str(&format!("\nmetrics, {count} of {in_all} differ\n"));
            let by_stage = count > MANY && !all;
            let table = if by_stage { self.stage_table() } else { self.metric_table() };
            text.push_str(&indented(&table.text()));
            if by_stage {
                text.push_str("  means over the cells of a stage (-v shows each cell)\n");
            }
        }
        if !self.published.is_empty() {
            let (count, in_all) = (self.published.len(), self.published_in_all);
            text.push_str(&format!("\npublished, {count} of {in_all} differ\n"));
            for (path, files) in &self.published {
                text.push_str(&format!("  {path}: {files}\n"));
            }
        }
        let nothing = self.params.is_empty() && self.metrics.is_empty() && self.published.is_empty();
        if nothing {
            text.push_str("\nsame params, same metrics, same published artifacts\n");
        }
        text
    }

    fn heads(&self) -> Table {
        let both = |name: &str, of: &dyn Fn(&RunReport) -> String| vec![name.to_owned(), of(&self.was), of(&self.now)];
        let git = |report: &RunReport| report.git.as_ref().map(in_short).unwrap_or_default().replace("git ", "");
        let mut rows = vec![
            both("pipeline", &|report| format!("{} ({})", report.pipeline, report.profile)),
            both("began", &|report| time(report.started)),
            both("took", &|report| if report.unfinished { "unfinished".to_owned() } else { duration(report.seconds) }),
            both("git", &git),
            both("executed", &|report| counted(report.counts.executed, "cell")),
            both("reused", &|report| counted(report.counts.reused, "cell")),
        ];
        let failed = |report: &RunReport| report.counts.failed + report.counts.blocked + report.counts.cancelled;
        if failed(&self.was) + failed(&self.now) > 0 {
            rows.push(both("not done", &|report| counted(failed(report), "cell")));
        }
        rows.retain(|row| row[1..].iter().any(|text| !text.is_empty()));
        Table { headers: both("run", &|report| report.run.clone()), rows }
    }

    fn param_table(&self) -> Table {
        let mut rows = self.params.iter().map(|(name, (was, now))| vec![name.clone(), number(was), number(now)]);
        let headers = rows.next().unwrap_or_default();
        Table { headers, rows: rows.collect() }
    }

    /// What the cells of each run executed for, the most frequent first.
    fn reason_text(&self) -> String {
        let mut text = String::new();
        for report in [&self.was, &self.now] {
            let reasons = reasons(report);
            if reasons.is_empty() {
                continue;
            }
            text.push_str(&format!("\nexecuted in {}\n", report.run));
            for (reason, cells) in reasons.iter().take(8) {
                text.push_str(&format!("  {}: {reason}\n", counted(*cells, "cell")));
            }
            if reasons.len() > 8 {
                text.push_str(&format!("  and for {} more reasons\n", reasons.len() - 8));
            }
        }
        text
    }

    fn metric_table(&self) -> Table {
        let row = |((cell, metric), (was, now)): (&(String, String), &(Value, Value))| {
            vec![format!("{cell}.{metric}"), number(was), number(now), change(was.as_f64(), now.as_f64())]
        };
        headed(self.metrics.iter().map(row).collect())
    }

    /// Means by stage and metric; what only one run has, and what is no number, apart from the rest.
    fn stage_table(&self) -> Table {
        type Pairs<'a> = (Vec<&'a Value>, Vec<&'a Value>);
        let mut groups: BTreeMap<(String, &String, &str), Pairs> = BTreeMap::new();
        for ((cell, metric), (was, now)) in &self.metrics {
            let stage = cell.split('[').next().unwrap_or(cell).to_owned();
            let in_words = match (was, now) {
                (was, Value::Null) if !was.is_null() => ", only in the first",
                (Value::Null, now) if !now.is_null() => ", only in the second",
                (was, now) if was.is_number() && now.is_number() => "",
                _ => ", not numbers",
            };
            let group = groups.entry((stage, metric, in_words)).or_default();
            group.0.extend((!was.is_null()).then_some(was));
            group.1.extend((!now.is_null()).then_some(now));
        }
        let row = |((stage, metric, in_words), (was, now)): (&(String, &String, &str), &Pairs)| {
            let name = format!("{stage}.{metric} ×{}{in_words}", was.len().max(now.len()));
            vec![name, together(was), together(now), change(mean(was), mean(now))]
        };
        headed(groups.iter().map(row).collect())
    }
}

/// The mean, where all values are numbers.
fn mean(values: &[&Value]) -> Option<f64> {
    let sum = values.iter().map(|value| value.as_f64()).sum::<Option<f64>>()?;
    (!values.is_empty()).then(|| sum / values.len() as f64)
}

/// Several values in one: their mean, or the one value that all of them have, or how many there are.
fn together(values: &[&Value]) -> String {
    match (mean(values), values) {
        (Some(mean), _) => digits(mean),
        (None, []) => number(&Value::Null),
        (None, [first, rest @ ..]) if rest.iter().all(|value| value == first) => number(first),
        (None, several) => format!("{} values", several.len()),
    }
}

fn headed(rows: Vec<Vec<String>>) -> Table {
    Table { headers: ["", "was", "now", "change"].map(str::to_owned).to_vec(), rows }
}

fn change(was: Option<f64>, now: Option<f64>) -> String {
    let Some((was, now)) = was.zip(now) else { return String::new() };
    let sign = if now >= was { "+" } else { "" };
    format!("{sign}{}", digits(now - was))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

fn flat(metrics: BTreeMap<String, Values>) -> BTreeMap<(String, String), Value> {
    let of_cell = |(cell, values): (String, Values)| {
        values.into_iter().map(move |(metric, value)| ((cell.clone(), metric), value))
    };
    metrics.into_iter().flat_map(of_cell).collect()
}

/// The values of both under every name that one of them has.
fn pairs<K: Ord + Clone, V: Clone + Default>(was: &BTreeMap<K, V>, now: &BTreeMap<K, V>) -> BTreeMap<K, (V, V)> {
    let names: BTreeSet<&K> = was.keys().chain(now.keys()).collect();
    let of = |map: &BTreeMap<K, V>, name: &K| map.get(name).cloned().unwrap_or_default();
    names.into_iter().map(|name| (name.clone(), (of(was, name), of(now, name)))).collect()
}

/// What the cells of a run executed for, with how many did; changes of inputs are left to what is behind them.
fn reasons(report: &RunReport) -> Vec<(String, usize)> {
    let executed = report.cells.values().filter(|cell| cell.outcome == Outcome::Executed);
    let roots = executed.flat_map(|cell| &cell.reasons).chain(report.causes.iter().flat_map(|cause| &cause.reasons));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for reason in roots.filter(|reason| reason.is_root()) {
        *counts.entry(reason.to_string()).or_default() += 1;
    }
    let mut reasons: Vec<(String, usize)> = counts.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    reasons
}

/// What happened to the files of published artifacts, as far as the store still has them.
fn files(store: Option<&Store>, was: Option<Vec<Artifact>>, now: Option<Vec<Artifact>>) -> String {
    let (was, now) = match (was, now) {
        (Some(was), Some(now)) => (was, now),
        (None, _) => return "only in the second".to_owned(),
        (_, None) => return "only in the first".to_owned(),
    };
    let listing = |digest: &Digest| Some(store?.manifest(&Artifact::folder(*digest, 0)).ok()?.as_ref().clone());
    let mut said = Vec::new();
    for (was, now) in was.iter().zip(&now).filter(|(was, now)| was != now) {
        let folders = was.is_folder() && now.is_folder();
        let changes = if folders { FileChanges::between(&was.digest, &now.digest, &listing) } else { None };
        said.push(changes.map_or_else(|| "changed".to_owned(), |changes| changes.to_string()));
    }
    if said.is_empty() { "other artifacts".to_owned() } else { said.join(", ") }
}
