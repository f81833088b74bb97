//! What people see: events as bars, lines or JSON, and the summary at the end.

mod byte_bar;
mod causes;
mod forecast;
mod json_lines;
mod lines;
mod progress;
mod running_line;
mod screen;
pub(crate) mod summary;
mod table;
mod wording;

use std::io::Write;

use crate::Failure;
use crate::arguments::Common;

pub(crate) use byte_bar::ByteBar;
pub(crate) use forecast::Forecast;
pub(crate) use json_lines::JsonLines;
pub(crate) use lines::Lines;
pub(crate) use progress::Progress;
pub(crate) use screen::Screen;
pub(crate) use table::Table;
pub(crate) use wording::{bytes, counted, digits, duration, number, sanitised, time, when};

/// Writes data to stdout. Whoever closes the pipe has read enough.
pub(crate) fn print(text: &str) {
    std::io::stdout().write_all(text.as_bytes()).ok();
}

/// Writes a message to stderr.
pub(crate) fn say(text: &str) {
    std::io::stderr().write_all(text.as_bytes()).ok();
}

/// Shows why a command could not be done: what, where, what to do.
pub(crate) fn show_failure(failure: &Failure, common: &Common) {
    let screen = Screen::new(common);
    match failure {
        Failure::Mistakes(mistakes) => {
            say(&mistakes.render(screen.colour, screen.width));
            say(&format!("{}; nothing was run\n", counted(mistakes.list.len(), "mistake")));
        }
        Failure::Call { message, hint } | Failure::Environment { message, hint } => {
            say(&format!("{} {}\n", screen.paint("31;1", "error:"), sanitised(message)));
            if let Some(hint) = hint {
                say(&format!("{} {}\n", screen.paint("36", "hint:"), sanitised(hint)));
            }
        }
    }
}

/// A stage type that panics fails its cell, and the message is shown there. The usual report would tear the bars.
pub(crate) fn quiet_panics_of_cells() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() != Some("cell") {
            usual(panic);
        }
    }));
}
