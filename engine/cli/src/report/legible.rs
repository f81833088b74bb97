//! Foreign text made legible: without what steers a terminal, turns the reading direction or overwrites itself.

use serde_json::Value;

use crate::terminal::sanitised;

/// The longest text of a log that a page shows, in bytes.
const LONGEST: usize = 48 << 10;

/// The end of what a program wrote, as a terminal would have left it.
pub(super) fn log(text: &str) -> String {
    let mut begin = text.len().saturating_sub(LONGEST);
    while !text.is_char_boundary(begin) {
        begin += 1;
    }
    let cut = if begin == 0 { "" } else { "[the beginning is left out; `dgpipe log` prints all]\n" };
    let plain = console::strip_ansi_codes(&text[begin..]).into_owned();
    // A progress bar writes a line again and again; what it wrote last is what was seen.
    let lines: Vec<&str> = plain.split('\n').map(|line| last_writing(line.trim_end_matches('\r'))).collect();
    format!("{cut}{}", sanitised(&lines.join("\n")))
}

fn last_writing(line: &str) -> &str {
    line.rsplit('\r').find(|part| !part.is_empty()).unwrap_or("")
}

/// A value as people read it: text without quotes, the rest as JSON.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::String(text) => sanitised(text),
        Value::Number(number) => {
            number.as_f64().filter(|_| number.is_f64()).map_or_else(|| number.to_string(), decimal)
        }
        other => sanitised(&other.to_string()),
    }
}

/// At most six digits after the point that count.
fn decimal(value: f64) -> String {
    if value == 0.0 || !(1e-4..1e15).contains(&value.abs()) {
        return format!("{value}");
    }
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_reads_as_a_terminal_left_it() {
        assert_eq!(log("\u{1b}[31mred\u{1b}[0m\n10%\r50%\r100%\r\nend\u{202e}"), "red\n100%\nend\u{fffd}");
        let long = log(&"é".repeat(LONGEST));
        assert!(long.starts_with("[the beginning") && long.ends_with('é'));
    }

    #[test]
    fn numbers_are_short() {
        let shown = |text: &str| value(&serde_json::from_str(text).unwrap());
        assert_eq!(shown("0.30000000000000004"), "0.3");
        assert_eq!(shown("12"), "12");
        assert_eq!(shown("1e-9"), "0.000000001");
        assert_eq!(shown("\"a\\u001bb\""), "a\u{fffd}b");
    }
}
