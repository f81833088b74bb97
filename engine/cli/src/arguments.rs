//! The grammar of a call. Help texts are these doc comments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::{
    check, completions, dag, diff, doctor, fetch, figures, gc, init, log, man, path, pin, plan, report, run, runs,
    schema, serve, show, stages, trace, verify, why,
};

/// Declarative pipelines for machine-learning experiments: only what a change invalidates runs again
#[derive(Debug, Parser)]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
pub struct Arguments {
    /// What every command takes.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Heading of the options that every command takes, so that its own come first.
const EVERYWHERE: &str = "Everywhere";

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// Folder of the store (default: `.dgpipe` in the project root)
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "DIR", env = "DGPIPE_CACHE", hide_env_values = true)]
    pub cache: Option<PathBuf>,
    /// Replace a param: `--set threshold=0.4`, `--set 'seeds=[1, 2]'`
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Profiles to merge over the file, from left to right
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "NAME[,NAME…]", value_delimiter = ',')]
    pub profile: Option<Vec<String>>,
    /// Cells that execute at the same time (default: all cores)
    #[arg(long, short, global = true, help_heading = EVERYWHERE, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// What computes: auto, cpu, wgpu, wgpu:n or wgpu:software
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "DEVICE", default_value = "auto")]
    pub device: String,
    /// Print JSON on stdout
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub json: bool,
    /// Say less
    #[arg(long, short, global = true, help_heading = EVERYWHERE)]
    pub quiet: bool,
    /// Say more
    #[arg(long, short, global = true, help_heading = EVERYWHERE)]
    pub verbose: bool,
    /// When to use colours
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring targets up to date: what is published, or the leaves
    Run(run::Run),
    /// Show what a run would do, and why
    Plan(plan::PlanCommand),
    /// Explain why a cell executes, or why it last did
    Why(why::Why),
    /// Check a pipeline file for mistakes
    Check(check::Check),
    /// Draw the graph of stages
    Dag(dag::Dag),
    /// List the stage types, or explain one
    Stages(stages::Stages),
    /// Print the JSON Schema of pipeline files
    Schema(schema::Schema),
    /// List past runs
    Runs(runs::Runs),
    /// Show what a past run did
    Show(show::Show),
    /// Compare two past runs: params, reasons, metrics, published artifacts
    Diff(diff::Diff),
    /// Print what a cell wrote to stdout and stderr
    Log(log::Log),
    /// Print where an artifact lies
    Path(path::PathCommand),
    /// Look at the whole store for damage, or execute cached cells again and compare
    Verify(verify::Verify),
    /// Remove from the store what nothing uses
    Gc(gc::Gc),
    /// Keep records in the store, whatever happens
    Pin(pin::Pin),
    /// Say where a published figure or table comes from, and whether it is current
    Trace(trace::Trace),
    /// List the published figures and tables, or check that all are current
    Figures(figures::Figures),
    /// Write a page of all this: stages, cells, runs, figures
    Report(report::Report),
    /// Show that page live while a run goes on
    Serve(serve::Serve),
    /// Start a project in this folder
    Init(init::Init),
    /// Fetch known data and weights: resumed, checked, and never half under their names
    Fetch(fetch::Fetch),
    /// Say what this machine offers, what is missing, and what to do about it
    Doctor(doctor::Doctor),
    /// Print completions for a shell
    Completions(completions::Completions),
    /// Write the manual pages
    Man(man::ManPages),
}
