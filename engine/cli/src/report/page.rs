//! The page: everything that can be read without a script, and places for what the script adds.

use dgpipe_engine::passport::Passport;
use dgpipe_engine::run::RunReport;
use maud::{DOCTYPE, Markup, html};
use serde_json::{Map, Value};

use super::cells::Cells;
use super::figures::{Content, Figure, FigureFile};
use super::runs::Runs;
use super::{CellState, legible};
use crate::picture::{Drawing, Folded, Node, Share, mark, symbols};
use crate::session::Session;
use crate::terminal::{counted, duration, sanitised, time};

/// The longest line that is not folded, in characters.
const SHORT: usize = 140;

/// What a page is made of.
pub(super) struct Page<'a> {
    pub(super) session: &'a Session,
    pub(super) cells: &'a Cells<'a>,
    pub(super) runs: &'a Runs,
    pub(super) figures: &'a [Figure],
    pub(super) folded: &'a Folded,
    pub(super) live: bool,
}

impl Page<'_> {
    pub(super) fn render(&self) -> String {
        let name = sanitised(&self.session.graph.spec.name);
        // A page from a disk may load what lies beside it; only a live one may ask for more.
        let connect = if self.live { " connect-src 'self';" } else { "" };
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';{connect} base-uri 'none'; form-action 'none'"
        );
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="no-referrer";
                    title { (name) " · dgpipe" }
                    link rel="icon" href="icon.svg" type="image/svg+xml";
                    link rel="stylesheet" href="report.css";
                    script src="report.js" defer {}
                    script src="data/index.js" defer {}
                }
                body {
                    a class="skip" href="#main" { "Skip to the content" }
                    (symbols(&CellState::ALL.map(CellState::class)))
                    (self.header(&name))
                    main id="main" {
                        (self.stages())
                        (Self::list())
                        (self.history())
                        (self.compare())
                        (self.gallery())
                        (self.params())
                    }
                    aside id="cell" class="cell" aria-label="One cell" tabindex="-1" hidden {}
                    footer { p { "Made by dgpipe from the records of its store." } }
                }
            }
        }
        .into_string()
    }

    fn header(&self, name: &str) -> Markup {
        let spec = &self.session.graph.spec;
        html! {
            header class="top" {
                div class="title" {
                    h1 { (name) }
                    p class="profile" { "profile " strong { (sanitised(&spec.profile)) } }
                }
                @if let Some(about) = &spec.about { p class="about" { (sanitised(about)) } }
                p id="now" class="now" role="status" hidden {}
                nav aria-label="Sections" {
                    @for (id, title) in [("stages", "Stages"), ("cells", "Cells"), ("runs", "Runs"), ("compare", "Compare"), ("figures", "Figures"), ("params", "Params")] {
                        a href={ "#" (id) } { (title) }
                    }
                }
            }
        }
    }

    fn stages(&self) -> Markup {
        let shares = |node: &Node| -> Vec<Share> {
            let shares = self.cells.shares(&mut node.cells.iter().copied());
            shares.into_iter().map(|(state, count)| (state.class(), state.word(), count)).collect()
        };
        let graph = &self.session.graph;
        let all = self.cells.shares(&mut (0..graph.cells.len()));
        html! {
            section id="stages" aria-labelledby="stages-title" {
                h2 id="stages-title" { "Stages" }
                p class="lead" {
                    (counted(graph.stages.len(), "stage")) ", " (counted(graph.cells.len(), "cell")) ". "
                    span class="script-only" { "Select a stage to unfold its cells." }
                }
                ul class="legend" id="legend" aria-label="How cells stand" {
                    @for (state, count) in all {
                        li class=(state.class()) { (mark(state.class())) " " span class="count" { (count) } " " (state.word()) }
                    }
                }
                div class="canvas" tabindex="0" role="region" aria-label="Picture of the stages" { (Drawing::new(self.folded).in_page(&shares)) }
                div id="unfolded" class="unfolded" aria-live="polite" {}
            }
        }
    }

    fn list() -> Markup {
        html! {
            section id="cells" aria-labelledby="cells-title" {
                h2 id="cells-title" { "Cells" }
                div class="controls script-only" {
                    label { "Filter " input id="filter" type="search" placeholder="name, such as mask or seed=42" autocomplete="off" spellcheck="false"; }
                    fieldset id="filter-states" class="states" { legend { "State" } }
                    button id="unfold-all" type="button" { "Unfold all" }
                    button id="fold-all" type="button" { "Fold all" }
                    p id="found" role="status" {}
                }
                div id="tree" class="tree" role="treegrid" aria-label="Cells by stage" aria-colcount="4" tabindex="0" {}
                noscript { p { "The list of cells, their records and logs, and the comparison of runs need JavaScript." } }
            }
        }
    }

    fn history(&self) -> Markup {
        let longest = self.runs.reports.iter().map(|run| run.seconds).fold(1e-9, f64::max);
        html! {
            section id="runs" aria-labelledby="runs-title" {
                h2 id="runs-title" { "Runs" }
                @if self.runs.reports.is_empty() { p class="lead" { "There was none yet." } } @else {
                    p class="lead" {
                        "The newest first, times in UTC."
                        @if self.runs.older > 0 { " " (counted(self.runs.older, "older run")) " left out." }
                    }
                    div class="wide" {
                        table class="runs" {
                            thead { tr { th scope="col" { "Began" } th scope="col" class="number" { "Took" } th scope="col" class="bars" aria-hidden="true" {} th scope="col" class="number" { "Executed" } th scope="col" class="number" { "Reused" } th scope="col" { "End" } th scope="col" { span class="hidden" { "Timeline" } } } }
                            tbody { @for (number, run) in self.runs.reports.iter().enumerate() { (run_row(number, run, longest)) } }
                        }
                    }
                    div id="timeline" class="timeline" aria-live="polite" {}
                }
            }
        }
    }

    fn compare(&self) -> Markup {
        let option = |chosen: usize| {
            html! {
                @for (number, run) in self.runs.reports.iter().enumerate() {
                    option value=(number) selected[number == chosen] { (time(run.started)) " · " (run.counts.executed) " executed" }
                }
            }
        };
        html! {
            section id="compare" class="script-only" aria-labelledby="compare-title" {
                h2 id="compare-title" { "Compare" }
                @if self.runs.reports.len() < 2 { p class="lead" { "Two runs can be compared once there are two." } } @else {
                    div class="controls" {
                        label { "One " select id="one" { (option(1)) } }
                        label { "Other " select id="other" { (option(0)) } }
                        label { "Filter " input id="compare-filter" type="search" placeholder="cell or metric" autocomplete="off" spellcheck="false"; }
                        label class="check" { input id="differing" type="checkbox" checked; " only what differs" }
                    }
                    div id="comparison" aria-live="polite" {}
                }
            }
        }
    }

    fn gallery(&self) -> Markup {
        let files: usize = self.figures.iter().map(|figure| figure.files.len()).sum();
        let current =
            self.figures.iter().flat_map(|figure| &figure.files).filter(|file| file.standing == "current").count();
        html! {
            section id="figures" aria-labelledby="figures-title" {
                h2 id="figures-title" { "Figures and tables" }
                @if self.figures.is_empty() { p class="lead" { "Nothing that is published carries a passport." } } @else {
                    p class="lead" { (counted(files, "file")) ", " (current) " current." }
                    div class="gallery" { @for figure in self.figures { (card(figure)) } }
                }
            }
        }
    }

    fn params(&self) -> Markup {
        let params = &self.session.graph.params;
        html! {
            section id="params" aria-labelledby="params-title" {
                h2 id="params-title" { "Params" }
                @if params.is_empty() { p class="lead" { "The pipeline has none." } } @else { (definitions(params)) }
            }
        }
    }
}

fn run_row(number: usize, report: &RunReport, longest: f64) -> Markup {
    let counts = &report.counts;
    let unwell = [
        (counts.failed, "failed"),
        (counts.blocked, "blocked"),
        (counts.cancelled, "cancelled"),
        (counts.edited, "refused"),
    ];
    let unwell: Vec<String> =
        unwell.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let (class, end) = match (report.unfinished, unwell.is_empty()) {
        (true, _) => ("waiting", "not finished".to_owned()),
        (false, true) => ("current", "done".to_owned()),
        (false, false) => ("failed", unwell.join(", ")),
    };
    // On a root scale, so that a run of seconds is still seen beside one of hours.
    let length = ((report.seconds / longest).sqrt() * 100.0).clamp(0.5, 100.0);
    html! {
        tr {
            th scope="row" { time { (time(report.started)) } }
            td class="number" { (duration(report.seconds)) }
            td class="bars" aria-hidden="true" { svg width="100" height="8" { rect class={ "fill " (class) } width=(format!("{length:.1}")) height="8" rx="1" {} } }
            td class="number" { (counts.executed) }
            td class="number" { (counts.reused) }
            td { (mark(class)) " " (end) }
            td class="script-only" { button type="button" class="show-run" data-run=(number) aria-controls="timeline" { "Timeline" } }
        }
    }
}

fn card(figure: &Figure) -> Markup {
    let shown = figure.shown();
    let name = figure.name.rsplit('/').next().unwrap_or(&figure.name);
    let wide = matches!(shown.content, Content::Table(_) | Content::Text(_));
    html! {
        figure class=(if wide { "card wide-card" } else { "card" }) {
            (display(shown, &figure.name))
            figcaption {
                h3 { (sanitised(name)) }
                p class="path" { (sanitised(&figure.name)) }
                p { "made by " a class="to-cell" href={ "#cell/" (address(&figure.cell)) } { (sanitised(&figure.cell)) } " · " (sanitised(&figure.kind)) }
                ul class="files" { @for file in &figure.files { (file_line(file)) } }
                @if let Some(passport) = figure.files.iter().find_map(|file| file.passport.as_ref()) { (passport_of(passport)) }
            }
        }
    }
}

fn display(file: &FigureFile, name: &str) -> Markup {
    html! {
        @match (&file.content, &file.copy) {
            (Content::Image, Some((copy, _))) => div class="sheet" { img src=(copy) alt={ "Figure " (sanitised(name)) } loading="lazy"; },
            (Content::Table(rows), _) => div class="wide sheet-table" tabindex="0" role="region" aria-label={ "Table " (sanitised(name)) } {
                table {
                    @if let Some((head, body)) = rows.split_first() {
                        thead { tr { @for cell in head { th scope="col" { (cell) } } } }
                        tbody { @for row in body { tr { @for cell in row { td class=[is_number(cell).then_some("number")] { (cell) } } } } }
                    }
                }
            },
            (Content::Text(text), _) => pre tabindex="0" { (text) },
            (_, Some(_)) => p class="no-sheet" { "It opens in a program of its own." },
            (_, None) => p class="no-sheet" { "It is not there." },
        }
    }
}

fn file_line(file: &FigureFile) -> Markup {
    let class = match file.standing {
        "current" => "current",
        "unknown" => "waiting",
        "stale" => "stale",
        _ => "failed",
    };
    html! {
        li {
            span class={ "standing " (class) } { (mark(class)) " " (file.standing) }
            " "
            @match &file.copy {
                Some((copy, _)) => a href=(copy) download=(sanitised(file.file_name())) { (sanitised(file.file_name())) },
                None => (sanitised(file.file_name())),
            }
            @for detail in &file.details { (detail_line(&sanitised(detail))) }
        }
    }
}

/// A line beyond the word of a standing; a long one is folded.
fn detail_line(text: &str) -> Markup {
    if text.chars().count() <= SHORT {
        return html! { div class="detail-line" { (text) } };
    }
    let beginning: String = text.chars().take(SHORT - 20).collect();
    html! { details class="detail-line" { summary { (beginning) "…" } (text) } }
}

fn passport_of(passport: &Passport) -> Markup {
    let digest = |digest: Option<String>| digest.unwrap_or_else(|| "unknown".to_owned());
    html! {
        details class="passport" {
            summary { "Passport" }
            dl {
                dt { "pipeline" } dd { (sanitised(&passport.pipeline)) " (" (sanitised(&passport.profile)) ")" }
                dt { "cell" } dd { (sanitised(&passport.cell)) }
                dt { "key" } dd class="mono" { (digest(passport.key.map(|key| key.short()))) }
                dt { "recipe" } dd class="mono" { (passport.recipe.short()) }
            }
            @if !passport.params.is_empty() { h4 { "Params" } (definitions(&passport.params)) }
            h4 { "Stages" }
            ol class="chain" {
                @for stage in &passport.stages {
                    li {
                        strong { (sanitised(&stage.stage)) }
                        @if stage.cells > 1 { " ×" (stage.cells) }
                        " " span class="quiet" { (sanitised(&stage.uses)) ", version " (stage.type_version) }
                        @if !stage.config.is_empty() { br; span class="quiet" { (settings(&stage.config)) } }
                    }
                }
            }
            @if !passport.sources.is_empty() {
                h4 { "Sources" }
                ul { @for source in &passport.sources {
                    li { (sanitised(&source.source)) @if let Some(part) = &source.part { "/" (sanitised(part)) } " " span class="quiet mono" { (digest(source.digest.map(|digest| digest.short()))) } }
                } }
            }
        }
    }
}

fn settings(config: &Map<String, Value>) -> String {
    config
        .iter()
        .map(|(name, value)| format!("{}: {}", sanitised(name), legible::value(value)))
        .collect::<Vec<_>>()
        .join(", ")
}

fn definitions(map: &Map<String, Value>) -> Markup {
    html! { dl class="params" { @for (name, value) in map { dt { (sanitised(name)) } dd class="mono" { (legible::value(value)) } } } }
}

fn is_number(text: &str) -> bool {
    text.trim_end_matches('%').parse::<f64>().is_ok()
}

/// A name as part of an address.
fn address(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    sanitised(name)
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
