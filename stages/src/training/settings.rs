//! Settings that cannot hold nonsense: a config with a wrong number is refused before anything runs.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Samples per optimiser step, at least 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct BatchSize(u32);

impl BatchSize {
    /// The number of samples.
    pub fn get(self) -> usize {
        self.0 as usize
    }
}

impl Default for BatchSize {
    fn default() -> Self {
        Self(32)
    }
}

impl TryFrom<u32> for BatchSize {
    type Error = String;

    fn try_from(value: u32) -> Result<Self, String> {
        if value >= 2 { Ok(Self(value)) } else { Err(format!("a batch needs at least 2 samples, not {value}")) }
    }
}

impl From<BatchSize> for u32 {
    fn from(size: BatchSize) -> Self {
        size.0
    }
}

impl JsonSchema for BatchSize {
    fn schema_name() -> Cow<'static, str> {
        "BatchSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 2 })
    }
}

macro_rules! setting {
    ($(#[$doc:meta])* $name:ident, $default:literal, $what:literal, $schema:tt, |$value:ident| $fits:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(try_from = "f64", into = "f64")]
        pub struct $name(f64);

        impl $name {
            /// The number.
            pub fn get(self) -> f64 {
                self.0
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self($default)
            }
        }

        impl TryFrom<f64> for $name {
            type Error = String;

            fn try_from($value: f64) -> Result<Self, String> {
                if $fits { Ok(Self($value)) } else { Err(format!(concat!($what, ", not {}"), $value)) }
            }
        }

        impl From<$name> for f64 {
            fn from(setting: $name) -> Self {
                setting.0
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

setting!(
    /// The optimiser's step size, above 0.
    LearningRate, 1e-3, "a learning rate is a number above 0", { "type": "number", "exclusiveMinimum": 0 },
    |value| value.is_finite() && value > 0.0
);
setting!(
    /// Decoupled weight decay, 0 or more.
    WeightDecay, 0.01, "weight decay is 0 or more", { "type": "number", "minimum": 0 },
    |value| value.is_finite() && value >= 0.0
);
setting!(
    /// The share of outputs that training drops, from 0 (none) to below 1.
    Dropout, 0.2, "dropout is a share from 0 to below 1", { "type": "number", "minimum": 0, "exclusiveMaximum": 1 },
    |value| (0.0..1.0).contains(&value)
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused_in_words() {
        let message = |result: Result<(), serde_json::Error>| result.unwrap_err().to_string();
        let batch = serde_json::from_str::<BatchSize>("1").map(drop);
        assert!(message(batch).starts_with("a batch needs at least 2 samples, not 1"));
        let rate = serde_json::from_str::<LearningRate>("0").map(drop);
        assert!(message(rate).starts_with("a learning rate is a number above 0, not 0"));
        assert!(serde_json::from_str::<WeightDecay>("-1").is_err());
        assert!(serde_json::from_str::<Dropout>("1.0").is_err());
        assert!(serde_json::from_str::<Dropout>("0").unwrap().get() < 1e-12);
    }
}
