//! Decodes a [`Node`] into a typed value, and keeps the place of what does not fit.

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::gaps::Gaps;
use super::stand_in::StandIn;
use super::{DecodeError, Entry, Mistake, Node, Value};

/// How often a value is looked at for further mistakes.
const MOST: usize = 100;

/// Decodes a node, or says what does not fit first and where.
pub fn decode<T: DeserializeOwned>(node: &Node) -> Result<T, Mistake> {
    attempt(node, &Gaps::default()).map_err(|error| error.into_mistake(node.place))
}

/// Decodes a node, or says all that does not fit, and where.
///
/// A decoder stops at the first mistake. So it is asked again and again, each time with one gap more: what was wrong is
/// left out, and something stands in for what is missing. What is wrong only because of a gap is not reported.
pub fn decode_all<T: DeserializeOwned>(node: &Node) -> Result<T, Vec<Mistake>> {
    let (mut gaps, mut mistakes) = (Gaps::default(), Vec::new());
    for _ in 0..MOST {
        let error = match attempt(node, &gaps) {
            Ok(value) if mistakes.is_empty() => return Ok(value),
            Ok(_) => break,
            Err(error) => error,
        };
        let (path, filling) = (error.path(), error.filling());
        if !gaps.reach(&path) {
            mistakes.push(error.into_mistake(node.place));
        }
        if !gaps.add(path, filling) {
            break;
        }
    }
    Err(mistakes)
}

fn attempt<T: DeserializeOwned>(node: &Node, gaps: &Gaps) -> Result<T, DecodeError> {
    T::deserialize(NodeDeserializer { node, gaps: Some(gaps) })
}

#[derive(Clone, Copy)]
struct NodeDeserializer<'a> {
    node: &'a Node,
    gaps: Option<&'a Gaps>,
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let Self { node, gaps } = self;
        let result = match &node.value {
            Value::Null => visitor.visit_unit(),
            Value::Truth(value) => visitor.visit_bool(*value),
            Value::Integer(value) => match u64::try_from(*value) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_i64(*value),
            },
            Value::Number(value) => visitor.visit_f64(*value),
            Value::Text(value) => visitor.visit_str(value),
            Value::List(list) => visitor.visit_seq(List { nodes: list.iter().enumerate(), gaps }),
            Value::Map(map) => visitor.visit_map(Map::new(map.iter(), gaps)),
        };
        result.map_err(|error| error.or_at(node.place))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self).map_err(|error| error.or_at(self.node.place))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let access = match &self.node.value {
            Value::Map(map) if map.len() == 1 => {
                let (name, entry) = map.first().expect("the map has one entry");
                Variant { name: name.clone(), content: Some(entry), gaps: self.gaps }
            }
            Value::Text(name) => Variant { name: name.clone(), content: None, gaps: None },
            // `schedule: 3` is best answered by the list of variants, so the scalar is shown as a name.
            Value::Truth(_) | Value::Integer(_) | Value::Number(_) => {
                Variant { name: self.node.to_json().to_string(), content: None, gaps: None }
            }
            _ => return self.deserialize_any(visitor),
        };
        visitor.visit_enum(access).map_err(|error| error.or_at(self.node.place))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct List<'a> {
    nodes: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
    gaps: Option<&'a Gaps>,
}

impl<'de> SeqAccess<'de> for List<'_> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        let below = |index: usize| self.gaps.and_then(|gaps| gaps.below(&index.to_string()));
        let is_left = |(index, _): &(usize, &Node)| !below(*index).is_some_and(Gaps::is_gap);
        let Some((index, node)) = self.nodes.find(is_left) else { return Ok(None) };
        let element = seed.deserialize(NodeDeserializer { node, gaps: below(index) });
        element.map(Some).map_err(|error| error.within(&index.to_string()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.nodes.len())
    }
}

/// The entries of a map, then what stands in for others: so that a stand-in that does not fit hides no entry.
pub(super) struct Map<'a> {
    entries: indexmap::map::Iter<'a, String, Entry>,
    stand_ins: Vec<(&'a str, &'a Gaps)>,
    gaps: Option<&'a Gaps>,
    next: Option<Next<'a>>,
}

enum Next<'a> {
    Entry(&'a str, &'a Node),
    StandIn(&'a str, &'a Gaps),
}

impl<'a> Map<'a> {
    pub(super) fn new(entries: indexmap::map::Iter<'a, String, Entry>, gaps: Option<&'a Gaps>) -> Self {
        Self { entries, stand_ins: gaps.map(Gaps::stand_ins).unwrap_or_default(), gaps, next: None }
    }

    fn below(&self, key: &str) -> Option<&'a Gaps> {
        self.gaps.and_then(|gaps| gaps.below(key))
    }
}

impl<'de> MapAccess<'de> for Map<'_> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        let entry = loop {
            match self.entries.next() {
                Some((key, _)) if self.below(key).is_some_and(Gaps::is_gap) => {}
                entry => break entry,
            }
        };
        let (key, place) = match entry {
            Some((key, entry)) => {
                self.next = Some(Next::Entry(key, &entry.node));
                (key.as_str(), Some(entry.key))
            }
            None => {
                let Some((key, gaps)) = self.stand_ins.pop() else { return Ok(None) };
                self.next = Some(Next::StandIn(key, gaps));
                (key, None)
            }
        };
        let deserializer: StrDeserializer<'_, DecodeError> = StrDeserializer::new(key);
        let result = seed.deserialize(deserializer).map(Some).map_err(|error| error.under(key));
        result.map_err(|error| place.into_iter().fold(error, DecodeError::or_at))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        match self.next.take().expect("serde asks for a value after its key") {
            Next::Entry(key, node) => {
                let gaps = self.below(key);
                seed.deserialize(NodeDeserializer { node, gaps }).map_err(|error| error.under(key))
            }
            Next::StandIn(key, gaps) => seed.deserialize(StandIn(gaps)).map_err(|error| error.under(key)),
        }
    }
}

struct Variant<'a> {
    name: String,
    content: Option<&'a Entry>,
    gaps: Option<&'a Gaps>,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = DecodeError;
    type Variant = Content<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content<'a>), DecodeError> {
        let deserializer: StrDeserializer<'_, DecodeError> = StrDeserializer::new(&self.name);
        let variant = seed.deserialize(deserializer)?;
        let gaps = self.gaps.and_then(|gaps| gaps.below(&self.name));
        Ok((variant, Content { name: self.name, entry: self.content, gaps }))
    }
}

struct Content<'a> {
    name: String,
    entry: Option<&'a Entry>,
    gaps: Option<&'a Gaps>,
}

impl<'a> Content<'a> {
    fn node(&self) -> Result<NodeDeserializer<'a>, DecodeError> {
        let node = self.entry.map(|entry| NodeDeserializer { node: &entry.node, gaps: self.gaps });
        node.ok_or_else(|| de::Error::custom("this choice needs a value"))
    }
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        match self.entry {
            Some(entry) if !entry.node.is_null() => Err(de::Error::custom("this choice takes no value")),
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(self.node()?).map_err(|error| error.within(&self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.node()?.deserialize_any(visitor).map_err(|error| error.within(&self.name))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.node()?.deserialize_any(visitor).map_err(|error| error.within(&self.name))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::spec::{Texts, parse};

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only decoding is tested")]
    struct Config {
        epochs: u32,
        rate: f64,
        #[serde(default)]
        schedule: Option<Schedule>,
        #[serde(default)]
        layers: Vec<Layer>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only decoding is tested")]
    struct Layer {
        width: Width,
        kind: Kind,
    }

    #[derive(Debug, Deserialize)]
    #[serde(try_from = "u32")]
    struct Width;

    impl TryFrom<u32> for Width {
        type Error = String;

        fn try_from(width: u32) -> Result<Self, String> {
            if width.is_multiple_of(8) { Ok(Self) } else { Err(format!("{width} is no multiple of 8")) }
        }
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case", deny_unknown_fields)]
    #[expect(dead_code, reason = "only decoding is tested")]
    enum Kind {
        Plain,
        Dropout { rate: f64 },
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Schedule {
        Linear,
        Cosine,
    }

    /// Every mistake with the text at its place.
    fn all(content: &str) -> Vec<String> {
        let mut texts = Texts::default();
        let text = texts.add("a.yaml", content);
        let mistakes = decode_all::<Config>(&parse(&texts, text).unwrap()).unwrap_err();
        let shown = |mistake: Mistake| format!("{} ({})", mistake.message, texts.quote(mistake.place.unwrap().0));
        mistakes.into_iter().map(shown).collect()
    }

    fn mistake(content: &str) -> (String, String) {
        let mut texts = Texts::default();
        let text = texts.add("a.yaml", content);
        let mistake = decode::<Config>(&parse(&texts, text).unwrap()).unwrap_err();
        let quoted = texts.quote(mistake.place.unwrap().0).to_owned();
        (format!("{}: {} ({})", mistake.code, mistake.message, mistake.help.unwrap_or_default()), quoted)
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_place() {
        let (text, quoted) = mistake("epochs: 1\nrate: 2\nepoch: 3\n");
        assert_eq!(text, "unknown-key: unknown key `epoch` (did you mean `epochs`?)");
        assert_eq!(quoted, "epoch");
        let (text, quoted) = mistake("epochs: -1\nrate: 2\n");
        assert_eq!(text, "wrong-value: `epochs` takes a whole number that is not negative, found the number `-1` ()");
        assert_eq!(quoted, "-1");
        let (text, _) = mistake("epochs: 1\nrate: 2\nschedule: linaer\n");
        assert_eq!(text, "wrong-value: `linaer` is none of [`linear`, `cosine`] (did you mean `linear`?)");
        assert_eq!(mistake("epochs: 1\n").0, "missing-key: `rate` is missing (add `rate:`)");
    }

    #[test]
    fn whole_numbers_decode_as_real_ones_and_null_as_none() {
        let mut texts = Texts::default();
        let text = texts.add("a.yaml", "epochs: 1\nrate: 2\nschedule: null\n");
        let config: Config = decode(&parse(&texts, text).unwrap()).unwrap();
        assert!((config.rate - 2.0).abs() < f64::EPSILON);
        assert!(config.schedule.is_none());
    }

    #[test]
    fn all_that_does_not_fit_is_named() {
        let mistakes = all("epoch: 3\nrate: fast\nschedule: linaer\nraet: 1\n");
        assert_eq!(
            mistakes,
            [
                "unknown key `epoch` (epoch)",
                "`rate` takes a number, found the text `fast` (fast)",
                "`linaer` is none of [`linear`, `cosine`] (linaer)",
                "unknown key `raet` (raet)",
                "`epochs` is missing ()",
            ]
        );
    }

    #[test]
    fn mistakes_inside_of_lists_maps_and_choices_are_all_named() {
        let layers =
            "layers: [{ widht: 8, kind: { dropout: { raet: 1, rate: x } } }, { width: 7, kind: plain, d: 1 }, 3]";
        let mistakes = all(&format!("epochs: 1\n{layers}\n"));
        let messages: Vec<&str> = mistakes.iter().map(|mistake| mistake.rsplit_once(" (").unwrap().0).collect();
        assert_eq!(
            messages,
            [
                "unknown key `widht`",
                "unknown key `raet`",
                "`rate` takes a number, found the text `x`",
                "`width` is missing",
                "7 is no multiple of 8",
                "unknown key `d`",
                "`layers` takes a map, found the number `3`",
                "`rate` is missing",
            ]
        );
    }

    #[test]
    fn what_fits_decodes_the_same_with_all_mistakes_asked_for() {
        let mut texts = Texts::default();
        let text = texts.add("a.yaml", "epochs: 1\nrate: 2\n");
        assert_eq!(decode_all::<Config>(&parse(&texts, text).unwrap()).unwrap().epochs, 1);
    }
}
