//! Times, durations and foreign text in the words of the terminal.

/// Seconds as people say them.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 0.0995 => format!("{:.0} ms", s * 1000.0),
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// A number of bytes as people say it.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if number < 1024 {
        return format!("{number} B");
    }
    let power = (number.ilog2() / 10).min(UNITS.len() as u32);
    let value = number as f64 / 1024f64.powi(power.cast_signed());
    format!("{value:.1} {}", UNITS[power as usize - 1])
}

/// A value in few characters: a real number with four digits that matter.
pub(crate) fn number(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "–".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(number) if number.is_f64() => digits(number.as_f64().unwrap_or(f64::NAN)),
        other => other.to_string(),
    }
}

/// Four digits that matter, without noughts at the end: `0.3265`, `12.5`, `1234000`, `1.2e-7`.
pub(crate) fn digits(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    if !(1e-4..1e15).contains(&size) {
        return format!("{value:.3e}");
    }
    let places = 3 - size.log10().floor() as i32;
    let text = format!("{value:.*}", places.max(0) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A number of things, the word in the singular where it is one.
pub(crate) fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// Milliseconds since 1970 as a date and time in UTC (days to civil date: H. Hinnant, "chrono-compatible
/// low-level date algorithms", 2013).
pub(crate) fn time(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    let days = (seconds / 86_400).cast_signed() + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// When a run began, by its name, in brackets behind it.
pub(crate) fn when(run: &str) -> String {
    let milliseconds = run.get(..13).and_then(|digits| digits.parse().ok());
    milliseconds.map(|milliseconds| format!(" ({})", time(milliseconds))).unwrap_or_default()
}

/// Foreign text without what could steer a terminal or turn the reading direction.
pub(crate) fn sanitised(text: &str) -> String {
    let steers = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates_in_utc() {
        assert_eq!(time(0), "1970-01-01 00:00:00");
        assert_eq!(time(951_782_400_000), "2000-02-29 00:00:00");
        assert_eq!(time(1_795_161_599_000), "2026-11-20 07:59:59");
    }

    #[test]
    fn bytes_are_said_in_powers_of_1024() {
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(5 << 30), "5.0 GiB");
        assert_eq!(bytes(u64::MAX), "16384.0 PiB");
    }

    #[test]
    fn numbers_are_shown_with_the_digits_that_matter() {
        for (value, text) in [(0.326_450_344, "0.3265"), (12.5, "12.5"), (0.7, "0.7"), (1_234.567, "1235"), (0.0, "0")]
        {
            assert_eq!(digits(value), text);
        }
        assert_eq!(digits(0.000_001_2), "1.200e-6");
        assert_eq!(digits(-0.05), "-0.05");
        assert_eq!(number(&serde_json::json!([0.1, 0.25])), "[0.1,0.25]");
    }

    #[test]
    fn text_cannot_steer_the_terminal() {
        assert_eq!(sanitised("a\u{1b}[31mb\u{202e}c\n"), "a\u{fffd}[31mb\u{fffd}c\n");
    }
}
