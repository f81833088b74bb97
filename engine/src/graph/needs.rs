//! The scarce resources that a cell occupies while it executes, and other settings that never enter a key.

use std::time::Duration;

use serde::Deserialize;

use crate::spec::{Mistake, Node, decode};

/// What a cell occupies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Cores.
    pub cpu: u32,
    /// Graphics processors.
    pub gpu: u32,
    /// Bytes of memory.
    pub memory: u64,
}

impl Default for Needs {
    fn default() -> Self {
        Self { cpu: 1, gpu: 0, memory: 0 }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NeedsText {
    cpu: Option<u32>,
    gpu: Option<u32>,
    memory: Option<serde_json::Value>,
}

impl Needs {
    /// Reads `{ cpu: 1, gpu: 0, memory: 2GiB }`; what is not named is one core and nothing else.
    pub(super) fn read(node: &Node) -> Result<Self, Mistake> {
        let text: NeedsText = decode(node)?;
        let memory = match text.memory {
            None => 0,
            Some(value) => size(&value).ok_or_else(|| {
                Mistake::new("wrong-value", format!("`{value}` is not an amount of memory"))
                    .at(node.place, "here")
                    .help("write a number of bytes, or `512MiB`, `2GiB`, `2GB`")
            })?,
        };
        Ok(Self { cpu: text.cpu.unwrap_or(1), gpu: text.gpu.unwrap_or(0), memory })
    }
}

fn size(value: &serde_json::Value) -> Option<u64> {
    if let Some(bytes) = value.as_u64() {
        return Some(bytes);
    }
    size_of(value.as_str()?)
}

/// Reads a number of bytes, such as `512MiB`, `2GB` or `7`.
pub fn size_of(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text)?;
    let factor = match unit {
        "" | "B" => 1.0,
        "KB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        "TiB" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    Some((number * factor) as u64)
}

fn split_unit(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    Some((number, text[end..].trim()))
}

/// Reads `2h`, `90s`, `1h30m` or a number of seconds.
pub(super) fn duration(node: &Node) -> Result<Duration, Mistake> {
    let mistake = || {
        Mistake::new("wrong-value", format!("{} is not a duration", node.to_json()))
            .at(node.place, "here")
            .help("write a number of seconds, or `90s`, `15m`, `2h`, `1h30m`")
    };
    let json = node.to_json();
    let seconds = match json.as_f64() {
        Some(seconds) => seconds,
        None => compound(json.as_str().ok_or_else(mistake)?).ok_or_else(mistake)?,
    };
    if seconds > 0.0 && seconds < 1e10 { Ok(Duration::from_secs_f64(seconds)) } else { Err(mistake()) }
}

/// Reads `2h`, `90s`, `1h30m`, `30d`.
pub fn duration_of(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(compound(text)?).ok()
}

fn compound(text: &str) -> Option<f64> {
    let mut rest = text.trim();
    let mut seconds = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        let unit_end = rest[end..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| end + at);
        seconds += number
            * match rest[end..unit_end].trim() {
                "ms" => 1e-3,
                "s" => 1.0,
                "m" | "min" => 60.0,
                "h" => 3600.0,
                "d" => 86400.0,
                _ => return None,
            };
        rest = &rest[unit_end..];
    }
    Some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(compound("2h"), Some(7200.0));
        assert_eq!(compound("1h30m"), Some(5400.0));
        assert_eq!(compound("250ms"), Some(0.25));
        assert_eq!(compound("2 weeks"), None);
        assert_eq!(compound(""), None);
    }

    #[test]
    fn sizes_know_binary_and_decimal_units() {
        assert_eq!(size(&"2GiB".into()), Some(2 << 30));
        assert_eq!(size(&"1.5 KB".into()), Some(1500));
        assert_eq!(size(&7.into()), Some(7));
        assert_eq!(size(&"two".into()), None);
    }
}
