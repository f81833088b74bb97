//! Which classes phase 1 trains on.

use std::borrow::Cow;
use std::fmt;

use dgpipe_engine::stage::StageError;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::formats::Embeddings;
use crate::random::Random;

/// Classes by number, by name, or all: in pipeline files `1`, `[dog, house]`, `all`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClassChoice {
    /// So many, drawn at random among those that have items.
    Drawn(u32),
    /// These.
    Named(Vec<String>),
    /// Every class that has items.
    All,
}

impl Default for ClassChoice {
    fn default() -> Self {
        Self::Drawn(1)
    }
}

impl ClassChoice {
    /// The chosen classes as indices, in increasing order. Drawn by (seed, stream), purpose `class`.
    pub fn choose(&self, embeddings: &Embeddings, seed: u64, stream: &str) -> Result<Vec<usize>, StageError> {
        let classes = &embeddings.classes;
        let present: Vec<usize> = (0..classes.len()).filter(|&class| !embeddings.of_class(class).is_empty()).collect();
        match self {
            Self::All => Ok(present),
            Self::Drawn(count) if *count as usize > present.len() => {
                let what = format!("`classes` asks for {count} classes, but only {} have items", present.len());
                Err(StageError::new(what).hint("take fewer classes, or `all`"))
            }
            Self::Drawn(count) => {
                let drawn = Random::new(seed, stream, "class", 0).subset(present.len(), *count as usize);
                Ok(drawn.into_iter().map(|index| present[index]).collect())
            }
            Self::Named(names) => {
                let mut chosen = Vec::new();
                for name in names {
                    let index = classes.iter().position(|class| class == name);
                    let index = index.filter(|index| present.contains(index)).ok_or_else(|| {
                        let known: Vec<&str> = present.iter().map(|&class| classes[class].as_str()).collect();
                        StageError::new(format!(
                            "there are no items of class `{name}`; there are [{}]",
                            known.join(", ")
                        ))
                    })?;
                    chosen.push(index);
                }
                chosen.sort_unstable();
                chosen.dedup();
                Ok(chosen)
            }
        }
    }
}

impl Serialize for ClassChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Drawn(count) => serializer.serialize_u32(*count),
            Self::Named(names) => names.serialize(serializer),
            Self::All => serializer.serialize_str("all"),
        }
    }
}

impl<'de> Deserialize<'de> for ClassChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ChoiceVisitor)
    }
}

/// Written by hand, for the messages.
struct ChoiceVisitor;

impl<'de> Visitor<'de> for ChoiceVisitor {
    type Value = ClassChoice;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of classes, `all`, or a list of class names")
    }

    fn visit_u64<E: Error>(self, count: u64) -> Result<ClassChoice, E> {
        match u32::try_from(count) {
            Ok(count) if count > 0 => Ok(ClassChoice::Drawn(count)),
            _ => Err(E::custom(format!("{count} is no number of classes to train on"))),
        }
    }

    fn visit_i64<E: Error>(self, count: i64) -> Result<ClassChoice, E> {
        self.visit_u64(u64::try_from(count).unwrap_or(0))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ClassChoice, E> {
        match text {
            "all" => Ok(ClassChoice::All),
            name => Err(E::custom(format!("`{name}` is not `all`; a single class is written as a list, `[{name}]`"))),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<ClassChoice, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = list.next_element()? {
            names.push(name);
        }
        if names.is_empty() {
            Err(A::Error::custom("the list of classes is empty"))
        } else {
            Ok(ClassChoice::Named(names))
        }
    }
}

impl JsonSchema for ClassChoice {
    fn schema_name() -> Cow<'static, str> {
        "ClassChoice".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "oneOf": [
            { "type": "integer", "minimum": 1 },
            { "const": "all" },
            { "type": "array", "items": { "type": "string" }, "minItems": 1 }
        ] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embeddings() -> Embeddings {
        Embeddings {
            vectors: ndarray::Array2::zeros((4, 1)),
            labels: vec![0, 2, 2, 3],
            classes: ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
            ids: vec![String::new(); 4],
            digests: vec![String::new(); 4],
        }
    }

    #[test]
    fn a_choice_is_read_and_written_as_it_stands_in_pipeline_files() {
        for text in ["1", "3", "\"all\"", "[\"dog\",\"house\"]"] {
            let choice: ClassChoice = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&choice).unwrap(), text);
        }
        for bad in ["0", "-1", "\"dog\"", "[]", "1.5", "null"] {
            assert!(serde_json::from_str::<ClassChoice>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_classes_with_items_are_drawn_and_streams_differ() {
        let drawn = |stream: &str| ClassChoice::Drawn(1).choose(&embeddings(), 42, stream).unwrap()[0];
        let all: std::collections::BTreeSet<usize> = (0..40).map(|index| drawn(&format!("phase1/{index}"))).collect();
        assert_eq!(all, [0, 2, 3].into());
        assert_eq!(drawn("phase1/photo"), drawn("phase1/photo"));
        assert_eq!(ClassChoice::All.choose(&embeddings(), 1, "").unwrap(), [0, 2, 3]);
        assert!(
            ClassChoice::Drawn(4).choose(&embeddings(), 1, "").unwrap_err().to_string().contains("only 3 have items")
        );
    }

    #[test]
    fn a_class_without_items_is_refused_by_name() {
        let named = |name: &str| ClassChoice::Named(vec![name.to_owned()]).choose(&embeddings(), 1, "");
        assert_eq!(named("c").unwrap(), [2]);
        assert_eq!(named("b").unwrap_err().to_string(), "there are no items of class `b`; there are [a, c, d]");
    }
}
