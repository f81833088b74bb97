//! A named value that an execution reports beside its outputs.

use serde::{Deserialize, Serialize};

/// The value of a metric. Numbers that are not finite are kept as text, so that nothing turns into zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Metric {
    /// A truth value.
    Truth(bool),
    /// A whole number.
    Count(i64),
    /// A finite real number.
    Number(f64),
    /// Anything else, such as a class's name, or `NaN`.
    Text(String),
}

impl From<bool> for Metric {
    fn from(value: bool) -> Self {
        Self::Truth(value)
    }
}

impl From<f64> for Metric {
    fn from(value: f64) -> Self {
        if value.is_finite() { Self::Number(value) } else { Self::Text(value.to_string()) }
    }
}

impl From<f32> for Metric {
    fn from(value: f32) -> Self {
        f64::from(value).into()
    }
}

impl From<usize> for Metric {
    fn from(value: usize) -> Self {
        Self::Count(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<i64> for Metric {
    fn from(value: i64) -> Self {
        Self::Count(value)
    }
}

impl From<String> for Metric {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&str> for Metric {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl std::fmt::Display for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Truth(value) => write!(f, "{value}"),
            Self::Count(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(value) => f.write_str(value),
        }
    }
}
