//! Faults that need tools of the system, or root: `tests/faults/run` calls this.

#![expect(clippy::print_stdout, reason = "it is a program for people")]

mod calls;
mod power;
mod scene;

use std::process::ExitCode;

/// What to try, and how much of it.
struct Request {
    calls: bool,
    power: bool,
    cases: Option<usize>,
}

impl Request {
    fn parse(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let mut request = Self { calls: false, power: false, cases: None };
        while let Some(word) = words.next() {
            match word.as_str() {
                "calls" => request.calls = true,
                "power" => request.power = true,
                "--cases" => request.cases = Some(words.next()?.parse().ok()?),
                _ => return None,
            }
        }
        if !request.calls && !request.power {
            (request.calls, request.power) = (true, true);
        }
        Some(request)
    }
}

fn main() -> ExitCode {
    let Some(request) = Request::parse(std::env::args().skip(1)) else {
        println!("faults [calls] [power] [--cases N]");
        return ExitCode::from(2);
    };
    let mut wrong = 0;
    if request.calls {
        wrong += calls::all(request.cases.unwrap_or(4000));
    }
    if request.power {
        wrong += power::all(request.cases.unwrap_or(200));
    }
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
