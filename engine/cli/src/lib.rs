//! The command line of dgpipe, as a library: a program hands over its stage types and gets a `main`.
//!
//! Data goes to stdout, everything else to stderr. What the terminal shows is a function of events.

mod arguments;
mod commands;
mod condition;
mod doctor;
mod exact_plan;
mod failure;
mod fetch;
mod git;
mod metrics;
mod past;
mod picture;
mod program;
mod report;
mod session;
mod stage_reference;
mod template;
mod terminal;

use std::process::ExitCode;
use std::sync::Arc;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{CommandFactory, FromArgMatches};

pub use arguments::Arguments;
pub use failure::{ExitStatus, Failure};
pub use fetch::{Download, DownloadFile};
pub use program::{Computing, Lent, Program, Show};
pub use template::Template;

/// Reads the call, does it, and returns the exit code of design: 0 done, 1 a stage failed, 2 a mistake in the file or
/// the call, 3 the environment, 101 a bug, 130 interrupted, 143 terminated.
pub fn main(program: &Program) -> ExitCode {
    terminal::quiet_panics_of_cells();
    // Who hears this signal gets an error for a file beyond the limit of the system, and is not killed.
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default()).ok();
    dgpipe_engine::command::collect_orphans();
    let command = command(program);
    let arguments = match command.try_get_matches() {
        Ok(matches) => match Arguments::from_arg_matches(&matches) {
            Ok(arguments) => arguments,
            Err(error) => error.exit(),
        },
        Err(error) => error.exit(),
    };
    let status = match commands::execute(program, &arguments) {
        Ok(status) => status,
        Err(failure) => {
            terminal::show_failure(&failure, &arguments.common);
            failure.status()
        }
    };
    ExitCode::from(status.code())
}

/// The call's grammar, under the program's name and version.
pub fn command(program: &Program) -> clap::Command {
    let command = Arguments::command().name(program.name).bin_name(program.name).version(program.version);
    let templates = program.templates().map(|template| PossibleValue::new(template.name).help(template.about));
    let templates = PossibleValuesParser::new(templates);
    command.mut_subcommand("init", |init| init.mut_arg("template", |argument| argument.value_parser(templates)))
}
