//! The one place that knows the YAML crate: text in, [`Node`] or [`Mistake`] out.

use serde_saphyr::{Options, Spanned};

use super::{Mistake, Node, Place, Texts, Value};

/// More than this is no pipeline file.
pub(super) const LARGEST: usize = 16 << 20;

/// Reads one of the texts. YAML 1.2 with anchors, aliases and merge keys; a duplicate key is a mistake.
pub fn parse(texts: &Texts, text: u32) -> Result<Node, Mistake> {
    let content = texts.get(text).map(|text| text.content.clone()).unwrap_or_default();
    if content.len() > LARGEST {
        return Err(too_large());
    }
    if content.trim().is_empty() {
        return Ok(Node::new(Value::Null, Place { text, start: 0, length: 0 }));
    }
    let spanned: Spanned<Value> =
        serde_saphyr::from_str_with_options(&content, options()).map_err(|error| mistake_of(&error, text, &content))?;
    Ok(Node::from(spanned).in_text(text))
}

pub(super) fn too_large() -> Mistake {
    Mistake::new("too-large", format!("the file is too large: a pipeline file has at most {LARGEST} bytes"))
}

/// `yes` is text here, so that it can be named as the mistake it usually is; limits keep hostile files cheap.
fn options() -> Options {
    let budget = serde_saphyr::budget! {
        max_nodes: 1_000_000,
        max_events: 4_000_000,
        max_depth: 64,
        max_aliases: 1_000,
    };
    serde_saphyr::options! { budget: budget, strict_booleans: true, with_snippet: false }
}

fn mistake_of(error: &serde_saphyr::Error, text: u32, content: &str) -> Mistake {
    let message = error.without_snippet().to_string();
    // The crate closes its messages with the place, which the frame shows better.
    let message = message.split(" at line ").next().unwrap_or(&message).trim_end_matches([':', ',', ' ']).to_owned();
    let message = message.trim_start_matches("error: ").to_owned();
    let duplicate = message.strip_prefix("duplicate mapping key: ").and_then(|rest| rest.split(", set ").next());
    // No key could tell them apart: JSON, in which configs are kept, has no such numbers.
    let message = message.replace(" rejected by the configured policy", " cannot stand in a pipeline");
    let mistake = match duplicate {
        Some(key) => Mistake::new("duplicate-key", format!("the key `{key}` is there twice"))
            .help("keep one of the two; YAML would silently forget the first"),
        None => Mistake::new("yaml-syntax", message),
    };
    let Some(location) = error.location() else { return mistake };
    let start = byte_of(content, location.line() as usize, location.column() as usize);
    let span = location.span();
    let length = span.byte_len().filter(|_| span.byte_offset() == Some(start as u64)).unwrap_or(1);
    let start = u32::try_from(start).unwrap_or(0);
    mistake.at(Place { text, start, length: u32::try_from(length).unwrap_or(1) }, "here")
}

/// The byte of a line and column, both counted from 1; the crate's own byte is missing for scanner errors.
fn byte_of(content: &str, line: usize, column: usize) -> usize {
    let before: usize = content.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = &content[before.min(content.len())..];
    let within: usize = rest.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
    (before + within).min(content.len().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<Node, Mistake> {
        let mut texts = Texts::default();
        let text = texts.add("a.yaml", content);
        parse(&texts, text)
    }

    #[test]
    fn places_point_at_the_bytes_of_values_and_keys() {
        let content = "a: { b: [1, two] }\n";
        let node = read(content).unwrap();
        let list = node.get("a").unwrap().get("b").unwrap().as_list().unwrap();
        let place = list[1].place;
        assert_eq!(&content[place.start as usize..][..place.length as usize], "two");
        let key = node.get("a").unwrap().as_map().unwrap()["b"].key;
        assert_eq!(&content[key.start as usize..][..key.length as usize], "b");
    }

    #[test]
    fn merge_keys_are_merged_and_own_keys_win() {
        let node = read("x: &x { a: 1, b: 2 }\ny: { <<: *x, b: 3 }\n").unwrap();
        let y = node.get("y").unwrap();
        assert_eq!(y.get("a").unwrap().value, Value::Integer(1));
        assert_eq!(y.get("b").unwrap().value, Value::Integer(3));
    }

    #[test]
    fn e1_a_duplicate_key_is_a_mistake_with_its_place() {
        let mistake = read("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!(mistake.code, "duplicate-key");
        assert_eq!(mistake.place.unwrap().0.start, 10);
    }

    #[test]
    fn e1_hostile_files_are_refused_and_never_panic() {
        let bomb = format!(
            "a0: &a0 [x,x]\n{}",
            (1..40).fold(String::new(), |text, n| {
                text + &format!("a{n}: &a{n} [*a{0},*a{0},*a{0},*a{0},*a{0},*a{0},*a{0}]\n", n - 1)
            })
        );
        for bad in [bomb.as_str(), &"[".repeat(100_000), "a: \u{0}", "a: 'unclosed", "a: b: c", "- a\nb: c"] {
            assert!(read(bad).is_err(), "{}", &bad[..bad.len().min(20)]);
        }
    }
}
