//! Compares what a page shows with what the program printed: times, dates, names of runs and digests differ from call
//! to call, `…` stands for anything.

/// Whether a shown line is among those that were printed.
pub(super) fn has(printed: &str, shown: &str) -> bool {
    let shown = settled(shown);
    let pieces: Vec<&str> = shown.split('…').map(str::trim).filter(|piece| !piece.is_empty()).collect();
    pieces.is_empty() || printed.lines().any(|line| in_order(&settled(line), &pieces, !shown.contains('…')))
}

/// Whether the pieces follow one another in a line, and are all of it where nothing is left out.
fn in_order(line: &str, pieces: &[&str], whole: bool) -> bool {
    if whole {
        return [line] == pieces;
    }
    let mut rest = line;
    pieces.iter().all(|piece| match rest.split_once(piece) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

/// A line with one space between words, and a sign for each word that differs from call to call.
fn settled(line: &str) -> String {
    // Said only where it was worth speaking of, which the speed of the machine decides.
    let line = line.split("; reuse saved").next().unwrap_or(line);
    let words: Vec<&str> = line.split_whitespace().collect();
    let unit = |word: &str| ["ms", "s", "min", "h"].contains(&word.trim_end_matches([',', ';', '.']));
    let number = |word: &str| word.trim_end_matches(',').parse::<f64>().is_ok();
    let mut settled = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let time = number(word) && words.get(index + 1).is_some_and(|next| unit(next));
        settled.push(if time { "#" } else { sign(word) });
    }
    // Times are rounded to the unit that suits them.
    let mut text = settled.join(" ");
    for unit in ["ms", "min", "h"] {
        text = text.replace(&format!("# {unit}"), "# s");
    }
    text
}

/// `#` for a date, a time of day, the name of a run, or a digest.
fn sign(word: &str) -> &str {
    let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let hex = |text: &str| text.len() >= 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parted = |by: char| bare.split(by).count() == 3 && bare.split(by).all(digits);
    let run = bare.split_once('-').is_some_and(|(first, second)| first.len() == 13 && digits(first) && digits(second));
    if run || hex(bare) || parted('-') || parted(':') { "#" } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_call_to_call_does_not_count_and_all_else_does() {
        let printed =
            "done: 3 executed in 1.5 s; saved 12 ms\nrun 1795168341880-07730 2026-11-20 09:52:00\nat /tmp/x/sheet\n";
        assert!(has(printed, "done: 3 executed in 24 ms; saved 3 s"));
        assert!(!has(printed, "done: 4 executed in 24 ms; saved 3 s"));
        assert!(has(printed, "run 1795168320144-04835  2026-01-01 10:00:01"));
        assert!(has(printed, "at …/sheet") && !has(printed, "at …/table"));
        assert!(has(printed, "…") && has(printed, "done: … executed") && !has(printed, "executed … done:"));
    }
}
