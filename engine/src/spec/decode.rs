//! Decodes a [`Node`] into a typed value, and keeps the place of what does not fit.

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, Unexpected, VariantAccess,
    Visitor,
};

use super::{Entry, Mistake, Node, Place, Value, nearest};

/// Decodes a node, or says what does not fit and where.
pub fn decode<T: DeserializeOwned>(node: &Node) -> Result<T, Mistake> {
    T::deserialize(NodeDeserializer(node)).map_err(|error| error.into_mistake(node.place))
}

/// Why a node does not decode.
#[derive(Clone, Debug)]
pub struct DecodeError {
    code: &'static str,
    message: String,
    help: Option<String>,
    place: Option<Place>,
    /// What was expected and what was found, for messages that name the key.
    types: Option<(String, String)>,
    key: Option<String>,
}

impl DecodeError {
    fn new(code: &'static str, message: String, help: Option<String>) -> Self {
        Self { code, message, help, place: None, types: None, key: None }
    }

    fn mismatch(code: &'static str, found: &Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let (expected, found) = (expectation(&expected.to_string()), unexpected(found));
        let message = format!("expected {expected}, found {found}");
        Self { types: Some((expected, found)), ..Self::new(code, message, None) }
    }

    /// Says under which key it happened; the innermost key is the one that is named.
    fn under(mut self, key: &str) -> Self {
        self.key.get_or_insert_with(|| key.to_owned());
        self
    }

    fn or_at(mut self, place: Place) -> Self {
        self.place.get_or_insert(place);
        self
    }

    fn into_mistake(self, outer: Place) -> Mistake {
        let message = match (self.types, self.key) {
            (Some((expected, found)), Some(key)) => format!("`{key}` takes {expected}, found {found}"),
            _ => self.message,
        };
        let mistake = Mistake::new(self.code, message).at(self.place.unwrap_or(outer), "here");
        if let Some(help) = self.help { mistake.help(help) } else { mistake }
    }
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DecodeError {}

fn names(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn suggestion(name: &str, known: &'static [&'static str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "nothing is expected here".to_owned(),
        None => format!("known are [{}]", names(known)),
    }
}

/// What serde expects, in a researcher's words.
fn expectation(expected: &str) -> String {
    match expected.trim_start_matches("a nonzero ").trim_start_matches("an ").trim_start_matches("a ") {
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" if expected.contains("nonzero") => {
            "a whole number above zero".to_owned()
        }
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number that is not negative".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "string" | "str" | "path string" => "text".to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        "sequence" => "a list".to_owned(),
        rest if rest.starts_with("struct ") => "a map".to_owned(),
        _ => expected.to_owned(),
    }
}

fn unexpected(found: &Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => format!("the truth value `{value}`"),
        Unexpected::Unsigned(value) => format!("the number `{value}`"),
        Unexpected::Signed(value) => format!("the number `{value}`"),
        Unexpected::Float(value) => format!("the number `{value}`"),
        Unexpected::Str(value) => format!("the text `{value}`"),
        Unexpected::Unit => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a map".to_owned(),
        other => other.to_string(),
    }
}

impl de::Error for DecodeError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::new("wrong-value", message.to_string(), None)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::mismatch("wrong-type", &found, expected)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::mismatch("wrong-value", &found, expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let message = format!("unknown key `{field}`");
        Self::new("unknown-key", message, Some(suggestion(field, expected)))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let message = format!("`{variant}` is none of [{}]", names(expected));
        let help = nearest(variant, expected.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        Self::new("wrong-value", message, help)
    }

    fn missing_field(field: &'static str) -> Self {
        let help = Some(format!("add `{field}:`"));
        Self::new("missing-key", format!("`{field}` is missing"), help)
    }
}

struct NodeDeserializer<'a>(&'a Node);

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let place = self.0.place;
        let result = match &self.0.value {
            Value::Null => visitor.visit_unit(),
            Value::Truth(value) => visitor.visit_bool(*value),
            Value::Integer(value) => match u64::try_from(*value) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_i64(*value),
            },
            Value::Number(value) => visitor.visit_f64(*value),
            Value::Text(value) => visitor.visit_str(value),
            Value::List(list) => visitor.visit_seq(List(list.iter())),
            Value::Map(map) => visitor.visit_map(Map { entries: map.iter(), next: None }),
        };
        result.map_err(|error| error.or_at(place))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let place = self.0.place;
        visitor.visit_newtype_struct(self).map_err(|error| error.or_at(place))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let place = self.0.place;
        let access = match &self.0.value {
            Value::Map(map) if map.len() == 1 => {
                let (name, entry) = map.first().expect("the map has one entry");
                Variant { name: name.clone(), content: Some(entry) }
            }
            Value::Text(name) => Variant { name: name.clone(), content: None },
            // `schedule: 3` is best answered by the list of variants, so the scalar is shown as a name.
            Value::Truth(_) | Value::Integer(_) | Value::Number(_) => {
                Variant { name: self.0.to_json().to_string(), content: None }
            }
            _ => return self.deserialize_any(visitor),
        };
        visitor.visit_enum(access).map_err(|error| error.or_at(place))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct List<'a>(std::slice::Iter<'a, Node>);

impl<'de> SeqAccess<'de> for List<'_> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        self.0.next().map(|node| seed.deserialize(NodeDeserializer(node))).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Map<'a> {
    entries: indexmap::map::Iter<'a, String, Entry>,
    next: Option<(&'a str, &'a Node)>,
}

impl<'de> MapAccess<'de> for Map<'_> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        let Some((key, entry)) = self.entries.next() else { return Ok(None) };
        self.next = Some((key, &entry.node));
        let deserializer: StrDeserializer<'_, DecodeError> = StrDeserializer::new(key);
        seed.deserialize(deserializer).map(Some).map_err(|error| error.or_at(entry.key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        let (key, node) = self.next.take().expect("serde asks for a value after its key");
        seed.deserialize(NodeDeserializer(node)).map_err(|error| error.under(key))
    }
}

struct Variant<'a> {
    name: String,
    content: Option<&'a Entry>,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = DecodeError;
    type Variant = Content<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content<'a>), DecodeError> {
        let deserializer: StrDeserializer<'_, DecodeError> = StrDeserializer::new(&self.name);
        Ok((seed.deserialize(deserializer)?, Content(self.content)))
    }
}

struct Content<'a>(Option<&'a Entry>);

impl Content<'_> {
    fn node(&self) -> Result<&Node, DecodeError> {
        self.0.map(|entry| &entry.node).ok_or_else(|| de::Error::custom("this choice needs a value"))
    }
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        match self.0 {
            Some(entry) if !entry.node.is_null() => Err(de::Error::custom("this choice takes no value")),
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(NodeDeserializer(self.node()?))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, DecodeError> {
        NodeDeserializer(self.node()?).deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        NodeDeserializer(self.node()?).deserialize_any(visitor)
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
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Schedule {
        Linear,
        Cosine,
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
}
