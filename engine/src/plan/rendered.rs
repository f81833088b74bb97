//! A text with params in it, laid over the text that it was before: which params were others then.

use std::ops::Range;

/// So many steps are enough for texts that people write; what takes more is not told.
const MOST_STEPS: usize = 20_000;

/// A part of a rendered text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// What is the same whatever the params are.
    Fixed(String),
    /// What a param fills.
    Param {
        /// The param.
        name: String,
        /// Its value now, as it stands in the text.
        now: String,
    },
}

/// A text and where in it params are.
#[derive(Debug)]
pub(super) struct Rendered {
    text: String,
    parts: Vec<Place>,
    params: Vec<(String, String)>,
}

/// A part, with params by their place in the list of params.
#[derive(Debug)]
enum Place {
    Fixed(Range<usize>),
    Param(usize, Range<usize>),
}

impl Rendered {
    pub(super) fn new(parts: Vec<Part>) -> Self {
        let mut rendered = Self { text: String::new(), parts: Vec::new(), params: Vec::new() };
        for part in parts {
            let start = rendered.text.len();
            match part {
                Part::Fixed(fixed) => {
                    rendered.text.push_str(&fixed);
                    let end = rendered.text.len();
                    match rendered.parts.last_mut() {
                        Some(Place::Fixed(last)) => last.end = end,
                        _ => rendered.parts.push(Place::Fixed(start..end)),
                    }
                }
                Part::Param { name, now } => {
                    rendered.text.push_str(&now);
                    let known = rendered.params.iter().position(|(other, _)| *other == name);
                    let index = known.unwrap_or_else(|| {
                        rendered.params.push((name, now));
                        rendered.params.len() - 1
                    });
                    rendered.parts.push(Place::Param(index, start..rendered.text.len()));
                }
            }
        }
        rendered
    }

    /// The whole text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The params in it with their values, in the order in which they first come.
    pub(super) fn params(&self) -> &[(String, String)] {
        &self.params
    }

    /// The params in it and where they are.
    pub(super) fn spans(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        self.parts.iter().filter_map(|part| match part {
            Place::Fixed(_) => None,
            Place::Param(index, span) => Some((self.params[*index].0.as_str(), span.clone())),
        })
    }

    /// The params that were others in the text of before: name, value before, value now. Nothing where other params
    /// alone do not make it that text, and where there are two ways to see it.
    pub(super) fn changed<'a>(&'a self, was: &'a str) -> Option<Vec<(&'a str, &'a str, &'a str)>> {
        let mut laid =
            Laid { over: self, was, found: vec![None; self.params.len()], best: None, tied: false, steps: 0 };
        laid.go(0, 0, 0);
        let Laid { best, tied, steps, .. } = laid;
        let (_, found) = best.filter(|_| !tied && steps <= MOST_STEPS)?;
        let changed = self.params.iter().zip(found).filter(|((_, now), was)| now != was);
        Some(changed.map(|((name, now), was)| (name.as_str(), was, now.as_str())).collect())
    }
}

/// A search for the fewest params that have to be others.
struct Laid<'a> {
    over: &'a Rendered,
    was: &'a str,
    /// What each param was, as far as it is decided.
    found: Vec<Option<&'a str>>,
    /// How many params have to be others, and what all of them were.
    best: Option<(usize, Vec<&'a str>)>,
    /// Whether there is another way with as few.
    tied: bool,
    steps: usize,
}

impl Laid<'_> {
    fn go(&mut self, part: usize, at: usize, others: usize) {
        self.steps += 1;
        if self.steps > MOST_STEPS || self.best.as_ref().is_some_and(|(best, _)| others > *best) {
            return;
        }
        let over = self.over;
        let rest = &self.was[at..];
        match over.parts.get(part) {
            None if rest.is_empty() => self.keep(others),
            Some(Place::Fixed(span)) if rest.starts_with(&over.text[span.clone()]) => {
                self.go(part + 1, at + span.len(), others);
            }
            None | Some(Place::Fixed(_)) => {}
            Some(Place::Param(index, _)) => match self.found[*index] {
                Some(value) if rest.starts_with(value) => self.go(part + 1, at + value.len(), others),
                Some(_) => {}
                None => self.try_values(part, *index, at, others),
            },
        }
    }

    /// Tries every end that a value can have, the value of now first.
    fn try_values(&mut self, part: usize, index: usize, at: usize, others: usize) {
        let (over, rest) = (self.over, &self.was[at..]);
        let now = over.params[index].1.as_str();
        let ends: Vec<usize> = match over.parts.get(part + 1) {
            None => vec![rest.len()],
            Some(Place::Fixed(span)) => rest.match_indices(&over.text[span.clone()]).map(|(end, _)| end).collect(),
            Some(Place::Param(..)) => rest.char_indices().map(|(end, _)| end).chain([rest.len()]).collect(),
        };
        let (same, other): (Vec<&str>, Vec<&str>) =
            ends.into_iter().map(|end| &rest[..end]).partition(|value| *value == now);
        for value in same.into_iter().chain(other.into_iter().filter(|value| alike(value, now))) {
            self.found[index] = Some(value);
            self.go(part + 1, at + value.len(), others + usize::from(value != now));
            self.found[index] = None;
        }
    }

    fn keep(&mut self, others: usize) {
        // Every param has a part, so each is decided at the end.
        let found: Vec<&str> = self.found.iter().flatten().copied().collect();
        match &self.best {
            Some((best, other)) if *best == others => self.tied |= *other != found,
            _ => (self.best, self.tied) = (Some((others, found)), false),
        }
    }
}

/// Whether a value can have been another value of a param: a text that was edited beside it must not pass for one.
fn alike(was: &str, now: &str) -> bool {
    let is_number = |text: &str| text.parse::<f64>().is_ok();
    let is_truth = |text: &str| text == "true" || text == "false";
    let has_space = |text: &str| text.contains(char::is_whitespace);
    (!is_number(now) || is_number(was)) && (!is_truth(now) || is_truth(was)) && (has_space(now) || !has_space(was))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(parts: &[&str]) -> Rendered {
        let part = |part: &&str| match part.split_once('=') {
            Some((name, now)) => Part::Param { name: name.to_owned(), now: now.to_owned() },
            None => Part::Fixed((*part).to_owned()),
        };
        Rendered::new(parts.iter().map(part).collect())
    }

    #[test]
    fn the_params_that_were_others_are_found() {
        let text = rendered(&["echo ", "lr=0.2", " ", "epochs=5", " ", "lr=0.2"]);
        assert_eq!(text.changed("echo 0.1 5 0.1"), Some(vec![("lr", "0.1", "0.2")]));
        assert_eq!(text.changed("echo 0.1 7 0.1"), Some(vec![("lr", "0.1", "0.2"), ("epochs", "7", "5")]));
        assert_eq!(text.changed("echo 0.1 5 0.3"), None, "one param has one value");
        assert_eq!(text.changed("print 0.1 5 0.1"), None);
    }

    #[test]
    fn what_can_be_seen_in_two_ways_or_was_edited_beside_a_param_is_not_told() {
        assert_eq!(rendered(&["a=x", "b=y"]).changed("zw"), None);
        assert_eq!(rendered(&["a=x", "b=y"]).changed("xw"), Some(vec![("b", "w", "y")]));
        assert_eq!(rendered(&["echo ", "word=hello"]).changed("echo hello more"), None);
        assert_eq!(rendered(&["echo ", "n=1"]).changed("echo x"), None);
    }

    #[test]
    fn a_text_that_would_take_forever_is_not_told() {
        let parts: Vec<String> = (0..30).map(|index| format!("p{index}=x")).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        assert_eq!(rendered(&parts).changed(&"y".repeat(200)), None);
    }
}
