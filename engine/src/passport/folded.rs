//! Keeps passports short: long values become their digest, the settings of many cells one entry.

use dgpipe_cache::Digest;
use serde_json::{Map, Value, json};

/// Longer values, in bytes of JSON, are shown by their digest.
const LONGEST_VALUE: usize = 400;
/// More different values are shown by their digest.
const MOST_VALUES: usize = 32;

/// A value as a passport shows it.
pub(super) fn folded(value: &Value) -> Value {
    let text = value.to_string();
    if text.len() <= LONGEST_VALUE { value.clone() } else { json!({ "bytes": text.len(), "digest": digest(&text) }) }
}

/// Different values, in the order in which they came.
pub(super) fn folded_list(values: &[&Value]) -> Value {
    if values.len() <= MOST_VALUES {
        return values.iter().map(|value| folded(value)).collect();
    }
    let text = serde_json::to_string(values).unwrap_or_default();
    json!({ "values": values.len(), "digest": digest(&text) })
}

/// Of several maps: what is the same in all of them, and the values of what is not.
pub(super) fn common_and_varying(maps: &[Map<String, Value>]) -> (Map<String, Value>, Map<String, Value>) {
    let (mut common, mut varying) = (Map::new(), Map::new());
    let mut names: Vec<&String> = maps.iter().flat_map(Map::keys).collect();
    names.sort();
    names.dedup();
    for name in names {
        let mut distinct: Vec<&Value> = Vec::new();
        for map in maps {
            let value = map.get(name).unwrap_or(&Value::Null);
            if !distinct.contains(&value) {
                distinct.push(value);
            }
        }
        match distinct.as_slice() {
            [value] => common.insert(name.clone(), folded(value)),
            several => varying.insert(name.clone(), folded_list(several)),
        };
    }
    (common, varying)
}

fn digest(text: &str) -> String {
    Digest::of(text.as_bytes()).short()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cells_share_is_said_once() {
        let map = |seed: u32| json!({ "epochs": 3, "seed": seed }).as_object().unwrap().clone();
        let (common, varying) = common_and_varying(&[map(1), map(2), map(1)]);
        assert_eq!(Value::from(common), json!({ "epochs": 3 }));
        assert_eq!(Value::from(varying), json!({ "seed": [1, 2] }));
    }

    #[test]
    fn long_values_and_long_lists_become_digests() {
        assert!(folded(&json!("x".repeat(1000)))["digest"].is_string());
        let numbers: Vec<Value> = (0..100).map(Value::from).collect();
        assert_eq!(folded_list(&numbers.iter().collect::<Vec<_>>())["values"], 100);
    }
}
