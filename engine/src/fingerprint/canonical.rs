//! The one encoding of values that enter a key: lengths before variable parts, maps sorted, floats by their
//! shortest round-trip text, no locale.

use serde_json::Value;

/// Collects what is hashed.
#[derive(Default)]
pub(super) struct Canonical(Vec<u8>);

impl Canonical {
    pub(super) fn count(&mut self, count: usize) {
        self.0.extend_from_slice(&(count as u64).to_le_bytes());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(super) fn optional(&mut self, text: Option<&str>) {
        self.0.push(u8::from(text.is_some()));
        if let Some(text) = text {
            self.text(text);
        }
    }

    pub(super) fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.0.push(b'n'),
            Value::Bool(truth) => self.0.extend_from_slice(if *truth { b"t" } else { b"f" }),
            Value::Number(number) => {
                self.0.push(b'#');
                self.text(&number_text(number));
            }
            Value::String(text) => {
                self.0.push(b's');
                self.text(text);
            }
            Value::Array(list) => {
                self.0.push(b'l');
                self.count(list.len());
                list.iter().for_each(|value| self.value(value));
            }
            Value::Object(map) => {
                self.0.push(b'm');
                self.count(map.len());
                let mut keys: Vec<&String> = map.keys().collect();
                keys.sort_unstable();
                for key in keys {
                    self.text(key);
                    self.value(&map[key]);
                }
            }
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// A decoded config knows which fields are whole and which are real, so `1` and `1.0` in the same field are the
/// same already. Negative zero is zero: no stage type may tell them apart.
fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() && value == 0.0 => "0.0".to_owned(),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn encoded(value: &Value) -> Vec<u8> {
        let mut canonical = Canonical::default();
        canonical.value(value);
        canonical.into_bytes()
    }

    #[test]
    fn lengths_keep_neighbours_apart() {
        assert_ne!(encoded(&json!(["ab", "c"])), encoded(&json!(["a", "bc"])));
        assert_ne!(encoded(&json!([["a"], "b"])), encoded(&json!([["a", "b"]])));
    }

    #[test]
    fn types_are_kept_apart_and_spelling_is_not() {
        assert_ne!(encoded(&json!(1)), encoded(&json!("1")));
        assert_ne!(encoded(&json!(null)), encoded(&json!(false)));
        assert_eq!(encoded(&json!({"a": 1, "b": 0.1})), encoded(&json!({"b": 0.10, "a": 1})));
        assert_eq!(encoded(&json!(-0.0)), encoded(&json!(0.0)));
    }

    /// Reads an encoding back; what can be read back cannot be the encoding of two values.
    fn decoded(bytes: &mut &[u8]) -> Value {
        let (tag, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        match tag {
            b'n' => Value::Null,
            b't' | b'f' => json!(*tag == b't'),
            b'#' => serde_json::from_str(&text(bytes)).unwrap(),
            b's' => json!(text(bytes)),
            b'l' => (0..count(bytes)).map(|_| decoded(bytes)).collect(),
            b'm' => (0..count(bytes)).map(|_| (text(bytes), decoded(bytes))).collect(),
            other => panic!("no tag: {other}"),
        }
    }

    fn count(bytes: &mut &[u8]) -> usize {
        let (count, rest) = bytes.split_first_chunk().unwrap();
        *bytes = rest;
        u64::from_le_bytes(*count) as usize
    }

    fn text(bytes: &mut &[u8]) -> String {
        let length = count(bytes);
        let (text, rest) = bytes.split_at(length);
        *bytes = rest;
        str::from_utf8(text).unwrap().to_owned()
    }

    /// Values as configs have them, near one another, so that neighbours would meet if they could.
    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(|truth| json!(truth)),
            (-3_i64..300).prop_map(|number| json!(number)),
            prop_oneof![Just(1.0), Just(-0.0), Just(0.0), Just(0.1 + 0.2), any::<f64>()].prop_map(|real| json!(real)),
            "[abtf#1. \u{0}é]{0,3}".prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::vec(("[ab]{0,2}", inner), 0..4)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn c16_two_values_that_differ_never_meet_in_a_key(value in values()) {
            let bytes = encoded(&value);
            let mut rest = bytes.as_slice();
            // Maps are equal in any order, and so is zero with either sign.
            prop_assert_eq!(decoded(&mut rest), value);
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn c16_the_order_of_a_map_is_not_in_a_key(entries in prop::collection::btree_map("[ab]{0,2}", values(), 0..5)) {
            let forward: Value = Value::Object(entries.clone().into_iter().collect());
            let backward: Value = Value::Object(entries.into_iter().rev().collect());
            prop_assert_eq!(encoded(&forward), encoded(&backward));
        }
    }
}
