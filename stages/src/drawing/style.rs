//! The four styles of drawing, named as the four PACS domains.

use std::fmt;
use std::str::FromStr;

/// A manner of drawing; one per PACS domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Style {
    /// Visible brush strokes over a shifted palette.
    ArtPainting,
    /// Flat colours inside dark outlines.
    Cartoon,
    /// Shading, textured ground, shadow and grain.
    Photo,
    /// Thin dark lines on white paper.
    Sketch,
}

/// A name that is not one of the four styles.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown style `{name}`; the styles are [art_painting, cartoon, photo, sketch]")]
pub struct UnknownStyle {
    name: String,
}

impl Style {
    /// All styles, in alphabetical order of their names.
    pub const ALL: [Self; 4] = [Self::ArtPainting, Self::Cartoon, Self::Photo, Self::Sketch];

    /// The name of the PACS domain that this style stands in for.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ArtPainting => "art_painting",
            Self::Cartoon => "cartoon",
            Self::Photo => "photo",
            Self::Sketch => "sketch",
        }
    }

    /// The file extension that PACS uses for this domain, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::ArtPainting | Self::Cartoon | Self::Photo => "jpg",
            Self::Sketch => "png",
        }
    }
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Style {
    type Err = UnknownStyle;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|style| style.name() == name)
            .ok_or_else(|| UnknownStyle {
                name: name.to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_back_to_its_style() {
        for style in Style::ALL {
            assert_eq!(style.to_string().parse(), Ok(style));
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_list_of_styles() {
        let refusal = "oil".parse::<Style>().unwrap_err().to_string();
        assert_eq!(
            refusal,
            "unknown style `oil`; the styles are [art_painting, cartoon, photo, sketch]"
        );
    }

    #[test]
    fn styles_are_listed_alphabetically() {
        assert!(
            Style::ALL
                .windows(2)
                .all(|pair| pair[0].name() < pair[1].name())
        );
    }
}
