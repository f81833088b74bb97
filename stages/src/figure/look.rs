//! The settings that all figures share: their width, their resolution and the words around them.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How wide a figure is printed: `single`, `double`, or a number of millimetres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Width {
    /// One column of a two-column page, 85 mm.
    Single,
    /// Both columns, 175 mm.
    Double,
    /// As a journal asks for.
    Millimetres(f64),
}

/// How finely the PNG of a figure is rasterised, in dots an inch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u16", into = "u16")]
pub struct Dpi(#[schemars(range(min = 50, max = 1200))] u16);

/// The words around a figure, and its sizes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look<'a> {
    /// What is drawn at the top.
    pub(crate) title: Option<&'a str>,
    /// What is set below.
    pub(crate) caption: Option<&'a str>,
    /// How wide it is.
    pub(crate) width: Width,
    /// How finely its PNG is rasterised.
    pub(crate) dpi: Dpi,
}

/// The narrowest and widest figure in millimetres: room for an axis, and a page in landscape.
const WIDTHS: (f64, f64) = (40.0, 400.0);

impl Width {
    /// One column, the default of small figures.
    pub(crate) fn single() -> Self {
        Self::Single
    }

    /// Both columns, the default of large figures.
    pub(crate) fn double() -> Self {
        Self::Double
    }

    /// The width in millimetres.
    pub(crate) fn millimetres(self) -> f64 {
        match self {
            Self::Single => 85.0,
            Self::Double => 175.0,
            Self::Millimetres(width) => width,
        }
    }
}

impl Serialize for Width {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Single => serializer.serialize_str("single"),
            Self::Double => serializer.serialize_str("double"),
            Self::Millimetres(width) => serializer.serialize_f64(*width),
        }
    }
}

impl<'de> Deserialize<'de> for Width {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WidthVisitor)
    }
}

struct WidthVisitor;

impl Visitor<'_> for WidthVisitor {
    type Value = Width;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(text, "`single`, `double` or {} to {} millimetres", WIDTHS.0, WIDTHS.1)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Width, E> {
        match text {
            "single" => Ok(Width::Single),
            "double" => Ok(Width::Double),
            other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
        }
    }

    fn visit_f64<E: Error>(self, width: f64) -> Result<Width, E> {
        if (WIDTHS.0..=WIDTHS.1).contains(&width) {
            return Ok(Width::Millimetres(width));
        }
        Err(E::invalid_value(serde::de::Unexpected::Float(width), &self))
    }

    fn visit_u64<E: Error>(self, width: u64) -> Result<Width, E> {
        self.visit_f64(width as f64)
    }

    fn visit_i64<E: Error>(self, width: i64) -> Result<Width, E> {
        self.visit_f64(width as f64)
    }
}

impl JsonSchema for Width {
    fn schema_name() -> Cow<'static, str> {
        "Width".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How wide a figure is printed: one column (85 mm), both (175 mm), or so many millimetres.",
            "anyOf": [
                { "type": "string", "enum": ["single", "double"] },
                { "type": "number", "minimum": WIDTHS.0, "maximum": WIDTHS.1 }
            ]
        })
    }
}

impl Default for Dpi {
    /// What printers ask for.
    fn default() -> Self {
        Self(300)
    }
}

impl Dpi {
    /// Dots an inch.
    pub(crate) fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for Dpi {
    type Error = String;

    fn try_from(dots: u16) -> Result<Self, String> {
        match dots {
            50..=1200 => Ok(Self(dots)),
            _ => Err(format!("{dots} dots an inch were asked for; 50 to 1200 can be had")),
        }
    }
}

impl From<Dpi> for u16 {
    fn from(dpi: Dpi) -> Self {
        dpi.0
    }
}

impl Look<'_> {
    /// A figure without words, for tests.
    #[cfg(test)]
    pub(crate) fn plain(width: Width) -> Self {
        Self { title: None, caption: None, width, dpi: Dpi::default() }
    }

    /// Begins a figure; `name` is what screen readers say where there is no title.
    pub(crate) fn begin(&self, name: &str) -> super::Figure {
        super::Figure::new(self.width.millimetres(), name, self.title, self.caption).at(self.dpi)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_names_or_millimetres() {
        let read = |text: &str| serde_json::from_str::<Width>(text).map_err(|error| error.to_string());
        assert_eq!(read("\"single\"").unwrap(), Width::Single);
        assert_eq!(read("88.9").unwrap(), Width::Millimetres(88.9));
        assert_eq!(serde_json::to_string(&read("180").unwrap()).unwrap(), "180.0");
        for wrong in ["\"page\"", "3", "-5", "true", "1e9"] {
            let error = read(wrong).unwrap_err();
            assert!(error.contains("`single`, `double` or 40 to 400 millimetres"), "{error}");
        }
    }

    #[test]
    fn resolutions_are_those_of_screens_and_printers() {
        assert_eq!(serde_json::from_str::<Dpi>("600").unwrap().get(), 600);
        let error = serde_json::from_str::<Dpi>("5").unwrap_err().to_string();
        assert!(error.contains("5 dots an inch were asked for; 50 to 1200 can be had"), "{error}");
    }
}
