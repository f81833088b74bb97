//! What is wrong in a pipeline file, with the place and what to do about it.

use std::fmt;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use super::{Place, Texts};

/// The code of a mistake that only follows from another one, and is left out beside it.
pub const ECHO: &str = "broken-input";

/// One mistake in a pipeline file or on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// A stable name in kebab-case, such as `unknown-key`.
    pub code: &'static str,
    /// What is wrong: lower case, names in backticks, no final period.
    pub message: String,
    /// Where, and what to say at that place.
    pub place: Option<(Place, String)>,
    /// Further places, such as the first of two duplicates.
    pub also: Vec<(Place, String)>,
    /// What to do.
    pub help: Option<String>,
}

impl Mistake {
    /// A mistake without a place yet.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), place: None, also: Vec::new(), help: None }
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, place: Place, label: impl Into<String>) -> Self {
        self.place = Some((place, label.into()));
        self
    }

    /// Points at a further place.
    #[must_use]
    pub fn also(mut self, place: Place, label: impl Into<String>) -> Self {
        self.also.push((place, label.into()));
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Suggests the name among `known` that is nearest to `name`, or lists what there is.
    #[must_use]
    pub fn suggest<'a>(self, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        if let Some(near) = nearest(name, known.iter().copied()) {
            return self.help(format!("did you mean `{near}`?"));
        }
        match known.len() {
            0 => self,
            1..=24 => self.help(format!("known are [{}]", known.join(", "))),
            count => self.help(format!("{count} are known, among them [{}]", known[..24].join(", "))),
        }
    }
}

/// The candidate that a user most likely meant by `name`, where one is near enough.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |candidate: &str| strsim::damerau_levenshtein(name, candidate);
    let (distance, best) =
        candidates.into_iter().map(|candidate| (distance(candidate), candidate)).min_by_key(|pair| pair.0)?;
    let longer = name.chars().count().max(best.chars().count());
    // Numbers and single letters are all near one another, which helps nobody.
    let tells = longer > 1 && name.parse::<f64>().is_err();
    (tells && distance <= (longer / 3).max(1)).then_some(best)
}

/// All mistakes of a pipeline, with the texts they are in.
#[derive(Clone, Debug, Default)]
pub struct Mistakes {
    /// The mistakes, in the order of their places.
    pub list: Vec<Mistake>,
    /// The texts.
    pub texts: Texts,
}

impl Mistakes {
    /// Orders mistakes by place and drops repeated ones.
    pub fn new(mut list: Vec<Mistake>, texts: Texts) -> Self {
        list.sort_by_key(|mistake| mistake.place.as_ref().map(|(place, _)| *place));
        list.dedup();
        Self { list, texts }
    }

    /// Renders all mistakes with code frames.
    pub fn render(&self, color: bool, width: usize) -> String {
        let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(width).with_links(false);
        let mut text = String::new();
        for mistake in &self.list {
            let shown = Shown { mistake, frame: self.frame_of(mistake) };
            handler.render_report(&mut text, &shown).expect("writing to a string cannot fail");
        }
        text
    }

    fn frame_of(&self, mistake: &Mistake) -> Option<Frame> {
        let (first, _) = mistake.place.as_ref()?;
        let text = self.texts.get(first.text)?;
        // Places in other texts cannot stand in this frame; the message names them.
        let places = mistake.place.iter().chain(&mistake.also).filter(|(other, _)| other.text == first.text);
        Some(Frame::new(&text.name, &text.content, &places.cloned().collect::<Vec<_>>()))
    }
}

/// Lines longer than this, in bytes, are shown in part: a pipeline file may be one line of megabytes.
const LONGEST_LINE: usize = 400;
/// How much of such a line is shown before and behind the place.
const AROUND: usize = 120;
/// Longer messages, which quote the file, are cut.
const LONGEST_MESSAGE: usize = 2_000;

/// The text of a file around the places of a mistake, with these places in it.
#[derive(Debug)]
struct Frame {
    source: NamedSource<String>,
    labels: Vec<(usize, usize, String)>,
}

impl Frame {
    fn new(name: &str, content: &str, places: &[(Place, String)]) -> Self {
        let (mut text, mut labels, mut start) = (String::new(), Vec::new(), 0);
        for line in content.split_inclusive('\n') {
            let end = start + line.len();
            let here: Vec<_> =
                places.iter().filter(|(place, _)| (start..end).contains(&(place.start as usize))).collect();
            let first = here.iter().map(|(place, _)| place.start as usize - start).min().unwrap_or(0);
            let shown = if line.len() > LONGEST_LINE {
                line.floor_char_boundary(first.saturating_sub(AROUND))..line.ceil_char_boundary(first + AROUND)
            } else {
                0..line.len()
            };
            let (from, to) = (start + shown.start, start + shown.end);
            for (place, label) in here.into_iter().filter(|(place, _)| (from..to).contains(&(place.start as usize))) {
                let at = place.start as usize;
                // A place over several lines reaches on where nothing is left out.
                let most = if shown.end < line.len() { to - at } else { usize::MAX };
                labels.push((at - from + text.len(), (place.length.max(1) as usize).min(most), label.clone()));
            }
            text.push_str(&line[shown.clone()]);
            if shown.end < line.len() && line.ends_with('\n') {
                text.push('\n');
            }
            start = end;
        }
        // The end of the file is a place too.
        let at_end = places.iter().filter(|(place, _)| place.start as usize >= content.len());
        labels.extend(at_end.map(|(_, label)| (text.len(), 1, label.clone())));
        // The order of the mistake: the first is what the head of the frame names.
        labels.sort_by_key(|(_, _, label)| places.iter().position(|(_, other)| other == label));
        Self { source: NamedSource::new(visible(name), visible(&text)), labels }
    }
}

/// Foreign text without what could steer a terminal or turn the reading direction, every byte at its place.
fn visible(text: &str) -> String {
    let steers = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let stand_in = |c: char| match c.len_utf8() {
        _ if !steers(c) => c,
        1 => '?',
        2 => '¿',
        _ => '\u{fffd}',
    };
    text.chars().map(stand_in).collect()
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.list.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            if let Some((place, _)) = &mistake.place {
                write!(f, "{}: ", self.texts.describe(*place))?;
            }
            write!(f, "{} [{}]", mistake.message, mistake.code)?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// A mistake as miette wants to see it.
#[derive(Debug)]
struct Shown<'a> {
    mistake: &'a Mistake,
    frame: Option<Frame>,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = &self.mistake.message;
        let shown = &message[..message.floor_char_boundary(LONGEST_MESSAGE)];
        f.write_str(&visible(shown))?;
        if shown.len() < message.len() { f.write_str(" …") } else { Ok(()) }
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.mistake.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.mistake.help.as_ref().map(|help| Box::new(visible(help)) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.frame.as_ref().map(|frame| &frame.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let labels = &self.frame.as_ref()?.labels;
        let span =
            |(start, length, label): &(usize, usize, String)| LabeledSpan::new(Some(label.clone()), *start, *length);
        Some(Box::new(labels.iter().map(span)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_only_when_it_is_near() {
        assert_eq!(nearest("treshold", ["threshold", "epochs"]), Some("threshold"));
        assert_eq!(nearest("x", ["threshold", "epochs"]), None);
        assert_eq!(nearest("uess", ["uses", "for"]), Some("uses"));
        assert_eq!(nearest("3", ["1", "2"]), None);
        assert_eq!(nearest("42", ["43", "44"]), None);
    }
}
