//! One file a command.

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod dag;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod fetch;
pub(crate) mod figures;
pub(crate) mod gc;
pub(crate) mod init;
pub(crate) mod log;
pub(crate) mod man;
pub(crate) mod path;
pub(crate) mod pin;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod stages;
pub(crate) mod trace;
pub(crate) mod verify;
pub(crate) mod why;

use crate::arguments::{Arguments, Command};
use crate::{ExitStatus, Failure, Program};

/// Does what the call says.
pub(crate) fn execute(program: &Program, arguments: &Arguments) -> Result<ExitStatus, Failure> {
    let common = &arguments.common;
    // Also where nothing executes: a slip of the pen is not to be found out on another day.
    (program.check_device)(&common.device).map_err(Failure::call)?;
    match &arguments.command {
        Command::Run(command) => command.execute(program, common),
        Command::Plan(command) => command.execute(program, common),
        Command::Why(command) => command.execute(program, common),
        Command::Check(command) => command.execute(program, common),
        Command::Dag(command) => command.execute(program, common),
        Command::Stages(command) => command.execute(program, common),
        Command::Schema(command) => command.execute(program),
        Command::Runs(command) => command.execute(common),
        Command::Diff(command) => command.execute(common),
        Command::Show(command) => command.execute(common),
        Command::Log(command) => command.execute(program, common),
        Command::Path(command) => command.execute(program, common),
        Command::Verify(command) => command.execute(program, common),
        Command::Gc(command) => command.execute(common),
        Command::Pin(command) => command.execute(program, common),
        Command::Trace(command) => command.execute(program, common),
        Command::Figures(command) => command.execute(program, common),
        Command::Report(command) => command.execute(program, common),
        Command::Serve(command) => command.execute(program, common),
        Command::Init(command) => command.execute(program),
        Command::Doctor(command) => command.execute(program, common),
        Command::Fetch(command) => command.execute(program, common),
        Command::Completions(command) => command.execute(program),
        Command::Man(command) => command.execute(program),
    }
}
